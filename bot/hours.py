"""值班时间 hours: when people answer members, and when they are back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.clock import ZONE

WEEK = 7


class Hours(NamedTuple):
    """Local hours of every day but `rest` (1 = Monday … 7 = Sunday); they may reach over midnight."""

    opens: time
    closes: time
    rest: frozenset[int]


def read_hours(typed: str, rest: Iterable[int] = ()) -> Hours | None:
    """`09:00-21:00` as hours, "" as always. Raises ValueError in plain words."""
    if not typed.strip():
        return None
    try:
        opens, closes = [time.fromisoformat(part.strip()) for part in typed.split("-")]
    except ValueError:
        raise ValueError('not hours such as "09:00-21:00"; "" = always') from None
    days = frozenset(rest)
    if opens == closes or opens.tzinfo or closes.tzinfo:
        raise ValueError('begin and end must be two local times; give hours such as "09:00-21:00", "" = always')
    if not days <= set(range(1, WEEK + 1)) or len(days) == WEEK:
        raise ValueError("days of rest are 1 (Monday) to 7 (Sunday), and not all of them")
    return Hours(opens, closes, days)


def back_at(now: datetime, hours: Hours | None, zone: ZoneInfo = ZONE) -> datetime | None:
    """When people are back (UTC); None while they are there."""
    if hours is None:
        return None
    local = now.astimezone(zone)
    if _at_work(local, hours):
        return None
    for days in range(WEEK + 1):
        day = local.date() + timedelta(days=days)
        opening = datetime.combine(day, hours.opens, tzinfo=zone)
        if opening > local and day.isoweekday() not in hours.rest:
            return opening.astimezone(UTC)
    raise AssertionError("a week without a working day")


def _at_work(local: datetime, hours: Hours) -> bool:
    today, yesterday = local.isoweekday(), (local - timedelta(days=1)).isoweekday()
    after, before = local.time() >= hours.opens, local.time() < hours.closes
    if hours.opens < hours.closes:
        return after and before and today not in hours.rest
    return (after and today not in hours.rest) or (before and yesterday not in hours.rest)
