"""找名字: members by any piece of their name, and by the last digits of their phone, each a range of an index.

A name goes into the index with what it goes on with from each of its letters (小明同学: 小明同学, 明同学, 同学, 学), so
a piece of it is the beginning of one of these. Parts are cut at `PART` letters: a longer piece is compared with the
name.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, literal, select, union_all

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import ImportRow, Member, MemberName, PhoneTail

PART, LONGEST = 6, 24  # letters of a part; letters of a name that are looked at
LAST = "\U0010ffff"  # sorts behind every letter

_M = Member.__table__  # type: ignore[attr-defined]
_N = MemberName.__table__  # type: ignore[attr-defined]
_P = PhoneTail.__table__  # type: ignore[attr-defined]
_R = ImportRow.__table__  # type: ignore[attr-defined]
_ADD = Insert(MemberName, "nothing")
_ADD_TAIL = Insert(PhoneTail, "nothing")
_FORGET = Sql(delete(_N).where(_N.c.part == bindparam("part_"), _N.c.member_id == bindparam("of")))
_FORGET_TAIL = Sql(delete(_P).where(_P.c.tail == bindparam("tail_"), _P.c.member_id == bindparam("of")))
_TAILS = Sql(select(_P.c.tail).where(_P.c.member_id == bindparam("of")).order_by(_P.c.tail))


def searched(name: str) -> str:
    """A name as it is compared: full width folded, lower case, without blanks."""
    return "".join(unicodedata.normalize("NFKC", name).lower().split())


def parts(name: str) -> set[str]:
    """What the index holds of a name."""
    said = searched(name)
    return {said[place : place + PART] for place in range(min(len(said), LONGEST))}


def renamed(db: Db, member_id: int, was: str, name: str) -> None:
    """Let a member be found by `name`, and by `was` no more."""
    before, after = parts(was), parts(name)
    for part in before - after:
        db.run(_FORGET, part_=part, of=member_id)
    for part in sorted(after - before):
        db.add(_ADD, (part, member_id))


def learn_tail(db: Db, member_id: int, tail: str, source: str, now: datetime) -> bool:
    """Keep the last four digits of a member's phone; False when they are no four digits."""
    if len(tail) != 4 or not (tail.isascii() and tail.isdigit()):
        return False
    db.add(_ADD_TAIL, (tail, member_id, source, now))
    return True


def tails(db: Db, member_id: int) -> list[str]:
    """The last digits of a member's phones, as far as they are known."""
    return [row[0] for row in db.all(_TAILS, of=member_id)]


def copy_tails(db: Db, of: int, to: int, now: datetime) -> list[str]:
    """Let a member be found by the phones of another (a merge); those that are new."""
    new = [tail for tail in tails(db, of) if tail not in tails(db, to)]
    for tail in new:
        learn_tail(db, to, tail, "merge", now)
    return new


def forget_tail(db: Db, member_id: int, tail: str) -> None:
    """The undoing of a merge."""
    db.run(_FORGET_TAIL, tail_=tail, of=member_id)


# -- imports, set by set -----------------------------------------------------------------------------------------

_MINE = _R.c.run_id == bindparam("run")
_PLACES = union_all(*[select(literal(place).label("place")) for place in range(1, LONGEST + 1)]).subquery()
_PIECE = func.substr(_R.c.sought, _PLACES.c.place, PART)
_IMPORT_NAMES = Sql(
    insert(_N).from_select(
        ["part", "member_id"],
        select(_PIECE, _R.c.member_id)
        .distinct()
        .select_from(_R.join(_M, (_M.c.id == _R.c.member_id) & (_M.c.name == _R.c.name)).join(
            _PLACES, _PLACES.c.place <= func.length(_R.c.sought)
        ))
        .where(
            _MINE, _R.c.sought != "",
            ~select(_N.c.part).where(_N.c.part == _PIECE, _N.c.member_id == _R.c.member_id).exists(),
        ),
    )
)  # fmt: skip
_IMPORT_TAILS = Sql(
    insert(_P).from_select(
        ["tail", "member_id", "source", "known_at"],
        select(_R.c.tail, _R.c.member_id, literal("import"), bindparam("now", type_=_P.c.known_at.type))
        .distinct()
        .where(
            _MINE, _R.c.tail != "",
            ~select(_P.c.tail).where(_P.c.tail == _R.c.tail, _P.c.member_id == _R.c.member_id).exists(),
        ),
    )
)  # fmt: skip


def take_in(db: Db, run_id: int, now: datetime) -> None:
    """Let the members of an import be found."""
    db.run(_IMPORT_NAMES, run=run_id)
    db.run(_IMPORT_TAILS, run=run_id, now=now)
