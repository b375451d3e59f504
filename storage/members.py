"""会员: persons and the identities by which channels know them (OneID)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from storage import names
from storage.db import Db
from storage.ids import Ids
from storage.sql import Insert, Sql, any_of
from storage.tables import Identity, Member

_M = Member.__table__  # type: ignore[attr-defined]
_I = Identity.__table__  # type: ignore[attr-defined]
_ADD_MEMBER = Insert(Member)
_ADD_IDENTITY = Insert(Identity)
_PERSON = (_M.c.id, _M.c.name, _M.c.avatar, _M.c.gender, _M.c.tier, _M.c.referrer_id, _M.c.created_at)
_BY_IDENTITY = Sql(
    select(_I.c.external_id, *_PERSON)
    .join(_M, _M.c.id == _I.c.member_id)
    .where(_I.c.channel == bindparam("of"), any_of(_I.c.external_id, "ids"))
)
_BY_ID = Sql(select(*_PERSON).where(_M.c.id == bindparam("id_")))
_IDENTITIES = Sql(select(_I.c.channel, _I.c.external_id).where(_I.c.member_id == bindparam("id_")).order_by(_I.c.id))
_ABSORBED = Sql(select(_M.c.id).where(_M.c.merged_into == bindparam("of"), _M.c.merged_into.is_not(None)))
_MERGED_INTO = Sql(select(_M.c.merged_into).where(_M.c.id == bindparam("id_")))
_PROFILE = Sql(
    update(_M)
    .where(_M.c.id == bindparam("id_"))
    .values(name=bindparam("name_"), avatar=bindparam("avatar_"), gender=bindparam("gender_"))
)

Key = tuple[str, str]  # (channel, external_id)
Asked = tuple[Sql, dict[str, Any]]


def phone_hash(number: str) -> str:
    """A phone number as we keep it, and as a shop sends it (`mobile_hash`): the SHA-256 of its 11 digits, lower hex.

    No salt, because every shop has to reach the same value; whoever holds the table can try all numbers, so it keeps
    numbers from being read at a glance, not from an attacker.
    """
    return hashlib.sha256(number.encode()).hexdigest()


@dataclass(slots=True)
class Person:
    """A member as the runtime sees one. `fresh`: made in this very turn, so nothing older can be known of them."""

    id: int
    name: str
    avatar: str
    gender: int
    tier: str
    referrer_id: int | None
    created_at: datetime
    fresh: bool = False


def of(db: Db, keys: Iterable[Key]) -> dict[Key, Person]:
    """The members known by `keys`, one statement a channel."""
    asked = asking(keys)
    return read(asked, db.all_of(asked))


def asking(keys: Iterable[Key]) -> list[Asked]:
    """What `of` asks, for whoever asks more in the same round trip."""
    by_channel: dict[str, list[str]] = {}
    for channel, external_id in keys:
        by_channel.setdefault(channel, []).append(external_id)
    return [(_BY_IDENTITY, {"of": channel, "ids": ids}) for channel, ids in by_channel.items()]


def read(asked: list[Asked], answers: list[list[tuple[Any, ...]]]) -> dict[Key, Person]:
    """What was answered to `asking`."""
    found: dict[Key, Person] = {}
    for (_, given), rows in zip(asked, answers, strict=True):
        for row in rows:
            found[(given["of"], row[0])] = Person(*row[1:])
    return found


def find(db: Db, member_id: int) -> Person | None:
    """A member by id."""
    row = db.one(_BY_ID, id_=member_id)
    return Person(*row) if row else None


def everyone(db: Db, member_id: int) -> list[int]:
    """A member's id and those of all whom they absorbed: one person's, whatever they were once known by."""
    found = [member_id]
    for known in found:
        found += [row[0] for row in db.all(_ABSORBED, of=known)]
    return found


def current_id(db: Db, member_id: int) -> int:
    """Whom an id stands for today: the survivor, however often it was merged."""
    row = db.one(_MERGED_INTO, id_=member_id)
    while row is not None and row[0] is not None:
        member_id = row[0]
        row = db.one(_MERGED_INTO, id_=member_id)
    return member_id


def create(db: Db, ids: Ids, key: Key, evidence: str, now: datetime) -> Person:
    """A new member known by `key` alone."""
    person = Person(ids.next(), "", "", 0, "basic", None, now, fresh=True)
    db.add(_ADD_MEMBER, (person.id, "", "", 0, "basic", None, None, now))
    add_identity(db, ids, person.id, key, evidence, now)
    return person


def add_identity(db: Db, ids: Ids, member_id: int, key: Key, evidence: str, now: datetime) -> None:
    """Let a channel's name stand for a member; a name that stands for someone already is an error (see
    `storage.oneid`)."""
    db.add(_ADD_IDENTITY, (ids.next(), key[0], key[1], member_id, evidence, now))


def identities(db: Db, member_id: int) -> list[Key]:
    """Every name a member is known by, oldest first."""
    return [(row[0], row[1]) for row in db.all(_IDENTITIES, id_=member_id)]


def set_profile(db: Db, person: Person, name: str, avatar: str, gender: int) -> None:
    """Keep what a channel says of a member."""
    if person.name != name:
        names.renamed(db, person.id, person.name, name)
    if (person.name, person.avatar, person.gender) != (name, avatar, gender):
        db.run(_PROFILE, id_=person.id, name_=name, avatar_=avatar, gender_=gender)
        person.name, person.avatar, person.gender = name, avatar, gender
