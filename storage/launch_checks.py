"""上市审计: the invariants of launches and posts; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select

from storage import tables
from storage.types import UtcDateTime

t: Any = tables


def without_broadcast(_: datetime) -> Select[Any]:
    """Each moment of a launch is a broadcast to the launch's segment."""
    m, a, b = t.LaunchMoment, t.Launch, t.Broadcast
    there = select(b.id).join(a, a.segment_id == b.segment_id).where(b.id == m.broadcast_id, a.id == m.launch_id)
    return select(m.id, m.broadcast_id).where(~there.exists())


def forgotten_open(_: datetime) -> Select[Any]:
    """A posting that nobody did is closed when its time is over."""
    k = t.GuideTask
    late = k.due_at < bindparam("overdue", type_=UtcDateTime())
    return select(k.id, k.key).where(k.kind == "post", k.done_at.is_(None), late)


LAUNCHES = (
    ("launches: each moment is a broadcast to the segment", without_broadcast),
    ("posts: none is left open after its time", forgotten_open),
)
