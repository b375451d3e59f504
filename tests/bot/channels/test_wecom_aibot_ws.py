"""The long connection against the sandbox's: kept up, never fought over, nothing said twice or out of turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.channels import wecom_aibot_line
from bot.channels.wecom_aibot_ws import Backoff, LongConnection
from bot.clock import FrozenClock
from bot.errors import Action, NotStored, WeComError, WeComUnreachable
from bot.events import TextReceived
from bot.ids import SeededChance
from sandbox.app import Options, Sandbox
from tests.chaos.processes import free_port
from tests.doors.house import serving
from tests.recording import RecordingInlet

QUICK = Backoff(0.01, 0.05)


class Post:
    """A sandbox on a port and connections to it."""

    def __init__(self, port: int, sandbox: Sandbox) -> None:
        self.port, self.sandbox = port, sandbox
        self.lines: list[LongConnection] = []

    def line(self, inlet: Any = None, **settings: Any) -> LongConnection:
        options = self.sandbox.options
        made = LongConnection(**{
            "url": f"ws://127.0.0.1:{self.port}/aibot/ws", "bot_id": options.aibot_id,
            "secret": options.aibot_secret, "inlet": inlet or RecordingInlet(), "chance": SeededChance(1),
            "clock": FrozenClock(datetime(2026, 11, 24, tzinfo=UTC)), "backoff": QUICK, **settings,
        })  # fmt: skip
        self.lines.append(made)
        return made

    async def say(self, words: str = "帮助") -> dict[str, Any]:
        body = {"userid": "xiaomei", "text": words}
        told: dict[str, Any] = await self.sandbox.aibot.story.say(None, body)  # type: ignore[arg-type]
        return told


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    port = free_port()
    sandbox = Sandbox(Options(port=port))
    async with serving(sandbox.app(), port):
        made = Post(port, sandbox)
        yield made
        for line in made.lines:
            await line.stop()


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_page_and_the_socket_share_an_address(post: Post) -> None:
    line = post.line(url=f"ws://127.0.0.1:{post.port}/")
    await line.start()
    await until(lambda: line.state == "on")
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{post.port}/") as page:
        assert page.status == 200
        assert "沙盒" in await page.text()


async def test_what_is_said_becomes_an_event_and_is_answered_by_its_req_id(post: Post) -> None:
    inlet = RecordingInlet()
    line = post.line(inlet)
    await line.start()
    await until(lambda: line.state == "on")
    told = await post.say()
    await until(lambda: inlet.accepted)
    event = inlet.accepted[0]

    assert isinstance(event, TextReceived)
    assert event.door is not None
    assert (event.door["req_id"], event.key) == (told["req_id"], f"wecom_aibot:msg:{told['msgid']}")
    body = {"msgtype": "stream", "stream": {"id": "s1", "finish": True, "content": "好"}}
    await line.ask("aibot_respond_msg", body, told["req_id"])
    await line.ask("aibot_respond_msg", body, told["req_id"])  # an answer that was not heard is given again
    assert [m["text"] for m in post.sandbox.world.aibot.chats["xiaomei"]["messages"]] == ["帮助", "好"]


async def test_who_was_taken_over_stays_away_until_it_leads_anew(post: Post) -> None:
    older, newer = post.line(), post.line()
    await older.start()
    await until(lambda: older.state == "on")
    await newer.start()
    await until(lambda: older.state == "taken_over")
    await asyncio.sleep(0.3)  # many times the longest back-off

    assert newer.state == "on"
    assert (older.stats["connected"], newer.stats["connected"]) == (1, 1)
    with pytest.raises(WeComError) as refused:
        await older.ask("aibot_send_msg", {})
    assert refused.value.action is Action.WAIT

    await older.stop()
    await older.start()
    await until(lambda: (older.state, newer.state) == ("on", "taken_over"))


async def test_a_wrong_secret_is_said_once(post: Post) -> None:
    line = post.line(secret="wrong")
    await line.start()
    await until(lambda: line.state == "refused")
    await asyncio.sleep(0.2)
    subscribed = [entry for entry in post.sandbox.journal.entries
                  if entry["type"] == "frame" and entry["cmd"] == "aibot_subscribe"]  # fmt: skip

    assert len(subscribed) == 1
    assert "wrong" not in json.dumps(subscribed)


@pytest.mark.parametrize("how", ["abort", "hang_up"])
async def test_a_broken_connection_is_made_again(post: Post, how: str) -> None:
    line = post.line()
    await line.start()
    for number in range(1, 6):
        await until(lambda number=number: line.stats["connected"] == number and line.state == "on")
        done = getattr(post.sandbox.aibot.socket, how)()
        if done is not None:
            await done
    await until(lambda: line.stats["connected"] == 6)


async def test_frames_of_one_req_id_wait_for_each_other(post: Post) -> None:
    inlet = RecordingInlet()
    line = post.line(inlet)
    await line.start()
    await until(lambda: line.state == "on")
    told = await post.say()
    bodies = [{"msgtype": "stream", "stream": {"id": "s1", "finish": n == 9, "content": f"第{n}步"}} for n in range(10)]
    await asyncio.gather(*[line.ask("aibot_respond_msg", body, told["req_id"]) for body in bodies])

    frames = [entry for entry in post.sandbox.journal.entries
              if entry["type"] == "frame" and entry["frame"]["headers"]["req_id"] == told["req_id"]][1:]  # fmt: skip
    assert [entry["way"] for entry in frames] == ["in", "out"] * 10
    assert post.sandbox.world.aibot.chats["xiaomei"]["messages"][-1]["text"] == "第9步"


async def test_while_the_database_is_away_nothing_is_lost(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.intake.STORE_AGAIN_S", (0.01,) * 100)
    inlet = RecordingInlet()
    inlet.refusing = True
    line = post.line(inlet)
    await line.start()
    await until(lambda: line.state == "on")
    for number in range(20):
        await post.say(f"第{number}句")
    await until(lambda: line.stats["not_stored"] > 40)
    inlet.refusing = False
    await until(lambda: len(inlet.accepted) == 20)


async def test_not_connected_is_said_and_nothing_was_sent(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.wecom_aibot_ws.READY_WITHIN_S", 0.02)
    line = post.line(url="ws://127.0.0.1:9/")
    await line.start()
    with pytest.raises(WeComUnreachable) as away:
        await line.ask("aibot_send_msg", {})

    assert not away.value.ambiguous


async def test_a_server_that_answers_no_ping_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wecom_aibot_line, "ANSWER_S", 0.05)
    connections = 0

    async def mute(request: web.Request) -> web.WebSocketResponse:
        nonlocal connections
        connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            frame = json.loads(message.data)
            if frame["cmd"] == "aibot_subscribe":
                await socket.send_str("no json")
                await socket.send_str('{"cmd":"new_kind","headers":{"req_id":"x"}}')
                await socket.send_str(json.dumps({"headers": frame["headers"], "errcode": 0}))
        return socket

    app, port = web.Application(), free_port()
    app.router.add_get("/", mute)
    async with serving(app, port):
        line = LongConnection(url=f"ws://127.0.0.1:{port}/", bot_id="b", secret="s", inlet=RecordingInlet(),
                              clock=FrozenClock(datetime(2026, 11, 24, tzinfo=UTC)), chance=SeededChance(1),
                              backoff=QUICK, ping_s=0.01)  # fmt: skip
        await line.start()
        await until(lambda: connections >= 3)
        await line.stop()
    assert line.stats["unknown_frames"] >= 2


async def test_leaving_stores_what_has_come(post: Post) -> None:
    class Slow(RecordingInlet):
        async def accept(self, event: Any) -> str | None:
            await asyncio.sleep(0.1)
            return await super().accept(event)

    inlet = Slow()
    line = post.line(inlet)
    await line.start()
    await until(lambda: line.state == "on")
    await post.say()
    await until(lambda: line._intake.waiting)
    with contextlib.suppress(NotStored):
        await line.stop()

    assert len(inlet.accepted) == 1
