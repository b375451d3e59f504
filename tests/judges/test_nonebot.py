"""裁判 NoneBot2: the sandbox's OneBot client tells it and our own door the same frames; both must understand each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from bot.channels.onebot_translate import Ear
from bot.events import UnknownReceived
from sandbox.app import Options, Sandbox, running
from sandbox.onebot_actions import Actions
from sandbox.onebot_wire import Wire
from tests.bot.channels.test_onebot import Door, opened
from tests.chaos.processes import ROOT, free_port

SECRET, TOKEN = "sandbox-onebot-secret", "sandbox-onebot-token"
ME, STRANGER = 20001, 20005


@dataclass
class Court:
    """The judge, our door, and the one client of both."""

    sandbox: Sandbox
    door: Door
    wires: list[Wire]
    said: list[dict[str, Any]] = field(default_factory=list)

    async def until(self, enough: Any) -> None:
        """Wait for what happens in the background."""
        async with asyncio.timeout(15):
            while not enough():
                await asyncio.sleep(0.01)

    async def judged(self) -> dict[str, Any]:
        """The judge's next line."""
        await self.until(lambda: self.said)
        return self.said.pop(0)

    async def both(self) -> tuple[dict[str, Any], Any]:
        """What the judge and our door made of one frame; ours is an event, or None when it was only counted."""
        theirs = await self.judged()
        await asyncio.sleep(0.05)
        ours = self.door.inlet.accepted
        return theirs, ours.pop(0) if ours else None

    async def connected(self) -> None:
        """Both over WebSockets: the judge has no other way to speak."""
        for wire in self.wires:
            if wire.mode != "ws":
                await wire.switch("ws")
        await self.until(lambda: self.door.lines.connected and self.wires[0]._socket is not None)
        await asyncio.sleep(0.2)
        self.said.clear()

    async def calls(self, action: str, **params: Any) -> dict[str, Any]:
        """The judge calls an action of the sandbox; its result."""
        self.sandbox.onebot.private_say(ME, f"call {action} {json.dumps(params, ensure_ascii=False)}")
        await self.both()
        return await self.judged()


