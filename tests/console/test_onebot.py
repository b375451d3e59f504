"""The bot as a program beside the sandbox's OneBot client: what is owed arrives, whatever breaks in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.app import Options, Sandbox, running
from tests.chaos.processes import CORP, Hands, World
from tests.files import sqlite_in
from tests.postgres import SCHEMA_FREE, needed, postgres_url

ONEBOT = {"SIYU_ONEBOT__ENABLED": "true", "SIYU_ONEBOT__SECRET": "sandbox-onebot-secret",
          "SIYU_ONEBOT__ACCESS_TOKEN": "sandbox-onebot-token"}  # fmt: skip
BREAKS = 100


class Scene:
    """A bot program, and a sandbox in this process whose client can be steered."""

    def __init__(self, world: World, hands: Hands, sandbox: Sandbox) -> None:
        self.world, self.hands, self.sandbox = world, hands, sandbox

    async def until(self, enough: Any, within_s: float = 60) -> None:
        """Wait for what happens in the background."""
        async with asyncio.timeout(within_s):
            while not enough():
                await asyncio.sleep(0.02)

    @property
    def there(self) -> Any:
        """The community."""
        return self.sandbox.world.onebot

    def read(self, user_id: int) -> list[str]:
        """What somebody read from the bot in private."""
        return [one["text"] for one in self.there.people[str(user_id)].private if one["user_id"] == self.there.self_id]

    def in_group(self) -> list[str]:
        """What the bot said in the group."""
        return [one["text"] for one in self.there.chat if one["user_id"] == self.there.self_id]


@contextlib.asynccontextmanager
async def scene(home: Path, url: str, mode: str, **env: str) -> AsyncIterator[Scene]:
    """Both running, the client connected where it dials."""
    world = World(home, url)
    api_base = f"http://127.0.0.1:{world.sandbox_port}/onebot" if mode == "post" else ""
    world.bot.env.update({**ONEBOT, "SIYU_ONEBOT__API_BASE": api_base, **env})
    bot = f"http://127.0.0.1:{world.bot_port}"
    try:
        async with aiohttp.ClientSession() as session:
            hands = Hands(world, session)
            async with running(Options(port=world.sandbox_port, bot=bot, onebot=mode)) as sandbox:
                sandbox.onebot.wire.dial_every_s = 0.02
                await hands.boot()
                made = Scene(world, hands, sandbox)
                await made.until(lambda: made.there.connected or mode != "ws")
                yield made
    finally:
        world.end()


async def test_a_hundred_broken_connections_lose_no_answer(tmp_path: Path, database_url: str) -> None:
    async with scene(tmp_path, database_url, "ws") as here:
        broken: Counter[str] = Counter()
        tries: Counter[Any] = Counter()
        wire, happens = here.sandbox.onebot.wire, here.sandbox.faults.onebot_happens

        def breaks(name: str) -> bool:
            """Every first try breaks, now before the message was said, now after it."""
            user = wire.asked.get("params", {}).get("user_id")
            if name == "cut_before":
                tries[user] += 1
            wanted = "cut_before" if isinstance(user, int) and user % 2 else "cut_after"
            if name == wanted and tries[user] == 1:
                broken[name] += 1
                return True
            return happens(name)

        here.sandbox.faults.onebot_happens = breaks  # type: ignore[method-assign]
        people = [here.there.add(f"群友{number}", friend=True).user_id for number in range(BREAKS)]
        for user_id in people:
            await here.until(lambda: here.there.connected)
            here.sandbox.onebot.private_say(user_id, "帮助")
            await asyncio.sleep(0.01)
        await here.sandbox.onebot.wire.flush()
        heard = [user_id for user_id in people if _was_heard(here, user_id)]
        await here.until(lambda: all(here.read(user_id) for user_id in heard), 100)

        assert len(heard) > BREAKS // 2
        assert sum(broken.values()) == len(heard)
        assert broken["cut_before"] > 10 < broken["cut_after"]
        assert max(len(here.read(user_id)) for user_id in people) == 2  # said once more at most


def _was_heard(here: Scene, user_id: int) -> bool:
    """Whether the client could tell the bot what this person said: what breaks on the way in is nobody's debt."""
    said = [entry for entry in here.sandbox.journal.entries if entry["type"] == "callback" and
            entry["status"] == 200 and f'"user_id": {user_id},' in entry["plain"]]  # fmt: skip
    return bool(said)


async def test_pushes_come_by_http_and_answers_leave_by_it(tmp_path: Path) -> None:
    async with scene(tmp_path, sqlite_in(tmp_path), "post") as here:
        await here.hands.sandbox("POST", "onebot/group_say", {"user_id": 20001, "text": "帮助", "at": True})
        await here.until(here.in_group)
        assert here.in_group()[0].startswith("@小明🎉 \n可以对我说")


