"""The gate opens what WeCom seals, seals what WeCom opens, and answers everything else with one error."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
import xmltodict
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.channels.gate import Gate, GateError, find_encrypt
from bot.channels.wecom_translate import translate
from bot.channels.xml import XmlError
from bot.events import UnknownReceived
from tests.mutations import Mutator
from tests.sealing import AES_KEY, CORP_ID, TOKEN, Sealed, Sealer

PLAIN = "<xml><MsgType>text</MsgType><Content>你好</Content></xml>".encode()
SIGNATURE = "588f8b3eb83a0a78f3dfc3ae02d6f68173fdf05d"
ENCRYPTED = (
    "Q3stYC6hdFzMh9T8HCvyDNDn6jrpTZY3NrlrOC2quVzHuPiMiN8/CEHrxIEmnwuwr6jCem3df9ezFKDcwBMXdGbh8CDjfv11GK64oyAn"
    "+eSLykg1BSZ+zjh/Gb6Nhl8J"
)
QUERY = {"msg_signature": SIGNATURE, "timestamp": "1700000000", "nonce": "nonce1"}


@pytest.fixture
def gate() -> Gate:
    return Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id=CORP_ID)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer()


def refusal(gate: Gate, sealed: Sealed) -> tuple[int, str]:
    with pytest.raises(GateError) as caught:
        gate.open_body(sealed.body, sealed.query)
    return caught.value.status, caught.value.reason


def test_opens_the_protocols_own_vector(gate: Gate) -> None:
    assert gate.open(ENCRYPTED.encode(), QUERY) == PLAIN


def test_the_tests_sealer_makes_the_protocols_own_vector(sealer: Sealer) -> None:
    sealed = sealer.seal(PLAIN, salt=b"0123456789abcdef")
    assert (sealed.encrypted, sealed.query) == (ENCRYPTED, QUERY)


@pytest.mark.parametrize("size", [*range(0, 70), 2_048, 40_000])
def test_opens_what_wechatpy_seals(gate: Gate, size: int) -> None:
    plain = "x" * size
    outer = xmltodict.parse(WeChatCrypto(TOKEN, AES_KEY, CORP_ID).encrypt_message(plain, "n", "1700000000"))["xml"]
    query = {"msg_signature": outer["MsgSignature"], "timestamp": "1700000000", "nonce": "n"}
    assert gate.open(outer["Encrypt"].encode(), query) == plain.encode()


@pytest.mark.parametrize("size", range(0, 70))
def test_wechatpy_opens_what_the_gate_seals(gate: Gate, size: int) -> None:
    sealed = gate.seal("好" * size, "1700000000", "n")
    signature = xmltodict.parse(sealed)["xml"]["MsgSignature"]
    assert WeChatCrypto(TOKEN, AES_KEY, CORP_ID).decrypt_message(sealed, signature, "1700000000", "n") == "好" * size


def test_no_two_seals_are_alike(gate: Gate) -> None:
    assert len({gate.seal("same", "1700000000", "n") for _ in range(50)}) == 50


def test_an_empty_receiver_is_a_receiver() -> None:
    gate = Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id="")
    sealed = Sealer(receive_id="").seal(PLAIN)
    assert gate.open_body(sealed.body, sealed.query) == PLAIN
    assert refusal(gate, Sealer().seal(PLAIN)) == (401, "receiver")


def test_a_key_of_the_wrong_size_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="43"):
        Gate(token=TOKEN, encoding_aes_key=AES_KEY[:-8], receive_id=CORP_ID)


@pytest.mark.parametrize(
    ("body", "encrypted"),
    [
        (b"<xml><Encrypt>QUJD</Encrypt></xml>", b"QUJD"),
        (b"<xml><Encrypt>\n<![CDATA[QUJD]]>\n</Encrypt></xml>", b"QUJD"),
        (b"<Encrypt></Encrypt>", b""),
    ],
)
def test_finds_the_encrypted_text(body: bytes, encrypted: bytes) -> None:
    assert find_encrypt(body) == encrypted


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no_encrypt"),
        (b"<xml/>", "no_encrypt"),
        (b'{"encrypt":"QUJD"}', "no_encrypt"),
        (b"<xml><Encrypt>QUJD</xml>", "no_encrypt"),
        (b"</Encrypt><Encrypt>QUJD", "no_encrypt"),
        (b"<xml><Encrypt>QUJD</Encrypt><Encrypt>QUJD</Encrypt></xml>", "many_encrypt"),
        (b"<xml><Encrypt>QUJD</Encrypt><Encrypt a='1'>QUJD</Encrypt ></xml>", "many_encrypt"),
        (b"<xml><Encrypt><Encrypt>QUJD</Encrypt></xml>", "many_encrypt"),
    ],
)
def test_refuses_bodies_without_exactly_one_encrypt(body: bytes, reason: str) -> None:
    with pytest.raises(GateError) as caught:
        find_encrypt(body)
    assert (caught.value.status, caught.value.reason) == (400, reason)


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
@pytest.mark.parametrize("value", ["", "签名", "é" * 40, "\udc80", "\x00", SIGNATURE.upper(), "9" * 4_000])
def test_a_wrong_query_value_is_a_wrong_signature(gate: Gate, sealer: Sealer, name: str, value: str) -> None:
    sealed = sealer.seal(PLAIN)
    assert refusal(gate, sealed._replace(query={**sealed.query, name: value})) == (401, "signature")


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_a_missing_query_value_is_refused(gate: Gate, sealer: Sealer, name: str) -> None:
    sealed = sealer.seal(PLAIN)
    query = {key: value for key, value in sealed.query.items() if key != name}
    assert refusal(gate, sealed._replace(query=query)) == (400, "query")


def test_a_forged_timestamp_under_an_old_signature_is_refused(gate: Gate, sealer: Sealer) -> None:
    sealed = sealer.seal(PLAIN)
    assert refusal(gate, sealed._replace(query={**sealed.query, "timestamp": "1700000600"})) == (401, "signature")


@pytest.mark.parametrize("text", ["Q UJD", "QUJD\n", "QUJ-", "QUJD=", "QUJDR", "签名", "<a/>"])
def test_only_the_base64_alphabet_passes(gate: Gate, sealer: Sealer, text: str) -> None:
    body = f"<xml><Encrypt><![CDATA[{text}]]></Encrypt></xml>".encode()
    encrypted = find_encrypt(body).decode()
    with pytest.raises(GateError) as caught:
        gate.open_body(body, sealer.query(encrypted))
    assert caught.value.status == 400


@pytest.mark.parametrize("size", [0, 1, 16, 31, 33, 48])
def test_only_whole_blocks_pass(gate: Gate, sealer: Sealer, size: int) -> None:
    assert refusal(gate, sealer.sign(b"\x07" * size)) == (400, "block_size")


def padded(padding: bytes) -> bytes:
    data = b"0" * 16 + (5).to_bytes(4, "big") + b"hello" + CORP_ID.encode()
    filler = b"\x00" * ((-len(data) - len(padding)) % 32)
    return data + filler + padding


@pytest.mark.parametrize("padding", [b"\x00", b"\x21" * 33, b"\xff" * 32, b"\x02", b"\x01\x03\x03", b"\x20" * 31])
def test_padding_is_checked_to_the_last_byte(gate: Gate, sealer: Sealer, padding: bytes) -> None:
    assert refusal(gate, sealer.sign(sealer.encrypt_blocks(padded(padding)))) == (400, "padding")


@pytest.mark.parametrize("length", [len(PLAIN) + len(CORP_ID) + 1, 2**31, 2**32 - 1])
def test_the_length_field_is_bounded(gate: Gate, sealer: Sealer, length: int) -> None:
    assert refusal(gate, sealer.sign(sealer.encrypt(PLAIN, length=length))) == (400, "length")


def test_a_plaintext_shorter_than_its_head_is_refused(gate: Gate, sealer: Sealer) -> None:
    assert refusal(gate, sealer.sign(sealer.encrypt_blocks(b"\x20" * 32))) == (400, "length")


@pytest.mark.parametrize(
    "tail", [b"", b"ww0", CORP_ID.encode()[:-1], CORP_ID.encode() + b"1", b"\xff\xfe", b"ww0sandbox000002"]
)
def test_the_whole_receiver_is_compared(gate: Gate, sealer: Sealer, tail: bytes) -> None:
    assert refusal(gate, sealer.sign(sealer.encrypt(PLAIN, tail=tail))) == (401, "receiver")


@pytest.mark.parametrize("length", [0, len(PLAIN) - 1, len(PLAIN) + 1])
def test_a_shifted_length_moves_the_receiver(gate: Gate, sealer: Sealer, length: int) -> None:
    assert refusal(gate, sealer.sign(sealer.encrypt(PLAIN, length=length))) == (401, "receiver")


def test_another_token_or_key_opens_nothing(gate: Gate) -> None:
    assert refusal(gate, Sealer(token="otherToken").seal(PLAIN)) == (401, "signature")
    other = Sealer(aes_key=AES_KEY[::-1]).seal(PLAIN)
    assert refusal(gate, other)[0] in (400, 401)


def test_noise_under_a_good_signature_is_refused(gate: Gate, sealer: Sealer) -> None:
    dice = random.Random(3)
    statuses = {refusal(gate, sealer.sign(dice.randbytes(32 * dice.randint(1, 6))))[0] for _ in range(2_000)}
    assert statuses <= {400, 401}


def test_five_thousand_mutants_raise_nothing_but_the_two_errors(gate: Gate, sealer: Sealer) -> None:
    ends: Counter[str] = Counter()
    intact: Counter[bool] = Counter()
    now = datetime.now(UTC)
    for mutant in itertools.islice(Mutator(7, sealer, time.time), 5_000):
        try:
            event = translate(gate.open_body(mutant.body, mutant.query), received_at=now)
        except (GateError, XmlError) as error:
            ends[type(error).__name__] += 1
            assert mutant.how != "intact"
            continue
        ends["unknown" if isinstance(event, UnknownReceived) else "known"] += 1
        intact[mutant.how == "intact" and isinstance(event, UnknownReceived)] += 1
    assert intact[True] == 0
    assert all(ends[name] > 100 for name in ("GateError", "XmlError", "unknown", "known"))
