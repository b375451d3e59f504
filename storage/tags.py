"""标签库: the tags that people may put on members by hand, in groups."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from storage import tag_groups
from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Tag

rows = Rows(Tag, "nothing")

_T = Tag.__table__  # type: ignore[attr-defined]
_OPEN = Sql(select(_T.c.group_name, _T.c.name).where(_T.c.closed_at.is_(None)).order_by(_T.c.group_name, _T.c.name))


def known(db: Db) -> list[tuple[str, str]]:
    """(group, tag) of every tag that can be put on somebody."""
    return [(row[0], row[1]) for row in db.all(_OPEN)]


def make(db: Db, group: str, name: str, by: str, now: datetime) -> bool:
    """A new tag, or a closed one opened again; False when it is there. WeCom has its group too, unless the group was
    set up otherwise."""
    tag_groups.make(db, group, exclusive=False, corp=True, by=by, now=now)
    there = rows.one(db, group_name=group, name=name)
    if there is None:
        rows.add(db, Tag(group_name=group, name=name, made_by=by, made_at=now, closed_at=None))
        return True
    return rows.change(db, {"closed_at": None}, group_name=group, name=name, closed_at__ne=None) == 1


def close(db: Db, group: str, name: str, now: datetime) -> bool:
    """Nobody can put this tag on anybody any more; who has it keeps it. False when it is not open."""
    return rows.change(db, {"closed_at": now}, group_name=group, name=name, closed_at=None) == 1
