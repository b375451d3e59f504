"""群快照: the customer groups of a broadcast to groups. As `storage.audience`, with groups in the members' place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from storage.audience import LEFT, SENT, TASKED, chats, shift
from storage.db import Db
from storage.sql import Sql, any_of
from storage.tables import AudienceChat, Broadcast

_C = AudienceChat.__table__  # type: ignore[attr-defined]
_B = Broadcast.__table__  # type: ignore[attr-defined]
_OF = _C.c.broadcast_id == bindparam("of")
_MOST = bindparam("most", type_=_C.c.broadcast_id.type)
_SENDERS = Sql(
    select(_C.c.userid, func.count()).where(_OF, _C.c.status == LEFT).group_by(_C.c.userid).order_by(_C.c.userid)
)
_NEXT = Sql(
    select(_C.c.chat_id)
    .where(_OF, _C.c.userid == bindparam("by"), _C.c.chat_id > bindparam("after"), _C.c.status == LEFT)
    .order_by(_C.c.chat_id)
    .limit(_MOST)
)
_MOVE = Sql(
    update(_C)
    .where(_OF, any_of(_C.c.chat_id, "ids"), _C.c.status == bindparam("was"))
    .values(status=bindparam("to"), reason=bindparam("why"), task_id=bindparam("task", type_=_C.c.task_id.type),
            changed_at=bindparam("now"))
)  # fmt: skip
_REASONS = Sql(
    select(_C.c.status, _C.c.reason, func.count())
    .where(_OF, _C.c.reason != "")
    .group_by(_C.c.status, _C.c.reason)
    .order_by(_C.c.status, _C.c.reason)
)
_TASKED = Sql(
    select(_C.c.chat_id)
    .where(_C.c.task_id == bindparam("task"), _C.c.task_id.is_not(None), _OF, _C.c.status == TASKED)
    .order_by(_C.c.chat_id)
)
_GOT = Sql(
    select(_C.c.chat_id, func.count())
    .join(_B, _B.c.id == _C.c.broadcast_id)
    .where(any_of(_C.c.chat_id, "ids"), _C.c.status == SENT, _C.c.changed_at >= bindparam("since"))
    .group_by(_C.c.chat_id)
)


def freeze(db: Db, broadcast_id: int, owners: Sequence[tuple[str, str]], now: datetime) -> int:
    """Put these groups, each with its owner, into the audience; how many."""
    for chat_id, userid in owners:
        chats.add(db, AudienceChat(broadcast_id=broadcast_id, chat_id=chat_id, userid=userid, status=LEFT, reason="",
                                   task_id=None, changed_at=now))  # fmt: skip
    return len(owners)


def senders(db: Db, broadcast_id: int) -> list[tuple[str, int]]:
    """(owner, groups still to be sent), by owner."""
    return [(row[0], row[1]) for row in db.all(_SENDERS, of=broadcast_id)]


def next_of(db: Db, broadcast_id: int, userid: str, after: str, most: int) -> list[str]:
    """An owner's groups that are still `left`, in order, beyond the group `after`."""
    return [row[0] for row in db.all(_NEXT, of=broadcast_id, by=userid, after=after, most=most)]


def move(
    db: Db, broadcast_id: int, chat_ids: Sequence[str], was: str, to: str, now: datetime, *, reason: str = "",
    task_id: int | None = None,
) -> int:  # fmt: skip
    """Move these groups' rows from `was` to `to`, and the counts; how many were still there to move."""
    given: dict[str, Any] = {"ids": list(chat_ids), "was": was, "to": to, "why": reason, "task": task_id, "now": now}
    moved = db.run(_MOVE, of=broadcast_id, **given) if chat_ids else 0
    shift(db, broadcast_id, was, to, moved)
    return moved


def tasked(db: Db, broadcast_id: int, task_id: int) -> list[str]:
    """The groups of a task of which nothing is known yet."""
    return [row[0] for row in db.all(_TASKED, of=broadcast_id, task=task_id)]


def reasons(db: Db, broadcast_id: int) -> list[tuple[str, str, int]]:
    """(status, reason, how many) of those that were not sent to, or did not get it."""
    return [(row[0], row[1], row[2]) for row in db.all(_REASONS, of=broadcast_id)]


def received(db: Db, chat_ids: Sequence[str], since: datetime) -> dict[str, int]:
    """How many broadcasts of ours these groups got since; groups that got none are not in it."""
    return {row[0]: row[1] for row in db.all(_GOT, ids=list(chat_ids), since=since)}
