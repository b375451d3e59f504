"""定时 timers: `python -m tests.timers [--items 200] [--processes 3] [--db sqlite|postgresql|both]`: whether what was
due while nobody ran happens, each thing once, when several processes wake up at the same time.

Members' points wait for the end of a refund window; the ends lie over three hours in which nothing runs. Then three
processes begin to sweep together, one of them is killed at once, and one more joins. Printed is what happened beside
what was due; ends with 1 when something happened twice, or not at all, or too late to be of use and yet.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from bot.scheduler import Scheduler
from bot.turn import Work
from tests.conftest import NOON
from tests.fakes import start_bot
from tests.proofs import command
from tests.shop import start_shop

OUTAGE = timedelta(hours=3)
WINDOW = timedelta(days=7)
LATE = "salon_remind"  # any name will do: nobody listens, what counts is that it is not fired
PLAYS: dict[str, dict[str, Any]] = {"points": {"per_yuan": 1, "refund_days": 7, "valid_days": 0}}


async def prepare(url: str, items: int) -> None:
    """Orders over three hours, whose points are due a week later over three hours; ten things that must not be late."""
    async with start_shop(url, PLAYS) as selling:
        for number in range(items):
            await selling.pays("wm1", f"o{number}", 10_000)
            selling.bot.clock.advance(OUTAGE.total_seconds() / items)
        now = selling.bot.clock.now()

        def plan(work: Work) -> None:
            for number in range(10):
                due_at = now + WINDOW - timedelta(minutes=5 + number)
                work.at(due_at, LATE, f"late:{number}", {}, late_by=due_at + timedelta(minutes=1))

        await selling.bot.writer.call(plan)


def sweeper(url: str, ready: Any, *, dies: bool) -> None:
    """A process that wakes up after the outage and sweeps until nothing is due."""

    async def sweep() -> None:
        at = NOON + OUTAGE + WINDOW + timedelta(seconds=1)
        async with start_bot(url, at, {"points": 0}, PLAYS, seed=os.getpid()) as bot:
            scheduler = Scheduler(bot.writer, bot.clock)
            ready.wait()
            if dies:
                asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGKILL)
            while await scheduler.sweep():
                pass

    asyncio.run(sweep())


def wake(url: str, processes: int) -> None:
    """Processes that begin together, the first of which is killed; then one more, for what it left behind."""
    context = multiprocessing.get_context("spawn")
    for count, killed in ((processes, True), (1, False)):
        ready = context.Barrier(count)
        woken = [
            context.Process(target=sweeper, args=(url, ready), kwargs={"dies": killed and not place})
            for place in range(count)
        ]
        for one in woken:
            one.start()
        for one in woken:
            one.join()
        assert [one.exitcode for one in woken[int(killed) :]] == [0] * (count - int(killed))


async def outcome(url: str, items: int) -> tuple[list[str], str]:
    """What is not as it must be, and what there is."""
    async with start_bot(url, NOON, {"points": 0}, PLAYS) as bot:
        count = bot.count
        there = {
            "fired once": count("timer", "name = 'reward' AND status = 'fired'"),
            "events of them": count("inbox", "kind = 'TimerDue' AND payload LIKE '%\"reward\"%'"),
            "credited": count("reward", "status = 'credited'"),
            "points": bot.points("wm1"),
            "too late, called off": count("timer", f"name = '{LATE}' AND status = 'cancelled'"),
            "and written down": count("audit_log", "action = 'timer.too_late'"),
            "still open": count("timer", "fired_at IS NULL AND name IN ('reward', 'salon_remind')"),
        }
        meant = dict(zip(there, (items, items, items, items * 100, 10, 10, 0), strict=True))
        wrong = [f"{name}: {there[name]} instead of {meant[name]}" for name in there if there[name] != meant[name]]
        return wrong + bot.violations(), ", ".join(f"{name} {n}" for name, n in there.items())


def run(url: str, items: int, processes: int) -> tuple[list[str], str]:
    """The outage and what came after it."""
    asyncio.run(prepare(url, items))
    wake(url, processes)
    return asyncio.run(outcome(url, items))


if __name__ == "__main__":
    sys.exit(command(__doc__, {"items": 200, "processes": 3}, run))
