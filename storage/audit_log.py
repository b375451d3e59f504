"""审计: who changed what, append-only; what people did is linked (`storage.audit_chain`)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from storage.audit_chain import Row, linked, seal
from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import AuditLog

_T = AuditLog.__table__  # type: ignore[attr-defined]
_ADD = Insert(AuditLog)
_ANY = Sql(select(_T.c.id).where(_T.c.subject == bindparam("of"), _T.c.action == bindparam("did")).limit(1))


def add(
    db: Db, row_id: int, actor: str, action: str, subject: str, data: dict[str, Any], cause: str, now: datetime
) -> None:
    """Record an act. `actor` is `rule:…` or a person's name; `data` says before and after."""
    row = Row(row_id, actor, action, subject, json.dumps(data, ensure_ascii=False), cause, now)
    db.add(_ADD, row)
    if linked(actor):
        db.at_commit(seal, row)


def is_there(db: Db, action: str, subject: str) -> bool:
    """Whether this was recorded of this subject before."""
    return db.one(_ANY, of=subject, did=action) is not None
