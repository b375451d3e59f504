"""The sandbox's community group: what people do there, what the bot may do, and what goes wrong on demand."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.app import Options, Sandbox
from sandbox.faults import ONEBOT
from tests.chaos.processes import free_port
from tests.sandbox.conftest import Desk, Receiver

GROUP, ME = 777001, 20001


@dataclass
class Platform(Desk):
    """The sandbox, and the bot that it dials or pushes to."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    pushes: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    handshakes: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None

    async def take(self, request: web.Request) -> web.StreamResponse:
        """The bot's WebSocket."""
        self.handshakes.append(dict(request.headers))
        socket = self.socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            self.frames.append(json.loads(message.data))
        return socket

    async def push(self, request: web.Request) -> web.Response:
        """The bot's HTTP door."""
        self.pushes.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)

    async def until(self, enough: Any) -> None:
        """Wait for what happens in the background."""
        async with asyncio.timeout(5):
            while not enough():
                await asyncio.sleep(0.005)

    async def act(self, action: str, **params: Any) -> dict[str, Any]:
        """An action over the WebSocket; its answer."""
        assert self.socket is not None
        before = len(self.frames)
        await self.socket.send_str(json.dumps({"action": action, "params": params, "echo": {"n": before}}))
        await self.until(lambda: any(frame.get("echo") == {"n": before} for frame in self.frames))
        return next(frame for frame in self.frames if frame.get("echo") == {"n": before})

    async def there(self) -> dict[str, Any]:
        """The community as the page sees it."""
        found: dict[str, Any] = (await self.do("state", method="GET"))["onebot"]
        return found

    def events(self, post_type: str) -> list[dict[str, Any]]:
        """What the bot was told of a kind."""
        return [frame for frame in self.frames if frame.get("post_type") == post_type]


@contextlib.asynccontextmanager
async def opened(mode: str) -> AsyncIterator[Platform]:
    """A fresh sandbox in one of its modes."""
    made: list[Platform] = []
    app = web.Application()

    async def take(request: web.Request) -> web.StreamResponse:
        return await made[0].take(request)

    async def push(request: web.Request) -> web.Response:
        return await made[0].push(request)

    app.router.add_get("/onebot/v11/ws", take)
    app.router.add_post("/onebot/v11", push)
    async with TestServer(app, port=free_port()) as server:
        sandbox = Sandbox(Options(bot=f"http://127.0.0.1:{server.port}", onebot=mode))
        wire = sandbox.onebot.wire
        wire.dial_every_s, wire._beat_every_s, wire._push_pauses = 0.02, 0.05, (0.0, 0.0, 0.0)
        client = TestClient(TestServer(sandbox.app()), timeout=aiohttp.ClientTimeout(total=10))
        made.append(Platform(sandbox, client, Receiver(sandbox)))
        async with client:
            yield made[0]


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """It has dialled the bot."""
    async with opened("ws") as made:
        await made.until(lambda: made.events("meta_event"))
        yield made


# -- what people do ----------------------------------------------------------------------------------------------------


async def test_it_dials_as_a_universal_client_and_beats(platform: Platform) -> None:
    headers = platform.handshakes[0]
    assert (headers["X-Self-ID"], headers["X-Client-Role"]) == ("10001", "Universal")
    assert headers["Authorization"] == "Bearer sandbox-onebot-token"
    await platform.until(lambda: len(platform.events("meta_event")) > 2)
    first, second, *_ = platform.events("meta_event")
    assert (first["meta_event_type"], first["sub_type"]) == ("lifecycle", "connect")
    assert (second["meta_event_type"], second["interval"]) == ("heartbeat", 50)


async def test_group_talk_with_and_without_a_mention(platform: Platform) -> None:
    told = await platform.do("onebot/group_say", {"user_id": ME, "text": "签到", "at": True})
    await platform.do("onebot/group_say", {"user_id": ME, "text": "闲聊", "at": False})
    await platform.until(lambda: len(platform.events("message")) == 2)
    first, second = platform.events("message")

    assert first["message"] == [{"type": "at", "data": {"qq": "10001"}}, {"type": "text", "data": {"text": " 签到"}}]
    assert first["raw_message"] == "[CQ:at,qq=10001] 签到"
    assert (first["message_type"], first["group_id"], first["user_id"]) == ("group", GROUP, ME)
    assert told["key"] == f"onebot:msg:10001:{first['time']}:{first['message_id']}"
    assert second["message"] == [{"type": "text", "data": {"text": "闲聊"}}]
    assert [line["text"] for line in (await platform.there())["chat"]] == ["@社群小助手  签到", "闲聊"]


