"""旅程: versions, runs and their notes; who has a birthday, who has not bought for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql, any_of
from storage.tables import Journey, JourneyNote, JourneyRun, JourneySwitch, Member, MemberProfile, MemberStats

versions = Rows(Journey)
switches = Rows(JourneySwitch)
runs = Rows(JourneyRun)
notes = Rows(JourneyNote)

_J = Journey.__table__  # type: ignore[attr-defined]
_M = Member.__table__  # type: ignore[attr-defined]
_P = MemberProfile.__table__  # type: ignore[attr-defined]
_S = MemberStats.__table__  # type: ignore[attr-defined]
_NEWEST = Sql(select(func.coalesce(func.max(_J.c.version), 0)).where(_J.c.name == bindparam("of")))
_R = JourneyRun.__table__  # type: ignore[attr-defined]
_WINDOW = (_M.c.id > bindparam("after"), _M.c.merged_into.is_(None))
_MOST = bindparam("most", type_=_M.c.id.type)
_BIRTHDAYS = Sql(
    select(_P.c.member_id)
    .join(_M, _M.c.id == _P.c.member_id)
    .where(any_of(_P.c.birthday, "days"), *_WINDOW)
    .order_by(_P.c.member_id)
    .limit(_MOST)
)
_ASLEEP = Sql(
    select(_S.c.member_id, _S.c.last_paid_at)
    .join(_M, _M.c.id == _S.c.member_id)
    .where(_S.c.last_paid_at >= bindparam("since"), _S.c.last_paid_at < bindparam("until"), *_WINDOW)
    .order_by(_S.c.member_id)
    .limit(_MOST)
)

_WAITING = Sql(
    select(_R.c.id, _R.c.step)
    .where(
        _R.c.name == bindparam("of"), _R.c.next_at.is_not(None),
        _R.c.next_at <= bindparam("now", type_=_R.c.began_at.type), _R.c.id > bindparam("after", type_=_R.c.id.type),
    )
    .order_by(_R.c.id)
    .limit(_MOST)
)  # fmt: skip


def version_of(db: Db, name: str, digest: str) -> Journey | None:
    """A version that was kept before."""
    return versions.one(db, name=name, digest=digest)


def next_version(db: Db, name: str) -> int:
    """The number of a new version."""
    row = db.one(_NEWEST, of=name)
    return int(row[0]) + 1 if row else 1


def status(db: Db, name: str) -> str:
    """How a journey stands."""
    row = switches.one(db, name=name)
    return row.status if row is not None else "running"


def birthdays(db: Db, days: Sequence[str], after: int, most: int) -> list[int]:
    """Members whose birthday (MM-DD) is one of these days, a window of them."""
    return [int(row[0]) for row in db.all(_BIRTHDAYS, days=list(days), after=after, most=most)]


def asleep(db: Db, since: datetime, until: datetime, after: int, most: int) -> list[tuple[int, datetime]]:
    """Members who bought last between two moments, with when, a window of them."""
    return [(int(row[0]), row[1]) for row in db.all(_ASLEEP, since=since, until=until, after=after, most=most)]


def waiting(db: Db, name: str, now: datetime, after: int, most: int) -> list[tuple[int, int]]:
    """(run, step) of those whose time has come, a window of them by id."""
    return [(int(row[0]), int(row[1])) for row in db.all(_WAITING, of=name, now=now, after=after, most=most)]
