"""The door of OneBot: signed pushes, tokens on the WebSocket, one connection per account, answers by their echo."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels import intake
from bot.channels.gate import MAX_BODY
from bot.channels.onebot import OneBotDoor
from bot.channels.onebot_line import Lines, NoAnswer, NotSent
from bot.channels.onebot_translate import Ear
from bot.clock import FrozenClock
from bot.onebot_events import OneBotSaid
from tests.bot.channels.test_onebot_translate import message
from tests.recording import RecordingInlet

SECRET, TOKEN = "push-secret", "socket-token"
PRIVATE = {"message_type": "private", "sub_type": "friend"}


@dataclass
class Door:
    """The door behind a socket."""

    client: TestClient[web.Request, web.Application]
    inlet: RecordingInlet
    lines: Lines
    door: OneBotDoor

    async def push(self, body: bytes, signature: str | None = None, **headers: str) -> int:
        """A push; its status."""
        mine = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        given = {"X-Signature": mine if signature is None else signature, **headers}
        async with self.client.post("/onebot/v11", data=body, headers=given) as response:
            return response.status

    async def dial(self, self_id: str = "10001", role: str = "Universal", auth: str = f"Bearer {TOKEN}", **query: str):
        """A client's connection."""
        headers = {"X-Self-ID": self_id, "X-Client-Role": role, **({"Authorization": auth} if auth else {})}
        return await self.client.ws_connect("/onebot/v11/ws", headers=headers, params=query)

    async def refused(self, **how: str) -> int:
        """The status of a handshake that must fail."""
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await self.dial(**how)
        return error.value.status

    async def until(self, enough: Any) -> None:
        """Wait for what happens in the background."""
        async with asyncio.timeout(5):
            while not enough():
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def opened(ear: Ear, secret: str = SECRET, token: str = TOKEN) -> AsyncIterator[Door]:
    """A door that leads."""
    inlet, lines, clock = RecordingInlet(), Lines(), FrozenClock(datetime(2026, 11, 11, tzinfo=UTC))
    made = OneBotDoor(
        secret=secret, access_token=token, ear=replace(ear, ours=lines.ours), inlet=inlet, clock=clock, lines=lines
    )
    lines.open = True
    app = web.Application()
    app.add_routes(made.routes())
    async with TestClient(TestServer(app)) as client:
        yield Door(client, inlet, lines, made)
        await lines.close("end")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """Every account and group."""
    async with opened(Ear()) as made:
        yield made


def body(**more: Any) -> bytes:
    return json.dumps(message(**more), ensure_ascii=False).encode()


# -- HTTP POST ---------------------------------------------------------------------------------------------------------


async def test_a_signed_push_is_stored_before_it_is_answered(door: Door) -> None:
    assert await door.push(body()) == 204
    (event,) = door.inlet.accepted
    assert isinstance(event, OneBotSaid)
    assert event.text == "签到"

    door.inlet.refusing = True
    assert await door.push(body(message_id=43)) == 503


@pytest.mark.parametrize("signature", ["", "sha1=", "sha1=" + "0" * 40, "0" * 40, "sha256=" + "0" * 64, "签名"])
async def test_a_bad_signature_is_401(door: Door, signature: str) -> None:
    assert await door.push(body(), signature.encode().decode("latin-1")) == 401
    assert door.inlet.accepted == []
    assert door.door.stats == {"refused.signature": 1}


async def test_a_signature_of_another_body_is_401(door: Door) -> None:
    mine = "sha1=" + hmac.new(SECRET.encode(), body(), hashlib.sha1).hexdigest()
    assert await door.push(body(message_id=43), mine) == 401


async def test_a_door_without_its_secret_is_shut() -> None:
    async with opened(Ear(), secret="", token="") as door:
        empty = "sha1=" + hmac.new(b"", body(), hashlib.sha1).hexdigest()
        assert await door.push(body(), empty) == 401
        assert await door.refused(auth="Bearer ") == 401
        assert await door.refused(auth="") == 401


@pytest.mark.parametrize("bad", [b"", b"{", b"[]", b"\xff", b"[" * 60_000, b"1"])
async def test_what_is_no_json_object_is_400(door: Door, bad: bytes) -> None:
    assert await door.push(bad) == 400


async def test_a_body_too_large_is_413_and_a_packed_one_400(door: Door) -> None:
    assert await door.push(b"x" * (MAX_BODY + 1)) == 413
    assert await door.push(body(), **{"Content-Encoding": "gzip"}) == 400


async def test_what_is_only_counted_is_answered_like_the_rest(door: Door) -> None:
    beat = {"self_id": 10001, "post_type": "meta_event", "meta_event_type": "heartbeat"}
    assert await door.push(json.dumps(beat).encode()) == 204
    assert await door.push(body(message="闲聊")) == 204
    assert door.inlet.accepted == []
    assert door.door.stats == {"ignored.meta.heartbeat": 1, "ignored.unaddressed": 1}