@contextlib.asynccontextmanager
async def judge(port: int, said: list[dict[str, Any]]) -> AsyncIterator[None]:
    """NoneBot as a program; what it says is kept."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.judges.nonebot", str(port), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    out = program.stdout

    async def listen() -> None:
        async for line in out:
            said.append(json.loads(line))

    listening = asyncio.create_task(listen())
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(30):
            while program.returncode is None:
                with contextlib.suppress(aiohttp.ClientError):
                    await (await session.get(f"http://127.0.0.1:{port}/")).release()
                    break
                await asyncio.sleep(0.05)
        yield
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()
        await listening


@pytest.fixture(params=["ws", "post"])
async def court(request: pytest.FixtureRequest) -> AsyncIterator[Court]:
    """Both have been told that the client is there."""
    port, said, mode = free_port(), [], request.param  # type: ignore[var-annotated]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(judge(port, said))
        door = await stack.enter_async_context(opened(Ear(at_required=False), SECRET, TOKEN))
        options = Options(port=free_port(), bot=f"http://127.0.0.1:{port}", onebot=mode)
        sandbox = await stack.enter_async_context(running(options))
        first = sandbox.onebot.wire
        first.push_url += "/"  # where NoneBot has its door
        second = Wire(sandbox.world, sandbox.clock, sandbox.faults, sandbox.journal,
                      Actions(sandbox.world, sandbox.clock), bot=str(door.client.make_url("")).rstrip("/"), mode=mode,
                      secret=SECRET, token=TOKEN)  # fmt: skip
        first.dial_every_s = second.dial_every_s = 0.05
        await second.open()
        stack.push_async_callback(second.close)
        tell = first.emit

        def tell_both(frame: dict[str, Any]) -> str:
            second.emit(frame)
            return tell(frame)

        first.emit = tell_both  # type: ignore[method-assign]
        made = Court(sandbox, door, [first, second], said)
        if mode == "ws":
            await made.until(lambda: any(line["kind"] == "LifecycleMetaEvent" for line in said))
            await made.until(lambda: door.lines.connected)
        said.clear()
        yield made


GROUP_SAYINGS = [
    ({"said": "签到", "mention": True}, "签到", True),
    ({"said": "闲聊", "mention": False}, "闲聊", False),
    ({"said": "[CQ:at,qq=all]&,&#91;", "mention": True}, "[CQ:at,qq=all]&,&#91;", True),
    ({"said": [{"type": "text", "data": {"text": "看图"}}, {"type": "image", "data": {"file": "a,b]&.png"}}],
      "mention": True}, "看图", True),
    ({"said": [{"type": "at", "data": {"qq": "all"}}, {"type": "text", "data": {"text": " 大家好"}}], "mention": False},
     "大家好", False),
]  # fmt: skip
RAW = [
    ({"post_type": "notice", "notice_type": "group_recall", "group_id": 777001, "user_id": ME, "operator_id": ME,
      "message_id": 1}, "GroupRecallNoticeEvent"),
    ({"post_type": "notice", "notice_type": "group_ban", "sub_type": "ban", "group_id": 777001, "user_id": ME,
      "operator_id": 1, "duration": 60}, "GroupBanNoticeEvent"),
    ({"post_type": "notice", "notice_type": "group_admin", "sub_type": "set", "group_id": 777001, "user_id": ME},
     "GroupAdminNoticeEvent"),
    ({"post_type": "notice", "notice_type": "friend_add", "user_id": ME}, "FriendAddNoticeEvent"),
    ({"post_type": "notice", "notice_type": "notify", "sub_type": "poke", "group_id": 777001, "user_id": ME,
      "target_id": 10001}, "PokeNotifyEvent"),
    ({"post_type": "request", "request_type": "friend", "user_id": ME, "comment": "hi", "flag": "f"},
     "FriendRequestEvent"),
    ({"post_type": "request", "request_type": "group", "sub_type": "add", "group_id": 777001, "user_id": ME,
      "comment": "hi", "flag": "f"}, "GroupRequestEvent"),
]  # fmt: skip


async def test_both_understand_every_frame(court: Court) -> None:
    story = court.sandbox.onebot
    for form in ("array", "string"):
        story.format = form
        for how, text, to_me in GROUP_SAYINGS:
            story.group_say(ME, how["said"], mention=bool(how["mention"]), reply=None)
            theirs, ours = await court.both()
            assert (theirs["kind"], theirs["text"], theirs["to_me"]) == ("GroupMessageEvent", text, to_me)
            assert (ours.kind, ours.text, ours.addressed) == ("OneBotSaid", text, to_me)
            assert ours.chat.external_id == f"10001:{theirs['group_id']}"
            assert ours.sender.external_id == f"10001:{theirs['user_id']}"
        for who, sub_type in ((ME, "friend"), (STRANGER, "group")):
            story.private_say(who, "帮助 &#91;")
            theirs, ours = await court.both()
            assert (theirs["kind"], theirs["text"], theirs["to_me"]) == ("PrivateMessageEvent", "帮助 &#91;", True)
            assert theirs["name"] == f"message.private.{sub_type}"
            assert (ours.text, ours.addressed, ours.sub_type) == ("帮助 &#91;", True, sub_type)


async def test_both_understand_coming_and_going(court: Court) -> None:
    story = court.sandbox.onebot
    new = story.join(None, "新人")["user_id"]
    for act, kind, sub_type in (
        (None, "GroupIncreaseNoticeEvent", "approve"),
        (lambda: story.leave(new, kick=False), "GroupDecreaseNoticeEvent", "leave"),
        (lambda: story.join(new, ""), "GroupIncreaseNoticeEvent", "approve"),
        (lambda: story.leave(new, kick=True), "GroupDecreaseNoticeEvent", "kick"),
    ):
        if act is not None:
            act()
        theirs, ours = await court.both()
        assert theirs["kind"] == kind
        assert theirs["name"].endswith(sub_type)
        assert ours.kind == ("OneBotJoined" if "Increase" in kind else "OneBotLeft")
        assert (ours.sub_type, ours.sender.external_id) == (sub_type, f"10001:{theirs['user_id']}")


@pytest.mark.parametrize(("raw", "kind"), RAW, ids=[kind for _, kind in RAW])
async def test_what_we_do_not_act_on_is_a_true_frame_and_kept(court: Court, raw: dict[str, Any], kind: str) -> None:
    fields = dict(raw)
    court.wires[0].emit(court.wires[0].frame(fields.pop("post_type"), **fields))
    theirs, ours = await court.both()
    assert theirs["kind"] == kind
    assert isinstance(ours, UnknownReceived)
    assert ours.fields.items() >= raw.items()


async def test_both_are_beaten_and_count_it(court: Court) -> None:
    wire = court.wires[0]
    beat = {"meta_event_type": "heartbeat", "status": {"online": True, "good": True}, "interval": 15000}
    wire.emit(wire.frame("meta_event", **beat))
    theirs, ours = await court.both()
    assert (theirs["kind"], ours) == ("HeartbeatMetaEvent", None)
    assert court.door.door.stats["ignored.meta.heartbeat"] == 1


async def test_the_judge_calls_actions_as_we_do(court: Court) -> None:
    await court.connected()
    assert (await court.calls("get_login_info"))["data"] == {"user_id": 10001, "nickname": "社群小助手"}
    sent = await court.calls("send_group_msg", group_id=777001, message="[CQ:at,qq=20001]&#91;hi&#93;")
    found = await court.calls("get_msg", message_id=sent["data"]["message_id"])
    assert found["data"]["message"][1] == {"type": "text", "data": {"text": "[hi]"}}
    assert len((await court.calls("get_group_member_list", group_id=777001))["data"]) == 5
    refused = (await court.calls("send_private_msg", user_id=STRANGER, message="hi"))["failed"]
    assert (refused["status"], refused["retcode"]) == ("failed", 100)
    assert (await court.calls("set_group_ban", group_id=777001, user_id=ME))["failed"]["retcode"] == 1404
    line = court.door.lines.speaker("10001")
    assert line is not None
    assert (await line.ask("get_login_info", {}, 5.0))["data"]["user_id"] == 10001


async def test_both_know_a_reply_to_the_bot(court: Court) -> None:
    await court.connected()
    sent = await court.calls("send_group_msg", group_id=777001, message="签到吗")
    court.door.lines.remember("10001", str(sent["data"]["message_id"]))
    court.sandbox.onebot.group_say(ME, "签到", mention=False, reply=sent["data"]["message_id"])
    theirs, ours = await court.both()
    assert (theirs["text"], theirs["to_me"]) == ("签到", True)
    assert (ours.text, ours.addressed) == ("签到", True)


async def test_both_refuse_a_wrong_secret(court: Court) -> None:
    wire = court.wires[0]
    body = json.dumps(wire.frame("notice", notice_type="friend_add", user_id=ME)).encode()
    headers = {"X-Self-ID": "10001", "X-Signature": "sha1=" + "0" * 40}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{wire.push_url.rstrip('/')}/", data=body, headers=headers) as theirs:
            assert theirs.status == 403
        async with session.post(court.wires[1].push_url, data=body, headers=headers) as ours:
            assert ours.status == 401
        for one, status in ((wire, 403), (court.wires[1], 401)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(one.ws_url, headers={**headers, "X-Self-ID": "1", "Authorization": "Bearer x"})
            assert refused.value.status == status
