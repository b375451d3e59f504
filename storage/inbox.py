"""The inbox: every event once, with what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, update

from storage.db import Db
from storage.sql import Insert, Sql, any_of
from storage.tables import Inbox

_T = Inbox.__table__  # type: ignore[attr-defined]
_ADD = Insert(Inbox)
_KNOWN = Sql(select(_T.c.key, _T.c.answer).where(any_of(_T.c.key, "keys")))
_DUE = Sql(
    select(_T.c.id, _T.c.key, _T.c.kind, _T.c.payload, _T.c.attempts, _T.c.received_at)
    .where(_T.c.status == "failed", _T.c.next_at <= bindparam("now"))
    .order_by(_T.c.next_at)
    .limit(bindparam("limit", type_=_T.c.id.type))
)
_REMOVE_FAILED = Sql(delete(_T).where(_T.c.id == bindparam("id_"), _T.c.status == "failed"))
_REVIVE = Sql(
    update(_T)
    .where(_T.c.id == bindparam("id_"), _T.c.status == "dead")
    .values(status="failed", attempts=0, next_at=bindparam("now"))
)


class Entry(NamedTuple):
    """An inbox row, in the order of the table's columns. `changes` is JSON: table -> rows changed."""

    id: int
    key: str
    kind: str
    source: str
    status: str
    payload: str
    route: str
    changes: str
    took_us: int
    answer: str | None
    attempts: int
    error: str | None
    received_at: datetime
    next_at: datetime | None
    done_at: datetime | None


class Failed(NamedTuple):
    """An event whose turn raised and that is due for another try."""

    id: int
    key: str
    kind: str
    payload: str
    attempts: int
    received_at: datetime


def asking(keys: Iterable[str]) -> tuple[Sql, dict[str, Any]]:
    """Which of `keys` were accepted before, with the answer each got: rows for `dict`."""
    return _KNOWN, {"keys": list(keys)}


def add(db: Db, entry: Entry) -> None:
    """Record an event. A key met twice is an error of the database: another process was first."""
    db.add(_ADD, entry)


def due(db: Db, now: datetime, limit: int = 50) -> list[Failed]:
    """Failed events whose next try has come."""
    return [Failed(*row) for row in db.all(_DUE, now=now, limit=limit)]


def remove_failed(db: Db, row_id: int) -> bool:
    """Take a failed row out, so that its event can run as if it were new; False when another process did."""
    return db.run(_REMOVE_FAILED, id_=row_id) == 1


def revive(db: Db, row_id: int, now: datetime) -> bool:
    """Give a dead event five more tries (an admin's act)."""
    return db.run(_REVIVE, id_=row_id, now=now) == 1
