"""Verifying the callback's address, and passive replies: what the bot answers is opened and judged."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests.sandbox.conftest import Desk
from tests.sandbox.test_callback_delivery import CRYPTO, HANG, Bot, bot

__all__ = ["bot"]


def reply(text: str) -> str:
    """A passive reply as wechatpy seals it."""
    return str(CRYPTO.encrypt_message(text, "nonce", "1700000000"))


async def test_an_address_that_gives_the_plain_text_back_is_verified(desk: Desk, bot: Bot) -> None:
    assert (await desk.do("state", method="GET"))["corp"]["verified"] is False
    answer = await desk.do("verify", {})

    assert (answer["ok"], answer["error"]) == (True, None)
    assert (await desk.do("state", method="GET"))["corp"]["verified"] is True
    assert set(bot.asked[0]) == {"msg_signature", "timestamp", "nonce", "echostr"}
    assert bot.pushes == []


async def test_the_echo_travels_encoded_and_needs_decoding_once(desk: Desk, bot: Bot) -> None:
    for _ in range(20):
        assert (await desk.do("verify", {}))["ok"]
        encoded = bot.line.split("echostr=")[1].split("&")[0]
        assert "+" not in encoded
        assert unquote(encoded) == bot.asked[-1]["echostr"]
    assert len({query["echostr"] for query in bot.asked}) == len({query["nonce"] for query in bot.asked}) == 20


@pytest.mark.parametrize("answer", ["", "success", '"1234567890123456"', 403, 500])
async def test_any_other_answer_verifies_nothing(desk: Desk, bot: Bot, answer: str | int) -> None:
    await desk.do("verify", {})
    bot.answers = [answer]

    told = await desk.do("verify", {})
    assert told["ok"] is False
    assert (str(answer) if isinstance(answer, int) else "明文") in told["error"]
    assert (await desk.do("state", method="GET"))["corp"]["verified"] is False


async def test_nobody_at_the_address_is_said_in_words(desk: Desk) -> None:
    desk.sandbox.pusher.url = "http://127.0.0.1:1/hook"
    told = await desk.do("verify", {})
    assert (told["ok"], "机器人启动了吗" in told["error"]) == (False, True)


async def test_an_answer_after_a_second_is_too_late(desk: Desk, bot: Bot) -> None:
    bot.answers = [HANG]
    bot.hang_s = 1.1
    told = await desk.do("verify", {})
    assert (told["ok"], told["ms"] >= 1000, "TimeoutError" in told["error"]) == (False, True, True)


async def test_a_sealed_reply_is_opened_for_the_guide(desk: Desk, bot: Bot) -> None:
    text = "<xml><MsgType>text</MsgType><Content>你好，小美</Content></xml>"
    bot.answers = [reply(text)]

    told = await desk.do("guides/xiaomei/say", {"text": "帮助"})
    assert (told["status"], told["reply"]) == (200, text)
    assert "<Content><![CDATA[帮助]]></Content>" in bot.pushes[0].plain


@pytest.mark.parametrize("answer", ["", "success"])
async def test_an_empty_reply_is_no_reply(desk: Desk, bot: Bot, answer: str) -> None:
    bot.answers = [answer]
    assert (await desk.do("guides/xiaomei/enter", {}))["reply"] == answer
    assert len(bot.pushes) == 1


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (reply("<xml/>").replace("<MsgSignature><![CDATA[", "<MsgSignature><![CDATA[0"), "签名不对"),
        (reply("<xml/>").replace("1700000000", "1700000001"), "签名不对"),
        ("<xml></xml>", "签名不对"),
        ("<xml><Encrypt>", "读不懂"),
    ],
)
async def test_a_spoilt_reply_is_said_to_be_one(desk: Desk, bot: Bot, spoilt: str, says: str) -> None:
    bot.answers = [spoilt]
    assert says in (await desk.do("guides/xiaomei/enter", {}))["reply"]


async def test_each_message_of_a_guide_has_a_number_of_its_own(desk: Desk, bot: Bot) -> None:
    keys = [(await desk.do("guides/xiaomei/say", {"text": "帮助"}))["key"] for _ in range(3)]
    assert len(set(keys)) == 3
    assert all(key.startswith("wecom_app:msg:73") for key in keys)
