"""发放: a right that can be used once, by its unique key (campaign, member, occurrence)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, update

from storage.db import Db
from storage.ids import Ids
from storage.members import Person
from storage.sql import Insert, Sql
from storage.tables import Grant

_T = Grant.__table__  # type: ignore[attr-defined]
_ADD = Insert(Grant)
_FIND = Sql(
    select(_T.c.id).where(
        _T.c.campaign == bindparam("campaign_"),
        _T.c.member_id == bindparam("of"),
        _T.c.occurrence == bindparam("occurrence_"),
    )
)
_CAUSE = Sql(
    select(_T.c.cause).where(
        _T.c.campaign == bindparam("campaign_"),
        _T.c.member_id == bindparam("of"),
        _T.c.occurrence == bindparam("occurrence_"),
    )
)
_OF_MEMBER = Sql(
    select(_T.c.id, _T.c.campaign, _T.c.occurrence, _T.c.status)
    .where(_T.c.member_id == bindparam("of"))
    .order_by(_T.c.id)
)
_STATUS = Sql(update(_T).where(_T.c.id == bindparam("id_")).values(status=bindparam("status_")))

_FORGET = Sql(delete(_T).where(_T.c.id == bindparam("id_"), _T.c.status == "inherited"))


class Held(NamedTuple):
    """A grant as merging sees it."""

    id: int
    campaign: str
    occurrence: str
    status: str


def claim(
    db: Db, ids: Ids, person: Person, campaign: str, occurrence: str, channel: str, cause: str, now: datetime
) -> int | None:
    """Use the right up: the grant's id, or None when it was used before.

    Someone made in this very turn cannot have used it, so nothing is asked; should that ever be wrong, the unique
    key ends the batch and its events run one by one.
    """
    if not person.fresh and db.one(_FIND, campaign_=campaign, of=person.id, occurrence_=occurrence) is not None:
        return None
    row_id = ids.next()
    add(db, row_id, person.id, campaign, occurrence, "granted", channel, cause, now)
    return row_id


def used(db: Db, person: Person, campaign: str, occurrence: str) -> bool:
    """Whether the right is used up."""
    return not person.fresh and db.one(_FIND, campaign_=campaign, of=person.id, occurrence_=occurrence) is not None


def cause_of(db: Db, member_id: int, campaign: str, occurrence: str) -> str | None:
    """The event that used the right up."""
    row = db.one(_CAUSE, campaign_=campaign, of=member_id, occurrence_=occurrence)
    return row[0] if row else None


def add(
    db: Db,
    row_id: int,
    member_id: int,
    campaign: str,
    occurrence: str,
    status: str,
    channel: str,
    cause: str,
    now: datetime,
) -> None:
    """Write a grant row; a key met twice is an error."""
    db.add(_ADD, (row_id, campaign, member_id, occurrence, status, channel, cause, now))


def of_member(db: Db, member_id: int) -> list[Held]:
    """Every grant of a member, oldest first."""
    return [Held(*row) for row in db.all(_OF_MEMBER, of=member_id)]


def of_people(db: Db, member_ids: list[int], campaign: str) -> list[tuple[int, Held]]:
    """(member, grant) of one person's grants in a campaign, oldest first."""
    found = [(member_id, held) for member_id in member_ids for held in of_member(db, member_id)]
    return sorted((one for one in found if one[1].campaign == campaign), key=lambda one: one[1].id)


def set_status(db: Db, row_id: int, status: str) -> None:
    """Mark a grant granted, inherited or reversed."""
    db.run(_STATUS, id_=row_id, status_=status)


def forget_inherited(db: Db, row_id: int) -> None:
    """Take out a right that came by a merge now undone: the member never used it."""
    db.run(_FORGET, id_=row_id)
