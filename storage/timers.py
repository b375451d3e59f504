"""Timers: the schedule is in the database, one row per due time, fired once."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import Timer

_T = Timer.__table__  # type: ignore[attr-defined]
_ADD = Insert(Timer, "nothing")
_DUE = Sql(
    select(_T.c.id, _T.c.name, _T.c.payload, _T.c.due_at, _T.c.late_by)
    .where(_T.c.fired_at.is_(None), _T.c.due_at <= bindparam("now"))
    .order_by(_T.c.due_at, _T.c.id)
    .limit(bindparam("limit", type_=_T.c.id.type))
)
_CLOSE = Sql(
    update(_T)
    .where(_T.c.id == bindparam("id_"), _T.c.status == "pending")
    .values(status=bindparam("to"), fired_at=bindparam("now"))
)
_CANCEL = Sql(
    update(_T)
    .where(_T.c.key == bindparam("key_"), _T.c.status == "pending")
    .values(status="cancelled", fired_at=bindparam("now"))
)
_DUE_OF = Sql(select(_T.c.due_at).where(_T.c.key == bindparam("key_")))
_NEXT = Sql(select(func.min(_T.c.due_at)).where(_T.c.fired_at.is_(None)))


class Due(NamedTuple):
    """A timer whose time has come. After `late_by` (None = never too late) its work has lost its sense."""

    id: int
    name: str
    payload: str
    due_at: datetime
    late_by: datetime | None


def add(db: Db, row_id: int, key: str, name: str, payload: dict[str, Any], due_at: datetime, now: datetime,
        late_by: datetime | None = None) -> None:  # fmt: skip
    """Set a timer; a key set before stays as it was."""
    text = json.dumps(payload, ensure_ascii=False)
    db.add(_ADD, (row_id, key, name, text, "pending", due_at, late_by, now, None))


def due(db: Db, now: datetime, limit: int) -> list[Due]:
    """The timers whose time has come, oldest first."""
    return [Due(*row) for row in db.all(_DUE, now=now, limit=limit)]


def close(db: Db, row_id: int, status: str, now: datetime) -> bool:
    """Mark a timer `fired` or `cancelled`; False when someone else did before."""
    return db.run(_CLOSE, id_=row_id, to=status, now=now) == 1


def cancel(db: Db, key: str, now: datetime) -> bool:
    """Call a timer off; False when it is gone already."""
    return db.run(_CANCEL, key_=key, now=now) == 1


def due_of(db: Db, key: str) -> datetime | None:
    """When a timer is or was due; None when it was never set."""
    row = db.one(_DUE_OF, key_=key)
    return row[0] if row else None


def is_set(db: Db, key: str) -> bool:
    """Whether a timer was ever set."""
    return due_of(db, key) is not None


def next_due(db: Db) -> datetime | None:
    """When the next timer is due."""
    row = db.one(_NEXT)
    return row[0] if row else None
