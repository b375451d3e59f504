"""The process that bench.audience measures: python -m bench.freezing URL BROADCAST WINDOW [--events].

Freezes the broadcast (0: none, for as long as a freeze might take) through its writer, in windows of so many members
(0: as large as the bot's own pace makes them); with --events others arrive meanwhile, one every 20 ms whether or not
the one before was answered. Prints one line when it begins, one of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.growth import events
from bot.clock import SystemClock
from bot.events import ContactAdded
from bot.ids import SystemChance
from bot.pacing import Pace
from bot.router import load_plays
from bot.settings import load
from bot.texts import Texts
from bot.turn import Work
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from storage import audience_freeze
from storage.audience import broadcasts
from storage.db import Db
from storage.engine import Database
from storage.tables import Broadcast

EVERY_S, ALONE_S, WARM_UP, MOST = 0.02, 8.0, 100, 20_000


def new_broadcast(db: Db, broadcast_id: int, rule: str) -> Broadcast:
    """A broadcast that is to be frozen."""
    now = datetime.now(UTC)
    return broadcasts.add(db, Broadcast(
        id=broadcast_id, name="bench", status="freezing", channel="contact", topic="marketing", text="",
        attachments="[]", segment_id=None, rule=rule, senders="[]", scheduled_at=None, made_by="bench", made_at=now,
        approved_by="", approved_at=None, cursor=0, frozen_at=None, total=0, left=0, suppressed=0, tasked=0, sent=0,
        failed=0, changed_at=now,
    ))  # fmt: skip


def step(broadcast_id: int, most: int, work: Work) -> bool:
    """One window; True when the freeze is through."""
    broadcast = broadcasts.one(work.db, id=broadcast_id, status="freezing")
    if broadcast is None:
        return True
    through = audience_freeze.window(work.db, broadcast, most, work.now)
    if through:
        broadcasts.change(work.db, {"status": "sending", "frozen_at": work.now}, id=broadcast_id)
    return through


async def freeze(writer: Writer, broadcast_id: int, most: int) -> list[int]:
    """The sizes of its windows."""
    if not broadcast_id:
        await asyncio.sleep(ALONE_S)
    pace, sizes = Pace(writer, SystemClock()), list[int]()

    async def one(size: int) -> bool:
        sizes.append(most or size)
        return await writer.call(partial(step, broadcast_id, sizes[-1]))

    while broadcast_id and not await pace.step(one, own=0):
        pass
    return sizes


async def others(writer: Writer, given: list[ContactAdded], waits: list[float]) -> None:
    """Contacts who add a guide, one every 20 ms."""
    loop, running, began = asyncio.get_running_loop(), set(), time.perf_counter()

    async def one(event: Any, due: float) -> None:
        await writer.accept(event)
        waits.append(time.perf_counter() - due)

    try:
        for number, event in enumerate(given):
            due = began + number * EVERY_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            running.add(loop.create_task(one(event, due)))
    finally:
        await asyncio.gather(*running)


def own_mb() -> int:
    """Memory of this process alone, in MB: what of the database file is mapped belongs to the system's cache."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("RssAnon"))) // 1024


async def run(url: str, broadcast_id: int, most: int, beside: bool) -> dict[str, Any]:
    """The freeze, measured."""
    settings, waits = load(Texts()), list[float]()
    plays = load_plays(settings.plays, settings.play_tables)
    writer = Writer(Database(url), Dispatcher(plays), SystemClock(), SystemChance(), Texts())
    writer.start()
    given = events(WARM_UP + MOST, 1) if beside else []
    for event in given[:WARM_UP]:
        await writer.accept(event)
    await writer.call(lambda work: None)
    stream = asyncio.create_task(others(writer, given[WARM_UP:], waits)) if beside else None
    print("begun", flush=True)
    started, used = time.perf_counter(), time.process_time()
    sizes = await freeze(writer, broadcast_id, most)
    told: dict[str, Any] = {"seconds": time.perf_counter() - started, "cpu_s": time.process_time() - used,
                            "own_mb": own_mb(), "windows": len(sizes), "window": sorted([0, *sizes])[len(sizes) // 2],
                            }  # fmt: skip
    if stream is not None:
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        waits.sort()
        of = {"p50_ms": len(waits) // 2, "p99_ms": len(waits) * 99 // 100, "worst_ms": len(waits) - 1}
        told |= {"events": len(waits), **{name: waits[place] * 1000 for name, place in of.items()}}
    await writer.stop()
    return told | {"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def main() -> None:
    """One freeze."""
    url, broadcast_id, most, *more = sys.argv[1:]
    print(json.dumps(asyncio.run(run(url, int(broadcast_id), int(most), "--events" in more))))


if __name__ == "__main__":
    main()
