"""The command line's side of the year: a line of progress on a terminal, counts and the hash at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NoReturn

import typer

from bot.clock import ZONE, SystemClock
from bot.logs import set_up
from bot.settings import Settings
from console.year.living import COUNTED, Wire, Year, live, refuse
from storage.engine import Database


@dataclass(frozen=True)
class Wanted:
    """What was typed. `first` None: so that the year ends today; `zone` "" = as in the settings."""

    members: int
    seed: int
    days: int
    first: datetime | None
    zone: str


def live_it(settings: Settings, wire: Wire, wanted: Wanted, fail: Callable[[str], NoReturn]) -> None:
    """Live a year and say what became of it: the last line is the hash of its trace."""
    if wanted.zone:
        try:
            ZONE.live_in(wanted.zone)
        except ValueError:
            fail(f"没有叫 {wanted.zone} 的时区：写成 Asia/Shanghai 这样的名字")
    database = Database(settings.database.url)
    database.migrate()
    reason = refuse(database)
    database.close()
    if reason:
        fail(reason)
    set_up("ERROR", settings.secret_values(), json_lines=settings.logs.json_lines)
    today = SystemClock().now().astimezone(ZONE).date()
    first = wanted.first.date() if wanted.first else today - timedelta(days=wanted.days)
    year = Year(wanted.members, wanted.seed, first, wanted.days)
    counts, trace = asyncio.run(live(settings, wire, year, _tell if sys.stderr.isatty() else _nothing))
    if sys.stderr.isatty():
        typer.echo("", err=True)
    shown = " ".join(f"{COUNTED[name]} {count}" for name, count in counts.items())
    typer.echo(f"seed {year.seed} members {year.members} from {first} days {year.days} zone {ZONE} · {shown}")
    typer.echo(trace)


def _tell(day: date, members: int, orders: int) -> None:
    typer.echo(f"\r{day}  会员 {members}  订单 {orders}   ", nl=False, err=True)


def _nothing(_day: date, _members: int, _orders: int) -> None:
    """Nobody watches."""
