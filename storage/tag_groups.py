"""标签组: which groups hold one tag of a member at most, and which WeCom has too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import MemberTag, TagGroup

rows = Rows(TagGroup, "nothing")

_G: Any = TagGroup.__table__  # type: ignore[attr-defined]
_T: Any = MemberTag.__table__  # type: ignore[attr-defined]
_USED = Sql(select(_T.c.member_id).where(_T.c.group_name == bindparam("group")).limit(1))


def of(db: Db, name: str) -> TagGroup | None:
    """A group's row; None for one that nobody set up: it is not exclusive, and WeCom has it."""
    return rows.one(db, name=name)


def exclusive(db: Db, names: Iterable[str]) -> set[str]:
    """Which of these groups hold one tag at most."""
    return {row.name for row in rows.all(db, order="name", name__in=list(names), exclusive=1)}


def kept_home(db: Db) -> set[str]:
    """Groups that WeCom does not get to see."""
    return {row.name for row in rows.all(db, order="name", corp=0)}


def at_wecom(db: Db, name: str) -> bool:
    """Whether WeCom has a group too."""
    row = of(db, name)
    return row is None or row.corp == 1


def make(db: Db, name: str, *, exclusive: bool, corp: bool, by: str, now: datetime) -> bool:
    """Set a group up; False when it is there."""
    if of(db, name) is not None:
        return False
    rows.add(db, TagGroup(name=name, exclusive=int(exclusive), corp=int(corp), made_by=by, made_at=now))
    return True


def used(db: Db, name: str) -> bool:
    """Whether a member has a tag of the group."""
    return db.one(_USED, group=name) is not None
