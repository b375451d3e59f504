"""会员资料 profiles: what members told of themselves, and what a brand's own files say of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql, any_of
from storage.tables import MemberProfile

_P = MemberProfile.__table__  # type: ignore[attr-defined]
_ZONES = Sql(select(_P.c.member_id, _P.c.zone).where(any_of(_P.c.member_id, "ids"), _P.c.zone.is_not(None)))

_rows = Rows(MemberProfile, "nothing")


class Born(NamedTuple):
    """A birthday as it is kept (MM-DD, or by the moon), its year where it is known, and who said so."""

    day: str
    year: int | None
    source: str


def born(db: Db, member_id: int) -> Born | None:
    """A member's birthday."""
    row = _rows.one(db, member_id=member_id)
    return Born(row.birthday, row.birth_year, row.source) if row is not None and row.birthday else None


def be_born(db: Db, member_id: int, said: Born, now: datetime) -> None:
    """Write a birthday down, whatever stood there."""
    changes = {"birthday": said.day, "birth_year": said.year, "source": said.source, "changed_at": now}
    if not _rows.change(db, changes, member_id=member_id):
        _rows.add(db, MemberProfile(
            member_id=member_id, birthday=said.day, birth_year=said.year, zone=None, source=said.source, changed_at=now,
        ))  # fmt: skip


def inherit(db: Db, absorbed: int, survivor: int, source: str, now: datetime) -> None:
    """Who is one with another has that one's birthday, unless they told their own."""
    theirs = born(db, absorbed)
    if theirs is not None and born(db, survivor) is None:
        be_born(db, survivor, Born(theirs.day, theirs.year, source), now)


def disinherit(db: Db, survivor: int, source: str, now: datetime) -> None:
    """They were not one: what came from the other goes."""
    forgotten = {"birthday": None, "birth_year": None, "source": "", "changed_at": now}
    _rows.change(db, forgotten, member_id=survivor, source=source)


def zones(db: Db, member_ids: Sequence[int]) -> dict[int, str]:
    """The time zones of those of these members who do not live by the shops' clock."""
    return {row[0]: row[1] for row in db.all(_ZONES, ids=list(member_ids))}
