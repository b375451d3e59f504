"""冻结人群 freeze: members into a broadcast's audience, window by window, resumable by the last id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, literal, null, select, update

from storage.db import Db
from storage.sql import Sql
from storage.tables import Audience, Broadcast, Follow, Member

_A = Audience.__table__  # type: ignore[attr-defined]
_B = Broadcast.__table__  # type: ignore[attr-defined]
_M = Member.__table__  # type: ignore[attr-defined]
_F = Follow.__table__  # type: ignore[attr-defined]
_N = _M.c.id.type
_AFTER = bindparam("after", type_=_N)
_UPTO = Sql(
    select(func.max(select(_M.c.id).where(_M.c.id > _AFTER).order_by(_M.c.id).limit(bindparam("most", type_=_N))
                    .subquery().c.id))
)  # fmt: skip
_L = _F.alias("latest")
_LATEST = (
    select(_L.c.id)
    .where(_L.c.member_id == _M.c.id, _L.c.status == "active")
    .order_by(_L.c.followed_at.desc(), _L.c.id.desc())
    .limit(1)
    .correlate(_M)
    .scalar_subquery()
)
_ROWS = (
    select(
        bindparam("of", type_=_N), _M.c.id, func.coalesce(_F.c.external_userid, ""), func.coalesce(_F.c.userid, ""),
        literal("left"), literal(""), null(), bindparam("now", type_=_A.c.changed_at.type),
    )
    .select_from(_M.outerjoin(_F, _F.c.id == _LATEST))
    .where(_M.c.id > _AFTER, _M.c.id <= bindparam("upto", type_=_N), _M.c.merged_into.is_(None))
)  # fmt: skip
_FREEZE = Sql(insert(_A).from_select(_A.columns.keys(), _ROWS))
_GROWN = Sql(
    update(_B)
    .where(_B.c.id == bindparam("of"))
    .values(cursor=bindparam("upto", type_=_N), total=_B.c.total + bindparam("n", type_=_N),
            left=_B.c.left + bindparam("n", type_=_N))
)  # fmt: skip


_COUNT = Sql(
    select(func.count()).select_from(
        select(_M.c.id).where(_M.c.merged_into.is_(None)).limit(bindparam("most", type_=_N)).subquery()
    )
)


def count(db: Db, broadcast: Any, most: int) -> int:
    """How many a broadcast is for now, counted up to `most`."""
    row = db.one(_COUNT, most=most)
    return int(row[0]) if row else 0


def window(db: Db, broadcast: Any, most: int, now: datetime) -> bool:
    """Take the next `most` members; True when all were looked at."""
    row = db.one(_UPTO, after=broadcast.cursor, most=most)
    upto = row[0] if row else None
    if upto is None:
        return True
    n = db.run(_FREEZE, of=broadcast.id, after=broadcast.cursor, upto=upto, now=now)
    db.run(_GROWN, of=broadcast.id, upto=upto, n=n)
    return False