async def test_the_other_form_of_messages(platform: Platform) -> None:
    await platform.do("onebot/settings", {"format": "string"})
    await platform.do("onebot/group_say", {"user_id": ME, "text": "[CQ:at,qq=all]&", "at": True})
    await platform.until(lambda: platform.events("message"))
    assert platform.events("message")[0]["message"] == "[CQ:at,qq=10001] &#91;CQ:at,qq=all&#93;&amp;"


async def test_friends_and_strangers_in_private(platform: Platform) -> None:
    await platform.do("onebot/private_say", {"user_id": ME, "text": "帮助"})
    await platform.do("onebot/private_say", {"user_id": 20004, "text": "帮助"})
    await platform.until(lambda: len(platform.events("message")) == 2)
    friend, stranger = platform.events("message")
    assert (friend["sub_type"], "group_id" in friend["sender"]) == ("friend", False)
    assert (stranger["sub_type"], stranger["sender"]["group_id"]) == ("group", GROUP)


async def test_coming_and_going(platform: Platform) -> None:
    new = await platform.do("onebot/join", {"nickname": "新人"})
    await platform.do("onebot/leave", {"user_id": new["user_id"]})
    await platform.do("onebot/join", {"user_id": new["user_id"]})
    await platform.do("onebot/leave", {"user_id": new["user_id"], "kick": True})
    await platform.until(lambda: len(platform.events("notice")) == 4)
    told = [(frame["notice_type"], frame["sub_type"]) for frame in platform.events("notice")]
    assert told == [("group_increase", "approve"), ("group_decrease", "leave"), ("group_increase", "approve"),
                    ("group_decrease", "kick")]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("group_say", {"user_id": 1, "text": "hi"}, 404),
        ("group_say", {"user_id": ME, "text": " "}, 422),
        ("group_say", {"user_id": ME}, 422),
        ("private_say", {"user_id": "x", "text": "hi"}, 404),
        ("join", {"user_id": ME}, 409),
        ("leave", {"user_id": 99}, 404),
        ("settings", {"mode": "smoke"}, 422),
        ("settings", {"format": "xml"}, 422),
        ("raw", {}, 422),
    ],
)
async def test_what_cannot_be_is_said(platform: Platform, path: str, body: dict[str, Any], status: int) -> None:
    await platform.do(f"onebot/{path}", body, status=status)


# -- what the bot may do -----------------------------------------------------------------------------------------------


async def test_the_bot_speaks_and_takes_back(platform: Platform) -> None:
    words = [{"type": "at", "data": {"qq": str(ME)}}, {"type": "text", "data": {"text": "[CQ:at,qq=all]"}}]
    answer = await platform.act("send_group_msg", group_id=GROUP, message=words)
    assert (answer["status"], answer["retcode"]) == ("ok", 0)
    (line,) = (await platform.there())["chat"]
    assert (line["text"], line["user_id"]) == ("@小明🎉 [CQ:at,qq=all]", 10001)

    await platform.act("send_msg", group_id=GROUP, message="[CQ:at,qq=all]&#91;", auto_escape=False)
    await platform.act("send_msg", group_id=GROUP, message="[CQ:at,qq=all]", auto_escape=True)
    await platform.act("send_msg", user_id=ME, message="hi")
    there = await platform.there()
    assert [one["text"] for one in there["chat"][1:]] == ["@全体成员 [", "[CQ:at,qq=all]"]
    assert there["people"][str(ME)]["private"][0]["text"] == "hi"

    await platform.act("delete_msg", message_id=answer["data"]["message_id"])
    assert (await platform.there())["chat"][0]["recalled"] is True


@pytest.mark.parametrize(
    ("action", "params", "retcode"),
    [
        ("get_login_info", {}, 0),
        ("get_group_info", {"group_id": GROUP}, 0),
        ("get_group_info", {"group_id": 1}, 100),
        ("get_group_list", {}, 0),
        ("get_group_member_list", {"group_id": GROUP}, 0),
        ("get_group_member_info", {"group_id": GROUP, "user_id": ME}, 0),
        ("get_friend_list", {}, 0),
        ("get_status", {}, 0),
        ("get_version_info", {}, 0),
        ("get_msg", {"message_id": 99}, 100),
        ("send_private_msg", {"user_id": 20004, "group_id": GROUP, "message": "hi"}, 100),
        ("send_private_msg", {"user_id": 20005, "message": "hi"}, 100),
        ("send_private_msg", {"user_id": 20005, "group_id": GROUP, "message": "hi"}, 0),
        ("send_private_msg", {"user_id": ME}, 1400),
        ("send_private_msg", {"user_id": ME, "message": "x" * 5000}, 100),
        ("send_group_msg", {"group_id": GROUP, "message": [{"data": {}}]}, 1400),
        ("set_group_ban", {"group_id": GROUP, "user_id": ME}, 1404),
        ("send_private_msg_async", {"user_id": ME, "message": "hi"}, 1),
    ],
)
async def test_actions_and_their_retcodes(
    platform: Platform, action: str, params: dict[str, Any], retcode: int
) -> None:
    answer = await platform.act(action, **params)
    assert answer["retcode"] == retcode, answer
    assert answer["status"] == {0: "ok", 1: "async"}.get(retcode, "failed")


