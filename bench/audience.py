"""Freezing a broadcast's audience beside one bare INSERT .. SELECT of the same rows: python -m bench.audience
[--db postgresql] [--members 1000000] [--rounds 3] [--window 0] [--kills 20] [--rule '{"tiers": ["gold"]}'].

In turns: the bare statement through a connection of its own, the freeze window by window through the writer of another
process. Then: what other events wait for while a freeze runs, beside without one; and a freeze killed again and again,
with everybody counted at every resume.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from bench.callbacks import a_database
from bench.crowd import plant
from bench.freezing import new_broadcast
from storage import audience_freeze, segments
from storage.engine import Database
from storage.segment_rule import Rule

HOW_FAR = "SELECT cursor, total FROM broadcast WHERE id = :of"
SUMS = {
    "rows and counts": 'SELECT count(*) FROM audience a JOIN broadcast b ON b.id = a.broadcast_id WHERE b.id = :of '
    'GROUP BY b.total, b."left", b.suppressed HAVING count(*) <> b.total OR b.total <> b."left" + b.suppressed '
    "OR b.suppressed <> sum(CASE WHEN a.status = 'suppressed' THEN 1 ELSE 0 END)",
    "twice": "SELECT member_id FROM audience WHERE broadcast_id = :of GROUP BY member_id HAVING count(*) > 1",
    "beyond the cursor": "SELECT a.member_id FROM audience a JOIN broadcast b ON b.id = a.broadcast_id "
    "WHERE b.id = :of AND a.member_id > b.cursor",
}  # fmt: skip


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=int, default=0, help="members a window; 0: as the bot paces it")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rule", default="{}")
    return parser.parse_args()


class Bench:
    """One database with its members."""

    def __init__(self, url: str, given: argparse.Namespace) -> None:
        # A commit is measured as it is in earnest: on the disk.
        self.url = url.replace("%20-csynchronous_commit%3Doff", "")
        self.given, self.database = given, Database(self.url)
        self.rule = Rule.model_validate_json(given.rule).model_dump_json()
        self.database.migrate()
        plant(self.database, given.members)
        self._last = 0

    def afresh(self) -> int:
        """Nothing frozen, nothing waiting to be written; a new broadcast's id."""
        self._last += 1
        with self.database.engine.connect() as connection:
            own = connection.execution_options(isolation_level="AUTOCOMMIT")
            emptying = ("DELETE FROM audience", "PRAGMA wal_checkpoint(TRUNCATE)")
            for statement in emptying if self.database.dialect == "sqlite" else ("TRUNCATE audience", "CHECKPOINT"):
                _alone(own, statement)
        db = self.database.writer_db()
        db.begin()
        new_broadcast(db, self._last, self.rule)
        db.commit()
        db.close()
        return self._last

    def bare(self) -> tuple[float, float]:
        """Seconds that one statement takes, committed: by the clock, and of this process's CPU."""
        of, now = self.afresh(), datetime.now(UTC)
        sql = audience_freeze.bare(self.rule, "contact", by_senders=False)
        values = segments.compiled(self.rule).given(now) | {"of": of, "about": "marketing", "at": now, "opt_in": 0}
        started, used = time.perf_counter(), time.process_time()
        with self.database.engine.begin() as connection:
            connection.execute(sql.core, values)
        return time.perf_counter() - started, time.process_time() - used

    def freeze(self, *, events: bool = False, frozen: bool = True) -> dict[str, Any]:
        """What a process of its own measured."""
        of = self.afresh() if frozen else 0
        out = subprocess.run(self._command(of, events), capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
        told: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
        if of:
            self.examine(of, whole=not events)  # who comes meanwhile may come too late
        return told

    def _command(self, of: int, events: bool) -> list[str]:
        more = ["--events"] if events else []
        return [sys.executable, "-m", "bench.freezing", self.url, str(of), str(self.given.window), *more]

    def examine(self, of: int, *, whole: bool) -> int:
        """The cursor; ends the run when something does not add up."""
        with self.database.engine.connect() as connection:
            wrong = [name for name, sql in SUMS.items() if connection.execute(text(sql), {"of": of}).first()]
            cursor, total = connection.execute(text(HOW_FAR), {"of": of}).one()
            if whole:
                fits = segments.count(connection, Rule.model_validate_json(self.rule), datetime.now(UTC))
                wrong += [f"{fits} fit, {total} are frozen"] if fits != total else []
        if wrong:
            raise SystemExit(f"broadcast {of}: {wrong}")
        return int(cursor)

    def killed(self, times: int, seconds: float) -> tuple[int, int]:
        """Freeze once with so many kills; how many fell into the freeze, and at how many different places."""
        of, chance, seen = self.afresh(), random.Random(7), []
        for _ in range(times):
            child = subprocess.Popen(self._command(of, events=False), stdout=subprocess.PIPE, text=True)  # noqa: S603
            assert child.stdout is not None
            child.stdout.readline()  # it has begun
            time.sleep(chance.random() * 1.6 * seconds / times)
            child.send_signal(signal.SIGKILL)
            child.communicate()
            seen.append(self.examine(of, whole=False))
        subprocess.run(self._command(of, events=False), capture_output=True, check=True)  # noqa: S603 - ourselves
        last = self.examine(of, whole=True)
        return sum(cursor < last for cursor in seen), len(set(seen))


def _alone(connection: Connection, statement: str) -> None:
    if connection.dialect.name == "sqlite":  # our engine opens a transaction by itself; a checkpoint wants none
        connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql(statement)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")


def main() -> None:
    """Everything in one run."""
    given = arguments()
    with a_database(given.db) as url:
        bench = Bench(url, given)
        print(f"{given.members:,} members are there", flush=True)
        bare, frozen = [], []
        for number in range(given.rounds):
            bare.append(bench.bare())
            frozen.append(bench.freeze())
            print(
                f"round {number + 1}: bare {bare[-1][0]:.2f} s, freeze {frozen[-1]['seconds']:.2f} s "
                f"in {frozen[-1]['windows']} windows, CPU {bare[-1][1]:.2f} and {frozen[-1]['cpu_s']:.2f} s",
                flush=True,
            )

        seconds = statistics.median(one["seconds"] for one in frozen)
        ratios = [one["seconds"] / alone[0] for one, alone in zip(frozen, bare, strict=True)]
        print(f"freeze/bare = {statistics.median(ratios):.2f} ({given.db})")
        if given.db == "sqlite":  # the database works in our own process: what neighbours cannot disturb
            cpu = statistics.median(one["cpu_s"] / alone[1] for one, alone in zip(frozen, bare, strict=True))
            print(f"CPU freeze/bare = {cpu:.2f}")
        print(f"memory of the freezing process: {max(one['own_mb'] for one in frozen)} MB of its own, "
              f"{max(one['rss_mb'] for one in frozen)} MB with the mapped file")  # fmt: skip
        for name, told in (("without", bench.freeze(events=True, frozen=False)), ("during", bench.freeze(events=True))):
            print(f"other events {name} a freeze: p50 {told['p50_ms']:.1f} ms, p99 {told['p99_ms']:.1f} ms, "
                  f"worst {told['worst_ms']:.1f} ms of {told['events']}; {told['windows']} windows, "
                  f"the middle one of {told['window']}")  # fmt: skip
        inside, places = bench.killed(given.kills, seconds)
        print(
            f"{given.kills} kills, {inside} inside the freeze at {places} places: everyone once, sums exact each time"
        )
        bench.database.close()


if __name__ == "__main__":
    main()
