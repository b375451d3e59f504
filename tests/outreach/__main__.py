"""`python -m tests.outreach [--sends 1000000] [--people 5000] [--db sqlite|postgresql] [--seed 1] [--blind caps]`: asks
`scenarios.outreach` so many times whether somebody may be reached, while terms, zones, consents, guides and persons
change at random, and compares every single answer with a judge of its own; then audits the books. `--blind` makes the
house overlook something: the judge must notice. Ends with 1 when anything differs.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from storage.checks import CHECKS
from storage.engine import Database
from tests.outreach.world import World, live
from tests.postgres import SCHEMA_FREE, postgres_url, why_not


@contextlib.contextmanager
def a_database(kind: str) -> Iterator[Database]:
    """An empty one, gone afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as home:
            database = Database(f"sqlite:///{Path(home) / 'outreach.db'}")
            database.migrate()
            yield database
            database.close()
        return
    if reason := why_not():
        raise SystemExit(reason)
    with SCHEMA_FREE.schema() as name:
        database = Database(postgres_url(name))
        database.migrate()
        yield database
        database.close()


def audited(database: Database, world: World) -> list[str]:
    """What the audit finds, for who looks when all is over."""
    with database.engine.connect() as connection:
        return [f"{check.name}: {row}" for check in CHECKS for row in check.violations(connection, world.now)]


def main() -> int:
    """One year or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--db", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", choices=["", "caps", "quiet", "opt_in"], default="")
    given = parser.parse_args()
    with a_database(given.db) as database:
        world, started = World(database, given.people, given.seed, given.blind), time.monotonic()
        began = world.now
        live(world, given.sends)
        took = time.monotonic() - started
        wrong = world.judge.wrong + audited(database, world)
        world.close()
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(world.judge.refused.items()))
    sys.stdout.write(f"{world.asked} asked over {(world.now - began).days} days in {took:.0f} s ({given.db}): "
                     f"{world.judge.passed} sent; not sent: {refused}\n")  # fmt: skip
    sys.stdout.write("".join(f"{line}\n" for line in wrong[:10]))
    sys.stdout.write(f"{len(wrong)} violations\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
