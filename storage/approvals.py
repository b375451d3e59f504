"""审批: what waits for a second person, and who decided it. One conditional update decides: the first of two is it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Approval

rows = Rows(Approval)

WAITING, APPROVED, REJECTED, EXPIRED = "waiting", "approved", "rejected", "expired"

_T = Approval.__table__  # type: ignore[attr-defined]
_DECIDE = Sql(
    update(_T)
    .where(_T.c.id == bindparam("of"), _T.c.status == WAITING)
    .values(
        status=bindparam("status_", type_=_T.c.status.type),
        decided_by=bindparam("by", type_=_T.c.decided_by.type),
        decided_at=bindparam("now", type_=_T.c.decided_at.type),
        reason=bindparam("reason_", type_=_T.c.reason.type),
    )
)


def decide(db: Db, approval_id: int, status: str, by: str, reason: str, now: datetime) -> bool:
    """Approve, reject or let expire; False when somebody was faster."""
    return db.run(_DECIDE, of=approval_id, status_=status, by=by, reason_=reason, now=now) == 1
