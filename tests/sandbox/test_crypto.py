"""The sandbox's cipher: the fact sheet's vector, wechatpy's cipher both ways, and spoilt texts that it must refuse."""

from __future__ import annotations

import base64
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from wechatpy.crypto import PrpCrypto
from wechatpy.crypto.base import WeChatCipher
from wechatpy.enterprise.crypto import PrpCrypto as CorpCrypto
from wechatpy.utils import WeChatSigner

from sandbox.crypto import Seal, Unreadable

AES_KEY, TOKEN, CORP = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "sandboxToken", "ww0sandbox000001"
KEY = base64.b64decode(AES_KEY + "=")
RANDOM16 = b"0123456789abcdef"
# A worked example, cross-checked with the platform's own demo code.
MESSAGE = "<xml><MsgType>text</MsgType><Content>你好</Content></xml>"
ENCRYPTED = (
    "Q3stYC6hdFzMh9T8HCvyDNDn6jrpTZY3NrlrOC2quVzHuPiMiN8/CEHrxIEmnwuwr6jCem3df9ezFKDcwBMXdGbh8CDjfv11GK64oyAn"
    "+eSLykg1BSZ+zjh/Gb6Nhl8J"
)
SIGNATURE = "588f8b3eb83a0a78f3dfc3ae02d6f68173fdf05d"
TEXTS = ["", "a", "你好，小明🎉", "好" * 700, "]]>&lt;", "\x00\x01", *["x" * length for length in range(24, 34)]]


@pytest.fixture
def seal() -> Seal:
    """The sandbox's own, as it starts."""
    return Seal(TOKEN, AES_KEY, CORP)


def aes(data: bytes) -> str:
    """Encrypted as it is, padded by nobody."""
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(KEY[:16])).encryptor()
    return base64.b64encode(encryptor.update(data) + encryptor.finalize()).decode()


def parcel(
    message: bytes, *, length: int | None = None, receiver: bytes = CORP.encode(), pad: int | None = None
) -> str:
    """A cipher text that is right but for what the test spoils."""
    data = RANDOM16 + struct.pack(">I", len(message) if length is None else length) + message + receiver
    filling = 32 - len(data) % 32
    return aes(data + bytes([filling] * (filling - 1) + [filling if pad is None else pad]))


def test_the_sheets_vector_comes_out_to_the_letter(seal: Seal) -> None:
    assert len(MESSAGE.encode()) == 59
    assert seal.encrypt(MESSAGE, RANDOM16) == ENCRYPTED
    assert seal.decrypt(ENCRYPTED) == MESSAGE
    assert seal.sign("1700000000", "nonce1", ENCRYPTED) == SIGNATURE


def test_a_signature_fits_its_four_values_and_no_others(seal: Seal) -> None:
    right = (SIGNATURE, "1700000000", "nonce1", ENCRYPTED)
    assert seal.is_signed(*right)
    for place in range(4):
        assert not seal.is_signed(*[value + "0" if at == place else value for at, value in enumerate(right)])
    assert not seal.is_signed("签名", *right[1:])
    assert not Seal("otherToken", AES_KEY, CORP).is_signed(*right)


def test_wechatpys_signer_agrees_on_the_order_of_the_values(seal: Seal) -> None:
    for timestamp, nonce in (("1700000000", "nonce1"), ("9", "Z"), ("1", "z"), ("1700000000", "")):
        signer = WeChatSigner()
        signer.add_data(TOKEN, timestamp, nonce, ENCRYPTED)
        assert seal.sign(timestamp, nonce, ENCRYPTED) == signer.signature


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(len(text)))
def test_wechatpy_opens_what_the_sandbox_seals(seal: Seal, text: str) -> None:
    for crypto in (CorpCrypto(KEY), PrpCrypto(KEY)):
        assert crypto.decrypt(seal.encrypt(text), CORP) == text


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(len(text)))
def test_the_sandbox_opens_what_wechatpy_seals(seal: Seal, text: str) -> None:
    for crypto in (CorpCrypto(KEY), PrpCrypto(KEY)):
        assert seal.decrypt(crypto.encrypt(text, CORP).decode()) == text


def test_the_bare_cipher_of_wechatpy_sees_random_length_message_and_receiver(seal: Seal) -> None:
    data = WeChatCipher(KEY).decrypt(base64.b64decode(seal.encrypt("你好")))

    filling = data[-1]
    assert (len(data) % 32, 1 <= filling <= 32, data[-filling:]) == (0, True, bytes([filling]) * filling)
    assert data[16:-filling] == b"\x00\x00\x00\x06" + "你好".encode() + CORP.encode()


def test_the_same_message_is_never_sealed_the_same_way_twice(seal: Seal) -> None:
    assert len({seal.encrypt(MESSAGE) for _ in range(50)}) == 50


def test_the_parcel_of_these_tests_is_right_unless_spoilt(seal: Seal) -> None:
    assert seal.decrypt(parcel("你好".encode())) == "你好"


@pytest.mark.parametrize("pad", [0, 1, 31, 33, 255])
def test_a_padding_of_a_wrong_length_is_refused(seal: Seal, pad: int) -> None:
    with pytest.raises(Unreadable):
        seal.decrypt(parcel(b"x" * 10, pad=pad))


@pytest.mark.parametrize("length", [0, 1, 9, 11, 200, 2**31, 2**32 - 1])
def test_a_length_that_is_not_the_messages_is_refused(seal: Seal, length: int) -> None:
    with pytest.raises(Unreadable):
        seal.decrypt(parcel(b"x" * 10, length=length))


@pytest.mark.parametrize("receiver", ["", "ww", CORP[:-1], CORP + "1", "x" + CORP, CORP.upper(), "别人"])
def test_the_whole_receiver_must_fit(seal: Seal, receiver: str) -> None:
    with pytest.raises(Unreadable, match="another receiver"):
        seal.decrypt(parcel(b"x" * 10, receiver=receiver.encode()))


@pytest.mark.parametrize(
    "spoilt",
    ["", "AAAA", "not base64!", "签名", ENCRYPTED[:-4], ENCRYPTED[:64], ENCRYPTED + "\n", ENCRYPTED[4:]],
)
def test_a_cipher_text_cut_or_dirtied_is_refused(seal: Seal, spoilt: str) -> None:
    with pytest.raises(Unreadable):
        seal.decrypt(spoilt)


def test_a_message_that_is_no_utf8_is_refused(seal: Seal) -> None:
    with pytest.raises(Unreadable):
        seal.decrypt(parcel(b"\xff\xfe\xfd"))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Unreadable):
        Seal(TOKEN, "0" * 43, CORP).decrypt(ENCRYPTED)


@pytest.mark.parametrize("key", ["", "short", AES_KEY[:-4], AES_KEY + "ABCD"])
def test_a_key_that_is_not_43_characters_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"43 characters|padding|base64"):
        Seal(TOKEN, key, CORP)
