"""企业微信上的标签: what WeCom should show on contacts, and what it shows as far as we know.

A mark is a tag on a contact in the eyes of one guide. Both sides change; `corp_mark` is the common ground that tells
who changed what: a tag shown that is not on the ground was put on there, one on the ground that is not shown was taken
off there, one held here that is not on the ground is owed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, or_, select, update

from storage.db import Db
from storage.follows import OPEN
from storage.sql import Insert, Sql, any_of, one_of
from storage.tables import CorpMark, Follow, MemberTag, TagGroup
from storage.tag_groups import kept_home

ASKED_ON, ON, ASKED_OFF, OFF = "asked_on", "on", "asked_off", "off"

Pair = tuple[str, str]  # (external_userid, userid)
Label = tuple[str, str]  # (group, tag)

_C: Any = CorpMark.__table__  # type: ignore[attr-defined]
_F: Any = Follow.__table__  # type: ignore[attr-defined]
_T: Any = MemberTag.__table__  # type: ignore[attr-defined]
_G: Any = TagGroup.__table__  # type: ignore[attr-defined]

_ADD = Insert(CorpMark, "nothing")
_WANTED = Sql(
    select(_T.c.member_id, _T.c.group_name, _T.c.name)
    .where(
        any_of(_T.c.member_id, "ids"), or_(_T.c.expires_at.is_(None), _T.c.expires_at > bindparam("now")),
        ~select(_G.c.name).where(_G.c.name == _T.c.group_name, _G.c.corp == 0).exists(),
    )
    .distinct()
)  # fmt: skip
_LINKS = Sql(
    select(_F.c.member_id, _F.c.external_userid, _F.c.userid)
    .where(any_of(_F.c.member_id, "ids"), one_of(_F.c.status, OPEN))
    .order_by(_F.c.member_id, _F.c.id)
)
_WHOSE = Sql(select(_F.c.external_userid, _F.c.userid, _F.c.member_id).where(any_of(_F.c.external_userid, "of"),
                                                                           one_of(_F.c.status, OPEN)))  # fmt: skip
_KNOWN = Sql(
    select(_C.c.external_userid, _C.c.userid, _C.c.group_name, _C.c.name, _C.c.state, _C.c.changed_at).where(
        any_of(_C.c.external_userid, "of"),
        ~select(_G.c.name).where(_G.c.name == _C.c.group_name, _G.c.corp == 0).exists(),
    )
)
_ONE = (
    _C.c.external_userid == bindparam("of"), _C.c.userid == bindparam("by"), _C.c.group_name == bindparam("group"),
    _C.c.name == bindparam("name_"),
)  # fmt: skip
_CHANGE = Sql(update(_C).where(*_ONE).values(state=bindparam("state_"), changed_at=bindparam("now")))
_MOVE = Sql(
    update(_C).where(*_ONE, _C.c.state == bindparam("from_")).values(state=bindparam("to"), changed_at=bindparam("now"))
)
_DROP = Sql(delete(_C).where(*_ONE))
_OFF = Sql(delete(_C).where(*_ONE, _C.c.state == bindparam("from_")))
_PART = Sql(delete(_C).where(_C.c.external_userid == bindparam("of"), _C.c.userid == bindparam("by")))
_FORGET = Sql(
    delete(_C).where(
        _C.c.group_name == bindparam("group"), _C.c.name == bindparam("name_"), any_of(_C.c.external_userid, "of")
    )
)
_RENAME = Sql(
    update(_C)
    .where(
        _C.c.group_name == bindparam("group"), _C.c.name == bindparam("name_"), any_of(_C.c.external_userid, "of")
    )
    .values(group_name=bindparam("to_group"), name=bindparam("to_name"))
)  # fmt: skip
_NAMED = Sql(
    select(_C.c.external_userid)
    .where(_C.c.group_name == bindparam("group"), _C.c.name == bindparam("name_"))
    .distinct()
    .limit(bindparam("most", type_=_F.c.id.type))
)


class Mark(NamedTuple):
    """How one tag stands on one pair."""

    state: str
    at: datetime


def wanted(db: Db, ids: list[int], now: datetime) -> dict[int, set[Label]]:
    """The tags that WeCom should show on members."""
    found: dict[int, set[Label]] = {}
    for member_id, group, name in db.all(_WANTED, ids=ids, now=now):
        found.setdefault(member_id, set()).add((group, name))
    return found


def links(db: Db, ids: list[int]) -> list[tuple[int, Pair]]:
    """The pairs by which guides follow members."""
    return [(row[0], (row[1], row[2])) for row in db.all(_LINKS, ids=ids)]


def whose(db: Db, external_userids: Iterable[str]) -> dict[Pair, int]:
    """The member behind each open pair of these contacts."""
    return {(row[0], row[1]): row[2] for row in db.all(_WHOSE, of=list(external_userids))}


def known(db: Db, external_userids: Iterable[str]) -> dict[Pair, dict[Label, Mark]]:
    """How marks of these contacts stand, of the groups that WeCom has."""
    found: dict[Pair, dict[Label, Mark]] = {}
    for of, by, group, name, state, at in db.all(_KNOWN, of=sorted(set(external_userids))):
        found.setdefault((of, by), {})[group, name] = Mark(state, at)
    return found


def differing(db: Db, shown: dict[Pair, set[Label]], now: datetime) -> list[Pair]:
    """Pairs on which WeCom shows something else than members hold or we believe, or with calls on their way."""
    of = whose(db, {pair[0] for pair in shown})
    ground, home = known(db, [pair[0] for pair in shown]), kept_home(db)
    held = wanted(db, sorted({of[pair] for pair in shown if pair in of}), now)
    found = []
    for pair, labels in shown.items():
        marks = ground.get(pair, {})
        believed = {label for label, mark in marks.items() if mark.state == ON}
        asked = any(mark.state in (ASKED_ON, ASKED_OFF) for mark in marks.values())
        there = {label for label in labels if label[0] not in home}
        if pair in of and (asked or there != believed or there != held.get(of[pair], set())):
            found.append(pair)
    return found


def set_state(db: Db, pair: Pair, label: Label, state: str, now: datetime, *, there: bool) -> None:
    """Write down how a mark stands; `there`: it has a row."""
    if not there or not db.run(_CHANGE, **_of(pair, label), state_=state, now=now):
        db.add(_ADD, (*pair, *label, state, now))


def move(db: Db, pair: Pair, label: Label, before: str, after: str, now: datetime) -> bool:
    """A mark that stands so stands otherwise from now on; False when it does not stand so any more."""
    return db.run(_MOVE, **_of(pair, label), from_=before, to=after, now=now) == 1


def drop(db: Db, pair: Pair, label: Label, state: str | None = None) -> bool:
    """A mark that is not shown; with `state` only one that stands so."""
    if state is None:
        return db.run(_DROP, **_of(pair, label)) == 1
    return db.run(_OFF, **_of(pair, label), from_=state) == 1


def part(db: Db, pair: Pair) -> None:
    """The pair is no more."""
    db.run(_PART, of=pair[0], by=pair[1])


def forget(db: Db, label: Label, external_userids: list[str]) -> int:
    """WeCom has the tag no more: it is not shown on these contacts."""
    return db.run(_FORGET, group=label[0], name_=label[1], of=external_userids)


def some_named(db: Db, label: Label, most: int) -> list[str]:
    """Some contacts with a mark of this name."""
    return [row[0] for row in db.all(_NAMED, group=label[0], name_=label[1], most=most)]


def rename(db: Db, label: Label, to: Label, external_userids: list[str]) -> int:
    """These contacts' marks of a tag that is called otherwise now."""
    given = {"group": label[0], "name_": label[1], "to_group": to[0], "to_name": to[1]}
    return db.run(_RENAME, **given, of=external_userids)


def _of(pair: Pair, label: Label) -> dict[str, str]:
    return {"of": pair[0], "by": pair[1], "group": label[0], "name_": label[1]}