async def test_the_same_actions_over_http_with_a_token(platform: Platform) -> None:
    async def call(action: str, token: str | None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with platform.client.post(f"/onebot/{action}", json={}, headers=headers) as response:
            return response.status, await response.json() if response.content_type == "application/json" else None

    assert (await call("get_login_info", None))[0] == 401
    assert (await call("get_login_info", "wrong"))[0] == 403
    status, answer = await call("get_login_info", "sandbox-onebot-token")
    assert (status, answer["data"]["user_id"]) == (200, 10001)
    assert (await call("nothing", "sandbox-onebot-token"))[0] == 404


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def faulty(platform: Platform, **faults: float) -> None:
    await platform.do("faults", {"onebot": faults}, method="PUT")


async def test_events_get_lost_doubled_and_out_of_order(platform: Platform) -> None:
    await faulty(platform, drop=1)
    await platform.do("onebot/group_say", {"user_id": ME, "text": "lost"})
    await faulty(platform, duplicate=1)
    await platform.do("onebot/group_say", {"user_id": ME, "text": "twice"})
    await platform.until(lambda: len(platform.events("message")) == 2)
    assert platform.events("message")[0] == platform.events("message")[1]

    await faulty(platform, reorder=6)
    for number in range(6):
        await platform.do("onebot/group_say", {"user_id": ME, "text": str(number)})
    await platform.until(lambda: len(platform.events("message")) == 8)
    order = [frame["raw_message"] for frame in platform.events("message")[2:]]
    assert order != sorted(order) == [str(number) for number in range(6)]


async def test_actions_fail_stay_silent_and_cut_the_connection(platform: Platform) -> None:
    await faulty(platform, fail=1, retcode=1200)
    assert (await platform.act("get_status"))["retcode"] == 1200

    for fault, done in (("cut_before", 0), ("cut_after", 1)):
        await faulty(platform, **{fault: 1})
        calls, shaken = len((await platform.there())["chat"]), len(platform.handshakes)
        assert platform.socket is not None
        await platform.socket.send_str(json.dumps(
            {"action": "send_group_msg", "params": {"group_id": GROUP, "message": fault}, "echo": 1}
        ))  # fmt: skip
        await platform.until(lambda before=shaken: len(platform.handshakes) > before)
        assert len((await platform.there())["chat"]) - calls == done
        assert not any(frame.get("echo") == 1 for frame in platform.frames)
    await faulty(platform)
    assert (await platform.act("get_status"))["retcode"] == 0


async def test_what_happens_while_nobody_is_connected_is_not_told_later() -> None:
    async with opened("") as platform:
        await platform.do("onebot/group_say", {"user_id": ME, "text": "hi"})
        await platform.do("onebot/flush", {})
        await platform.do("onebot/settings", {"mode": "ws"})
        await platform.until(lambda: platform.events("meta_event"))
        assert platform.events("message") == []
        assert (await platform.there())["connected"] is True


async def test_pushes_are_signed_and_repeated_until_they_are_taken() -> None:
    async with opened("post") as platform:
        platform.statuses[:] = [503, 500]
        await platform.do("onebot/group_say", {"user_id": ME, "text": "签到", "at": True})
        await platform.do("onebot/flush", {})
        assert len(platform.pushes) == 3
        headers, body = platform.pushes[-1]
        signature = hmac.new(b"sandbox-onebot-secret", body, hashlib.sha1).hexdigest()
        assert headers["X-Signature"] == f"sha1={signature}"
        assert headers["X-Self-ID"] == "10001"
        assert json.loads(body)["raw_message"] == "[CQ:at,qq=10001] 签到"


@pytest.mark.parametrize("name", ONEBOT)
async def test_a_fault_is_a_number_in_its_range(platform: Platform, name: str) -> None:
    await platform.do("faults", {"onebot": {name: -1}}, method="PUT", status=422)
    await platform.do("faults", {"onebot": {name: 1}}, method="PUT")


async def test_the_world_is_kept_and_begun_anew(platform: Platform) -> None:
    await platform.do("onebot/group_say", {"user_id": ME, "text": "hi"})
    dumped = json.loads(json.dumps(platform.sandbox.world.dump()))
    platform.sandbox.world.load(dumped)
    there = platform.sandbox.world.onebot
    assert there.messages["1"] is there.chat[0]
    assert there.people[str(ME)].nickname == "小明🎉"

    await platform.do("reset", {})
    assert (await platform.there())["chat"] == []
    assert (await platform.there())["mode"] == "ws"
