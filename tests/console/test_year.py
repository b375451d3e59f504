"""一年: the same seed makes the same year on any database; the books of it are whole; nothing is written over."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import run
from bot.settings import load
from bot.texts import Texts
from console import auditing
from console.year import seasons
from console.year.living import Year, live
from storage.engine import Database
from tests.year import Life, once

ROOT = Path(run.__file__).parent
SMALL = Year(members=40, seed=7, first=date(2024, 2, 20), days=14)  # 29 February is in it
TRACES: dict[int, str] = {}


async def lived(url: str, year: Year) -> tuple[dict[str, int], str]:
    settings = load(Texts())
    settings.database.url = url
    return await live(settings, run.wire, year, lambda *_: None)


def ask(url: str, sql: str) -> Any:
    database = Database(url)
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(sql).all()
    database.close()
    return found


async def test_the_same_seed_makes_the_same_year_everywhere(database_url: str) -> None:
    counts, trace = await lived(database_url, SMALL)

    assert TRACES.setdefault(SMALL.seed, trace) == trace  # the second database's is the first's
    assert counts["member"] >= 28
    assert all(counts.values())
    assert ask(database_url, "SELECT count(*) FROM inbox WHERE status <> 'done'")[0][0] == 0
    assert not ask(database_url, "SELECT call, error FROM outbox WHERE status = 'dead' OR faults > 0")
    database = Database(database_url)
    lines, violations = auditing.audit_lines(database, None)
    database.close()
    assert violations == 0, lines


def test_everybody_comes_and_busy_days_are_busy() -> None:
    comers = seasons.comers(date(2026, 1, 1), 365, 10_000)

    assert sum(comers) == 10_000
    assert sum(comers[:100]) < sum(comers[-100:])
    assert comers[314] == max(comers)  # 11 November
    assert seasons.busy(date(2026, 2, 17)) < 0.5 < seasons.busy(date(2026, 2, 7))


def test_what_comes_once_a_day_comes_once_a_local_day(database_url: str) -> None:
    kind = database_url.partition(":")[0].partition("+")[0]
    there = Life("Australia/Lord_Howe", "Australia/Lord_Howe", 3, date(2028, 2, 27), 5, 7)
    wrong, _, counts = once(kind, there)
    assert wrong == []
    assert counts == {"daily": 15, "timers": 21, "tier:birthday": 1, "journey:birthday": 1}

    wrong, *_ = once(kind, replace(there, zone="UTC"))
    assert wrong  # the control: another place's days are found out


def test_a_database_with_somebody_in_it_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'there.db'}"
    command = [sys.executable, "run.py", "seed", "--year", "--members", "3", "--days", "2", "--from", "2026-03-01"]
    env = {**os.environ, "SIYU_DATABASE__URL": url}

    first = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    said = first.stdout.strip().splitlines()
    assert len(said) == 2
    assert said[0].startswith("seed 1 members 3 from 2026-03-01 days 2 zone Asia/Shanghai")
    assert len(bytes.fromhex(said[1])) == 32

    again = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (2, "")
    assert "空库" in again.stderr
    assert ask(url, "SELECT count(*) FROM member")[0][0] == 3


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    env = {**os.environ, "SIYU_DATABASE__URL": f"sqlite:///{tmp_path / 'x.db'}"}
    command = [sys.executable, "run.py", "seed", "--year", "--zone", "Mars/Olympus"]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "Asia/Shanghai" in told.stderr
