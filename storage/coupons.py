"""优惠券: vouchers in members' hands. Every change of state is one conditional update."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import Coupon

_T = Coupon.__table__  # type: ignore[attr-defined]
_ADD = Insert(Coupon)
_ALL = select(*_T.columns)
_OF_MEMBER = Sql(_ALL.where(_T.c.member_id == bindparam("of")).order_by(_T.c.id))
_USABLE = Sql(
    _ALL.where(_T.c.member_id == bindparam("of"), _T.c.status == "active", _T.c.expires_at > bindparam("now")).order_by(
        _T.c.expires_at, _T.c.id
    )
)
_OF_GRANT = Sql(_ALL.where(_T.c.grant_id == bindparam("of")).order_by(_T.c.id))
_OF_CHECKOUT = Sql(_ALL.where(_T.c.checkout_id == bindparam("of")).order_by(_T.c.id))
_BY_CODE = Sql(_ALL.where(_T.c.code == bindparam("code_")))
_BY_ID = Sql(_ALL.where(_T.c.id == bindparam("id_")))
_DUE = Sql(
    _ALL.where(_T.c.closed_at.is_(None), _T.c.expires_at <= bindparam("now"), _T.c.status == "active")
    .order_by(_T.c.expires_at, _T.c.id)
    .limit(bindparam("most", type_=_T.c.id.type))
)
_SOON = Sql(
    _ALL.where(
        _T.c.closed_at.is_(None),
        _T.c.expires_at > bindparam("now"),
        _T.c.expires_at <= bindparam("until"),
        _T.c.status == "active",
        _T.c.template_id == bindparam("template_"),
        _T.c.id > bindparam("after", type_=_T.c.id.type),
    )
    .order_by(_T.c.id)
    .limit(bindparam("most", type_=_T.c.id.type))
)
_MOVE = Sql(update(_T).where(_T.c.id == bindparam("id_")).values(member_id=bindparam("to")))
_ID = _T.c.id == bindparam("id_")
_CLOSE = Sql(
    update(_T)
    .where(_ID, _T.c.status == bindparam("was"))
    .values(status=bindparam("status_"), closed_at=bindparam("now"), checkout_id=None)
)
_REOPEN = Sql(
    update(_T)
    .where(_ID, _T.c.status == bindparam("was"))
    .values(
        status="active",
        closed_at=None,
        used_at=None,
        checkout_id=None,
        order_id=None,
        discount_fen=0,
        store="",
        used_by="",
    )
)
_RESERVE = Sql(
    update(_T)
    .where(_ID, _T.c.status == "active", _T.c.expires_at > bindparam("now"))
    .values(status="reserved", checkout_id=bindparam("checkout"), discount_fen=bindparam("discount"))
)
_COMMIT = Sql(
    update(_T)
    .where(_ID, _T.c.status == "reserved", _T.c.checkout_id == bindparam("checkout"))
    .values(status="redeemed", used_at=bindparam("now"), closed_at=bindparam("now"), order_id=bindparam("order"))
)
_RELEASE = Sql(
    update(_T)
    .where(_ID, _T.c.status == "reserved", _T.c.checkout_id == bindparam("checkout"))
    .values(status="active", checkout_id=None, discount_fen=0)
)
_REDEEM = Sql(
    update(_T)
    .where(_ID, _T.c.status == "active", _T.c.expires_at > bindparam("now"))
    .values(
        status="redeemed",
        used_at=bindparam("now"),
        closed_at=bindparam("now"),
        discount_fen=bindparam("discount"),
        store=bindparam("at_store"),
        used_by=bindparam("by"),
    )
)


class Voucher(NamedTuple):
    """A coupon row, in the order of the table's columns."""

    id: int
    code: str
    template: str
    member_id: int
    grant_id: int
    status: str
    issued_at: datetime
    expires_at: datetime
    template_id: int | None = None
    checkout_id: int | None = None
    order_id: int | None = None
    bearer: str = "brand"
    liability_fen: int = 0
    discount_fen: int = 0
    used_at: datetime | None = None
    closed_at: datetime | None = None
    store: str = ""
    used_by: str = ""


