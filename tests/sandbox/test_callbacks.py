"""Callbacks as WeCom pushes them: sealed anew each time, retried, lost, doubled and shuffled on demand."""

from __future__ import annotations

import pytest
from wechatpy.enterprise.crypto import WeChatCrypto

from sandbox.crypto import Seal, Unreadable
from tests.sandbox.conftest import Desk

OPTIONS = ("sandboxToken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "ww0sandbox000001")


async def test_a_join_is_told_once_with_its_channel(desk: Desk) -> None:
    customer, code = await desk.joined()

    (plain,) = desk.receiver.plains
    assert f"<ExternalUserID><![CDATA[{customer}]]>" in plain
    assert "<State><![CDATA[live]]>" in plain
    assert "<FromUserName><![CDATA[sys]]>" in plain
    assert code


async def test_what_is_not_acknowledged_is_told_three_more_times_and_sealed_anew(desk: Desk) -> None:
    desk.receiver.answers = [503, 503, 503, 503, 503, 503]
    await desk.do("customers/" + (await desk.do("customers", {"name": "王芳"}))["external_userid"] + "/scan",
                  {"userid": "xiaomei"})  # fmt: skip
    await desk.settle()

    assert len(desk.receiver.got) == 4
    assert len(set(desk.receiver.plains)) == 1
    assert len({query["msg_signature"] for query, _ in desk.receiver.got}) == 4
    assert len({query["nonce"] for query, _ in desk.receiver.got}) == 4


async def test_an_acknowledgement_ends_the_retries(desk: Desk) -> None:
    desk.receiver.answers = [500, 200]
    await desk.joined()

    assert len(desk.receiver.got) == 2


async def test_faults_double_lose_and_shuffle_as_told(desk: Desk) -> None:
    await desk.do("faults", {"callback": {"duplicate": 1, "copies": 3}}, method="PUT")
    await desk.joined(name="两遍")
    assert 2 <= len(desk.receiver.got) <= 3
    assert len(set(desk.receiver.plains)) == 1

    await desk.do("faults", {"callback": {"lose": 1}}, method="PUT")
    told = len(desk.receiver.got)
    customer = (await desk.do("customers", {"name": "丢了"}))["external_userid"]
    await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei"})
    await desk.settle()
    assert len(desk.receiver.got) == told
    log = await desk.do("log?limit=5000", method="GET")
    assert [item["fault"] for item in log["items"] if item["type"] == "fault"] == ["lose"]


async def test_a_window_of_reordering_keeps_everything(desk: Desk) -> None:
    await desk.do("faults", {"callback": {"reorder": 8}, "seed": 3}, method="PUT")
    names = [f"顾客{number}" for number in range(8)]
    order = []
    for name in names:
        customer = (await desk.do("customers", {"name": name}))["external_userid"]
        order.append(customer)
        await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei"})
    await desk.settle()

    arrived = [next(c for c in order if c in plain) for plain in desk.receiver.plains]
    assert sorted(arrived) == sorted(order)
    assert arrived != order


async def test_a_forged_signature_comes_beside_the_true_one(desk: Desk) -> None:
    await desk.do("faults", {"callback": {"bad_signature": 1}}, method="PUT")
    await desk.joined()
    seal = desk.sandbox.pusher.seal

    signatures = [query["msg_signature"] for query, _ in desk.receiver.got]
    assert len(signatures) == 2
    assert seal.token not in str(desk.receiver.got)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"callback": {"dupe": 1}}, "callback.dupe"),
        ({"callback": {"lose": 2}}, "callback.lose"),
        ({"api": {"slow": -1}}, "api.slow"),
    ],
)
async def test_a_fault_that_is_none_is_refused_by_name(desk: Desk, fault: dict[str, object], named: str) -> None:
    answer = await desk.do("faults", fault, method="PUT", status=422)

    assert answer["error"]["field"] == named


async def test_a_group_of_faults_replaces_itself_and_leaves_the_other(desk: Desk) -> None:
    await desk.do("faults", {"callback": {"lose": 0.5}, "api": {"busy": 0.25}}, method="PUT")
    shown = await desk.do("faults", {"callback": {"late": 0.1}}, method="PUT")

    assert (shown["callback"]["lose"], shown["callback"]["late"], shown["api"]["busy"]) == (0.0, 0.1, 0.25)


async def test_the_next_call_fails_as_scripted_and_only_that(desk: Desk) -> None:
    await desk.api("getcallbackip")
    await desk.do("faults/next", {"path": "getcallbackip", "fault": "busy"})

    assert await desk.code("getcallbackip") == -1
    assert await desk.code("getcallbackip") == 0


async def test_a_revoked_token_is_refused_at_once(desk: Desk) -> None:
    await desk.api("getcallbackip")
    await desk.do("faults/next", {"path": "getcallbackip", "fault": "revoke"})

    assert await desk.code("getcallbackip") in (40014, 42001)
    desk.token = ""
    assert await desk.code("getcallbackip") == 0


async def test_the_same_seed_throws_the_same_dice(desk: Desk) -> None:
    async def thrown() -> list[int]:
        await desk.do("faults", {"api": {"busy": 0.5}, "seed": 42}, method="PUT")
        return [await desk.code("getcallbackip") for _ in range(20)]

    await desk.api("getcallbackip")
    first = await thrown()
    assert await thrown() == first
    assert len(set(first)) == 2


@pytest.mark.parametrize("text", ["", "你好，小明🎉", "]]>", "<xml>&amp;</xml>", "好" * 700])
def test_two_implementations_of_the_cipher_open_each_others(text: str) -> None:
    seal, theirs = Seal(*OPTIONS), WeChatCrypto(OPTIONS[0], OPTIONS[1], OPTIONS[2])
    plain = f"<xml><Content><![CDATA[{text.replace(']]>', '')}]]></Content></xml>"
    encrypted = seal.encrypt(plain)
    signature = seal.sign("1700000000", "nonce", encrypted)
    body = f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"

    opened = theirs.decrypt_message(body, signature, "1700000000", "nonce")
    assert (opened if isinstance(opened, str) else opened.decode()) == plain

    answer = theirs.encrypt_message(plain, "nonce", "1700000000")
    inside = answer.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    assert seal.decrypt(inside) == plain


@pytest.mark.parametrize("spoilt", ["", "AAAA", "not base64!", "A" * 44])
def test_what_cannot_be_opened_is_one_kind_of_error(spoilt: str) -> None:
    with pytest.raises(Unreadable):
        Seal(*OPTIONS).decrypt(spoilt)


def test_a_reply_for_another_receiver_is_not_opened() -> None:
    other = Seal(OPTIONS[0], OPTIONS[1], "ww2")
    with pytest.raises(Unreadable, match="another receiver"):
        Seal(*OPTIONS).decrypt(other.encrypt("x"))
