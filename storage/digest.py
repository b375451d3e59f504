"""日报 what a day brought, in numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from storage.db import Db
from storage.sql import Sql
from storage.tables import Coupon, Member, Order, Refund

_M = Member.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
_C = Coupon.__table__  # type: ignore[attr-defined]
_R = Refund.__table__  # type: ignore[attr-defined]
_SINCE: Any = bindparam("since")
_UNTIL: Any = bindparam("until")

_MEMBERS = Sql(
    select(func.count()).where(_M.c.created_at >= _SINCE, _M.c.created_at < _UNTIL, _M.c.merged_into.is_(None))
)
_ORDERS = Sql(
    select(func.count(), func.coalesce(func.sum(_O.c.amount_fen), 0)).where(
        _O.c.paid_at >= _SINCE, _O.c.paid_at < _UNTIL
    )
)
_COUPONS = Sql(select(func.count()).where(_C.c.used_at >= _SINCE, _C.c.used_at < _UNTIL, _C.c.status == "redeemed"))
_REFUNDS = Sql(select(func.count(), func.coalesce(func.sum(_R.c.amount_fen), 0)).where(_R.c.status == "owed"))


class Day(NamedTuple):
    """Money in fen; refunds are those owed now, whenever they arose."""

    members: int
    orders: int
    orders_fen: int
    coupons: int
    refunds: int
    refunds_fen: int


def of(db: Db, since: datetime, until: datetime) -> Day:
    """From `since` (included) to `until` (excluded)."""
    span = {"since": since, "until": until}
    rows = (db.one(_MEMBERS, **span), db.one(_ORDERS, **span), db.one(_COUPONS, **span), db.one(_REFUNDS))
    return Day(*(int(number) for row in rows for number in row or ()))
