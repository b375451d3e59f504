"""优惠券: coupon rows as the join pack issues them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import Coupon

_T = Coupon.__table__  # type: ignore[attr-defined]
_ADD = Insert(Coupon)
_OF_MEMBER = Sql(select(*_T.columns).where(_T.c.member_id == bindparam("of")).order_by(_T.c.id))
_OF_GRANT = Sql(select(*_T.columns).where(_T.c.grant_id == bindparam("of")).order_by(_T.c.id))
_MOVE = Sql(update(_T).where(_T.c.id == bindparam("id_")).values(member_id=bindparam("to")))
_STATUS = Sql(
    update(_T).where(_T.c.id == bindparam("id_"), _T.c.status == bindparam("was")).values(status=bindparam("status_"))
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


def issue(db: Db, voucher: Voucher) -> None:
    """Put a coupon into a member's hands."""
    db.add(_ADD, voucher)


def of_member(db: Db, member_id: int) -> list[Voucher]:
    """A member's coupons, oldest first."""
    return [Voucher(*row) for row in db.all(_OF_MEMBER, of=member_id)]


def of_grant(db: Db, grant_id: int) -> list[Voucher]:
    """What a grant issued."""
    return [Voucher(*row) for row in db.all(_OF_GRANT, of=grant_id)]


def move(db: Db, coupon_id: int, member_id: int) -> None:
    """Give a coupon to another member (a merge or its undoing)."""
    db.run(_MOVE, id_=coupon_id, to=member_id)


def set_status(db: Db, coupon_id: int, was: str, status: str) -> bool:
    """Change a coupon's status if it still has the one expected."""
    return db.run(_STATUS, id_=coupon_id, was=was, status_=status) == 1
