"""serve --workers 2 on PostgreSQL: one port, one leader; a killed worker is replaced and nothing answered is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.processes import Hands, World
from tests.postgres import SCHEMA_FREE, needed, postgres_url

pytestmark = pytest.mark.pg


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two workers about to be started."""
    needed()
    with SCHEMA_FREE.schema() as name:
        world = World(tmp_path, postgres_url(name))
        world.bot.command += ["--workers", "2"]
        try:
            yield world
        finally:
            world.end()


def workers(world: World) -> list[int]:
    """The children of the parent that watches them."""
    assert world.bot.process is not None
    found = subprocess.run(["pgrep", "-P", str(world.bot.process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def said(world: World, action: str) -> int:
    """How often the processes said that they did something."""
    return world.bot.log.read_text(encoding="utf-8").count(f"action={action} ")


async def until(what: str, is_so: object, within_s: float = 20) -> None:
    """Wait for it."""
    deadline = time.monotonic() + within_s
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)


async def sign_up(hands: Hands, count: int) -> None:
    """Customers join, all in one virtual second; wait until everything is taken."""
    await hands.sandbox("POST", "burst", {"customers": count, "userid": "xiaomei", "state": "live"})
    await hands.sandbox("POST", "flush", {})


async def test_workers_share_the_port_and_outlive_each_other(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        hands = Hands(world, session)
        await hands.open_sandbox()
        await hands.boot()
        await until("two workers", lambda: said(world, "serving") == 2)
        await until("one leader", lambda: said(world, "leading") == 1)
        first = set(workers(world))
        await sign_up(hands, 40)
        for killed, pid in enumerate(sorted(first), 1):  # one of them leads, so the lead is taken over at least once
            os.kill(pid, signal.SIGKILL)
            await sign_up(hands, 20)
            # With nobody listening, WeCom's retries would end before the new one is up: that is not what is tried here.
            await until("a new worker", lambda served=2 + killed: said(world, "serving") == served)
        assert not first & set(workers(world))
        await until("the lead taken over", lambda: said(world, "leading") >= 2)
        await until("every gift given", lambda: world.run("audit").returncode == 0)
        members = (await hands.bot("/api/v1/members?limit=200"))["items"]
        assert [item["points"] for item in members] == [100] * 80
