"""业绩: whose an order is, and what a guide has come to in a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, select

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import Coupon, Follow, Handout, Order, OrderGuide

_A = OrderGuide.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
_F = Follow.__table__  # type: ignore[attr-defined]
_H = Handout.__table__  # type: ignore[attr-defined]
_C = Coupon.__table__  # type: ignore[attr-defined]
_ADD = Insert(OrderGuide, "nothing")
_SINCE = bindparam("since", type_=_O.c.paid_at.type)
_BY: Any = bindparam("by")
_ORDERS = Sql(
    select(func.count(), func.coalesce(func.sum(_O.c.amount_fen - _O.c.refunded_fen), 0))
    .select_from(_A.join(_O, _O.c.id == _A.c.order_id))
    .where(_A.c.userid == _BY, _A.c.paid_at >= _SINCE, _O.c.refunded_fen < _O.c.amount_fen)
)
_CONTACTS = Sql(select(func.count()).select_from(_F).where(_F.c.userid == _BY, _F.c.followed_at >= _SINCE))
_HANDED = Sql(
    select(func.count(), func.coalesce(func.sum(case((_C.c.status == "redeemed", 1), else_=0)), 0))
    .select_from(_H.join(_C, _C.c.id == _H.c.coupon_id))
    .where(_H.c.userid == _BY, _H.c.done_at.is_not(None), _H.c.done_at >= _SINCE)
)
_VERIFIED = Sql(
    select(func.count())
    .select_from(_C)
    .where(_C.c.used_by == _BY, _C.c.used_at.is_not(None), _C.c.used_at >= _SINCE, _C.c.status == "redeemed")
)


def attribute(db: Db, order_id: int, userid: str, paid_at: datetime) -> None:
    """Let an order be a guide's, once: the first word stands."""
    db.add(_ADD, (order_id, userid, paid_at))


def orders(db: Db, userid: str, since: datetime) -> tuple[int, int]:
    """Orders of a guide's members paid since, and what stayed paid of them in fen; wholly refunded ones are none."""
    row = db.one(_ORDERS, by=userid, since=since)
    return (int(row[0]), int(row[1])) if row else (0, 0)


def contacts(db: Db, userid: str, since: datetime) -> int:
    """Contacts who added a guide since, whether they stayed or not."""
    row = db.one(_CONTACTS, by=userid, since=since)
    return int(row[0]) if row else 0


def handed_out(db: Db, userid: str, since: datetime) -> tuple[int, int]:
    """Coupons that a guide gave since, and how many of these are used by now."""
    row = db.one(_HANDED, by=userid, since=since)
    return (int(row[0]), int(row[1])) if row else (0, 0)


def verified(db: Db, userid: str, since: datetime) -> int:
    """Coupons that a guide verified at the counter since."""
    row = db.one(_VERIFIED, by=userid, since=since)
    return int(row[0]) if row else 0
