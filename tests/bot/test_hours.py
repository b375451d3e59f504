"""值班时间: people are there or are back at a known time."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.clock import ZONE
from bot.hours import back_at, read_hours


def at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("hours", "rest", "now", "back"),
    [
        ("", [], "2026-11-11 03:00", None),
        ("09:00-21:00", [], "2026-11-11 09:00", None),
        ("09:00-21:00", [], "2026-11-11 20:59", None),
        ("09:00-21:00", [], "2026-11-11 21:00", "2026-11-12 09:00"),
        ("09:00-21:00", [], "2026-11-11 08:59", "2026-11-11 09:00"),
        ("09:00-21:00", [6, 7], "2026-11-13 21:00", "2026-11-16 09:00"),
        ("09:00-21:00", [6, 7], "2026-11-14 12:00", "2026-11-16 09:00"),
        ("18:00-02:00", [], "2026-11-11 01:59", None),
        ("18:00-02:00", [], "2026-11-11 02:00", "2026-11-11 18:00"),
        ("18:00-02:00", [5], "2026-11-14 01:00", "2026-11-14 18:00"),
        ("18:00-02:00", [6], "2026-11-14 01:00", None),
        ("10:00-00:00", [], "2026-11-11 23:59", None),
    ],
)
def test_people_are_back_when_their_hours_begin(hours: str, rest: list[int], now: str, back: str | None) -> None:
    assert back_at(at(now), read_hours(hours, rest)) == (at(back) if back else None)


@pytest.mark.parametrize("typed", ["9-21", "09:00", "09:00-09:00", "25:00-26:00", "abc", "09:00-21:00-23:00"])
def test_what_is_no_hours_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"hours such as|local times"):
        read_hours(typed)


@pytest.mark.parametrize("rest", [[0], [8], [1, 2, 3, 4, 5, 6, 7]])
def test_what_are_no_days_of_rest_is_refused(rest: list[int]) -> None:
    with pytest.raises(ValueError, match="Monday"):
        read_hours("09:00-21:00", rest)
