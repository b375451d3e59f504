"""竞争 races: `python -m tests.races [--claims 1000] [--processes 4] [--without-guard]`: rivals in processes of their
own.

Every rival opens the same database, waits for the others, then makes its share of the claims, each in a transaction
of its own as the writer would on its exact road. Printed is what was got beside what there was; ends with 1 when
they differ. Without its guard each race must go wrong: `--without-guard` shows that the race can see it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from storage.db import Db
from storage.engine import Database
from storage.faults import is_conflict
from tests.postgres import SCHEMA_FREE, postgres_url, why_not
from tests.race_scenes import RACES, Race, ready


def rival(tasks: Any, start: Barrier, got: Any) -> None:
    """One process: its share of the claims of race after race, until there is none."""
    for url, name, numbers, naive in iter(tasks.get, None):
        database = Database(url)
        db, race, won = database.writer_db(), RACES[name], 0
        db.exact = True
        if naive and db.dialect == "postgresql":
            db.connection.isolation_level = 2  # READ COMMITTED, as it comes
        start.wait()
        for number in numbers:
            won += _claim(db, race, number, naive)
        got.put(won)
        db.close()
        database.close()


def _claim(db: Db, race: Race, number: int, naive: bool) -> bool:
    while True:
        try:
            if not naive or db.dialect != "sqlite":
                db.begin()
            won = (race.naive if naive else race.claim)(db, number)
            db.commit()
        except Exception as error:
            db.rollback()
            if not is_conflict(error) and "locked" not in str(error):
                raise
        else:
            return won


class Rivals:
    """Processes that race against each other, started once for many races."""

    def __init__(self, processes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._start, self._got = context.Barrier(processes), context.Queue()
        self._tasks = [context.Queue() for _ in range(processes)]
        self._rivals = [
            context.Process(target=rival, args=(tasks, self._start, self._got), daemon=True) for tasks in self._tasks
        ]
        for one in self._rivals:
            one.start()

    def run(self, url: str, name: str, claims: int, *, naive: bool = False) -> int:
        """How many claims were granted."""
        database = Database(url)
        database.migrate()
        db = database.writer_db()
        db.begin()
        ready(db, name, naive=naive)
        db.commit()
        db.close()
        database.close()
        share = claims // len(self._tasks)
        for place, tasks in enumerate(self._tasks):
            tasks.put((url, name, range(place * share, (place + 1) * share), naive))
        return sum(self._got.get(timeout=300) for _ in self._tasks)

    def close(self) -> None:
        """Let the processes end."""
        for tasks in self._tasks:
            tasks.put(None)
        for one in self._rivals:
            one.join()


@contextlib.contextmanager
def fresh(kind: str) -> Iterator[str]:
    """An empty database's url."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as home:
            yield f"sqlite:///{Path(home) / 'x.db'}"
    else:
        with SCHEMA_FREE.schema() as schema:
            yield postgres_url(schema)


def main() -> int:
    """Every race on every database that there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--without-guard", action="store_true")
    given = parser.parse_args()
    wrong, rivals, first = 0, Rivals(given.processes), time.monotonic()
    kinds = ["sqlite"] if why_not() else ["sqlite", "postgresql"]
    for kind in kinds:
        for name, race in RACES.items():
            began = time.monotonic()
            with fresh(kind) as url:
                won = rivals.run(url, name, given.claims, naive=given.without_guard)
            exact = won == min(race.there, given.claims)
            wrong += exact == given.without_guard
            took = time.monotonic() - began
            sys.stdout.write(
                f"{kind:10} {name:17} granted {won:4} of {race.there:4} {'exact' if exact else 'WRONG'} {took:5.1f} s\n"
            )
            sys.stdout.flush()
    rivals.close()
    took, as_meant = time.monotonic() - first, len(kinds) * len(RACES) - wrong
    meant = "wrong without their guard" if given.without_guard else "exact"
    sys.stdout.write(f"races: {as_meant} of {len(kinds) * len(RACES)} {meant} in {took:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
