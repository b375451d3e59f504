"""The AI bot's callback mode: sealed JSON, passive answers, streams that are asked on, the response_url."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.chaos.processes import free_port
from tests.doors.house import serving
from tests.sandbox.aibot_desk import Frame, Receiver, sandbox_for
from tests.sandbox.test_aibot_ws import CARD, Desk, markdown, stream


@pytest.fixture
async def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(receiver: Receiver) -> AsyncIterator[Desk]:
    port, bot_port, app = free_port(), free_port(), web.Application()
    app.router.add_post("/wecom/aibot", receiver.receive)
    sandbox = receiver.sandbox = sandbox_for(port, bot_port, "callback")
    async with serving(app, bot_port), serving(sandbox.app(), port), aiohttp.ClientSession() as session:
        yield Desk(sandbox, session, f"http://127.0.0.1:{port}")


async def respond(url: str, body: Any) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return int((await response.json())["errcode"])


async def test_a_message_is_sealed_and_its_answer_is_shown(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _: stream("好")
    told = await desk.do("say", userid="xiaomei", text="帮助")
    assert (told["delivered"], told["error"]) == (True, None)
    assert receiver.got[0]["msgid"] == told["msgid"]
    assert "response_url" in receiver.got[0]
    assert desk.shown() == ["好"]


async def test_an_unfinished_stream_is_asked_on_until_it_ends(desk: Desk, receiver: Receiver) -> None:
    def grow(body: Frame) -> Frame:
        asked = len(receiver.got)
        return stream("字" * asked, finish=asked == 5)

    receiver.answer = grow
    await desk.do("say", userid="xiaomei", text="写一段", chatid="wrk1")
    await desk.do("flush")
    assert desk.shown("wrk1") == ["字" * 5]
    asked = receiver.got[1]
    assert (asked["msgtype"], asked["stream"], asked["chatid"]) == ("stream", {"id": "s1"}, "wrk1")
    assert len({body["msgid"] for body in receiver.got}) == 5


async def test_it_is_asked_on_for_six_minutes_at_most(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _: stream("还没好", finish=False)
    await desk.do("say", userid="xiaomei", text="写一段")
    desk.sandbox.clock.advance(400)
    await desk.do("flush")
    assert desk.shown() == ["还没好"]


async def test_a_refused_callback_is_tried_four_times(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _: 503
    told = await desk.do("say", userid="xiaomei", text="帮助")
    assert not told["delivered"]
    assert [body["msgid"] for body in receiver.got] == [told["msgid"]] * 4


@pytest.mark.parametrize(
    "wrong", [{"msgtype": "text", "text": {"content": "x"}}, stream("好" * 7000), {"msgtype": "?"}]
)
async def test_a_wrong_answer_is_not_shown(desk: Desk, receiver: Receiver, wrong: Frame) -> None:
    receiver.answer = lambda _: wrong
    assert (await desk.do("say", userid="xiaomei", text="帮助"))["error"]
    assert desk.shown() == []


async def test_the_response_url_works_once_within_the_hour(desk: Desk, receiver: Receiver) -> None:
    await desk.do("say", userid="xiaomei", text="帮助")
    await desk.do("say", userid="xiaomei", text="再帮")
    first, second = (body["response_url"] for body in receiver.got)
    body = {name: markdown("补一句")[name] for name in ("msgtype", "markdown")}
    assert await respond(first, {"msgtype": "text", "text": {"content": "x"}}) == 40008
    assert [await respond(first, body) for _ in range(2)] == [0, 60140]
    desk.sandbox.clock.advance(3601)
    assert await respond(second, body) == 60140
    assert desk.shown() == ["补一句"]


async def test_welcome_and_card_are_passive_answers(desk: Desk, receiver: Receiver) -> None:
    def play(body: Frame) -> Frame:
        if body["event"]["eventtype"] == "enter_chat":
            return {"msgtype": "template_card", "template_card": CARD}
        return {"response_type": "update_template_card", "template_card": {**CARD, "replace_text": "已选甲"}}

    receiver.answer = play
    await desk.do("enter", userid="xiaomei")
    await desk.do("card_click", userid="xiaomei", task_id="t1", key="a")
    assert desk.shown() == ["已选甲"]
    assert "response_url" in receiver.got[1]


async def test_both_modes_are_never_on_at_once(desk: Desk, receiver: Receiver) -> None:
    client = await desk.open()
    await desk.do("say", userid="xiaomei", text="走回调")
    await desk.do("mode", mode="websocket")
    await desk.do("say", userid="xiaomei", text="走长连接")
    assert [body["text"]["content"] for body in receiver.got] == ["走回调"]
    assert (await client.callback())["body"]["text"]["content"] == "走长连接"
    await desk.do("mode", mode="pigeon", status=422)
