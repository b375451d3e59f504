"""`python -m tests.doors.aibot --restarts 100`: the WebSocket server dies again and again while staff write.

Every message that reached the bot must be answered, once, and no second connection may ever take over from the first.
A frame that was on its way when the server died is gone: WeCom sends each once and asks for no receipt.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import web

from sandbox.app import Options, Sandbox
from tests.chaos.processes import free_port
from tests.doors.house import House, bot_on, serving, settings_for

WRITERS = 24
PER_CHAT = 25  # below the limit of 30 a minute, so that nothing waits for the limit alone
SETTLE_S = 60.0


@dataclass
class Report:
    """What was seen. `lost` must be empty; `twice` are pushes whose receipt was lost with the connection."""

    restarts: int = 0
    said: int = 0
    sent: int = 0
    stored: int = 0
    answered: int = 0
    pushed: int = 0
    twice: int = 0
    fights: int = 0
    connections: int = 0
    took_s: float = 0.0
    lost: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything was as it must be."""
        return not self.lost and self.fights == 0 and self.stored > 0


class Drill:
    """One run on one database."""

    def __init__(self, sandbox: Sandbox, port: int, restarts: int, seed: int) -> None:
        self._sandbox, self._port, self._restarts = sandbox, port, restarts
        self._dice, self._stop = random.Random(seed), asyncio.Event()
        self.report = Report()

    async def run(self) -> None:
        """Traffic and restarts, until the last restart is over."""
        for number in range(WRITERS):
            self._sandbox.story.new_guide(f"staff{number}", f"员工{number}")
        writing = [asyncio.create_task(self._write(f"staff{number}")) for number in range(WRITERS)]
        try:
            await self._restart_often()
        finally:
            self._stop.set()
            await asyncio.gather(*writing)

    async def _write(self, userid: str) -> None:
        """Somebody keeps asking, alone and in a group."""
        request = cast("web.Request", None)  # the act reads its body alone
        for number in itertools.count():
            if self._stop.is_set() or number >= PER_CHAT * 2:
                return
            group = {"chatid": f"wrk-{userid}"} if number % 2 else {}
            told = await self._sandbox.aibot.story.say(request, {"userid": userid, "text": "帮助", **group})
            self.report.said += 1
            self.report.sent += told["delivered"]
            await asyncio.sleep(self._dice.uniform(0.02, 0.1) * max(1.0, self._restarts / 12))

    async def _restart_often(self) -> None:
        for number in range(self._restarts):
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(serving(self._sandbox.app(), self._port))
                await asyncio.sleep(self._dice.uniform(0.05, 0.4))
                if number % 2:
                    self._sandbox.aibot.socket.abort()
                else:
                    await self._sandbox.aibot.socket.hang_up()
            if number % 5 == 4:
                # A server that has forgotten what was asked: answers must go as messages of their own.
                self._sandbox.world.aibot.requests.clear()
            self.report.restarts += 1
            await asyncio.sleep(self._dice.uniform(0.0, 0.1))

    def judge(self, house: House) -> None:
        """Compare what the bot stored with what the phones show."""
        report = self.report
        chats = self._sandbox.world.aibot.chats
        streams = {message["req_id"] for chat in chats.values() for message in chat["messages"]
                   if message["from"] == "bot" and message["msgtype"] == "stream" and message["finish"]}  # fmt: skip
        for chatid in chats:
            rows = house.rows(
                "SELECT id, status FROM outbox WHERE call = 'aibot/reply' AND subject = :of", of=f"aibot:{chatid}"
            )
            shown = [message for message in house.answers(chatid) if message.get("finish", True)]
            report.stored += len(rows)
            report.answered += len(shown)
            report.pushed += sum(message["msgtype"] == "markdown" for message in shown)
            report.twice += max(0, len(shown) - len(rows))
            if len(shown) < len(rows):
                report.lost.append(f"{chatid}: {len(rows)} questions, {len(shown)} answers")
            report.lost += [f"outbox {row[0]}: {row[1]}" for row in rows if row[1] != "sent"]
        report.lost += [] if streams else ["not one answer by req_id"]
        report.fights = sum(
            entry["type"] == "frame" and entry["frame"].get("body", {}).get("event", {}).get("eventtype")
            == "disconnected_event" for entry in self._sandbox.journal.entries
        )  # fmt: skip
        line = house.runtime.doors.line
        report.connections = line.stats["connected"] if line is not None else 0


async def drill(database_url: str, restarts: int, seed: int = 1) -> Report:
    """Run it; what was seen."""
    port, bot_port, began = free_port(), free_port(), time.monotonic()
    base = f"http://127.0.0.1:{port}"
    sandbox = Sandbox(Options(port=port, bot=f"http://127.0.0.1:{bot_port}"))
    made = Drill(sandbox, port, restarts, seed)
    settings = settings_for(database_url, sandbox, base, "websocket")
    async with bot_on(settings, bot_port) as runtime, aiohttp.ClientSession() as session:
        house = House(sandbox, runtime, session, base)
        await made.run()
        async with serving(sandbox.app(), port):  # the server that stays
            await house.until(lambda: _settled(house), SETTLE_S)
            made.judge(house)
    made.report.took_s = round(time.monotonic() - began, 1)
    return made.report


def _settled(house: House) -> bool:
    owed: list[Any] = house.rows("SELECT count(*) FROM outbox WHERE call LIKE 'aibot/%' AND done_at IS NULL")
    return int(owed[0][0]) == 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.doors.aibot", description=__doc__)
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="default: a SQLite file that is gone afterwards")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = chosen.database or f"sqlite:///{Path(folder) / 'siyu.db'}"
        report = asyncio.run(drill(url, chosen.restarts, chosen.seed))
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in vars(report).items()))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
