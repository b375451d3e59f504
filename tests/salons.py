"""沙龙 salons: `python -m tests.salons [--salons 1000] [--processes 4] [--db sqlite|postgresql|both]`: more people than
seats, from processes of their own, each with a bot that speaks to the same database.

Of every salon with three seats eight people want one, in any order and at once; then one who has a seat leaves while
two more come. Printed is what was got beside what there was; ends with 1 when a seat was given twice or nobody's, or
when somebody was passed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from bot.errors import NotStored
from bot.events import Address, TextReceived
from bot.order_events import AdminAsked
from bot.writer import Writer
from tests.conftest import NOON
from tests.fakes import Bot, start_bot
from tests.proofs import command

SEATS, WANT, MORE = 3, 8, 2


async def say(bot: Bot, who: str, words: str, writer: Writer | None = None) -> None:
    """A member writes, to a writer of another process if one is given; what could not be stored (SQLite's lock was not
    to be had in ten seconds) is sent again, as WeCom does."""
    event = TextReceived(
        key=f"say:{who}:{words}:{next(bot.numbers)}", source="wecom_kf", at=bot.clock.now(),
        sender=Address("wecom", who), text=words, msg_id="",
    )  # fmt: skip
    for _ in range(4):
        with contextlib.suppress(NotStored):
            await (writer or bot.writer).accept(event)
            return
    raise NotStored(words)


def rival(url: str, part: list[tuple[str, str]], ready: Any, did: Any) -> None:
    """One process: says its part, as many at once as the writer takes."""

    async def talk() -> None:
        async with start_bot(url, NOON, {"points": 0}, {"salon": {}}, seed=os.getpid()) as bot:
            ready.wait()
            began, cpu = time.monotonic(), time.process_time()
            for at in range(0, len(part), 64):
                await asyncio.gather(*(say(bot, who, words) for who, words in part[at : at + 64]))
            did.put({**bot.writer.stats, "seconds": time.monotonic() - began, "cpu": time.process_time() - cpu})

    asyncio.run(talk())


def race(url: str, words: list[tuple[str, str]], processes: int, seed: int) -> Counter[str]:
    """Every word once, dealt to processes that begin together; what their writers counted, in all, and the `seconds`
    until the last of them had every answer."""
    random.Random(seed).shuffle(words)
    context = multiprocessing.get_context("spawn")
    ready, did = context.Barrier(processes), context.Queue()
    rivals = [
        context.Process(target=rival, args=(url, words[at::processes], ready, did)) for at in range(processes)
    ]  # fmt: skip
    for one in rivals:
        one.start()
    told = [did.get(timeout=900) for _ in rivals]
    for one in rivals:
        one.join()
        assert one.exitcode == 0, f"a process ended with {one.exitcode}"
    counted = sum(map(Counter, told), Counter[str]())
    counted["seconds"] = max(one["seconds"] for one in told)
    return counted


async def make(url: str, salons: int) -> None:
    """So many salons of three seats."""
    async with start_bot(url, NOON, {"points": 0}, {"salon": {}}) as bot:
        begins = NOON + timedelta(days=3)
        body = {"title": "品鉴会", "place": "徐汇店", "seats": SEATS, "starts_at": begins.isoformat(),
                "ends_at": (begins + timedelta(hours=2)).isoformat()}  # fmt: skip
        for number in range(salons):
            asked = AdminAsked(key=f"make:{number}", source="api", at=NOON, act="salons", body=body)
            assert json.loads(await bot.writer.accept(asked) or "")["status"] == 200


async def seats(url: str) -> tuple[dict[int, list[tuple[str, str, int]]], list[str]]:
    """(who, state, place) by salon in the order of the queue, and what breaks the invariants."""
    async with start_bot(url, NOON, {"points": 0}, {"salon": {}}) as bot:
        found: dict[int, list[tuple[str, str, int]]] = {}
        for no, who, status, place in bot.rows(
            "SELECT a.no, i.external_id, s.status, s.place FROM salon_seat s JOIN salon a ON a.id = s.salon_id "
            "JOIN identity i ON i.member_id = s.member_id ORDER BY a.no, s.place"
        ):
            found.setdefault(no, []).append((who, status, place))
        return found, bot.violations()


def wrong(queue: list[tuple[str, str, int]]) -> str:
    """What is wrong with one salon, "" when nothing is: seats exact, those who came first have them."""
    there = [(status, place) for _, status, place in queue if status != "cancelled"]
    seated = sum(status in ("confirmed", "offered") for status, _ in there)
    if seated != SEATS:
        return f"{seated} of {SEATS} seats"
    if len({place for _, place in there}) != len(there):
        return "two share a place in the queue"
    order = [status == "waiting" for status, _ in there]
    return "" if order == sorted(order) else "somebody was passed over"


def run(url: str, salons: int, processes: int, seed: int = 1) -> tuple[list[str], str]:
    """What went wrong, and a line about the run."""
    asyncio.run(make(url, salons))
    began = time.monotonic()
    wanting = [(f"p{no}x{k}", f"报名 S{no}") for no in range(1, salons + 1) for k in range(WANT)]
    counted = race(url, wanting, processes, seed)
    first, broken = asyncio.run(seats(url))
    found = [f"S{no}: {why}" for no, queue in first.items() if (why := wrong(queue))] + broken
    leaving = [
        (next(who for who, status, _ in queue if status == "confirmed"), f"取消报名 S{no}")
        for no, queue in first.items()
    ]
    more = [(f"p{no}y{k}", f"报名 S{no}") for no in first for k in range(MORE)]
    counted += race(url, leaving + more, processes, seed + 1)
    second, broken = asyncio.run(seats(url))
    found += [f"S{no}: {why}" for no, queue in second.items() if (why := wrong(queue))] + broken
    states = Counter(status for queue in second.values() for _, status, _ in queue)
    took, events = time.monotonic() - began, counted["events"]
    work = (
        f"{events} said in {counted['seconds']:.1f} s ({counted['cpu'] / events * 1000:.1f} ms of CPU each), "
        f"{counted['batches']} commits, {counted['batches_split']} batches split, {counted['reruns']} runs again"
    )
    return found, f"{len(second)} salons, {sum(states.values())} people: {dict(states)}, {took:.0f} s; {work}"


if __name__ == "__main__":
    sys.exit(command(__doc__, {"salons": 1000, "processes": 4}, run))
