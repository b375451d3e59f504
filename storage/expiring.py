"""快到期的券: coupons that end soon, page by page, the first to end first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, bindparam, or_, select

from storage.coupons import Voucher
from storage.db import Db
from storage.sql import Sql
from storage.tables import Coupon

_T = Coupon.__table__  # type: ignore[attr-defined]
_AFTER = bindparam("after", type_=_T.c.expires_at.type)
_PAGE = Sql(
    select(*_T.columns)
    .where(
        _T.c.closed_at.is_(None),
        _T.c.status == "active",
        _T.c.expires_at >= _AFTER,
        _T.c.expires_at <= bindparam("until", type_=_T.c.expires_at.type),
        or_(_T.c.expires_at > _AFTER, and_(_T.c.expires_at == _AFTER, _T.c.id > bindparam("id_", type_=_T.c.id.type))),
    )
    .order_by(_T.c.expires_at, _T.c.id)
    .limit(bindparam("most", type_=_T.c.id.type))
)


def page(db: Db, after: tuple[datetime, int], until: datetime, most: int) -> list[Voucher]:
    """Active coupons that end after (moment, id) and by `until`."""
    return [Voucher(*row) for row in db.all(_PAGE, after=after[0], id_=after[1], until=until, most=most)]
