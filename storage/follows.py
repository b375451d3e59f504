"""跟进关系: which guide follows which contact, and by which channel the contact came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, select, update

from storage.db import Db
from storage.ids import Ids
from storage.members import Person
from storage.sql import Insert, Sql, any_of, one_of
from storage.tables import Follow

_T = Follow.__table__  # type: ignore[attr-defined]
_ADD = Insert(Follow)
_FIND = Sql(select(*_T.columns).where(_T.c.external_userid == bindparam("of"), _T.c.userid == bindparam("by")))
_ALL = Sql(select(*_T.columns).where(_T.c.external_userid == bindparam("of")).order_by(_T.c.id))
_UPDATE = Sql(
    update(_T)
    .where(_T.c.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        state=bindparam("state_"),
        remark=bindparam("remark_"),
        changed_at=bindparam("at"),
        followed_at=bindparam("began"),
    )
)
OPEN = ("active", "half")
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # a beginning nobody told us of
_OPEN_PAIRS = Sql(
    select(_T.c.external_userid, _T.c.userid).where(any_of(_T.c.external_userid, "ids"), one_of(_T.c.status, OPEN))
)
_OPEN_CONTACTS = Sql(
    select(_T.c.external_userid).where(
        _T.c.userid == bindparam("by"), one_of(_T.c.status, OPEN), _T.c.changed_at < bindparam("before")
    )
)


_GUIDE_OF = Sql(
    select(_T.c.userid)
    .where(_T.c.member_id == bindparam("of"), _T.c.status == "active")
    .order_by(_T.c.followed_at.desc(), _T.c.id.desc())
    .limit(1)
)
_EVER = Sql(select(*_T.columns).where(_T.c.member_id == bindparam("of")))
_OF_MEMBER = Sql(
    select(*_T.columns)
    .where(_T.c.member_id == bindparam("of"), one_of(_T.c.status, OPEN))
    .order_by(_T.c.followed_at, _T.c.id)
)
_ENDED = Sql(
    select(_T.c.id).where(_T.c.member_id == bindparam("of"), one_of(_T.c.status, ("deleted", "left"))).limit(1)
)


@dataclass(slots=True)
class Link:
    """One guide following one contact. `state` is the first channel ever named for the pair and stays."""

    id: int
    member_id: int
    external_userid: str
    userid: str
    state: str
    status: str
    remark: str
    followed_at: datetime
    changed_at: datetime


def find(db: Db, external_userid: str, userid: str) -> Link | None:
    """The pair's row."""
    row = db.one(_FIND, of=external_userid, by=userid)
    return Link(*row) if row else None


def of_contact(db: Db, external_userid: str) -> list[Link]:
    """Every guide who follows or followed a contact."""
    return [Link(*row) for row in db.all(_ALL, of=external_userid)]


def of_member(db: Db, member_id: int) -> list[Link]:
    """Every guide who follows a member, the longest first."""
    return [Link(*row) for row in db.all(_OF_MEMBER, of=member_id)]


def guide_at(db: Db, member_id: int, at: datetime) -> str | None:
    """The guide who followed a member at a moment, the latest of several; None when nobody did, as far as we know."""
    there = [
        link
        for link in (Link(*row) for row in db.all(_EVER, of=member_id))
        if link.followed_at != NEVER and link.followed_at <= at and (link.status in OPEN or link.changed_at > at)
    ]
    return max(there, key=lambda link: (link.followed_at, link.id)).userid if there else None


def guide_of(db: Db, member_id: int) -> str | None:
    """The guide who follows a member, the latest first; None when nobody does."""
    row = db.one(_GUIDE_OF, of=member_id)
    return row[0] if row else None


def has_ended(db: Db, member_id: int) -> bool:
    """Whether a member and a guide have parted."""
    return db.one(_ENDED, of=member_id) is not None


def opened(
    db: Db, ids: Ids, person: Person, external_userid: str, userid: str, status: str, state: str, at: datetime
) -> bool:
    """A guide was added (`active`) or half added (`half`) at `at`; whether that beginning is news.

    An event older than what is known changes no standing, but a beginning never heard of is news all the same. A half
    added contact who is confirmed begins nothing new.
    """
    link = None if person.fresh else find(db, external_userid, userid)
    if link is None:
        db.add(_ADD, (ids.next(), person.id, external_userid, userid, state, status, "", at, at))
        return True
    news = at > link.followed_at and link.status != "half"
    link.followed_at = max(link.followed_at, at)
    if at >= link.changed_at and not (link.status == "active" and status == "half"):
        change(db, link, status, at, state=link.state or state)
    elif news:
        change(db, link, link.status, link.changed_at, state=link.state or state)
    return news


def closed(db: Db, ids: Ids, person: Person, external_userid: str, userid: str, status: str, at: datetime) -> None:
    """The guide (`deleted`) or the contact (`left`) ended it; known even when the beginning was never heard of."""
    link = None if person.fresh else find(db, external_userid, userid)
    if link is None:
        db.add(_ADD, (ids.next(), person.id, external_userid, userid, "", status, "", NEVER, at))
    elif at >= link.changed_at:
        change(db, link, status, at)


def change(
    db: Db, link: Link, status: str, at: datetime, *, state: str | None = None, remark: str | None = None
) -> None:
    """Write a link's new standing, as of `at`."""
    link.status, link.changed_at = status, at
    link.state = link.state if state is None else state
    link.remark = link.remark if remark is None else remark
    db.run(
        _UPDATE,
        id_=link.id,
        status_=status,
        state_=link.state,
        remark_=link.remark,
        at=at,
        began=link.followed_at,
    )


def open_pairs(db: Db, external_userids: Iterable[str]) -> set[tuple[str, str]]:
    """(external_userid, userid) of these contacts that are open as far as we know."""
    return {(row[0], row[1]) for row in db.all(_OPEN_PAIRS, ids=list(external_userids))}


def open_contacts(db: Db, userid: str, before: datetime) -> set[str]:
    """Contacts whom a guide follows as far as we know, unchanged since `before`."""
    return {row[0] for row in db.all(_OPEN_CONTACTS, by=userid, before=before)}
