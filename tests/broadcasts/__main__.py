"""百万群发: `python -m tests.broadcasts --members 1000000 --kills 20 --db sqlite|postgresql [--guides 100]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.broadcasts.scale import Drill, Report, Scene
from tests.postgres import SCHEMA_FREE, postgres_url

MOST_MB, MOST_STOP_S, MOST_RESUME_S = 300.0, 2.0, 10.0


def drill(kind: str, members: int, kills: int, guides: int, workdir: Path) -> Report:
    """One run on one database."""
    if kind == "sqlite":
        url = f"sqlite:///{workdir / 'siyu.db'}"
        return asyncio.run(Drill(Scene(workdir, url), members, kills, guides).run())
    with SCHEMA_FREE.schema() as name:
        return asyncio.run(Drill(Scene(workdir, postgres_url(name)), members, kills, guides).run())


def lines(kind: str, members: int, report: Report) -> list[str]:
    """What was measured, in words."""
    phases = " ".join(f"{name}={seconds:.1f}s" for name, seconds in report.seconds.items())
    numbers = " ".join(f"{name}={count}" for name, count in report.numbers.items())
    slowest = max(report.resumes, default=0.0)
    return [
        f"db={kind} members={members} tasks={report.tasks} kills={dict(report.kills)} {phases}",
        f"numbers {numbers}",
        f"peak_rss={report.peaks_mb[0]:.0f}MB of_its_own={report.own_mb[0]:.0f}MB resume={slowest:.1f}s",
        f"stop={report.stop_s:.2f}s called_off={report.cancelled_s:.1f}s",
        *[f"WRONG {line}" for line in report.wrong[:20]],
    ]


def failed(report: Report) -> bool:
    """Whether anything is not as promised."""
    slow = max(report.resumes, default=0.0) > MOST_RESUME_S or report.stop_s > MOST_STOP_S
    return bool(report.wrong) or slow or report.own_mb[0] > MOST_MB


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.broadcasts")
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--guides", type=int, default=100)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="siyu-broadcasts-") as workdir:
        report = drill(given.db, given.members, given.kills, given.guides, Path(workdir))
    sys.stdout.write("\n".join(lines(given.db, given.members, report)) + "\n")
    return 1 if failed(report) else 0


if __name__ == "__main__":
    sys.exit(main())
