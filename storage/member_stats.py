"""消费统计 member_stats: each member's standing orders in one row, counted anew by the turn that changed them.

An order stands while something of it is not refunded. Counting anew takes the member's row first: of two processes
that count one member, the second sees what the first has stored.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from storage.db import Db
from storage.sql import Sql
from storage.tables import ImportRow, Member, MemberStats, Order

_S = MemberStats.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
_M = Member.__table__  # type: ignore[attr-defined]
_R = ImportRow.__table__  # type: ignore[attr-defined]
_STANDS = _O.c.refunded_fen < _O.c.amount_fen
COUNTED = (
    func.count().label("orders"),
    func.sum(_O.c.amount_fen - _O.c.refunded_fen).label("spend_fen"),
    func.min(_O.c.paid_at).label("first_paid_at"),
    func.max(_O.c.paid_at).label("last_paid_at"),
)
_ONE = bindparam("of", type_=_M.c.id.type)
_RUN = select(_R.c.member_id).where(_R.c.run_id == bindparam("run"))


class _Count:
    """The statements that count some members anew; `whom` says which, by a column of member ids."""

    def __init__(self, whom: Any) -> None:
        self.lock = Sql(select(_M.c.id).where(whom(_M.c.id)).order_by(_M.c.id).with_for_update(key_share=True))
        counted = select(_O.c.member_id, *COUNTED).where(whom(_O.c.member_id), _STANDS).group_by(_O.c.member_id)
        self.write = {
            dialect: Sql(_upsert(insert(_S).from_select([c.name for c in _S.columns], counted)))
            for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
        }
        standing = select(_O.c.id).where(_O.c.member_id == _S.c.member_id, _STANDS)
        self.drop = Sql(delete(_S).where(whom(_S.c.member_id), ~standing.exists()))


def _upsert(insert: Any) -> Any:
    changed = {c.name: insert.excluded[c.name] for c in _S.columns if c.name != "member_id"}
    return insert.on_conflict_do_update(index_elements=["member_id"], set_=changed)


_ORDERS = Sql(select(_S.c.orders).where(_S.c.member_id == _ONE))
_MEMBER = _Count(lambda column: column == _ONE)
_OF_RUN = _Count(lambda column: column.in_(_RUN))


def orders(db: Db, member_id: int) -> int:
    """How many orders of a member stand."""
    row = db.one(_ORDERS, of=member_id)
    return int(row[0]) if row else 0


def recount(db: Db, member_id: int) -> None:
    """Count one member's orders anew."""
    db.one(_MEMBER.lock, of=member_id)
    if not db.run(_MEMBER.write[db.dialect], of=member_id):
        db.run(_MEMBER.drop, of=member_id)


def recount_run(db: Db, run_id: int) -> None:
    """Count the orders of everybody whom an import names anew."""
    db.all(_OF_RUN.lock, run=run_id)
    db.run(_OF_RUN.write[db.dialect], run=run_id)
    db.run(_OF_RUN.drop, run=run_id)
