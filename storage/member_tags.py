"""标签: corp tags that the bot itself put on members."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import MemberTag

_T = MemberTag.__table__  # type: ignore[attr-defined]
_ADD = Insert(MemberTag, "nothing")
_OF_MEMBER = Sql(
    select(_T.c.group_name, _T.c.name).where(_T.c.member_id == bindparam("of")).order_by(_T.c.group_name, _T.c.name)
)


def add(db: Db, member_id: int, group: str, name: str, source: str, now: datetime) -> None:
    """Put a tag on a member; one that is there already stays."""
    db.add(_ADD, (member_id, group, name, source, now))


def of_member(db: Db, member_id: int) -> list[tuple[str, str]]:
    """(group, tag) of a member."""
    return [(row[0], row[1]) for row in db.all(_OF_MEMBER, of=member_id)]
