"""The outbox: calls owed to the outside, written with their cause, leased by the one process that sends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, bindparam, exists, func, select, update

from storage.db import Db
from storage.sql import Insert, Sql, any_of
from storage.tables import Outbox

_T = Outbox.__table__  # type: ignore[attr-defined]
_ADD = Insert(Outbox)


class Call(NamedTuple):
    """An outbox row, in the order of the table's columns.

    `call` names what to do (`message/send`), `lane` who hurries, `subject` what must stay in order ("" = nothing),
    `answers` = 1 when the outcome comes back as an event.
    """

    id: int
    call: str
    lane: str
    subject: str
    payload: str
    answers: int
    status: str
    attempts: int
    faults: int
    cause: str
    member_id: int | None
    error: str | None
    created_at: datetime
    not_before: datetime
    expires_at: datetime | None
    lease_until: datetime | None
    done_at: datetime | None


_earlier = _T.alias("earlier")
_blocked = exists().where(
    and_(
        _T.c.subject != "",
        _earlier.c.subject == _T.c.subject,
        _earlier.c.id < _T.c.id,
        _earlier.c.done_at.is_(None),
    )
)
_DUE = Sql(
    select(_T.c.id)
    .where(
        _T.c.done_at.is_(None),
        _T.c.status == "pending",
        _T.c.lane == bindparam("lane"),
        _T.c.not_before <= bindparam("now"),
        ~_blocked,
    )
    .order_by(_T.c.not_before, _T.c.id)
    .limit(bindparam("limit", type_=_T.c.id.type))
)
_LEASE = Sql(
    update(_T)
    .where(any_of(_T.c.id, "ids"), _T.c.status == "pending")
    .values(status="leased", lease_until=bindparam("until"), attempts=_T.c.attempts + 1)
    .returning(*_T.columns)
)
_SETTLE = Sql(
    update(_T)
    .where(_T.c.id == bindparam("id_"), _T.c.status == "leased")
    .values(status=bindparam("to"), error=bindparam("why"), done_at=bindparam("now"), lease_until=None)
)
_RETRY = Sql(
    update(_T)
    .where(_T.c.id == bindparam("id_"), _T.c.status == "leased")
    .values(
        status="pending",
        error=bindparam("why"),
        not_before=bindparam("at"),
        lease_until=None,
        attempts=_T.c.attempts - bindparam("untried", type_=_T.c.attempts.type),
        faults=_T.c.faults + bindparam("blame", type_=_T.c.faults.type),
    )
)
_ORPHANS = Sql(
    update(_T)
    .where(_T.c.done_at.is_(None), _T.c.status == "leased", _T.c.lease_until <= bindparam("now"))
    .values(status="pending", lease_until=None)
)
_NEXT = Sql(
    select(func.min(_T.c.not_before)).where(
        _T.c.done_at.is_(None), _T.c.status == "pending", _T.c.lane == bindparam("lane")
    )
)
_RECENT = Sql(
    select(_T.c.subject, _T.c.done_at).where(
        _T.c.call == bindparam("call_"), _T.c.status == "sent", _T.c.done_at > bindparam("since")
    )
)
_OPEN_SUBJECT = Sql(select(_T.c.id).where(_T.c.done_at.is_(None), _T.c.subject == bindparam("of")).limit(1))
_WAITING = Sql(
    select(_T.c.id).where(_T.c.done_at.is_(None), _T.c.subject == bindparam("of"), _T.c.status == "pending").limit(1)
)
_FIND = Sql(select(*_T.columns).where(_T.c.id == bindparam("id_")))
_NOTE = Sql(update(_T).where(_T.c.id == bindparam("id_"), _T.c.done_at.is_not(None)).values(error=bindparam("why")))
_SUPPRESS = Sql(
    update(_T)
    .where(_T.c.done_at.is_(None), _T.c.subject == bindparam("of"), _T.c.status == "pending")
    .values(status="suppressed", error=bindparam("why"), done_at=bindparam("now"))
)


def add(db: Db, call: Call) -> None:
    """Owe a call."""
    db.add(_ADD, call)


def is_open(db: Db, subject: str) -> bool:
    """Whether something with this subject is still owed."""
    return db.one(_OPEN_SUBJECT, of=subject) is not None


def is_waiting(db: Db, subject: str) -> bool:
    """Whether something with this subject is owed and has not begun."""
    return db.one(_WAITING, of=subject) is not None


def find(db: Db, row_id: int) -> Call | None:
    """A row by its id."""
    row = db.one(_FIND, id_=row_id)
    return Call(*row) if row else None


def note(db: Db, row_id: int, why: str) -> None:
    """Keep with a settled row what was heard of it later."""
    db.run(_NOTE, id_=row_id, why=why)


def lease(db: Db, lane: str, now: datetime, until: datetime, limit: int) -> list[Call]:
    """Take up to `limit` due rows of a lane, the oldest open row of each subject only."""
    ids = [row[0] for row in db.all(_DUE, lane=lane, now=now, limit=limit)]
    if not ids:
        return []
    return sorted((Call(*row) for row in db.all(_LEASE, ids=ids, until=until)), key=lambda call: call.id)


def settle(db: Db, row_id: int, status: str, now: datetime, why: str | None = None) -> bool:
    """End a leased row as sent, suppressed or dead; False when the lease was lost meanwhile."""
    return db.run(_SETTLE, id_=row_id, to=status, why=why, now=now) == 1


def retry(db: Db, row_id: int, at: datetime, why: str, *, untried: bool = False, blamed: bool = False) -> bool:
    """Put a leased row back for `at`.

    `untried`: no call was made; `blamed`: the row itself, not the platform, was wrong.
    """
    return db.run(_RETRY, id_=row_id, at=at, why=why, untried=int(untried), blame=int(blamed)) == 1


def free_orphans(db: Db, now: datetime) -> int:
    """Take back the leases of a sender that died; how many."""
    return db.run(_ORPHANS, now=now)


def next_due(db: Db, lane: str) -> datetime | None:
    """When the next pending row of a lane may be sent."""
    row = db.one(_NEXT, lane=lane)
    return row[0] if row else None


def sent_since(db: Db, call: str, since: datetime) -> Iterable[tuple[str, datetime]]:
    """(subject, when) of what was sent lately, so that a restart does not forget the rate limits."""
    return [(row[0], row[1]) for row in db.all(_RECENT, call_=call, since=since)]


def suppress(db: Db, subject: str, why: str, now: datetime) -> int:
    """Give up every pending row of a subject, with the reason; how many."""
    return db.run(_SUPPRESS, of=subject, why=why, now=now)
