"""WeCom's own Python client judges the sandbox's WebSocket, and sees the same frames as our door does.

The client's known faults are worked around here, not in the sandbox: it insists on TLS, and it does not notice a
clean close.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.channels.wecom_aibot_ws import Backoff, LongConnection
from bot.clock import FrozenClock
from bot.ids import SeededChance
from bot.media import decrypt
from tests.chaos.processes import free_port
from tests.doors.house import sandbox_on
from tests.recording import RecordingInlet

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports what websockets has deprecated
    import aibot
    from aibot import ws as aibot_ws
    from aibot.crypto_utils import decrypt_file


class Judge:
    """The SDK's client, and every callback frame it was given."""

    def __init__(self, port: int, secret: str) -> None:
        self.client = aibot.WSClient(
            aibot.WSClientOptions(bot_id="aib0sandbox", secret=secret, ws_url=f"ws://127.0.0.1:{port}")
        )
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.ready = asyncio.Event()
        self.errors: list[Exception] = []
        self.client.on("authenticated", self.ready.set)
        self.client.on("message", self.frames.put_nowait)
        self.client.on("event", self.frames.put_nowait)
        self.client.on("error", self.errors.append)

    async def subscribe(self) -> None:
        """Connect and be let in."""
        await self.client.connect()
        async with asyncio.timeout(5):
            await self.ready.wait()

    async def next(self) -> dict[str, Any]:
        """The next callback."""
        async with asyncio.timeout(5):
            return await self.frames.get()

    async def leave(self) -> None:
        """End the connection and its tasks."""
        self.client.disconnect()
        await asyncio.sleep(0.05)
        manager = self.client._ws_manager
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*[t for t in (manager._receive_task,) if t is not None], return_exceptions=True)


class Post:
    """A sandbox and the people in it."""

    def __init__(self, sandbox: Any, port: int) -> None:
        self.sandbox, self.port, self.options = sandbox, port, sandbox.options

    async def act(self, name: str, **body: Any) -> dict[str, Any]:
        told: dict[str, Any] = await getattr(self.sandbox.aibot.story, name)(None, {"userid": "xiaomei", **body})
        return told

    def shown(self) -> list[dict[str, Any]]:
        return [m for m in self.sandbox.world.aibot.chats["xiaomei"]["messages"] if m["from"] == "bot"]


@pytest.fixture
async def post(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Post]:
    monkeypatch.setattr(aibot_ws, "_SSL_CONTEXT", None)
    port = free_port()
    async with sandbox_on(port, 9, "websocket") as sandbox:
        yield Post(sandbox, port)


@pytest.fixture
async def judge(post: Post) -> AsyncIterator[Judge]:
    made = Judge(post.port, post.options.aibot_secret)
    await made.subscribe()
    yield made
    await made.leave()


async def test_it_subscribes_hears_and_streams_an_answer(post: Post, judge: Judge) -> None:
    await post.act("say", text="积分怎么算", chatid="wrk1")
    frame = await judge.next()
    assert frame["body"]["chatid"] == "wrk1"

    await post.act("say", text="写一段")
    frame = await judge.next()
    assert frame["body"]["text"]["content"] == "写一段"
    stream_id = aibot.generate_req_id("stream")
    for content, finish in (("第一", False), ("第一第二", False), ("第一第二第三", True)):
        acknowledged = await judge.client.reply_stream(frame, stream_id, content, finish)
        assert acknowledged["errcode"] == 0
    assert [(m["text"], m["finish"]) for m in post.shown()] == [("第一第二第三", True)]


async def test_it_welcomes_updates_a_card_and_pushes(post: Post, judge: Judge) -> None:
    card = {"card_type": "button_interaction", "main_title": {"title": "选"}, "task_id": "t1",
            "button_list": [{"text": "甲", "key": "a", "style": 1}]}  # fmt: skip
    await post.act("enter")
    await judge.client.reply_welcome(await judge.next(), {"msgtype": "template_card", "template_card": card})
    await post.act("card_click", task_id="t1", key="a")
    clicked = await judge.next()
    assert clicked["body"]["event"]["template_card_event"]["task_id"] == "t1"
    await judge.client.update_template_card(clicked, {**card, "replace_text": "已选甲"})
    await post.act("say", text="在吗")
    await judge.next()
    await judge.client.send_message("xiaomei", {"msgtype": "markdown", "markdown": {"content": "**在**"}})

    assert [m["text"] for m in post.shown()] == ["已选甲", "**在**"]