# -- WebSocket ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
async def test_a_wrong_token_is_401(door: Door, auth: str) -> None:
    assert await door.refused(auth=auth) == 401


async def test_a_token_in_the_address_is_taken_where_no_header_is(door: Door) -> None:
    socket = await door.dial(auth="", access_token=TOKEN)
    assert not socket.closed
    assert await door.refused(auth="", access_token="wrong") == 401
    assert await door.refused(auth="Bearer wrong", access_token=TOKEN) == 401


async def test_a_client_that_does_not_say_who_it_is_is_refused() -> None:
    async with opened(Ear(self_id="10001")) as door:
        assert await door.refused(self_id="") == 400
        assert await door.refused(role="Boss") == 400
        assert await door.refused(self_id="10002") == 403


async def test_who_does_not_lead_sends_clients_away(door: Door) -> None:
    door.lines.open = False
    assert await door.refused() == 503


async def test_events_are_stored_in_their_order_and_repeats_look_alike(door: Door) -> None:
    socket = await door.dial()
    for number in range(1, 30):
        await socket.send_str(body(message_id=number).decode())
    await socket.send_bytes(body(message_id=29))
    await door.until(lambda: len(door.inlet.accepted) == 30)
    keys = [event.key for event in door.inlet.accepted]
    assert keys[:29] == [f"onebot:msg:10001:1700000000:{number}" for number in range(1, 30)]
    assert keys[29] == keys[28]


async def test_frames_that_make_no_sense_do_not_end_the_connection(door: Door) -> None:
    socket = await door.dial()
    for frame in ("", "[]", "{", '{"echo": "nobody"}', json.dumps(message(self_id=10002)), body().decode()):
        await socket.send_str(frame)
    await door.until(lambda: door.inlet.accepted)
    await socket.close()
    await door.until(lambda: door.door.stats["ws_disconnected"])
    assert (door.door.stats["bad_frames"], door.door.stats["unasked_answers"], door.door.stats["misplaced_frames"]) == (
        3, 1, 1,
    )  # fmt: skip


async def test_a_database_that_is_away_for_a_while_loses_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "STORE_AGAIN_S", (0.02,) * 50)
    door.inlet.refusing = True
    socket = await door.dial()
    await socket.send_str(body().decode())
    await door.until(lambda: door.door.stats["not_stored"] > 1)
    door.inlet.refusing = False
    await door.until(lambda: door.inlet.accepted)
    assert door.door.stats["accepted"] == 1


async def test_a_newer_connection_takes_over_its_part_only(door: Door) -> None:
    first = await door.dial()
    second = await door.dial()
    assert (await first.receive()).type is aiohttp.WSMsgType.CLOSE
    assert not second.closed
    other = await door.dial(self_id="10002")
    events = await door.dial(role="Event")
    assert (await second.receive()).type is aiohttp.WSMsgType.CLOSE
    api = await door.dial(role="API")
    assert not events.closed
    assert not other.closed
    line = door.lines.speaker("10001")
    assert line is not None
    assert line.role == "API"
    await api.send_str(body().decode())  # events of an API connection are not listened to
    await events.send_str(body(message_id=7).decode())
    await door.until(lambda: door.inlet.accepted)
    assert [event.key[-2:] for event in door.inlet.accepted] == [":7"]


async def test_answers_are_found_by_their_echo_one_action_at_a_time(door: Door) -> None:
    socket = await door.dial()
    await door.until(lambda: door.lines.speaker("10001"))
    line = door.lines.speaker("10001")
    assert line is not None
    asked = [asyncio.create_task(line.ask("get_msg", {"message_id": number}, 5.0)) for number in range(3)]
    echoes: list[str] = []
    for _ in asked:
        frame = json.loads((await socket.receive()).data)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asked[len(echoes)]), 0.02)
        echoes.append(frame["echo"])
        await socket.send_str(json.dumps({"status": "ok", "retcode": 0, "data": {}, "echo": "another"}))
        answer = {"status": "ok", "retcode": 0, "data": frame["params"], "echo": frame["echo"]}
        await socket.send_str(json.dumps(answer))
    assert [(await task)["data"]["message_id"] for task in asked] == [0, 1, 2]
    assert len(set(echoes)) == 3


async def test_no_answer_and_a_lost_connection_are_told_apart_from_what_was_not_sent(door: Door) -> None:
    socket = await door.dial()
    await door.until(lambda: door.lines.speaker("10001"))
    line = door.lines.speaker("10001")
    assert line is not None
    with pytest.raises(NoAnswer):
        await line.ask("get_status", {}, 0.05)
    lost = asyncio.create_task(line.ask("get_status", {}, 5.0))
    waiting = asyncio.create_task(line.ask("get_status", {}, 5.0))
    await socket.receive()
    await socket.receive()
    await socket.close()
    with pytest.raises(NoAnswer):
        await lost
    with pytest.raises(NotSent):  # it had not left when the connection ended
        await waiting
    with pytest.raises(NotSent):
        await line.ask("get_status", {}, 0.05)
    await door.until(lambda: door.lines.speaker("10001") is None)
