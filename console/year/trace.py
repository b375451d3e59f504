"""痕迹 trace: one hash over everything that happened: events, value, what was owed to the outside and to the future.

It holds what the world can see and the books say, in the order in which it happened; nothing of how long anything took,
which process did it or how events shared a commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, select

from storage import tables
from storage.engine import Database

t: Any = tables
PAGE = 5_000


def _asked() -> Iterator[tuple[str, Select[Any]]]:
    inbox, transfer, outbox, timer = (one.__table__ for one in (t.Inbox, t.Transfer, t.Outbox, t.Timer))
    yield "event", select(inbox.c.id, inbox.c.key, inbox.c.kind, inbox.c.status, inbox.c.route, inbox.c.received_at)
    yield "value", select(
        transfer.c.id, transfer.c.key, transfer.c.debit, transfer.c.credit, transfer.c.asset, transfer.c.amount
    )  # fmt: skip
    yield "owed", select(
        outbox.c.id, outbox.c.call, outbox.c.subject, outbox.c.cause, outbox.c.status, outbox.c.payload,
        outbox.c.created_at,
    )  # fmt: skip
    yield "timer", select(timer.c.id, timer.c.key, timer.c.name, timer.c.status, timer.c.due_at)


def lines(database: Database) -> Iterator[str]:
    """The trace, line by line."""
    with database.engine.connect() as connection:
        for name, asked in _asked():
            place, after = next(iter(asked.selected_columns)), -1
            while rows := connection.execute(asked.where(place > after).order_by(place).limit(PAGE)).all():
                after = rows[-1][0]
                for row in rows:
                    yield json.dumps([name, *map(_plain, row)], ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def sha256(database: Database) -> str:
    """The hash of the trace."""
    digest = hashlib.sha256()
    for line in lines(database):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