async def test_one_community_day(tmp_path: Path, database_url: str) -> None:
    async with scene(tmp_path, database_url, "ws") as here:
        post = here.hands.sandbox
        await post("PUT", "faults", {"onebot": {"duplicate": 1}})
        await post("POST", "onebot/group_say", {"user_id": 20001, "text": "我的积分", "at": True})
        await post("POST", "onebot/group_say", {"user_id": 20001, "text": "我的积分", "at": False})
        await post("POST", "onebot/group_say", {"user_id": 20004, "text": "我的积分", "at": True})
        await post("POST", "onebot/join", {"nickname": "新人[CQ:at,qq=all]"})
        await here.until(lambda: len(here.in_group()) == 3)

        assert [text[:4] for text in here.read(20001)] == ["可用积分"]
        assert here.read(20004) == []
        pointers = sorted(here.in_group())
        assert pointers[0].startswith("@小明🎉 \n已私聊")
        assert pointers[1].startswith("@新人[CQ:at,qq=all] \n欢迎")
        assert "加我为好友" in pointers[2]
        assert not any("可用积分" in text for text in here.in_group())

        inbox = (await here.hands.bot("/api/v1/inbox?limit=100"))["items"]
        kinds = Counter(row["kind"] for row in inbox if row["source"] == "onebot")
        assert kinds == {"OneBotSaid": 2, "OneBotJoined": 1}


@pytest.mark.pg
async def test_the_client_finds_the_process_that_leads(tmp_path: Path) -> None:
    needed()
    with SCHEMA_FREE.schema() as name:
        async with scene(tmp_path, postgres_url(name), "ws") as first:
            (tmp_path / "second").mkdir()
            second = World(tmp_path / "second", postgres_url(name))
            second.bot.env.update({**ONEBOT, "SIYU_WECOM__API_BASE": first.world.bot.env["SIYU_WECOM__API_BASE"]})
            hands = Hands(second, first.hands.session)
            try:
                await hands.boot()
                wire, bot = first.sandbox.onebot.wire, f"127.0.0.1:{second.bot_port}/onebot/v11"
                assert await _dials(first.hands.session, f"http://{bot}/ws") == 503

                wire.push_url, wire.mode = f"http://{bot}", "post"  # heard by one, answered by the other
                first.sandbox.onebot.private_say(20001, "帮助")
                await first.until(lambda: first.read(20001))

                first.sandbox.onebot.private_say(20002, "帮助")
                first.world.bot.end()
                await wire.flush()
                wire.ws_url, wire.mode = f"ws://{bot}/ws", "ws"
                await first.until(lambda: first.read(20002))
            finally:
                second.end()


async def _dials(session: aiohttp.ClientSession, url: str) -> int:
    headers = {"X-Self-ID": "10001", "X-Client-Role": "Universal", "Authorization": "Bearer sandbox-onebot-token"}
    try:
        async with session.ws_connect(url, headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


async def test_a_door_that_is_shut_is_not_there(tmp_path: Path) -> None:
    async with scene(tmp_path, sqlite_in(tmp_path), "", SIYU_ONEBOT__ENABLED="false") as here:
        assert await _dials(here.hands.session, f"http://127.0.0.1:{here.world.bot_port}/onebot/v11/ws") == 404


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ({}, "✓ 社群：HTTP 推送、反向 WebSocket"),
        ({"SIYU_ONEBOT__SECRET": "", "SIYU_ONEBOT__ACCESS_TOKEN": ""}, "✗ 社群：没有设置 SIYU_ONEBOT__ACCESS_TOKEN"),
        ({"SIYU_ONEBOT__ACCESS_TOKEN": ""}, "✗ 社群：只有 HTTP 推送，答不出去"),
        ({"SIYU_ONEBOT__ACCESS_TOKEN": "short"}, "✗ 社群：SIYU_ONEBOT__ACCESS_TOKEN 或 __SECRET 含空格或不足 8 位"),
        ({"SIYU_ONEBOT__API_BASE": "http://127.0.0.1:9"}, "✗ 社群：onebot.api_base http://127.0.0.1:9 没有回答"),
        ({"SIYU_ONEBOT__ENABLED": "false"}, ""),
    ],
)
def test_the_doctor_looks_at_the_door(tmp_path: Path, env: dict[str, str], line: str) -> None:
    world = World(tmp_path, sqlite_in(tmp_path))
    said = world.run("doctor", env={**ONEBOT, **env}).stdout
    assert CORP["corp_id"] in said
    assert (line in said) if line else ("社群" not in said)
