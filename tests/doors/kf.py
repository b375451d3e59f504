"""`python -m tests.doors.kf --messages 10000 --kills 30 --db sqlite|postgresql`: kills, lies and a lost cursor.

Many members write in bursts through the sandbox while bells come twice, late or never, calls fail, and the bot is
killed (SIGKILL) and started again; on PostgreSQL two processes serve and either may be killed. Twice days pass, twice
the bot's cursor is lost. In the end each message must have been handled once, each answer stand once on the phone of
who asked, in order; no window may hold a sixth message of ours, by the sandbox's own count.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from storage.engine import Database
from tests.chaos.__main__ import database
from tests.chaos.evidence import reader
from tests.chaos.processes import Hands, Program, World, free_port
from tests.doors.kf_judge import Verdict, judge

FAULTS = {
    "callback": {"duplicate": 0.5, "copies": 3, "lose": 0.1, "late": 0.2, "late_s": 2.0, "reorder": 4},
    "api": {"busy": 0.02, "http_500": 0.01, "timeout_before": 0.005, "commit_then_drop": 0.02, "malformed": 0.01,
            "html": 0.005, "revoke": 0.002, "kf_empty_page": 0.2},
    "api_paths": ["kf/"],
}  # fmt: skip
CALM: dict[str, Any] = {"callback": {}, "api": {"kf_empty_page": 0.2}, "api_paths": []}
PENS, HOSTS = 12, 10
BURSTS = (1, 1, 1, 2, 2, 3, 5, 8)  # messages of one member in a row: the last fill a window before it is answered
DRAIN_WITHIN_S = 180.0
PART_S = (50 * 3600.0, 30 * 3600.0)  # between the parts: the first part is out of the three days' log in the last
SHARES = (0.4, 0.4, 0.2)
# As after a restored backup that kept another cursor, and after one that kept none.
LOSSES = ("bm90LWEtY3Vyc29y", "")


@dataclass
class Play:
    """One run: how much of what."""

    world: World
    messages: int
    kills: int
    processes: int = 1
    members: int = 0
    losses: tuple[str, ...] = LOSSES
    seconds: float = 0.0
    done_kills: int = 0
    boots: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.members = self.members or max(12, self.messages // 15)
        second = self.world.bot_env() | {"SIYU_SERVER__PORT": str(free_port())}
        spare = Program(self.world.bot_command("serve"), second, self.world.workdir / "second.out")
        self.bots = [self.world.bot, spare][: self.processes]
        for bot in self.bots:
            bot.env["SIYU_SERVER__CLOCK_URL"] = f"http://127.0.0.1:{self.world.sandbox_port}/__sandbox/clock"


class Driver:
    """Plays it."""

    def __init__(self, play: Play, hands: Hands) -> None:
        self._play, self._hands, self._dice = play, hands, random.Random(play.world.seed)
        self._rows = reader(play.world.database_url)
        self._written, self._alive = 0, asyncio.Event()
        self._codes: list[str] = []
        self._bells = itertools.count(play.messages + 1)
        self._kf = ""

    async def run(self) -> None:
        """Three parts with days between them; the cursor is lost twice in the last."""
        play, sandbox = self._play, self._hands.sandbox
        await self._hands.open_sandbox()
        await asyncio.gather(*[self._boot(bot) for bot in play.bots])
        self._alive.set()
        self._kf = (await sandbox("GET", "state"))["kf_accounts"][0]["open_kfid"]
        await self._furnish()
        fatal = sorted(self._dice.sample(range(1, play.messages), play.kills))
        for number, share in enumerate(SHARES):
            await sandbox("PUT", "faults", {"seed": play.world.seed + number, **FAULTS})
            until = play.messages if number == len(SHARES) - 1 else self._written + int(play.messages * share)
            await self._write_until(until, fatal)
            await self._calm()
            if number < len(PART_S):
                await sandbox("POST", "clock", {"advance_s": PART_S[number]})
                await asyncio.sleep(0.5)  # the bot follows
        for cursor in self._play.losses:
            await self._lose(cursor)
            await self._calm()
        truth = await sandbox("GET", "state")
        (play.world.workdir / "truth.json").write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")

    # -- life and death -----------------------------------------------------------------------------------------------

    async def _boot(self, bot: Program) -> None:
        began = time.monotonic()
        bot.start()
        port = bot.env["SIYU_SERVER__PORT"]
        await self._hands._answers(bot, f"http://127.0.0.1:{port}/healthz")
        self._play.boots.append(time.monotonic() - began)

    async def _kill(self) -> None:
        """Soon after a message, while it is pulled, handled or answered."""
        await asyncio.sleep(self._dice.expovariate(8))
        bot = self._dice.choice(self._play.bots)
        self._alive.clear()
        bot.end()
        self._play.done_kills += 1
        await asyncio.sleep(self._dice.random() * 0.5)
        await self._boot(bot)
        self._alive.set()

    async def _lose(self, cursor: str) -> None:
        """The bot is dead, and when it comes back it does not know how far it had read."""
        for bot in self._play.bots:
            bot.end()
        self._play.done_kills += len(self._play.bots)
        store = Database(self._play.world.database_url)
        with store.engine.begin() as connection:
            moved = connection.execute(text("UPDATE kf_account SET cursor = :to"), {"to": cursor})
            assert moved.rowcount == 1
        store.close()
        await asyncio.gather(*[self._boot(bot) for bot in self._play.bots])

    # -- what happens -------------------------------------------------------------------------------------------------

    async def _furnish(self) -> None:
        """Members, and a bargain drive: its hosts get news that nobody asked for."""
        for number in range(self._play.members):
            name = {"external_userid": self._who(number), "name": f"会员{number}🎈"}
            await self._hands.sandbox("POST", "customers", name)
        now = datetime.now(UTC)
        dates = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=14)).isoformat()}
        config = {"sku": "BOX", "start_fen": 1_000_000, "floor_fen": 1_000, "cuts": 200, "hours": 300,
                  "helps_per_member": 100}  # fmt: skip
        await self._hands.bot_post("products", {"sku": "BOX", "title": "礼盒", "price_fen": 1_000_000, "stock": 500})
        campaign = {"kind": "bargain", "name": "砍到十元", "config": config, "made_by": "proof", **dates}
        made = await self._hands.bot_post("campaigns", campaign)
        await self._hands.bot_post(f"campaigns/{made['id']}/publish", {"by": "second"})
        for number in range(HOSTS):
            await self._say(number, "发起砍价")
        async with asyncio.timeout(DRAIN_WITHIN_S):
            while len(self._codes) < HOSTS:
                await asyncio.sleep(0.1)
                self._codes = [row[0] for row in await asyncio.to_thread(self._rows, "SELECT code FROM bargain")]

    def _who(self, number: int) -> str:
        return f"wmProof{number:06d}"

    async def _say(self, member: int, words: str) -> None:
        await self._hands.sandbox("POST", f"kf/{self._kf}/say", {"external_userid": self._who(member), "text": words})

    async def _write_until(self, until: int, fatal: list[int]) -> None:
        """So many messages in all, several members at once, each in bursts; deaths fall where the plan has them."""
        dying: set[asyncio.Task[None]] = set()

        async def pen() -> None:
            while self._written < until:
                member = self._dice.randrange(self._play.members)
                for _ in range(min(self._dice.choice(BURSTS), until - self._written)):
                    self._written += 1
                    await self._say(member, self._words(member))
                    if not self._alive.is_set():
                        await asyncio.sleep(self._dice.random() * 0.5)
                await asyncio.sleep(self._dice.random() * 0.1)

        async def death() -> None:
            while fatal and (fatal[0] <= self._written or self._written < until):
                if fatal[0] > self._written:
                    await asyncio.sleep(0.02)
                    continue
                fatal.pop(0)
                await self._kill()

        dying.add(asyncio.create_task(death()))
        await asyncio.gather(*[pen() for _ in range(PENS)], *dying)

    def _words(self, member: int) -> str:
        """Mostly what is answered by repeating it; now and then a real cut, of which a host is told."""
        if self._codes and self._dice.random() < 0.15:
            return f"帮砍 {self._dice.choice(self._codes)}"
        return f"帮砍 q{member}n{self._written}"

    async def _calm(self) -> None:
        """Faults off, what is in the air lands, one more bell, then everything that is owed is done."""
        await self._hands.sandbox("PUT", "faults", CALM)
        await self._hands.sandbox("POST", "flush")
        await self._say(0, f"帮砍 q0n{1_000_000 + next(self._bells)}")  # a question that nobody has asked before
        sent = (await self._hands.sandbox("GET", "state"))["customers"]
        wanted = sum(
            said["from"] == "customer" for one in sent for chat in one["kf"].values() for said in chat["messages"]
        )
        left = [
            "SELECT count(*) FROM outbox WHERE done_at IS NULL",
            "SELECT count(*) FROM inbox WHERE status IN ('failed', 'dead')",
            f"SELECT {wanted} - count(*) FROM inbox WHERE source = 'wecom_kf' AND kind = 'TextReceived'",
        ]
        deadline, quiet = time.monotonic() + DRAIN_WITHIN_S, 0
        while quiet < 2:
            counts = [(await asyncio.to_thread(self._rows, sql))[0][0] for sql in left]
            quiet = quiet + 1 if not any(counts) else 0
            if time.monotonic() > deadline:
                raise SystemExit(f"not empty in time: outbox, failed, missing = {counts}")
            await asyncio.sleep(0.2)


async def play_it(play: Play) -> None:
    """Migrate an empty database, run, leave nothing running."""
    began = time.monotonic()
    store = Database(play.world.database_url)
    store.migrate()
    store.close()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            await Driver(play, Hands(play.world, session)).run()
        finally:
            for bot in play.bots:
                bot.end()
            play.world.end()
    play.seconds = time.monotonic() - began


def prove(play: Play) -> Verdict:
    """Run and judge."""
    asyncio.run(play_it(play))
    verdict = judge(play.world.workdir, play.world.database_url, lost_cursors=len(play.losses))
    boots = sorted(play.boots)
    verdict.figures |= {"kills": play.done_kills, "processes": play.processes, "seconds": round(play.seconds, 1),
                        "median_boot_s": round(boots[len(boots) // 2], 2)}  # fmt: skip
    return verdict


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.doors.kf", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--keep", action="store_true", help="keep the evidence")
    chosen = parser.parse_args()
    workdir = Path(tempfile.mkdtemp(prefix="kf-proof-"))
    with database(chosen.db, workdir) as url:
        world = World(workdir, url, seed=chosen.seed)
        play = Play(world, chosen.messages, chosen.kills, 2 if chosen.db == "postgresql" else 1)
        verdict = prove(play)
    for name, value in verdict.figures.items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.write("".join(f"WRONG {line}\n" for line in verdict.wrong[:20]) or "all as it must be\n")
    if verdict.wrong or chosen.keep:
        sys.stdout.write(f"evidence: {workdir}\n")
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
