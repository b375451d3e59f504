"""时令 seasons: how busy a day is, and how many people have come by then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

WEEK = (0.9, 0.85, 0.9, 0.95, 1.1, 1.35, 1.25)  # Monday first
NEW_YEAR = (date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6), date(2028, 1, 26))  # 春节


def busy(day: date) -> float:
    """How much is bought on a day, 1.0 is an ordinary one."""
    level = WEEK[day.weekday()]
    if (day.month, day.day) == (11, 11):
        return level * 6
    if (day.month, day.day) in ((6, 18), (12, 12)):
        return level * 3
    if day.month == 11 and 1 <= day.day <= 10:
        return level * 1.4
    for feast in NEW_YEAR:
        if -14 <= (day - feast).days < -2:
            return level * 2  # gifts are bought
        if -2 <= (day - feast).days <= 5:
            return level * 0.25  # shops are closed, people travel
    return level


def comers(first: date, days: int, members: int) -> list[int]:
    """How many join on each day: slowly at first, more and more, with a rush on busy days. Adds up to `members`."""
    weights = [(0.4 + 1.2 * at / max(1, days)) * busy(first + timedelta(days=at)) ** 0.7 for at in range(days)]
    return shared(members, weights)


def shared(count: int, weights: Sequence[float]) -> list[int]:
    """A count dealt out by weights, to the last one."""
    whole, upto, given, dealt = sum(weights), 0.0, 0, []
    for weight in weights:
        upto += weight
        now = round(count * upto / whole)
        dealt.append(now - given)
        given = now
    return dealt
