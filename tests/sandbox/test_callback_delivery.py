"""How callbacks reach a bot, seen by a receiver that opens them with wechatpy: patience, retries, silence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from wechatpy.enterprise.crypto import WeChatCrypto

from sandbox import callbacks
from tests.sandbox.conftest import Desk

CORP = "ww0sandbox000001"
CRYPTO = WeChatCrypto("sandboxToken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", CORP)
HANG = "hang"


@dataclass
class Push:
    """One callback as it arrived; `plain` is what wechatpy found in it after checking the signature."""

    query: dict[str, str]
    body: str
    plain: str

    @property
    def encrypted(self) -> str:
        """The cipher text."""
        found = re.search(r"<Encrypt><!\[CDATA\[(.+?)\]\]></Encrypt>", self.body)
        return found[1] if found else ""


@dataclass
class Bot:
    """Stands where the bot would; `answers` are statuses, texts or HANG, and 200 when none is left."""

    answers: list[Any] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    line: str = ""
    hang_s: float = 0.25

    async def take(self, request: web.Request) -> web.Response:
        """A callback."""
        query, body = dict(request.query), await request.text()
        plain = CRYPTO.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        self.pushes.append(Push(query, body, plain if isinstance(plain, str) else plain.decode()))
        return await self._answer("")

    async def verify(self, request: web.Request) -> web.Response:
        """A verification of the address."""
        query, self.line = dict(request.query), request.raw_path
        self.asked.append(query)
        parts = (query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"])
        return await self._answer(str(CRYPTO.check_signature(*parts)))

    async def _answer(self, text: str) -> web.Response:
        answer = self.answers.pop(0) if self.answers else text
        if answer == HANG:
            await asyncio.sleep(self.hang_s)
        return web.Response(status=answer) if isinstance(answer, int) else web.Response(text=answer)


@pytest.fixture
async def bot(desk: Desk) -> AsyncIterator[Bot]:
    """The receiver to which the sandbox pushes."""
    app, receiver = web.Application(), Bot()
    app.add_routes([web.get("/hook", receiver.verify), web.post("/hook", receiver.take)])
    async with TestServer(app) as server:
        desk.sandbox.pusher.url = str(server.make_url("/hook"))
        yield receiver


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of a tenth of a second; only what starts afterwards has it."""
    monkeypatch.setattr(callbacks, "TIMEOUT_S", 0.1)


async def add(desk: Desk, name: str = "小明🎉") -> str:
    """A new customer of xiaomei, told in full."""
    customer = str((await desk.do("customers", {"name": name}))["external_userid"])
    await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei", "state": "live"})
    await desk.settle()
    return customer


async def attempts(desk: Desk) -> list[tuple[int, int | None, str | None]]:
    """(number, status, error) of every push in the log."""
    items = (await desk.do("log", method="GET"))["items"]
    return [(item["attempt"], item["status"], item["error"]) for item in items if item["type"] == "callback"]


async def test_the_sandbox_waits_five_seconds_and_then_pauses_thrice() -> None:
    assert callbacks.TIMEOUT_S == 5.0
    assert callbacks.Pusher.__init__.__defaults__ == ((0.3, 0.6, 1.2),)


async def test_a_push_is_what_the_sheet_draws(desk: Desk, bot: Bot) -> None:
    customer = await add(desk)

    (push,) = bot.pushes
    assert set(push.query) == {"msg_signature", "timestamp", "nonce"}
    assert f"<ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID><![CDATA[1000002]]></AgentID>" in push.body
    for part in ("<MsgType><![CDATA[event]]>", "<Event><![CDATA[change_external_contact]]>", f"[{customer}]"):
        assert part in push.plain


@pytest.mark.usefixtures("impatient")
async def test_silence_is_given_up_and_tried_three_times_more(desk: Desk, bot: Bot) -> None:
    bot.answers = [HANG] * 4
    await add(desk)

    assert await attempts(desk) == [(number, None, "TimeoutError") for number in (1, 2, 3, 4)]
    assert len({push.plain for push in bot.pushes}) == 1


