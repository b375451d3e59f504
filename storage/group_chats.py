"""客户群: customer groups and who is in them, by the platform's member versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from storage.db import Db
from storage.sql import Insert, Sql, any_of
from storage.tables import GroupChat, GroupMember

_C = GroupChat.__table__  # type: ignore[attr-defined]
_M = GroupMember.__table__  # type: ignore[attr-defined]
_ADD_CHAT = Insert(GroupChat, "nothing")
_ADD_MEMBER = Insert(GroupMember, "nothing")
_VERSION = Sql(select(_C.c.member_version, _C.c.status).where(_C.c.chat_id == bindparam("of")))
_CHANGE = Sql(
    update(_C)
    .where(_C.c.chat_id == bindparam("of"))
    .values(
        name=bindparam("name_"),
        owner=bindparam("owner_"),
        member_version=bindparam("version"),
        status=bindparam("status_"),
        seen_at=bindparam("now"),
    )
)
_SET_VERSION = Sql(
    update(_C)
    .where(_C.c.chat_id == bindparam("of"))
    .values(member_version=bindparam("version"), seen_at=bindparam("now"))
)
_SET_STATUS = Sql(
    update(_C).where(_C.c.chat_id == bindparam("of")).values(status=bindparam("status_"), seen_at=bindparam("now"))
)
_PEOPLE = Sql(select(_M.c.person).where(_M.c.chat_id == bindparam("of")))
_REMOVE = Sql(delete(_M).where(_M.c.chat_id == bindparam("of"), any_of(_M.c.person, "people")))


@dataclass(frozen=True, slots=True)
class Seat:
    """Someone in a group; `kind` is `staff` or `contact`."""

    person: str
    kind: str
    name: str
    state: str
    invitor: str
    joined_at: datetime


def version(db: Db, chat_id: str) -> str | None:
    """The member version we hold, None for a group we do not know."""
    row = db.one(_VERSION, of=chat_id)
    return row[0] if row else None


def replace(db: Db, chat_id: str, name: str, owner: str, member_version: str, seats: list[Seat], now: datetime) -> None:
    """Take over a group as the platform shows it."""
    db.add(_ADD_CHAT, (chat_id, name, owner, member_version, "active", now))
    db.run(_CHANGE, of=chat_id, name_=name, owner_=owner, version=member_version, status_="active", now=now)
    there = {row[0] for row in db.all(_PEOPLE, of=chat_id)}
    remove(db, chat_id, sorted(there - {seat.person for seat in seats}))
    add(db, chat_id, [seat for seat in seats if seat.person not in there])


def add(db: Db, chat_id: str, seats: list[Seat]) -> None:
    """Let people into a group; who is in stays as he is."""
    for seat in seats:
        db.add(_ADD_MEMBER, (chat_id, seat.person, seat.kind, seat.name, seat.state, seat.invitor, seat.joined_at))


def remove(db: Db, chat_id: str, people: list[str]) -> None:
    """Take people out of a group."""
    if people:
        db.run(_REMOVE, of=chat_id, people=people)


def set_version(db: Db, chat_id: str, member_version: str, now: datetime) -> None:
    """The change that leads to this version was applied."""
    db.run(_SET_VERSION, of=chat_id, version=member_version, now=now)


def dismiss(db: Db, chat_id: str, now: datetime) -> None:
    """The group is no more; its history stays."""
    db.run(_SET_STATUS, of=chat_id, status_="dismissed", now=now)


def people(db: Db, chat_id: str) -> list[str]:
    """Who is in a group."""
    return sorted(row[0] for row in db.all(_PEOPLE, of=chat_id))
