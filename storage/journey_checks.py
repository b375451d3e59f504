"""旅程审计: the invariants of journeys; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from storage import tables

t: Any = tables


def control_served(_: datetime) -> Select[Any]:
    """Nothing was done for those who are there to compare with."""
    r, n = t.JourneyRun, t.JourneyNote
    return select(r.id, r.member_id, n.what).join(n, n.run_id == r.id).where(r.status == "control")


def version_gone(_: datetime) -> Select[Any]:
    """Whoever is or was on a journey is on a version that is kept, of that journey."""
    r, j = t.JourneyRun, t.Journey
    kept = select(j.id).where(j.id == r.journey_id, j.name == r.name).exists()
    return select(r.id, r.name, r.journey_id).where(~kept)


JOURNEYS = (
    ("journey: those to compare with got nothing", control_served),
    ("journey: each run is on a version that is kept", version_gone),
)
