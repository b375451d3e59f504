"""沙龙的规则: when people are reminded, who may come, what a calendar is told. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.clock import Quiet, quiet_until

BEFORE_NIGHT = timedelta(minutes=30)  # what would fall into the quiet hours comes so long before they begin
LATEST = timedelta(minutes=15)  # later than so long before the start a reminder helps nobody
DOORS_OPEN = timedelta(hours=2)  # who is there so early may check in


class Guest(NamedTuple):
    """What is asked about somebody who wants to come."""

    tier: str
    absences: int


class Admission(NamedTuple):
    """Who may come: members of these tiers (none named: of any), who did not stay away too often."""

    tiers: tuple[str, ...]
    absences_most: int


def remind_at(starts_at: datetime, before: timedelta, quiet: Quiet | None, zone: ZoneInfo) -> datetime | None:
    """When to remind, `before` the start; None when there is no time that is neither in the quiet hours nor too late.

    A reminder of the quiet hours waits until they are over; where that is too late, it comes the evening before.
    """
    due = starts_at - before
    ends = quiet_until(due, quiet, zone)
    if ends is None:
        return due
    if ends <= starts_at - LATEST:
        return ends
    assert quiet is not None
    local = due.astimezone(zone)
    day = local.date() if local.time() >= quiet.begins else local.date() - timedelta(days=1)
    evening = (datetime.combine(day, quiet.begins, tzinfo=zone) - BEFORE_NIGHT).astimezone(UTC)
    return evening if quiet_until(evening, quiet, zone) is None else None


def reminders(
    starts_at: datetime, befores: Sequence[int], quiet: Quiet | None, zone: ZoneInfo, now: datetime
) -> list[tuple[int, datetime]]:
    """(seconds before, when) of every reminder that still lies ahead; two that meet are one."""
    found: dict[datetime, int] = {}
    for seconds in sorted(set(befores), reverse=True):
        due = remind_at(starts_at, timedelta(seconds=seconds), quiet, zone)
        if due is not None and now < due < starts_at:
            found.setdefault(due, seconds)
    return [(seconds, due) for due, seconds in found.items()]


def offer_until(now: datetime, accept: timedelta, starts_at: datetime) -> datetime | None:
    """How long somebody who waited may take the seat that came free; None when it is too late to offer one."""
    return min(now + accept, starts_at) if now < starts_at else None


def refused(guest: Guest, admission: Admission) -> str:
    """Why somebody may not come, "" when they may."""
    if admission.tiers and guest.tier not in admission.tiers:
        return "tier"
    if admission.absences_most and guest.absences >= admission.absences_most:
        return "absent"
    return ""


def may_check_in(starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    """Why nobody can check in now: `early`, `over`; "" when they can."""
    if now < starts_at - DOORS_OPEN:
        return "early"
    return "over" if now > ends_at else ""


# -- the calendar file (RFC 5545) -------------------------------------------------------------------------------------

_FOLD = 75  # bytes of a line
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def ics(uid: str, title: str, place: str, text: str, times: tuple[datetime, datetime, datetime], version: int,
        *, cancelled: bool) -> bytes:  # fmt: skip
    """A calendar file with one event. `times`: begin, end, when it was made. A later `version` replaces an earlier."""
    begins, ends, made = (f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in times)
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//siyu//salon//ZH", "METHOD:PUBLISH", "BEGIN:VEVENT",
        f"UID:{uid}", f"SEQUENCE:{version}", f"DTSTAMP:{made}", f"DTSTART:{begins}", f"DTEND:{ends}",
        f"SUMMARY:{title.translate(_ESCAPED)}", f"LOCATION:{place.translate(_ESCAPED)}",
        f"DESCRIPTION:{text.translate(_ESCAPED)}", f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        "BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{title.translate(_ESCAPED)}", "TRIGGER:-PT2H", "END:VALARM",
        "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _folded(line: str) -> list[bytes]:
    """A line in parts of at most 75 bytes, never inside a character; each further part begins with a blank."""
    parts, part = [], b""
    for letter in line:
        more = letter.encode()
        if len(part) + len(more) > _FOLD:
            parts.append(part)
            part = b" "
        part += more
    return [*parts, part]
