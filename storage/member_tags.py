"""标签: tags on members, a row per source; what people, rules and WeCom put there never overwrites each other."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from storage.db import Db
from storage.sql import Insert, Sql, any_of
from storage.tables import MemberTag, TagGroup

HAND, RULE, CORP, IMPORT = "hand", "rule", "corp", "import"

_T = MemberTag.__table__  # type: ignore[attr-defined]
_G = TagGroup.__table__  # type: ignore[attr-defined]
_ADD = Insert(MemberTag, "nothing")
_STANDS = or_(_T.c.expires_at.is_(None), _T.c.expires_at > bindparam("now"))
_NAMED = (
    _T.c.member_id == bindparam("of"),
    _T.c.group_name == bindparam("group"),
    _T.c.name == bindparam("name_"),
)
_OF_MEMBER = Sql(select(*_T.columns).where(_T.c.member_id == bindparam("of")).order_by(_T.c.group_name, _T.c.name))
_STANDING = Sql(
    select(_T.c.group_name, _T.c.name, _T.c.source, _T.c.by, _T.c.expires_at)
    .where(_T.c.member_id == bindparam("of"), _STANDS)
    .order_by(_T.c.group_name, _T.c.name, _T.c.source)
)
_AGAIN = Sql(
    update(_T)
    .where(*_NAMED, _T.c.source == bindparam("source_"))
    .values(by=bindparam("by_"), tagged_at=bindparam("now"), expires_at=bindparam("until"))
)
_REMOVE = Sql(delete(_T).where(*_NAMED, _T.c.source == bindparam("source_")))
_OVER = Sql(
    select(_T.c.member_id, _T.c.group_name, _T.c.name, _T.c.source)
    .where(_T.c.expires_at.is_not(None), _T.c.expires_at <= bindparam("now"))
    .order_by(_T.c.expires_at)
    .limit(bindparam("most", type_=_T.c.member_id.type))
)
_END = Sql(
    delete(_T).where(any_of(_T.c.member_id, "ids"), _T.c.expires_at.is_not(None), _T.c.expires_at <= bindparam("now"))
)
_OF_TAG = (_T.c.group_name == bindparam("group"), _T.c.name == bindparam("name_"))
_BY_PEOPLE = _T.c.source != RULE
_MOST = bindparam("most", type_=_T.c.member_id.type)
_SOME = {
    by_people: Sql(select(_T.c.member_id).where(*_OF_TAG, *([_BY_PEOPLE] if by_people else [])).distinct().limit(_MOST))
    for by_people in (False, True)
}
_LET_GO = Sql(delete(_T).where(any_of(_T.c.member_id, "ids"), *_OF_TAG, _BY_PEOPLE))
_TO = _T.alias()
_RENAME = Sql(
    update(_T)
    .where(
        any_of(_T.c.member_id, "ids"), *_OF_TAG,
        ~select(_TO.c.name).where(
            _TO.c.member_id == _T.c.member_id, _TO.c.source == _T.c.source, _TO.c.group_name == bindparam("to_group"),
            _TO.c.name == bindparam("to_name"),
        ).exists(),
    )
    .values(group_name=bindparam("to_group"), name=bindparam("to_name"))
)  # fmt: skip
_LEFT = Sql(delete(_T).where(any_of(_T.c.member_id, "ids"), *_OF_TAG))
_HOLDERS = Sql(
    select(func.count(func.distinct(_T.c.member_id))).where(
        _T.c.group_name == bindparam("group"), _T.c.name == bindparam("name_"), _STANDS
    )
)
_KEYS = [column for column in _T.columns if column.name != "member_id"]
_THERE, _OTHER = _T.alias(), _T.alias()
_COPY = Sql(
    insert(_T).from_select(
        ["member_id", *[column.name for column in _KEYS]],
        select(bindparam("to", type_=_T.c.member_id.type), *_KEYS).where(
            _T.c.member_id == bindparam("of"),
            ~select(_THERE.c.name).where(
                _THERE.c.member_id == bindparam("to", type_=_T.c.member_id.type),
                *[_THERE.c[name] == _T.c[name] for name in ("group_name", "name", "source")],
            ).exists(),
            # Of an exclusive group the survivor's own tag stays.
            ~select(_OTHER.c.name).join(_G, _G.c.name == _OTHER.c.group_name).where(
                _OTHER.c.member_id == bindparam("to", type_=_T.c.member_id.type),
                _OTHER.c.group_name == _T.c.group_name, _OTHER.c.name != _T.c.name, _G.c.exclusive == 1,
            ).exists(),
        ),
    )
)  # fmt: skip


class Held(NamedTuple):
    """A tag that a member has, by one source."""

    group: str
    name: str
    source: str
    by: str
    expires_at: datetime | None


def add(
    db: Db, member_id: int, group: str, name: str, source: str, by: str, now: datetime,
    expires_at: datetime | None = None,
) -> None:  # fmt: skip
    """Put a tag on a member; one that this source put there already stays as it is."""
    db.add(_ADD, (member_id, group, name, source, by, now, expires_at))


def put(
    db: Db, member_id: int, group: str, name: str, source: str, by: str, now: datetime, expires_at: datetime | None
) -> bool:
    """Put a tag on a member, or say anew until when it stays and who says so; True when it is new of this source."""
    given = {"of": member_id, "group": group, "name_": name, "source_": source}
    if db.run(_AGAIN, **given, by_=by, now=now, until=expires_at):
        return False
    add(db, member_id, group, name, source, by, now, expires_at)
    return True


def remove(db: Db, member_id: int, group: str, name: str, source: str) -> bool:
    """Take off what one source put there; False when it had not."""
    return db.run(_REMOVE, of=member_id, group=group, name_=name, source_=source) == 1


def standing(db: Db, member_id: int, now: datetime) -> list[Held]:
    """A member's tags that are not over, one for each source that holds it."""
    return [Held(*row) for row in db.all(_STANDING, of=member_id, now=now)]


