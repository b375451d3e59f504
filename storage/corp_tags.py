"""企业客户标签库: which tags WeCom knows, and by which ids."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import CorpTag

rows = Rows(CorpTag, "nothing")
_C: Any = CorpTag.__table__  # type: ignore[attr-defined]
_FORGET = Sql(delete(_C).where(_C.c.tag_id == bindparam("of")))


class Told(NamedTuple):
    """A tag as WeCom tells of it."""

    tag_id: str
    group_id: str
    group: str
    name: str


def read(groups: list[dict[str, Any]]) -> list[Told]:
    """The tags of `tag_group` objects; what is deleted there is left out."""
    return [
        Told(str(tag["id"]), str(group["group_id"]), str(group["group_name"]), str(tag["name"]))
        for group in groups
        if not group.get("deleted")
        for tag in group.get("tag") or []
        if not tag.get("deleted")
    ]


def keep(db: Db, told: Told, now: datetime) -> CorpTag | None:
    """Know a tag; what was known of it before, None when it is new."""
    before = rows.one(db, tag_id=told.tag_id)
    values: dict[str, Any] = {"group_id": told.group_id, "group_name": told.group, "name": told.name}
    if before is None:
        rows.add(db, CorpTag(tag_id=told.tag_id, **values, seen_at=now))
    elif (before.group_id, before.group_name, before.name) != told[1:]:
        rows.change(db, {**values, "seen_at": now}, tag_id=told.tag_id)
    return before


def names(db: Db) -> dict[str, tuple[str, str]]:
    """(group, tag) of every id."""
    return {row.tag_id: (row.group_name, row.name) for row in rows.all(db, order="tag_id")}


def of_id(db: Db, tag_id: str) -> list[CorpTag]:
    """The tag of an id, if it is known."""
    return rows.all(db, order="tag_id", tag_id=tag_id)


def of_group(db: Db, group_id: str) -> list[CorpTag]:
    """The tags of a group."""
    return rows.all(db, order="tag_id", group_id=group_id)


def has(db: Db, group: str, name: str) -> bool:
    """Whether WeCom has a tag of this name."""
    return bool(rows.all(db, order="tag_id", limit=1, group_name=group, name=name))


def forget(db: Db, tag_id: str) -> None:
    """WeCom knows this id no more."""
    db.run(_FORGET, of=tag_id)
