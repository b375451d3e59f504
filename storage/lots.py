"""积分批次: a member's points by the day they expire. Only the ledger's door writes here; oldest are spent first."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, select, update

from storage.db import Db
from storage.faults import Conflict
from storage.sql import Insert, Sql
from storage.tables import PointsLot

NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_T = PointsLot.__table__  # type: ignore[attr-defined]
_ADD = Insert(PointsLot, "add", keys=("account", "expires_at"), sums=("amount",))
_OF = Sql(select(_T.c.expires_at, _T.c.amount).where(_T.c.account == bindparam("of")).order_by(_T.c.expires_at))
_THIS = (_T.c.account == bindparam("of"), _T.c.expires_at == bindparam("when"))
_LESS = Sql(
    update(_T)
    .where(*_THIS, _T.c.amount > bindparam("n", type_=_T.c.amount.type))
    .values(amount=_T.c.amount - bindparam("n", type_=_T.c.amount.type))
)
_GONE = Sql(delete(_T).where(*_THIS, _T.c.amount == bindparam("n", type_=_T.c.amount.type)))
_EXPIRED = Sql(
    select(_T.c.account, _T.c.expires_at, _T.c.amount)
    .where(_T.c.expires_at <= bindparam("now"))
    .order_by(_T.c.expires_at, _T.c.account)
    .limit(bindparam("most", type_=_T.c.amount.type))
)

Slice = tuple[datetime, int]  # (expires_at, amount)


def of(db: Db, account: str) -> list[Slice]:
    """An account's lots, the first to expire first."""
    return [(row[0], row[1]) for row in db.all(_OF, of=account)]


def expired(db: Db, now: datetime, most: int) -> list[tuple[str, datetime, int]]:
    """Lots whose day has come: (account, expires_at, amount), oldest first."""
    return [(row[0], row[1], row[2]) for row in db.all(_EXPIRED, now=now, most=most)]


def oldest(db: Db, account: str, amount: int) -> list[Slice]:
    """What `take` would take."""
    found: list[Slice] = []
    for expires_at, there in of(db, account):
        part = min(there, amount)
        if part:
            found.append((expires_at, part))
        amount -= part
    return found


def put(db: Db, account: str, slices: list[Slice]) -> None:
    """Add to the lots of an account."""
    for expires_at, amount in slices:
        db.sum(_ADD, (account, expires_at), (amount,))


def take(db: Db, account: str, amount: int) -> list[Slice]:
    """Take `amount` out of an account's lots, the first to expire first; what was taken."""
    taken: list[Slice] = []
    for expires_at, there in of(db, account):
        part = min(there, amount)
        sql = _GONE if part == there else _LESS
        if db.run(sql, of=account, when=expires_at, n=part) != 1:
            raise Conflict(f"{account} {expires_at}")  # another process was faster
        taken.append((expires_at, part))
        amount -= part
        if not amount:
            return taken
    raise Conflict(f"{account}: {amount} points are in no lot")
