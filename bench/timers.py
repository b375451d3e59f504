"""Due timers a second with few and many future timers beside them: python -m bench.timers [--many 1000000].

Each timer's work is the cheapest there is: it is taken, its event is kept, its turn runs, it is marked. What is
measured is what the schedule itself costs. The ratio should stay near 1.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta

from bench.callbacks import a_database
from bot.clock import FrozenClock
from bot.ids import SystemChance
from bot.scheduler import Scheduler
from bot.texts import Texts
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from storage import timers
from storage.engine import Database
from storage.ids import Ids

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
CHUNK = 10_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def plant(database: Database, name: str, count: int, begins: datetime, step: timedelta) -> None:
    """Timers one `step` apart."""
    db = database.writer_db()
    ids = Ids(db)
    for start in range(0, count, CHUNK):
        db.begin()
        for number in range(start, min(start + CHUNK, count)):
            timers.add(db, ids.next(), f"{name}:{number}", name, {"n": number}, begins + step * number, NOW)
        db.commit()
    db.close()


async def fire(database: Database, expected: int) -> tuple[float, float]:
    """(timers a second, microseconds of this process's CPU a timer) of one sweep after another until none is due."""
    writer = Writer(database, Dispatcher([]), FrozenClock(NOW), SystemChance(), Texts())
    scheduler = Scheduler(writer, FrozenClock(NOW))
    writer.start()
    await scheduler.sweep()  # the day's own timers, and the statements' first use
    began, cpu, ran = time.perf_counter(), time.process_time(), 0
    while got := await scheduler.sweep():
        ran += got
    took, used = time.perf_counter() - began, time.process_time() - cpu
    await writer.stop()
    assert ran + scheduler.stats["fired"] >= expected
    return ran / took, used / ran * 1e6


def main() -> None:
    """Two databases, measured in turns."""
    given = arguments()
    with a_database(given.db) as small, a_database(given.db) as large:
        databases = {given.few: Database(small), given.many: Database(large)}
        for size, database in databases.items():
            database.migrate()
            plant(database, "future", size, NOW + timedelta(days=1), timedelta(seconds=7))
            with database.engine.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
        best: dict[int, list[tuple[float, float]]] = {size: [] for size in databases}
        for number in range(given.rounds):
            for size, database in databases.items():
                warm = 5_000  # more than the first sweep takes
                plant(
                    database, f"round{number}", given.due + warm, NOW - timedelta(hours=3), timedelta(milliseconds=100)
                )
                best[size].append(asyncio.run(fire(database, given.due)))
        rows = {size: (sorted(r for r, _ in got)[len(got) // 2], sorted(c for _, c in got)[len(got) // 2])
                for size, got in best.items()}  # fmt: skip
        for size, (rate, cost) in rows.items():
            print(f"{size:>9} future timers: {rate:8.0f} due timers/s, {cost:6.0f} us of CPU each")
        print(f"cost many/few = {rows[given.many][1] / rows[given.few][1]:.2f}")
        print(f"rate few/many = {rows[given.few][0] / rows[given.many][0]:.2f}")
        for database in databases.values():
            database.close()


if __name__ == "__main__":
    main()
