"""时钟: quiet hours, across midnight and where the clock jumps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.clock import ZONE, end_of_day, local_day, quiet_until, read_quiet, shown

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def local(text: str, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "until"),
    [
        ("21:00-09:00", ZONE, "2026-11-11T12:00", None),
        ("21:00-09:00", ZONE, "2026-11-11T20:59:59", None),
        ("21:00-09:00", ZONE, "2026-11-11T21:00", "2026-11-12T09:00"),
        ("21:00-09:00", ZONE, "2026-11-11T23:59:59", "2026-11-12T09:00"),
        ("21:00-09:00", ZONE, "2026-11-12T00:00", "2026-11-12T09:00"),
        ("21:00-09:00", ZONE, "2026-11-12T08:59:59", "2026-11-12T09:00"),
        ("21:00-09:00", ZONE, "2026-11-12T09:00", None),
        ("21:00-09:00", ZONE, "2026-12-31T22:00", "2027-01-01T09:00"),
        ("12:00-14:00", ZONE, "2026-11-11T13:00", "2026-11-11T14:00"),  # within a day
        ("12:00-14:00", ZONE, "2026-11-11T14:00", None),
        ("", ZONE, "2026-11-11T23:00", None),
        ("21:00-09:00", NEW_YORK, "2026-03-07T22:00", "2026-03-08T09:00"),  # a night of eleven hours
        ("21:00-09:00", NEW_YORK, "2026-10-31T22:00", "2026-11-01T09:00"),  # a night of thirteen
        ("21:00-02:30", NEW_YORK, "2026-03-07T22:00", "2026-03-08T03:30"),  # 02:30 does not come
        ("21:00-01:30", NEW_YORK, "2026-10-31T22:00", "2026-11-01T01:30"),  # comes twice: the first time
        ("21:00-09:00", LORD_HOWE, "2026-04-04T22:00", "2026-04-05T09:00"),  # half an hour back
    ],
)
def test_quiet_hours(quiet: str, zone: ZoneInfo, now: str, until: str | None) -> None:
    ends = quiet_until(local(now, zone), read_quiet(quiet), zone)
    assert ends == (None if until is None else local(until, zone))


def test_an_hour_that_comes_twice_ends_at_its_second_end() -> None:
    again = local("2026-11-01T01:10", NEW_YORK, fold=1)
    once_more = quiet_until(local("2026-11-01T01:40", NEW_YORK), read_quiet("01:20-01:30"), NEW_YORK)
    assert once_more is None
    assert quiet_until(again, read_quiet("21:00-01:30"), NEW_YORK) == local("2026-11-01T01:30", NEW_YORK, fold=1)


@pytest.mark.parametrize("zone", [ZONE, NEW_YORK, LORD_HOWE], ids=str)
def test_every_hour_of_a_year_ends_within_a_night(zone: ZoneInfo) -> None:
    quiet = read_quiet("21:00-09:00")
    for quarter in range(0, 366 * 96, 7):
        now = datetime.fromtimestamp(1_767_225_600 + quarter * 900, UTC)
        ends = quiet_until(now, quiet, zone)
        assert (ends is None) == (9 <= now.astimezone(zone).hour < 21)
        if ends is not None:
            assert 0 < (ends - now).total_seconds() <= 13 * 3600
            assert ends.astimezone(zone).hour == 9


@pytest.mark.parametrize(
    "typed", ["21-9", "21:00", "21:00-25:00", "9 to 5", "21:00-21:00", "21:00+08:00-09:00", "21:00-09:00-10:00"]
)
def test_what_are_no_hours_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="21:00-09:00"):
        read_quiet(typed)


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Shops may move in this test."""
    yield
    ZONE.live_in("Asia/Shanghai")


@pytest.mark.usefixtures("elsewhere")
def test_the_shops_days_are_those_of_their_zone() -> None:
    now = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert (str(ZONE), local_day(now), shown(now)) == ("Asia/Shanghai", "2026-11-01", "11-01 13:30")

    ZONE.live_in("America/New_York")
    assert (str(ZONE), local_day(now), shown(now)) == ("America/New_York", "2026-11-01", "11-01 01:30")
    assert end_of_day(now) == datetime(2026, 11, 2, 5, 0, tzinfo=UTC)  # that day has twenty-five hours
    assert now.astimezone(ZONE).tzname() == "EDT"
    again = (now.replace(hour=6)).astimezone(ZONE)
    assert (again.hour, again.minute, again.fold, again.dst()) == (1, 30, 1, timedelta())

    ZONE.live_in("Australia/Lord_Howe")
    assert end_of_day(datetime(2026, 4, 4, 14, 0, tzinfo=UTC)) == datetime(2026, 4, 5, 13, 30, tzinfo=UTC)


@pytest.mark.usefixtures("elsewhere")
def test_a_place_that_is_not_there_changes_nothing() -> None:
    for name in ("Atlantis/Centre", "", "../etc"):
        with pytest.raises(ValueError, match="Asia/Shanghai"):
            ZONE.live_in(name)
    assert str(ZONE) == "Asia/Shanghai"
