"""The AI bot's WebSocket: windows, limits and refusals as document 101463 has them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.app import Sandbox
from tests.chaos.processes import free_port
from tests.doors.house import serving
from tests.sandbox.aibot_desk import Client, sandbox_for

CARD = {"card_type": "button_interaction", "main_title": {"title": "选"}, "task_id": "t1",
        "button_list": [{"text": "甲", "key": "a", "style": 1}]}  # fmt: skip


class Desk:
    """The sandbox, and clients of its WebSocket."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, base: str) -> None:
        self.sandbox, self.session, self.base = sandbox, session, base

    async def do(self, path: str, status: int = 200, **body: Any) -> Any:
        async with self.session.post(f"{self.base}/__sandbox/aibot/{path}", json=body) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def open(self, *, subscribed: bool = True, path: str = "/aibot/ws") -> Client:
        client = Client(await self.session.ws_connect(self.base + path))
        if subscribed:
            options = self.sandbox.options
            assert (
                await client.code("aibot_subscribe", {"bot_id": options.aibot_id, "secret": options.aibot_secret}) == 0
            )
        return client

    async def asked(self, client: Client, text: str = "帮助", **more: Any) -> str:
        """Somebody asks; the req_id."""
        await self.do("say", userid="xiaomei", text=text, **more)
        return str((await client.callback())["headers"]["req_id"])

    def shown(self, chatid: str = "xiaomei") -> list[str]:
        return [m["text"] for m in self.sandbox.world.aibot.chats[chatid]["messages"] if m["from"] == "bot"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    port = free_port()
    sandbox = sandbox_for(port, 9, "websocket")
    async with serving(sandbox.app(), port), aiohttp.ClientSession() as session:
        yield Desk(sandbox, session, f"http://127.0.0.1:{port}")


def stream(content: str, *, finish: bool = True, of: str = "s1") -> dict[str, Any]:
    return {"msgtype": "stream", "stream": {"id": of, "finish": finish, "content": content}}


def markdown(content: str = "好", chatid: str = "xiaomei", kind: int = 1) -> dict[str, Any]:
    return {"chatid": chatid, "chat_type": kind, "msgtype": "markdown", "markdown": {"content": content}}


async def test_nothing_is_done_before_subscribing(desk: Desk) -> None:
    client = await desk.open(subscribed=False, path="/")
    assert await client.code("ping") == 846609
    assert await client.code("aibot_send_msg", markdown()) == 846609
    assert await client.code("aibot_subscribe", {"bot_id": "x", "secret": "y"}) == 853000
    assert not (await desk.do("say", userid="xiaomei", text="在吗"))["delivered"]


async def test_the_newer_connection_wins_and_the_older_is_told(desk: Desk) -> None:
    older, newer = await desk.open(), await desk.open()
    bye = await older.callback()
    assert bye["body"]["event"] == {"eventtype": "disconnected_event"}
    assert "from" not in bye["body"]
    assert (await older.socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert await newer.code("ping") == 0
    await desk.asked(newer)


async def test_a_group_message_carries_its_mention_and_chat(desk: Desk) -> None:
    client = await desk.open()
    quote = {"msgtype": "text", "text": {"content": "原话"}}
    await desk.do("say", userid="xiaomei", text="积分", chatid="wrk1", quote=quote)
    body = (await client.callback())["body"]
    assert (body["chattype"], body["chatid"], body["from"]) == ("group", "wrk1", {"userid": "xiaomei"})
    assert body["text"]["content"].startswith("@")
    assert body["quote"] == quote


async def test_a_stream_grows_and_its_end_is_the_end(desk: Desk) -> None:
    client = await desk.open()
    req_id = await desk.asked(client)
    for content, finish in (("<think>想</think>", False), ("答", False), ("答案", True), ("答案", True)):
        assert await client.code("aibot_respond_msg", stream(content, finish=finish), req_id) == 0
    assert desk.shown() == ["答案"]
    assert await client.code("aibot_respond_msg", stream("改口"), req_id) == 846608


async def test_a_stream_lives_six_minutes(desk: Desk) -> None:
    client = await desk.open()
    req_id = await desk.asked(client)
    assert await client.code("aibot_respond_msg", stream("一", finish=False), req_id) == 0
    desk.sandbox.clock.advance(361)
    assert await client.code("aibot_respond_msg", stream("二"), req_id) == 846608


async def test_a_question_may_be_answered_for_a_day(desk: Desk) -> None:
    client = await desk.open()
    req_id = await desk.asked(client)
    desk.sandbox.clock.advance(24 * 3600 - 5)
    assert await client.code("aibot_respond_msg", stream("还来得及"), req_id) == 0
    desk.sandbox.clock.advance(60)
    assert await client.code("aibot_respond_msg", stream("晚了", of="s2"), req_id) == 846604
    assert await client.code("aibot_respond_msg", stream("谁问的", of="s3"), "no-such") == 846605
    assert await client.code("aibot_send_msg", markdown()) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"msgtype": "text", "text": {"content": "x"}}, 40008),
        ({"msgtype": "stream"}, 40058),
        ({"msgtype": "stream", "stream": {"finish": True, "content": "x"}}, 40058),
        (stream("好" * 6827), 45002),
        ({"msgtype": "markdown", "markdown": {"content": ""}}, 44004),
        ({"msgtype": "template_card", "template_card": {"card_type": "x"}}, 42027),
        ({"msgtype": "template_card", "template_card": {**CARD, "task_id": ""}}, 42014),
        ({"msgtype": "template_card", "template_card": {**CARD, "button_list": []}}, 42017),
    ],
)  # fmt: skip
async def test_a_wrong_answer_is_refused(desk: Desk, body: dict[str, Any], code: int) -> None:
    client = await desk.open()
    req_id = await desk.asked(client)
    assert await client.code("aibot_respond_msg", body, req_id) == code
    assert desk.shown() == []


