"""活动时刻表: timetables of drives and their sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Timetable, TimetableSession

rows = Rows(Timetable)
sessions = Rows(TimetableSession)

_T = Timetable.__table__  # type: ignore[attr-defined]
_S = TimetableSession.__table__  # type: ignore[attr-defined]
_COMING = Sql(
    select(_S.c.campaign_id)
    .join(_T, _T.c.id == _S.c.timetable_id)
    .where(
        _S.c.status == "planned", _S.c.starts_at > bindparam("now", type_=_S.c.starts_at.type),
        _T.c.status == "published", _T.c.kind == bindparam("kind_"),
    )
    .order_by(_S.c.starts_at, _S.c.id)
    .limit(bindparam("most", type_=_S.c.id.type))
)  # fmt: skip


def coming(db: Db, kind: str, now: datetime, most: int) -> list[int]:
    """The campaigns of the next sessions of a kind, the first to begin first."""
    return [int(row[0]) for row in db.all(_COMING, kind_=kind, now=now, most=most)]
