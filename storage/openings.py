"""期初积分: the opening balances of an import, entered set by set. Part of the ledger's door (`storage.ledger`): double
entry, a key of its own for each member, balances and lots moved with the transfers in the same transaction.

A member has one opening balance, ever: its key is `import:opening:<member id>`. A line whose member has one is passed
over, whatever it says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, bindparam, cast, func, insert, literal, select, update

from storage.db import Db
from storage.ledger import ISSUER, POINTS
from storage.lots import NEVER
from storage.sql import Sql
from storage.tables import Balance, ImportRow, PointsLot, Transfer

_R = ImportRow.__table__  # type: ignore[attr-defined]
_T = Transfer.__table__  # type: ignore[attr-defined]
_B = Balance.__table__  # type: ignore[attr-defined]
_L = PointsLot.__table__  # type: ignore[attr-defined]

_KEY = literal("import:opening:") + cast(_R.c.member_id, String)
_ACCOUNT = literal("member:") + cast(_R.c.member_id, String)
_CAUSE = bindparam("cause", type_=_T.c.cause.type)
_MINE = (_R.c.run_id == bindparam("run"), _R.c.amount > 0)
_GIVEN = select(_T.c.id).where(_T.c.key == _KEY).exists()
_POST = Sql(
    insert(_T).from_select(
        [column.name for column in _T.columns],
        select(
            _R.c.base_id + bindparam("at", type_=_R.c.base_id.type), _KEY, literal(ISSUER), _ACCOUNT, literal(POINTS),
            _R.c.amount, literal("import"), _CAUSE, bindparam("now", type_=_T.c.made_at.type),
        ).where(*_MINE, ~_GIVEN),
    )
)  # fmt: skip


def _posted(account: Any) -> tuple[Any, ...]:
    """The transfer of this run that credits an account: found by its key."""
    return (_T.c.key == literal("import:opening:") + func.substr(account, len("member:") + 1), _T.c.cause == _CAUSE)


# Members who were known before may hold points already: their rows grow. All others get a row.
_KNOWN = select(_ACCOUNT).where(*_MINE, _R.c.member_id != _R.c.base_id)
_NEVER = bindparam("never", type_=_L.c.expires_at.type)
_GROW = [
    Sql(
        update(table)
        .where(which, table.c.account.in_(_KNOWN), select(_T.c.id).where(*_posted(table.c.account)).exists())
        .values(amount=table.c.amount + select(_T.c.amount).where(*_posted(table.c.account)).scalar_subquery())
    )
    for table, which in ((_B, _B.c.asset == POINTS), (_L, _L.c.expires_at == _NEVER))
]
_OPEN = [
    Sql(
        insert(table).from_select(
            ["account", name, "amount"],
            select(_T.c.credit, value, _T.c.amount)
            .join(_R, (_T.c.key == _KEY) & (_T.c.cause == _CAUSE))
            .where(*_MINE, ~select(table.c.account).where(table.c.account == _T.c.credit, which).exists()),
        )
    )
    for table, name, value, which in (
        (_B, "asset", literal(POINTS), _B.c.asset == POINTS),
        (_L, "expires_at", _NEVER, _L.c.expires_at == _NEVER),
    )
]
_DEBTORS = Sql(
    select(_R.c.member_id)
    .where(
        *_MINE, _R.c.member_id != _R.c.base_id,
        select(_T.c.id).where(
            _T.c.debit == literal("debt:") + cast(_R.c.member_id, String), _T.c.asset == POINTS
        ).exists(),
    )
    .order_by(_R.c.member_id)
)  # fmt: skip


def post_all(db: Db, run_id: int, id_at: int, cause: str, now: datetime) -> int:
    """Credit the staged amounts; how many were. `id_at`: which of a line's ids its transfer takes."""
    given = {"run": run_id, "cause": cause, "now": now, "never": NEVER, "at": id_at}
    posted = db.run(_POST, **given)
    for sql in (*_GROW, *_OPEN):
        db.run(sql, **given)
    return posted


def debtors(db: Db, run_id: int) -> list[int]:
    """Members of a run who owed points at some time: what they get pays for it first."""
    return [row[0] for row in db.all(_DEBTORS, run=run_id)]
