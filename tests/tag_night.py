"""规则打标签的一夜: `python -m tests.tag_night [--members 20000] [--kills 5] [--db sqlite|postgresql|both]`: both ready
sets (20 rules) over a shop's members, in windows, by a process that is killed again and again.

Afterwards every rule's tags are counted beside one SELECT over all members, and so after a second night without kills,
on which some have come into another class. Printed are the windows, how long the longest turn was beside the median,
and what a window among all members costs beside one among a tenth of them (at most 1.5: a turn does not grow with the
shop). Ends with 1 when something is wrong.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from bench.crowd import plant
from bot.events import TimerDue
from bot.scheduler import Scheduler
from bot.turn import Turn
from scenarios import tag_acts, tag_walk
from scenarios.tag_sets import Rules
from storage import segments
from storage.engine import Database
from storage.types import from_microseconds
from tests.conftest import NOON
from tests.fakes import Bot, start_bot
from tests.proofs import command, database

PLAYS: dict[str, dict[str, Any]] = {"tagging": {"sets": ["rfm", "layers"]}}
TYPES = ("商场店", "街边店", "社区店", "线上店")
DEAREST = 1.5


def open_shop(url: str, members: int) -> None:
    """Members with orders, and the stores they bought in."""
    there = Database(url)
    there.migrate()
    plant(there, members, NOON)
    with there.engine.begin() as connection:
        for number in range(50):
            connection.execute(
                text("INSERT INTO store (code, name, franchise, type) VALUES (:c, :c, '', :t)"),
                {"c": f"s{number}", "t": TYPES[number % 4]},
            )
        connection.execute(text("UPDATE member SET tier = CASE tier WHEN 'gold' THEN '金卡' WHEN 'silver' THEN '银卡' "
                                "ELSE tier END"))  # fmt: skip
    there.close()


async def _fire(bot: Bot, name: str) -> None:
    number = next(bot.numbers)
    await bot.writer.accept(TimerDue(
        key=f"{name}:{bot.clock.now().isoformat()}", source="timer", at=bot.clock.now(), timer_id=number, name=name,
        payload={},
    ))  # fmt: skip


def timed(told: Path) -> None:
    """Write down what each window takes."""
    step = tag_walk.step

    def measured(turn: Turn, run_id: int, after: int) -> None:
        began = time.perf_counter()
        step(turn, run_id, after)
        with told.open("a") as out:
            out.write(f"{(time.perf_counter() - began) * 1000}\n")

    tag_walk.step = measured  # type: ignore[assignment]


def night(url: str, day: int, dies_after: float, told: Path) -> None:
    """A process that walks until the night is through, or is killed before."""
    timed(told)

    async def walk() -> None:
        at = NOON + timedelta(days=day, seconds=os.getpid() % 50)
        async with start_bot(url, at, {}, PLAYS, seed=os.getpid()) as bot:
            scheduler = Scheduler(bot.writer, bot.clock)
            if not bot.count("tag_rule"):
                await _fire(bot, tag_acts.START)
            if bot.count("tag_run", "status <> 'dropped'") <= day:
                await _fire(bot, tag_walk.NIGHT)
            if dies_after:
                asyncio.get_running_loop().call_later(dies_after, os.kill, os.getpid(), signal.SIGKILL)
            while bot.count("tag_run", "status = 'running'"):
                await scheduler.sweep()

    asyncio.run(walk())


def in_a_process(url: str, day: int, dies_after: float, told: Path) -> int:
    """How it ended: 0, or -9 for the killed."""
    one = multiprocessing.get_context("spawn").Process(target=night, args=(url, day, dies_after, told))
    one.start()
    one.join()
    return int(one.exitcode or 0)


def _rows(there: Database, sql: str) -> list[Any]:
    with there.engine.connect() as connection:
        return list(connection.execute(text(sql)))


def _missing(there: Database) -> list[str]:
    """Rules whose tags are not on exactly those who fit. In these sets nobody fits two of one group."""
    wrong = []
    began = Rules.model_validate(PLAYS["tagging"])
    with there.engine.connect() as connection:
        began_at = connection.execute(text("SELECT max(began_at) FROM tag_run")).scalar_one()
        at = from_microseconds(began_at) if isinstance(began_at, int) else began_at
        for made in began.made.values():
            for name, rule in made.made.items():
                chosen = segments.compiled(rule)
                meant = connection.execute(select(func.count()).select_from(chosen.ids.subquery()), chosen.given(at))
                given = {"g": made.group, "n": name}
                held = connection.execute(
                    text("SELECT count(*) FROM member_tag WHERE group_name = :g AND name = :n"), given
                ).scalar_one()
                if (count := meant.scalar_one()) != held:
                    wrong.append(f"{made.group}/{name}: {held} have it, {count} fit")
    return wrong


def _turns(told: Path) -> list[float]:
    """What the windows took, in milliseconds, without the commit."""
    return [float(line) for line in told.read_text().split()]


def run(url: str, members: int, kills: int) -> tuple[list[str], str]:
    """One night with kills, and the next without."""
    with tempfile.TemporaryDirectory() as folder:
        return _run(url, members, kills, Path(folder))


def _run(url: str, members: int, kills: int, folder: Path) -> tuple[list[str], str]:
    open_shop(url, members)
    there, killed, first = Database(url), 0, folder / "first"
    for number in range(kills):
        killed += in_a_process(url, 0, 0.3 + 0.4 * number, first) == -signal.SIGKILL
    wrong = [] if in_a_process(url, 0, 0, first) == 0 else ["the night did not end"]
    wrong += _missing(there)
    put, windows = _rows(there, "SELECT put, windows FROM tag_run ORDER BY id")[-1]
    if put != _rows(there, "SELECT count(*) FROM member_tag WHERE source = 'rule'")[0][0]:
        wrong.append(f"{put} counted as put on")
    in_a_process(url, 1, 0, folder / "second")
    changed = _rows(there, "SELECT put, off FROM tag_run ORDER BY id")[-1]
    wrong += [f"the second night: {one}" for one in _missing(there)]
    held = _rows(there, "SELECT count(*) FROM member_tag WHERE source = 'rule'")[0][0]
    if put + changed[0] - changed[1] != held:
        wrong.append(f"the second night put {changed[0]} on {put} and took {changed[1]} off, and {held} are there")
    turns = _turns(first)
    with database(there.dialect) as small:
        open_shop(small, max(2_000, members // 10))
        in_a_process(small, 0, 0, folder / "small")
    median, beside = statistics.median(turns), statistics.median(_turns(folder / "small"))
    if median / beside > DEAREST:
        wrong.append(f"a window costs {median / beside:.2f} times one of a small shop")
    there.close()
    return wrong, (
        f"{members} members, 20 rules, {windows} windows, {killed} kills, {put} tags, the next night put {changed[0]} "
        f"on and took {changed[1]} off, longest turn / median {max(turns) / median:.1f} (median {median:.0f} ms), "
        f"a window beside one of a tenth of the members {median / beside:.2f}"
    )


if __name__ == "__main__":
    sys.exit(command(__doc__, {"members": 20_000, "kills": 5}, run))
