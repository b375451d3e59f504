"""审计: who changed what, append-only."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from storage.db import Db
from storage.sql import Insert
from storage.tables import AuditLog

_ADD = Insert(AuditLog)


def add(
    db: Db, row_id: int, actor: str, action: str, subject: str, data: dict[str, Any], cause: str, now: datetime
) -> None:
    """Record an act. `actor` is `rule:…`, `admin:…` or `system`; `data` says before and after."""
    db.add(_ADD, (row_id, actor, action, subject, json.dumps(data, ensure_ascii=False), cause, now))
