"""What the JSON API shows of timetables: how they stand, their sessions, what each has sold."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, String, cast, func, literal, select

from console.paging import as_json, in_state, page
from console.refusals import Refused
from storage import tables

t: Any = tables
STATES = ("draft", "published", "paused", "ended")
SESSIONS = 200


def timetables(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Timetables, the latest first; `after` is the last id of the page before."""
    a = t.Timetable
    asked = in_state(select(a.__table__), a, query, STATES)
    if "kind" in query:
        asked = asked.where(a.kind == query["kind"])
    found, following = page(connection, query, asked, a.id)
    return {"items": [_shown(row) for row in found], "next": following}


def _shown(row: Any) -> dict[str, Any]:
    return as_json(row, times=json.loads(row.times), items=json.loads(row.items))


def timetable(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """One timetable, its latest sessions (up to 200) and what each has sold: pieces held and pieces paid."""
    a, s, k = t.Timetable, t.TimetableSession, t.Stock
    row = (
        connection.execute(select(a.__table__).where(a.id == int(query["id"]))).one_or_none()
        if query["id"].isdigit() else None
    )  # fmt: skip
    if row is None:
        raise Refused(404, "not_found", "没有这个时刻表", "id")
    asked = (
        select(s.campaign_id, s.place, s.starts_at, s.ends_at, s.status, s.why, k.reserved, k.taken)
        .outerjoin(k, k.name == literal("campaign:") + cast(s.campaign_id, String))
        .where(s.timetable_id == row.id)
        .order_by(s.starts_at.desc(), s.place)
        .limit(SESSIONS)
    )
    sessions = [
        as_json(one, reserved=one.reserved or 0, taken=one.taken or 0) for one in connection.execute(asked)
    ]  # fmt: skip
    counted = select(s.status, func.count()).where(s.timetable_id == row.id).group_by(s.status)
    numbers = {status: int(n) for status, n in connection.execute(counted)}
    return {**_shown(row), "numbers": numbers, "sessions": sessions}
