"""商城: products, stores, orders and their refunds, what is being bought, what is owed back."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select, update

from storage import member_stats, oneid
from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql, one_of
from storage.tables import Checkout, CouponTemplate, Order, OrderRefund, Product, Refund, Store

stores = Rows(Store)
products = Rows(Product)
orders = Rows(Order)
order_refunds = Rows(OrderRefund)
checkouts = Rows(Checkout)
refunds = Rows(Refund)
templates = Rows(CouponTemplate)
stores = Rows(Store)

# Why we refund whole what was never sold: such an order was no purchase.
UNSOLD = ("unknown", "amount", "late", "paid_before", "not_first", "wrong_store", "team_over", "team_expired")

_O = Order.__table__  # type: ignore[attr-defined]
_N = bindparam("n", type_=_O.c.amount_fen.type)
_REFUND = Sql(
    update(_O)
    .where(_O.c.id == bindparam("of"), _O.c.refunded_fen + _N <= _O.c.amount_fen)
    .values(refunded_fen=_O.c.refunded_fen + _N)
    .returning(_O.c.member_id)
)
_R = Refund.__table__  # type: ignore[attr-defined]
_UNSOLD = select(_R.c.id).where(
    _R.c.order_id == _O.c.id, _R.c.amount_fen == _O.c.amount_fen, one_of(_R.c.reason, UNSOLD)
)
_STANDING = Sql(
    select(func.count()).where(
        _O.c.member_id == bindparam("of"), _O.c.id != bindparam("but"), ~_UNSOLD.correlate(_O).exists()
    )
)
_P = Product.__table__  # type: ignore[attr-defined]
_ON_SHELF = (_P.c.status == "active", (bindparam("of") == "") | (_P.c.category == bindparam("of")))
_SHELF = Sql(
    select(_P.c.id)
    .where(*_ON_SHELF)
    .order_by(_P.c.category, _P.c.id)
    .limit(bindparam("most", type_=_P.c.id.type))
    .offset(bindparam("after", type_=_P.c.id.type))
)
_NAMES = Sql(select(_P.c.id, _P.c.sku, _P.c.title).where(_P.c.status == "active").order_by(_P.c.category, _P.c.id))
_CATEGORIES = Sql(select(_P.c.category).where(_P.c.status == "active").distinct().order_by(_P.c.category))


def sku_stock(sku: str) -> str:
    """The name of a product's stock."""
    return f"sku:{sku}"


def enter(db: Db, order: Order) -> Order:
    """A new order, and its member's statistics with it."""
    orders.add(db, order)
    member_stats.recount(db, order.member_id)
    return order


def reduce(db: Db, order_id: int, amount_fen: int) -> bool:
    """Count a refund, in the statistics of the order's member too; False when more would be refunded than was paid."""
    row = db.one(_REFUND, of=order_id, n=amount_fen)
    if row is not None:
        member_stats.recount(db, row[0])
    return row is not None


def has_bought_before(db: Db, member_id: int, but: int = 0) -> bool:
    """Whether a person has any order besides `but`, under whatever member it was made, refunded ones included: a first
    purchase happens once. What we could not sell and refund whole (`UNSOLD`) was none."""
    counts = (db.one(_STANDING, of=one, but=but) for one in oneid.same(db, member_id))
    return any(row is not None and row[0] for row in counts)


def shelf(db: Db, category: str, after: int, most: int) -> list[Product]:
    """Up to `most` goods that are sold, `after` so many, by category; "" = every category."""
    found = [products.one(db, id=row[0]) for row in db.all(_SHELF, of=category, after=after, most=most)]
    return [product for product in found if product is not None]


def names(db: Db) -> list[tuple[int, str, str]]:
    """(id, sku, title) of everything that is sold."""
    return [(row[0], row[1], row[2]) for row in db.all(_NAMES)]


def categories(db: Db) -> list[str]:
    """The categories of what is sold."""
    return [row[0] for row in db.all(_CATEGORIES)]