async def test_thirty_messages_a_minute_to_one_chat(desk: Desk) -> None:
    client = await desk.open()
    await desk.asked(client)
    await desk.asked(client, chatid="wrk1")
    codes = [await client.code("aibot_send_msg", markdown(str(n))) for n in range(31)]
    assert codes == [0] * 30 + [45009]
    assert await client.code("aibot_send_msg", markdown(chatid="wrk1", kind=2)) == 0  # another chat
    desk.sandbox.clock.advance(61)
    assert await client.code("aibot_send_msg", markdown()) == 0


async def test_nobody_is_written_to_who_never_wrote(desk: Desk) -> None:
    client = await desk.open()
    assert await client.code("aibot_send_msg", markdown(chatid="aqiang")) == 846610
    await desk.asked(client)
    assert await client.code("aibot_send_msg", markdown(kind=2)) == 40058


async def test_a_welcome_has_five_seconds_and_one_try(desk: Desk) -> None:
    client = await desk.open()
    hello = {"msgtype": "text", "text": {"content": "你好"}}
    for wait_s, codes in ((0, [0, 846604]), (6, [846604, 846604])):
        await desk.do("enter", userid="xiaomei")
        req_id = (await client.callback())["headers"]["req_id"]
        desk.sandbox.clock.advance(wait_s)
        assert [await client.code("aibot_respond_welcome_msg", hello, req_id) for _ in range(2)] == codes
    asked = await desk.asked(client)
    assert await client.code("aibot_respond_welcome_msg", hello, asked) == 846605


async def test_a_card_is_clicked_and_updated_once(desk: Desk) -> None:
    client = await desk.open()
    req_id = await desk.asked(client)
    assert await client.code("aibot_respond_msg", {"msgtype": "template_card", "template_card": CARD}, req_id) == 0
    await desk.do("card_click", userid="xiaomei", task_id="t1", key="b", status=422)
    await desk.do("card_click", userid="xiaomei", task_id="t1", key="a")
    clicked = await client.callback()
    assert clicked["body"]["event"]["template_card_event"]["event_key"] == "a"
    update = {"response_type": "update_template_card", "template_card": {**CARD, "replace_text": "已选"}}
    wrong = {**update, "template_card": {**CARD, "task_id": "t2"}}
    codes = [await client.code("aibot_respond_update_msg", body, clicked["headers"]["req_id"])
             for body in (wrong, update, update)]  # fmt: skip
    assert codes == [42014, 0, 846604]
    await desk.do("card_click", userid="xiaomei", task_id="t1", key="a", status=409)


async def test_wrong_frames_are_answered_and_end_nothing(desk: Desk) -> None:
    client = await desk.open()
    for raw in ("no json", "[]", '{"cmd":"ping"}', '{"cmd":7,"headers":{"req_id":"x"}}',
                '{"cmd":"ping","headers":{"req_id":"x"},"body":[1]}'):  # fmt: skip
        await client.socket.send_str(raw)
        assert (await client.next())["errcode"] == 40058
    assert await client.code("aibot_fly") == 40058
    assert await client.code("ping") == 0


async def test_a_silent_client_is_dropped(desk: Desk) -> None:
    desk.sandbox.aibot.socket._silent_s = 0.05
    client = await desk.open()
    with contextlib.suppress(TypeError):
        await client.socket.receive_str(timeout=3)
    async with asyncio.timeout(5):
        while desk.sandbox.aibot.socket.line is not None:
            await asyncio.sleep(0.01)


async def test_the_secret_is_in_no_journal_and_the_chats_are_in_the_state(desk: Desk) -> None:
    client = await desk.open()
    await desk.asked(client)
    async with desk.session.get(f"{desk.base}/__sandbox/log") as log, \
            desk.session.get(f"{desk.base}/__sandbox/state") as state:  # fmt: skip
        assert desk.sandbox.options.aibot_secret not in await log.text()
        chats = (await state.json())["aibot_chats"]
    assert chats[0]["messages"][0]["text"] == "帮助"


async def test_a_saved_world_goes_on(desk: Desk) -> None:
    client = await desk.open()
    req_id = await desk.asked(client)
    await client.code("aibot_respond_msg", stream("一半", finish=False), req_id)
    saved = desk.sandbox.world.dump()
    desk.sandbox.reset()
    assert desk.sandbox.world.aibot.chats == {}
    desk.sandbox.world.load(saved)
    desk.sandbox.aibot.renew()
    assert await client.code("aibot_respond_msg", stream("全部"), req_id) == 0
    assert desk.shown() == ["全部"]