def issue(db: Db, voucher: Voucher) -> None:
    """Put a coupon into a member's hands."""
    db.add(_ADD, voucher)


def of_member(db: Db, member_id: int) -> list[Voucher]:
    """A member's coupons, oldest first."""
    return [Voucher(*row) for row in db.all(_OF_MEMBER, of=member_id)]


def usable(db: Db, member_id: int, now: datetime) -> list[Voucher]:
    """What a member can use now, the first to expire first."""
    return [Voucher(*row) for row in db.all(_USABLE, of=member_id, now=now)]


def of_grant(db: Db, grant_id: int) -> list[Voucher]:
    """What a grant issued."""
    return [Voucher(*row) for row in db.all(_OF_GRANT, of=grant_id)]


def of_checkout(db: Db, checkout_id: int) -> list[Voucher]:
    """What a checkout holds or has used."""
    return [Voucher(*row) for row in db.all(_OF_CHECKOUT, of=checkout_id)]


def by_code(db: Db, code: str) -> Voucher | None:
    """The coupon with this code."""
    row = db.one(_BY_CODE, code_=code)
    return Voucher(*row) if row else None


def by_id(db: Db, coupon_id: int) -> Voucher:
    """A coupon that is known to be there."""
    row = db.one(_BY_ID, id_=coupon_id)
    assert row is not None
    return Voucher(*row)


def due(db: Db, now: datetime, most: int) -> list[Voucher]:
    """Active coupons whose time is over."""
    return [Voucher(*row) for row in db.all(_DUE, now=now, most=most)]


def soon(db: Db, template_id: int, now: datetime, until: datetime, after: int, most: int) -> list[Voucher]:
    """A template's active coupons that end before `until`, page by page (`after` = the last id of the page before)."""
    found = db.all(_SOON, template_=template_id, now=now, until=until, after=after, most=most)
    return [Voucher(*row) for row in found]


def move(db: Db, coupon_id: int, member_id: int) -> None:
    """Give a coupon to another member (a merge or its undoing)."""
    db.run(_MOVE, id_=coupon_id, to=member_id)


def close(db: Db, coupon_id: int, was: str, status: str, now: datetime) -> bool:
    """Let a coupon end (`expired`, `voided`) if it still has the status expected."""
    return db.run(_CLOSE, id_=coupon_id, was=was, status_=status, now=now) == 1


def reopen(db: Db, coupon_id: int, was: str) -> bool:
    """Make an ended coupon usable again."""
    return db.run(_REOPEN, id_=coupon_id, was=was) == 1


def reserve(db: Db, coupon_id: int, checkout_id: int, discount_fen: int, now: datetime) -> bool:
    """Hold a coupon for a checkout; False when it is used, held or over."""
    return db.run(_RESERVE, id_=coupon_id, checkout=checkout_id, discount=discount_fen, now=now) == 1


def commit(db: Db, coupon_id: int, checkout_id: int, order_id: int | None, now: datetime) -> bool:
    """The checkout was paid, by an order unless it cost nothing: the coupon is used up by exactly this."""
    return db.run(_COMMIT, id_=coupon_id, checkout=checkout_id, order=order_id, now=now) == 1


def release(db: Db, coupon_id: int, checkout_id: int) -> bool:
    """The checkout was not paid: the coupon is free again."""
    return db.run(_RELEASE, id_=coupon_id, checkout=checkout_id) == 1


def redeem(db: Db, coupon_id: int, discount_fen: int, now: datetime, store: str = "", used_by: str = "") -> bool:
    """核销 at a counter, of a store if it was named, by a guide; False when it is used, held or over."""
    return db.run(_REDEEM, id_=coupon_id, discount=discount_fen, now=now, at_store=store, by=used_by) == 1
