"""一段会员的标签 tag windows: what rules look at and change of the members with ids in (after, upto]."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, or_, select, update

from storage import segments
from storage.db import Db
from storage.member_tags import RULE
from storage.segment_sql import knowing
from storage.sql import Sql, any_of
from storage.tables import Member, MemberTag, TagGroup
from storage.tag_rules import BY

_M: Any = Member.__table__  # type: ignore[attr-defined]
_T: Any = MemberTag.__table__  # type: ignore[attr-defined]
_G: Any = TagGroup.__table__  # type: ignore[attr-defined]
_NEXT = select(_M.c.id).where(_M.c.id > bindparam("after", type_=_M.c.id.type)).order_by(_M.c.id)
_UPTO = Sql(select(func.max(_NEXT.limit(bindparam("most", type_=_M.c.id.type)).subquery().c.id)))
_INSIDE = (
    _T.c.member_id > bindparam("after", type_=_T.c.member_id.type),
    _T.c.member_id <= bindparam("upto", type_=_T.c.member_id.type),
)
_BY_RULE = _T.c.by.like(f"{BY}%")
_HELD = Sql(
    select(_T.c.member_id, _T.c.group_name, _T.c.name, _T.c.by, _T.c.expires_at)
    .where(*_INSIDE, _T.c.source == RULE, _BY_RULE)
    .order_by(_T.c.member_id)
)
_TAKEN = Sql(
    select(_T.c.member_id, _T.c.group_name)
    .join(_G, _G.c.name == _T.c.group_name)
    .where(
        *_INSIDE, _G.c.exclusive == 1, or_(_T.c.source != RULE, ~_BY_RULE),
        or_(_T.c.expires_at.is_(None), _T.c.expires_at > bindparam("now")),
    )
    .distinct()
)  # fmt: skip
_MINE = (
    any_of(_T.c.member_id, "ids"), _T.c.group_name == bindparam("group"), _T.c.name == bindparam("name_"),
    _T.c.source == RULE, _T.c.by == bindparam("by_"),
)  # fmt: skip
_OFF = Sql(delete(_T).where(*_MINE))
_RENEW = Sql(update(_T).where(*_MINE).values(expires_at=bindparam("until")))


class Held(NamedTuple):
    """A tag that a rule has put on a member."""

    member_id: int
    group: str
    name: str
    by: str
    expires_at: datetime | None


def upto(db: Db, after: int, most: int) -> int | None:
    """Where a window of so many members ends; None when there is nobody."""
    row = db.one(_UPTO, after=after, most=most)
    return row[0] if row else None


def fitting(db: Db, rules: dict[int, str], after: int, upto: int, at: datetime) -> dict[int, list[int]]:
    """Who fits each rule, by the rule's id."""
    knowing(db, "force_custom_plan")
    found = {}
    for rule_id, rule in rules.items():
        chosen, sql = _chosen(rule)
        found[rule_id] = [row[0] for row in db.all(sql, **chosen.given(at), after=after, upto=upto)]
    knowing(db, "auto")
    return found


@lru_cache(maxsize=256)
def _chosen(rule: str) -> tuple[segments.Chosen, Sql]:
    chosen = segments.compiled(rule, windowed=True)
    return chosen, Sql(chosen.ids)


def held(db: Db, after: int, upto: int) -> list[Held]:
    """What rules have put on these members."""
    return [Held(*row) for row in db.all(_HELD, after=after, upto=upto)]


def taken(db: Db, after: int, upto: int, now: datetime) -> set[tuple[int, str]]:
    """(member, group) of exclusive groups of which somebody else holds a tag there."""
    return {(row[0], row[1]) for row in db.all(_TAKEN, after=after, upto=upto, now=now)}


def take_off(db: Db, group: str, name: str, by: str, ids: list[int]) -> int:
    """Take off what a rule has put there."""
    return db.run(_OFF, group=group, name_=name, by_=by, ids=ids)


def renew(db: Db, group: str, name: str, by: str, ids: list[int], until: datetime | None) -> None:
    """What a rule has put there stays until then."""
    db.run(_RENEW, group=group, name_=name, by_=by, ids=ids, until=until)
