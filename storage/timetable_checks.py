"""时刻表审计: the invariants of timetables; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, or_, select

from storage import tables
from storage.types import UtcDateTime

t: Any = tables


def another_campaign(_: datetime) -> Select[Any]:
    """A session is held by a campaign of its timetable's kind, at exactly its hours."""
    s, a, c = t.TimetableSession, t.Timetable, t.Campaign
    fits = (
        select(c.id)
        .join(a, a.kind == c.kind)
        .where(c.id == s.campaign_id, a.id == s.timetable_id, c.starts_at == s.starts_at, c.ends_at == s.ends_at)
    )
    return select(s.id, s.campaign_id).where(~fits.exists())


def sold_out_of_hours(_: datetime) -> Select[Any]:
    """A session that is over, skipped or still planned sells nothing."""
    s, c = t.TimetableSession, t.Campaign
    return (
        select(s.id, s.status, c.status)
        .join(c, c.id == s.campaign_id)
        .where(s.status != "open", c.status.in_(["published", "paused"]))
    )


def left_open(_: datetime) -> Select[Any]:
    """No session is planned or open long after its end."""
    s = t.TimetableSession
    late = s.ends_at < bindparam("overdue", type_=UtcDateTime())
    return select(s.id, s.status).where(late, or_(s.status == "planned", s.status == "open"))


TIMETABLES = (
    ("timetables: each session is a campaign of its own hours", another_campaign),
    ("timetables: only open sessions sell", sold_out_of_hours),
    ("timetables: no session is left open", left_open),
)