async def test_its_mistakes_are_refused_with_wecoms_numbers(post: Post, judge: Judge) -> None:
    await post.act("say", text="在吗")
    frame = await judge.next()
    with pytest.raises(RuntimeError, match="40008"):
        await judge.client.reply(frame, {"msgtype": "text", "text": {"content": "x"}})
    with pytest.raises(RuntimeError, match="846605"):
        await judge.client.reply_stream({"headers": {"req_id": "made-up"}}, "s", "x", True)
    with pytest.raises(RuntimeError, match="45002"):
        await judge.client.reply_stream(frame, "s", "好" * 7000, True)


async def test_a_wrong_secret_is_an_error_of_its_own(post: Post) -> None:
    judge = Judge(post.port, "wrong")
    await judge.client.connect()
    async with asyncio.timeout(5):
        while not judge.errors:
            await asyncio.sleep(0.01)
    assert "853000" in str(judge.errors[0])
    await judge.leave()


async def test_our_door_takes_over_and_is_told_the_same_frames(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        """What happens in front of whoever is connected."""
        await post.act("say", text="帮助", quote={"msgtype": "text", "text": {"content": "原话"}})
        await post.act("say", text="积分", chatid="wrk1")
        await post.act("say", text="语音", msgtype="voice")
        await post.act("say", text="", msgtype="image", url="https://example.invalid/p")
        await post.act("enter")
        await post.act("feedback", id="f1", type=2, reasons=[1])

    judge = Judge(post.port, post.options.aibot_secret)
    await judge.subscribe()
    await scene()
    theirs = [await judge.next() for _ in range(6)]

    seen: list[dict[str, Any]] = []
    take = LongConnection._take

    async def note(self: LongConnection, frame: dict[str, Any]) -> None:
        seen.append(frame)
        await take(self, frame)

    monkeypatch.setattr(LongConnection, "_take", note)
    inlet = RecordingInlet()
    ours = LongConnection(
        url=f"ws://127.0.0.1:{post.port}/", bot_id=post.options.aibot_id, secret=post.options.aibot_secret,
        inlet=inlet, clock=FrozenClock(datetime(2026, 11, 24, tzinfo=UTC)), chance=SeededChance(1),
        backoff=Backoff(0.01, 0.02),
    )  # fmt: skip
    await ours.start()
    bye = await judge.next()
    assert bye["body"]["event"]["eventtype"] == "disconnected_event"
    await scene()
    async with asyncio.timeout(5):
        while len(seen) < 6:
            await asyncio.sleep(0.01)
    await ours.stop()
    await judge.leave()

    assert [shape(frame) for frame in seen] == [shape(frame) for frame in theirs]
    assert len(inlet.accepted) == 6


async def test_it_opens_the_files_of_the_sandbox_as_we_do(post: Post, judge: Judge) -> None:
    for size in (1, 15, 16, 31, 32, 33, 64, 4096, 100_000):
        data = bytes(number % 251 for number in range(size))
        await post.act("say", msgtype="file", data=base64.b64encode(data).decode())
        told = (await judge.next())["body"]["file"]
        opened, _ = await judge.client.download_file(told["url"], told["aeskey"])
        async with aiohttp.ClientSession() as session, session.get(told["url"]) as response:
            sealed = await response.read()
        assert opened == data
        for key in (told["aeskey"], told["aeskey"].rstrip("=")):
            assert decrypt(sealed, key) == decrypt_file(sealed, key) == data


def shape(frame: dict[str, Any]) -> Any:
    """A frame without what differs each time."""
    body = {name: value for name, value in frame["body"].items() if name not in ("msgid", "create_time")}
    return frame["cmd"], body
