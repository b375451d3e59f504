"""Callbacks a second, side by side in one run: an empty handler, decrypt only, the whole bot, the same by an ORM.

make bench    or    python -m bench.callbacks [--db postgresql] [--workers 2] [--rounds 3] [--count 12000]
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.load import Answered, measure
from bench.requests import posts
from bench.servers import running
from bot.channels.wecom_app import PATH

WARM_UP = 0.2  # of the requests, before those that count


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--workers", type=int, default=1, help="processes of the whole bot (PostgreSQL)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=12_000, help="requests a round; the ORM gets a tenth")
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--without-orm", action="store_true")
    return parser.parse_args()


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def a_database(kind: str) -> Iterator[str]:
    """An empty database's url; on disk, not in memory."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as home:
            yield f"sqlite:///{home}/bench.db"
        return
    from tests.postgres import SCHEMA_FREE, postgres_url, why_not

    if reason := why_not():
        raise SystemExit(reason)
    with SCHEMA_FREE.schema() as name:
        yield postgres_url(name)


def one_round(name: str, kind: str, workers: int, count: int, in_flight: int) -> Answered:
    port = a_port()
    with a_database(kind) as url, running(name, port, url, workers):
        measure(port, posts(int(count * WARM_UP), PATH), in_flight)
        answered = measure(port, posts(count, PATH), in_flight)
    if not answered.clean:
        raise SystemExit(f"{name} answered {answered.statuses}")
    return answered


def main() -> None:
    """Measure in turns, so that a slow minute of the machine hits everybody; print the medians and their ratios."""
    given = arguments()
    if given.workers > 1 and given.db == "sqlite":
        raise SystemExit("several workers need --db postgresql")
    names = ["bare", "decrypt", "whole"] + ([] if given.without_orm else ["orm"])
    seen: dict[str, list[Answered]] = {name: [] for name in names}
    for _ in range(given.rounds):
        for name in names:
            count = given.count // 10 if name == "orm" else given.count
            workers = given.workers if name == "whole" else 1
            seen[name].append(one_round(name, given.db, workers, count, given.in_flight))
    rate = {name: statistics.median(run.per_second for run in runs) for name, runs in seen.items()}
    for name, runs in seen.items():
        p50, p99 = (statistics.median(getattr(run, at) for run in runs) for at in ("p50_ms", "p99_ms"))
        print(f"{name:8} {rate[name]:8.0f} requests/s   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms")
    print(f"database = {given.db}, workers = {given.workers}, in flight = {given.in_flight}, rounds = {given.rounds}")
    print(f"whole/decrypt = {rate['whole'] / rate['decrypt']:.2f}")
    print(f"whole/bare = {rate['whole'] / rate['bare']:.2f}")
    if "orm" in rate:
        print(f"whole/orm = {rate['whole'] / rate['orm']:.1f}")


if __name__ == "__main__":
    main()
