"""CPU per event with few and many members in the database: python -m bench.growth [--many 1000000] [--events 6000].

Half of the events are new contacts, half are members who add another guide. The ratio should stay near 1.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import time
from datetime import UTC, datetime, timedelta

from bench.callbacks import a_database
from bot.clock import SystemClock
from bot.events import Address, ContactAdded
from bot.ids import SystemChance
from bot.router import load_plays
from bot.settings import load
from bot.texts import Texts
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from storage import follows, grants, members
from storage.db import Db
from storage.engine import Database
from storage.ids import Ids
from storage.ledger import ISSUER, Move, account, post

IN_FLIGHT = 32
CHUNK = 5000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def contact(number: int) -> str:
    """The external_userid of member `number`: scattered, as WeCom's are."""
    return f"wm{random.Random(number).getrandbits(120):030x}"


def plant(database: Database, first: int, last: int) -> None:
    """Members as sign-up leaves them, written through the storage floor."""
    db, now = database.writer_db(), datetime.now(UTC) - timedelta(days=1)
    ids = Ids(db)
    for start in range(first, last, CHUNK):
        db.begin()
        for number in range(start, min(start + CHUNK, last)):
            plant_one(db, ids, number, now)
        db.commit()
    db.close()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def plant_one(db: Db, ids: Ids, number: int, now: datetime) -> None:
    """One member with a guide, the sign-up right used up, and points."""
    person = members.create(db, ids, ("wecom", contact(number)), "bench", now)
    follows.opened(db, ids, person, contact(number), f"guide{number % 20:02d}", "active", "live", now)
    grant = grants.claim(db, ids, person, "sign_up", "", "live", "bench", now)
    move = Move(f"grant:{grant}:points", ISSUER, account(person.id), "points", 100, "sign_up")
    post(db, ids.next(), move, "bench", now)


def events(count: int, known: int) -> list[ContactAdded]:
    """New contacts and known members in turn."""
    run, now, chance = os.urandom(6).hex(), datetime.now(UTC), random.Random(known)
    made = []
    for number in range(count):
        who = f"wm{run}{number}" if number % 2 else contact(chance.randrange(known))
        made.append(
            ContactAdded(
                key=f"wecom_app:sha256:{run}{number:052d}",
                source="wecom_app",
                at=now,
                sender=Address("wecom", who),
                userid=f"new{number}",
                external_userid=who,
                state="live",
                welcome_code=f"WC{run}{number}",
            )
        )
    return made


async def cpu_per_event(database: Database, given: list[ContactAdded]) -> float:
    """Microseconds of this process's CPU an event, through the writer, committed."""
    settings = load(Texts())
    plays = load_plays(settings.plays, settings.play_tables)
    writer = Writer(database, Dispatcher(plays), SystemClock(), SystemChance(), Texts())
    writer.start()
    waiting = iter(given)

    async def one_by_one() -> None:
        for event in waiting:
            await writer.accept(event)

    await asyncio.gather(*[writer.accept(event) for event in itertools.islice(waiting, len(given) // 5)])
    left, started = len(given) - len(given) // 5, time.process_time()
    await asyncio.gather(*[one_by_one() for _ in range(IN_FLIGHT)])
    used = time.process_time() - started
    await writer.stop()
    return used / left * 1e6


def main() -> None:
    """Two databases, measured in turns."""
    given = arguments()
    with a_database(given.db) as small, a_database(given.db) as large:
        databases = {given.few: Database(small), given.many: Database(large)}
        for size, database in databases.items():
            database.migrate()
            plant(database, 0, size)
            print(f"{size:,} members are there", flush=True)
        seen: dict[int, list[float]] = {size: [] for size in databases}
        for _ in range(given.rounds):
            for size, database in databases.items():
                seen[size].append(asyncio.run(cpu_per_event(database, events(given.events, size))))
        for database in databases.values():
            database.close()
    best = {size: min(values) for size, values in seen.items()}
    for size, used in best.items():
        print(f"{size:>9,} members   {used:6.0f} us CPU an event")
    print(f"many/few = {best[given.many] / best[given.few]:.2f}")


if __name__ == "__main__":
    main()
