"""农历: the table against days that are known, and who is met on which day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from storage import lunar
from storage.segments import birthdays


@pytest.mark.parametrize(("day", "year", "month", "of_month", "leap"), [
    (date(1911, 10, 10), 1911, 8, 19, False), (date(1949, 10, 1), 1949, 8, 10, False),
    (date(1984, 11, 23), 1984, 10, 1, True), (date(2000, 2, 5), 2000, 1, 1, False),
    (date(2017, 7, 23), 2017, 6, 1, True), (date(2020, 5, 23), 2020, 4, 1, True),
    (date(2023, 3, 22), 2023, 2, 1, True), (date(2024, 9, 17), 2024, 8, 15, False),
    (date(2025, 1, 28), 2024, 12, 29, False), (date(2025, 1, 29), 2025, 1, 1, False),
    (date(2025, 7, 25), 2025, 6, 1, True), (date(2026, 2, 17), 2026, 1, 1, False),
    (date(2026, 9, 25), 2026, 8, 15, False), (date(2033, 12, 22), 2033, 11, 1, True),
    (date(1901, 2, 19), 1901, 1, 1, False), (date(2100, 2, 8), 2099, 12, 30, False),
])  # fmt: skip
def test_days_that_are_known(day: date, year: int, month: int, of_month: int, leap: bool) -> None:
    found = lunar.of(day)

    assert found is not None
    assert found[:4] == (year, month, of_month, leap)


def test_outside_of_the_table_nobody_is_met() -> None:
    assert lunar.of(date(1901, 2, 18)) is None
    assert lunar.met(date(2100, 2, 9)) == []


def test_every_birthday_is_met_exactly_once_in_every_lunar_year() -> None:
    everyone = {lunar.kept(m, d, leap=leap) for m in range(1, 13) for d in range(1, 31) for leap in (False, True)}
    met: dict[int, Counter[str]] = {}
    day = lunar.FIRST_DAY
    while (found := lunar.of(day)) is not None:
        met.setdefault(found.year, Counter()).update(lunar.met(day))
        day += timedelta(days=1)

    assert len(met) == 199
    for year, names in met.items():
        assert set(names) == everyone, year
        assert max(names.values()) == 1, year


def test_leap_months_and_the_thirtieth() -> None:
    assert lunar.met(date(2025, 7, 25)) == ["LL06-01"]  # the leap sixth month: who was born in the sixth had theirs
    assert lunar.met(date(2025, 6, 25)) == ["L06-01"]
    assert lunar.met(date(2026, 7, 14)) == ["L06-01", "LL06-01"]  # no leap month: both in the ordinary one
    assert lunar.met(date(2025, 1, 28)) == ["L12-29", "L12-30", "LL12-29", "LL12-30"]


def test_birthdays_of_a_day_are_solar_and_lunar() -> None:
    assert birthdays(date(2026, 9, 25), 0) == ["09-25", "L08-15", "LL08-15"]
