"""商城: products, stores, orders and their refunds, what is being bought, what is owed back."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Checkout, CouponTemplate, Order, OrderRefund, Product, Refund, Store

stores = Rows(Store)
products = Rows(Product)
orders = Rows(Order)
order_refunds = Rows(OrderRefund)
checkouts = Rows(Checkout)
refunds = Rows(Refund)
templates = Rows(CouponTemplate)

_O = Order.__table__  # type: ignore[attr-defined]
_N = bindparam("n", type_=_O.c.amount_fen.type)
_REFUND = Sql(
    update(_O)
    .where(_O.c.id == bindparam("of"), _O.c.refunded_fen + _N <= _O.c.amount_fen)
    .values(refunded_fen=_O.c.refunded_fen + _N)
)
_STANDING = Sql(select(func.count()).where(_O.c.member_id == bindparam("of"), _O.c.id != bindparam("but")))


def sku_stock(sku: str) -> str:
    """The name of a product's stock."""
    return f"sku:{sku}"


def reduce(db: Db, order_id: int, amount_fen: int) -> bool:
    """Count a refund; False when more would be refunded than was paid."""
    return db.run(_REFUND, of=order_id, n=amount_fen) == 1


def has_bought_before(db: Db, member_id: int, but: int = 0) -> bool:
    """Whether a member has any order besides `but`, refunded ones included: a first purchase happens once."""
    row = db.one(_STANDING, of=member_id, but=but)
    return bool(row and row[0])
