"""农历 lunar: the lunar day of a solar date, for birthdays that are kept by the lunar calendar.

The table was made once and compared day by day with three independent calendars; they agree on every day but the
thirty of 2057-09-29 to 10-28, where the new moon falls on midnight and the reckoning of Nanjing's almanac is taken.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from typing import NamedTuple

FIRST_YEAR, FIRST_DAY = 1901, date(1901, 2, 19)

# One word a lunar year: bit i is set when its month i has 30 days (else 29); from bit 13 on stands the leap month.
_TABLE = """
00752 00ea5 0b64a 0064b 00a9b 09556 0056a 00b59 05752 00752 0db25 00b25 00a4b 0b4ab 002ad 0056b
04b69 00da9 0fd92 00e92 00d25 0ba4d 00a56 002b6 095b5 006d4 00ea9 05e92 00e92 0cd26 0052b 00a57
0b2b6 00b5a 006d4 06ec9 00749 0f693 00a93 0052b 0ca5b 00aad 0056a 09b55 00ba4 00b49 05a93 00a95
0f52d 00536 00aad 0b5aa 005b2 00da5 07d4a 00d4a 10a95 00a97 00556 0cab5 00ad5 006d2 08ea5 00ea5
0064a 06c97 00a9b 0f55a 0056a 00b69 0b752 00b52 00b25 0964b 00a4b 114ab 002ad 0056d 0cb69 00da9
00d92 09d25 00d25 15a4d 00a56 002b6 0c5b5 006d5 00ea9 0be92 00e92 00d26 06a56 00a57 114d6 0035a
006d5 0b6c9 00749 00693 0952b 0052b 00a5b 0555a 0056a 0fb55 00ba4 00b49 0ba93 00a95 0052d 08aad
00ab5 135aa 005d2 00da5 0dd4a 00d4a 00c95 0952e 00556 00ab5 055b2 006d2 0cea5 00725 0064b 0ac97
00cab 0055a 06ad6 00b69 17752 00b52 00b25 0da4b 00a4b 004ab 0a55b 005ad 00b6a 05b52 00d92 0fd25
00d25 00a55 0b4ad 004b6 005b5 06daa 00ec9 11e92 00e92 00d26 0ca56 00a57 004d6 086d5 00755 00749
06e93 00693 0f52b 0052b 00a5b 0b55a 0056a 00b65 0974a 00b4a 11a95 00a95 0052d 0caad 00ab5 005aa
08ba5 00da5 00d4a 07c95 00c96 0f94e 00556 00ab5 0b5b2 006d2 00ea5 08e4a 0068b 10c97 004ab 0055b
0cad6 00b6a 00752 09725 00b45 00a8b 0549b
"""
_YEARS = _TABLE.split()


class LunarDay(NamedTuple):
    """A day of the lunar calendar. `leap`: of the month that repeats `month`. `days`: how many its month has;
    `repeats`: this year has a leap month of this number."""

    year: int
    month: int
    day: int
    leap: bool
    days: int
    repeats: bool


@cache
def _months(place: int) -> list[tuple[int, bool, int]]:
    """The months of a year in their order: number, whether it is the leap one, days."""
    word = int(_YEARS[place], 16)
    leap, numbers = word >> 13, [*range(1, 13)]
    if leap:
        numbers.insert(leap, leap)
    return [(n, at > 0 and numbers[at - 1] == n, 29 + (word >> at & 1)) for at, n in enumerate(numbers)]


@cache
def _begins() -> list[date]:
    """The first days of the years, and the day after the last."""
    lengths = [sum(days for _, _, days in _months(place)) for place in range(len(_YEARS))]
    return [FIRST_DAY + timedelta(days=days) for days in accumulate(lengths, initial=0)]


def of(day: date) -> LunarDay | None:
    """A day's place in the lunar calendar; None before 1901-02-19 and after 2100-02-08."""
    begins = _begins()
    if not begins[0] <= day < begins[-1]:
        return None
    place = bisect_right(begins, day) - 1
    left, months = (day - begins[place]).days, _months(place)
    for number, leap, days in months:
        if left < days:
            repeats = any(also for n, also, _ in months if n == number)
            return LunarDay(FIRST_YEAR + place, number, left + 1, leap, days, repeats)
        left -= days
    raise AssertionError(f"{day} lies behind its year")


def kept(month: int, day: int, *, leap: bool = False) -> str:
    """A lunar birthday as it is kept: `L08-15`, of a leap month `LL04-15`."""
    return f"{'LL' if leap else 'L'}{month:02}-{day:02}"


def met(day: date) -> list[str]:
    """The lunar birthdays that are celebrated on a solar day.

    Who was born in a leap month celebrates in it when the year has the same one, else in the ordinary month. Who was
    born on a month's 30th celebrates on the 29th where the month has no 30th.
    """
    now = of(day)
    if now is None:
        return []
    born = [now.day, 30] if now.day == now.days == 29 else [now.day]
    names = [kept(now.month, one, leap=now.leap) for one in born]
    return names if now.repeats else names + [kept(now.month, one, leap=True) for one in born]
