"""时钟 clock: the one seam through which time comes in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from storage import types


class Clock(Protocol):
    """What reads the time: `now` for business, `monotonic` (seconds) for durations."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...


class SystemClock:
    """The machine's clock, shifted by `offset`: the demo follows the sandbox's virtual time by it."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Seconds; a shift of the business clock moves it forward too, never back."""
        return time.monotonic() + max(self.offset.total_seconds(), 0.0)


class FrozenClock(SystemClock):
    """A clock that stands still until told otherwise: a year passes in a second. It follows nothing."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at, self._passed = at, 0.0

    def now(self) -> datetime:
        """Aware UTC."""
        return self._at

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._at += timedelta(seconds=seconds)
        self._passed += seconds


ZONE = types.ZONE  # the shops' days


def local_day(now: datetime) -> str:
    """The shops' date, such as 2026-11-11."""
    return f"{now.astimezone(ZONE):%Y-%m-%d}"


def end_of_day(now: datetime, days: int = 0) -> datetime:
    """The first moment after the shops' day that lies `days` ahead, in UTC."""
    day = now.astimezone(ZONE).date() + timedelta(days=days + 1)
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)


def shown(moment: datetime, zone: ZoneInfo = ZONE) -> str:
    """A moment as people read it where it counts, by default at the shops, such as `11-11 20:00`."""
    return f"{moment.astimezone(zone):%m-%d %H:%M}"


def till(moment: datetime, now: datetime, zone: ZoneInfo = ZONE) -> str:
    """`shown`, for the end of what may last long: with the year where it is not this one, `2027-11-11 20:00`."""
    at = moment.astimezone(zone)
    return shown(moment, zone) if at.year == now.astimezone(zone).year else f"{at:%Y-%m-%d %H:%M}"


def read_zone(name: str) -> str:
    """A zone's name, when there is one of it. Raises ValueError in plain words."""
    types.zone_named(name)
    return name


class Quiet(NamedTuple):
    """免打扰: local hours in which nobody is reminded of anything; they may reach over midnight."""

    begins: day_time
    ends: day_time


def read_quiet(typed: str) -> Quiet | None:
    """`21:00-09:00` as hours, "" as none. Raises ValueError in plain words."""
    if not typed.strip():
        return None
    try:
        begins, ends = [day_time.fromisoformat(part.strip()) for part in typed.split("-")]
    except ValueError:
        raise ValueError('not hours such as "21:00-09:00"; "" = none') from None
    if begins == ends or begins.tzinfo or ends.tzinfo:
        raise ValueError('begin and end must be two local times; give hours such as "21:00-09:00", "" = none')
    return Quiet(begins, ends)


def quiet_until(now: datetime, quiet: Quiet | None, zone: ZoneInfo = ZONE) -> datetime | None:
    """When the quiet hours that `now` lies in are over (UTC); None when it is not quiet."""
    if quiet is None:
        return None
    local = now.astimezone(zone)
    over_midnight = quiet.begins > quiet.ends
    late, early = local.time() >= quiet.begins, local.time() < quiet.ends
    if not ((late or early) if over_midnight else (late and early)):
        return None
    day = local.date() + timedelta(days=int(over_midnight and late))
    ends = datetime.combine(day, quiet.ends, tzinfo=zone)
    if ends.astimezone(UTC) <= now:  # the hour comes twice when summer time ends, and the first time is over
        ends = ends.replace(fold=1)
    return ends.astimezone(UTC)
