"""查客: which members somebody may mean, of those whom they may see.

Among one's own members a piece of the name or of one's own remark is looked for in all of them (a guide has 20,000
contacts at most); among a store's or everybody it is a range of the index of names. A phone's tail is a range always.
`among`: the userids whose members may be seen, None = everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from storage.db import Db
from storage.follows import OPEN
from storage.names import LAST, PART, searched
from storage.sql import Sql, any_of, one_of
from storage.tables import Follow, Member, MemberName, PhoneTail

_F = Follow.__table__  # type: ignore[attr-defined]
_M = Member.__table__  # type: ignore[attr-defined]
_N = MemberName.__table__  # type: ignore[attr-defined]
_P = PhoneTail.__table__  # type: ignore[attr-defined]
_MOST = bindparam("most", type_=_M.c.id.type)
_NEAR = 60  # names looked at for each letter when nothing was found
_OWN_NEAR = 2_000
_LIKE_ENOUGH = 0.3

_ALIVE = _M.c.merged_into.is_(None)
_OPEN = one_of(_F.c.status, OPEN)


def _holds(column: object) -> object:
    return func.replace(func.lower(column), " ", "").like(bindparam("like"), escape="\\")


_OWN = (
    select(_F.c.member_id, _M.c.name, _F.c.remark)
    .join(_M, _M.c.id == _F.c.member_id)
    .where(_F.c.userid == bindparam("by"), _OPEN)
)
_AMONG_OWN = Sql(
    _OWN.where(or_(_holds(_M.c.name), _holds(_F.c.remark)))  # type: ignore[arg-type]
    .order_by(_F.c.followed_at.desc(), _F.c.id.desc())
    .limit(_MOST)
)
_OWN_NAMES = Sql(_OWN.order_by(_F.c.id.desc()).limit(_MOST))


def _seen(member_id: object) -> object:
    """Whether anybody of `among` follows a member."""
    return select(_F.c.id).where(_F.c.member_id == member_id, any_of(_F.c.userid, "among"), _OPEN).exists()


_NAMED = (
    select(_M.c.id, _M.c.name)
    .join(_N, _N.c.member_id == _M.c.id)
    .where(_N.c.part >= bindparam("first"), _N.c.part < bindparam("last"), _ALIVE)
)
_BY_NAME = {
    False: Sql(_NAMED.limit(_MOST)),
    True: Sql(_NAMED.where(_seen(_N.c.member_id)).limit(_MOST)),  # type: ignore[arg-type]
}
_TAILED = (
    select(_P.c.member_id)
    .join(_M, _M.c.id == _P.c.member_id)
    .where(_P.c.tail == bindparam("tail_"), _ALIVE)
    .order_by(_P.c.member_id.desc())
)
_BY_TAIL = {
    False: Sql(_TAILED.limit(_MOST)),
    True: Sql(_TAILED.where(_seen(_P.c.member_id)).limit(_MOST)),  # type: ignore[arg-type]
}


class Hit(NamedTuple):
    """A member who may be meant; `remark` is the searcher's own, "" where there is none."""

    member_id: int
    name: str
    remark: str = ""


def by_tail(db: Db, tail: str, among: Sequence[str] | None, most: int) -> list[int]:
    """Members whose phone ends with these four digits, as far as it is known, the newest first."""
    given = {"tail_": tail, "most": most} | ({} if among is None else {"among": list(among)})
    return [row[0] for row in db.all(_BY_TAIL[among is not None], **given)]


def by_name(db: Db, typed: str, by: str, among: Sequence[str] | None, most: int) -> list[Hit]:
    """Members with this piece in their name or in `by`'s own remark; whole names first. `among` names more than `by`:
    others' members are found by names of two letters and more."""
    said = searched(typed)
    if not said:
        return []
    like = "%" + said.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = [Hit(*row) for row in db.all(_AMONG_OWN, by=by, like=like, most=most)]
    if len(said) > 1 and (among is None or any(userid != by for userid in among)):
        known = {hit.member_id for hit in found}
        found += [hit for hit in _wider(db, said, among, most) if hit.member_id not in known]
    return sorted(found, key=lambda hit: said not in (searched(hit.name), searched(hit.remark)))[:most]


def _wider(db: Db, said: str, among: Sequence[str] | None, most: int) -> list[Hit]:
    """By the index of names. A piece longer than its parts, or a name that holds it twice, asks for a few more rows."""
    first = said[:PART]
    given = {"first": first, "last": first + LAST, "most": most * (20 if len(said) > PART else 3)}
    given |= {} if among is None else {"among": list(among)}
    rows = dict(db.all(_BY_NAME[among is not None], **given))
    return [Hit(member_id, name) for member_id, name in rows.items() if said in searched(name)]


def nearest(db: Db, typed: str, by: str, among: Sequence[str] | None, most: int) -> list[Hit]:
    """When nothing was found: those whose names are most like what was typed."""
    said = searched(typed)
    found = {row[0]: Hit(*row) for row in db.all(_OWN_NAMES, by=by, most=_OWN_NEAR)}
    if among is None or any(userid != by for userid in among):
        for letter in dict.fromkeys(said[:PART]):
            given = {"first": letter, "last": letter + LAST, "most": _NEAR}
            given |= {} if among is None else {"among": list(among)}
            found |= {row[0]: Hit(*row) for row in db.all(_BY_NAME[among is not None], **given) if row[0] not in found}
    letters = set(said)
    near = [(hit, letters & set(searched(hit.name + hit.remark))) for hit in found.values()]
    likely = sorted((pair for pair in near if pair[1]), key=lambda pair: -len(pair[1]))[:_NEAR]
    scored = [(_likeness(said, hit), hit) for hit, _ in likely]
    best = sorted((one for one in scored if one[0] >= _LIKE_ENOUGH), key=lambda one: -one[0])
    return [hit for _, hit in best[:most]]


def _likeness(said: str, hit: Hit) -> float:
    return max(SequenceMatcher(None, said, searched(name)).ratio() for name in (hit.name, hit.remark) if name)