@pytest.mark.usefixtures("impatient")
async def test_silence_once_is_healed_by_the_first_retry(desk: Desk, bot: Bot) -> None:
    bot.answers = [HANG]
    await add(desk)

    assert await attempts(desk) == [(1, None, "TimeoutError"), (2, 200, None)]


async def test_every_retry_says_the_same_in_a_new_seal(desk: Desk, bot: Bot) -> None:
    bot.answers = [500, 403, 204]
    await add(desk)

    assert [status for _, status, _ in await attempts(desk)] == [500, 403, 204, 200]
    assert len({push.plain for push in bot.pushes}) == 1
    for part in ("msg_signature", "nonce"):
        assert len({push.query[part] for push in bot.pushes}) == 4
    assert len({push.encrypted for push in bot.pushes}) == 4


async def test_a_retry_carries_the_time_at_which_it_is_sent(desk: Desk, bot: Bot) -> None:
    desk.sandbox.pusher._pauses = (0.2, 0.0, 0.0)
    bot.answers = [500]
    customer = (await desk.do("customers", {"name": "王芳"}))["external_userid"]
    await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei"})
    while not bot.pushes:
        await asyncio.sleep(0.005)
    await desk.do("clock", {"advance_s": 100})
    await desk.settle()

    first, second = [int(push.query["timestamp"]) for push in bot.pushes]
    assert 99 <= second - first <= 102


async def test_a_bot_that_is_not_there_is_tried_four_times(desk: Desk) -> None:
    desk.sandbox.pusher.url = "http://127.0.0.1:1/hook"
    await add(desk)
    assert await attempts(desk) == [(number, None, "ClientConnectorError") for number in (1, 2, 3, 4)]


async def test_a_doubled_callback_is_no_retry(desk: Desk, bot: Bot) -> None:
    await desk.do("faults", {"callback": {"duplicate": 1, "copies": 2}}, method="PUT")
    await add(desk)

    assert await attempts(desk) == [(1, 200, None)] * 2
    assert (len({push.plain for push in bot.pushes}), len({push.encrypted for push in bot.pushes})) == (1, 2)


async def test_what_the_api_does_reaches_nobody(desk: Desk, bot: Bot) -> None:
    customer, pair = await add(desk), {"userid": "xiaomei"}
    pair["external_userid"] = customer
    made = await desk.api("externalcontact/add_corp_tag", {"group_name": "渠道", "tag": [{"name": "直播"}]})
    tag_id = made["tag_group"]["tag"][0]["id"]
    way = await desk.api("externalcontact/add_contact_way", {"type": 1, "scene": 2, "user": ["xiaomei"]})
    text = {"touser": "xiaomei", "msgtype": "text", "agentid": 1000002, "text": {"content": "你好"}}
    for path, body in (
        ("externalcontact/mark_tag", {**pair, "add_tag": [tag_id]}),
        ("externalcontact/mark_tag", {**pair, "remove_tag": [tag_id]}),
        ("externalcontact/remark", {**pair, "remark": "老客"}),
        ("externalcontact/edit_corp_tag", {"id": tag_id, "name": "直播间"}),
        ("externalcontact/del_corp_tag", {"tag_id": [tag_id]}),
        ("externalcontact/update_contact_way", {"config_id": way["config_id"], "state": "expo"}),
        ("externalcontact/del_contact_way", {"config_id": way["config_id"]}),
        ("message/send", text),
    ):
        assert await desk.code(path, body) == 0, path
    await desk.settle()
    assert len(bot.pushes) == 1

    await desk.do("guides/xiaomei/edit_customer", {"external_userid": customer, "remark": "熟客"})
    await desk.settle()
    assert len(bot.pushes) == 2
