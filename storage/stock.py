"""库存: everything that can run out, behind one conditional update: packs, gifts, seats, budgets."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import Stock

_T = Stock.__table__  # type: ignore[attr-defined]
_N = bindparam("n", type_=_T.c.total.type)
_LEAST = bindparam("least", type_=_T.c.total.type)
_OPEN = Insert(Stock, "nothing")
_FIND = Sql(select(*_T.columns).where(_T.c.name == bindparam("of")))
_TAKE = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.remaining >= _LEAST)
    .values(remaining=_T.c.remaining - _N, taken=_T.c.taken + _N)
)
_GIVE_BACK = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.taken >= _N)
    .values(remaining=_T.c.remaining + _N, taken=_T.c.taken - _N)
)
_RESERVE = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.remaining >= _LEAST)
    .values(remaining=_T.c.remaining - _N, reserved=_T.c.reserved + _N)
)
_COMMIT = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.reserved >= _N)
    .values(reserved=_T.c.reserved - _N, taken=_T.c.taken + _N)
)
_RELEASE = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.reserved >= _N)
    .values(reserved=_T.c.reserved - _N, remaining=_T.c.remaining + _N)
)

_RESIZE = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.total == bindparam("was"), _T.c.remaining + _N >= 0)
    .values(total=_T.c.total + _N, remaining=_T.c.remaining + _N)
)
_GROW = Sql(
    update(_T)
    .where(_T.c.name == bindparam("of"), _T.c.remaining + _N >= 0)
    .values(total=_T.c.total + _N, remaining=_T.c.remaining + _N)
)


def open_stock(db: Db, name: str, total: int) -> None:
    """Set up a stock; one that exists keeps what it has."""
    db.add(_OPEN, (name, total, total, 0, 0))


def find(db: Db, name: str) -> Stock | None:
    """A stock as it stands."""
    row = db.one(_FIND, of=name)
    return Stock(**dict(zip(_T.columns.keys(), row, strict=True))) if row else None


def take(db: Db, name: str, n: int = 1, spare: int = 0) -> bool:
    """Take `n` for good; False when fewer remain, or when fewer than `spare` would be left."""
    return db.run(_TAKE, of=name, n=n, least=n + spare) == 1


def take_or_open(db: Db, name: str, total: int, n: int = 1, spare: int = 0) -> bool:
    """`take`; a stock that nobody needed before is opened with `total`."""
    return take(db, name, n, spare) or (_opened(db, name, total) and take(db, name, n, spare))


def reserve_or_open(db: Db, name: str, total: int, n: int = 1, spare: int = 0) -> bool:
    """`reserve`; a stock that nobody needed before is opened with `total`."""
    return reserve(db, name, n, spare) or (_opened(db, name, total) and reserve(db, name, n, spare))


def _opened(db: Db, name: str, total: int) -> bool:
    """Open a stock; False when it was there and is simply used up."""
    if find(db, name) is not None:
        return False
    open_stock(db, name, total)
    return True


def give_back(db: Db, name: str, n: int = 1) -> bool:
    """Return `n` that were taken."""
    return db.run(_GIVE_BACK, of=name, n=n) == 1


def reserve(db: Db, name: str, n: int = 1, spare: int = 0) -> bool:
    """Hold `n` for a while, `spare` being left beside them; the holder must `commit` or `release`."""
    return db.run(_RESERVE, of=name, n=n, least=n + spare) == 1


def commit(db: Db, name: str, n: int = 1) -> bool:
    """Take what was reserved."""
    return db.run(_COMMIT, of=name, n=n) == 1


def release(db: Db, name: str, n: int = 1) -> bool:
    """Let go of what was reserved."""
    return db.run(_RELEASE, of=name, n=n) == 1


def grow(db: Db, name: str, n: int) -> bool:
    """Let there be `n` more, or fewer when negative; False when fewer remain: what is held or taken
    is never touched."""
    return db.run(_GROW, of=name, n=n) == 1


def resize(db: Db, name: str, was: int, n: int) -> bool:
    """`grow` a stock whose total is still what it was: of several who saw that, one does it."""
    return db.run(_RESIZE, of=name, was=was, n=n) == 1