def of_member(db: Db, member_id: int, now: datetime) -> list[tuple[str, str]]:
    """(group, tag) of a member, each once."""
    return list(dict.fromkeys((held.group, held.name) for held in standing(db, member_id, now)))


def end(db: Db, ids: list[int], now: datetime) -> int:
    """Take off what is over of these members, whoever put it there."""
    return db.run(_END, ids=ids, now=now)


def some_holders(db: Db, group: str, name: str, most: int, *, by_people: bool) -> list[int]:
    """Some members who have a tag; `by_people`: who were given it by people."""
    return [row[0] for row in db.all(_SOME[by_people], group=group, name_=name, most=most)]


def let_go(db: Db, group: str, name: str, ids: list[int]) -> None:
    """Take off what people gave these members."""
    db.run(_LET_GO, group=group, name_=name, ids=ids)


def rename(db: Db, before: tuple[str, str], after: tuple[str, str], ids: list[int]) -> None:
    """A tag of these members is called otherwise; who has one of that name from the same source keeps it."""
    of = {"group": before[0], "name_": before[1], "ids": ids}
    db.run(_RENAME, **of, to_group=after[0], to_name=after[1])
    db.run(_LEFT, **of)


def over(db: Db, now: datetime, most: int) -> list[tuple[int, str, str, str]]:
    """(member, group, tag, source) of tags whose time is over."""
    return [(row[0], row[1], row[2], row[3]) for row in db.all(_OVER, now=now, most=most)]


def holders(db: Db, group: str, name: str, now: datetime) -> int:
    """How many members have a tag."""
    row = db.one(_HOLDERS, group=group, name_=name, now=now)
    return int(row[0]) if row else 0


def copy(db: Db, of: int, to: int) -> list[list[str]]:
    """Give a member the tags of another (a merge): [group, tag, source] of those that were new."""
    before = {tuple(row[1:4]) for row in db.all(_OF_MEMBER, of=to)}
    db.run(_COPY, of=of, to=to)
    return [list(row[1:4]) for row in db.all(_OF_MEMBER, of=to) if tuple(row[1:4]) not in before]
