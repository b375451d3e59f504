"""生日 as people write it: `1990-03-05`, `3月5日`, `农历八月十五` as 农历08-15, of a leap month 农历闰04-15."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from bot.clock import ZONE
from storage import lunar

FORM, YEAR, MOON = "form", "year", "moon"
_WRITTEN = re.compile(r"(农历|阴历)?(?:(\d{4})[-/.年])?(闰)?(\d{1,2})[-/.月](\d{1,2})[日号]?")


class Unread(ValueError):
    """What was written is no birthday. The message is what is wrong: `FORM`, `YEAR` or `MOON`."""


def read(written: str, now: datetime) -> tuple[str, int | None]:
    """(MM-DD, or by the moon as storage/lunar.py keeps it; the year where it was given). 29 February is a day without a
    year too. Raises Unread."""
    match = _WRITTEN.fullmatch("".join(unicodedata.normalize("NFKC", written).split()))
    if match is None or (match[3] and not match[1]):
        raise Unread(FORM)
    year, month, day = int(match[2]) if match[2] else None, int(match[4]), int(match[5])
    if year is not None and not 1900 <= year <= now.year:
        raise Unread(YEAR)
    if match[1]:
        if not (1 <= month <= 12 and 1 <= day <= 30):
            raise Unread(MOON)
        return lunar.kept(month, day, leap=bool(match[3])), year
    try:
        return f"{datetime(year or 2000, month, day, tzinfo=ZONE):%m-%d}", year
    except ValueError:
        raise Unread(FORM) from None
