"""人群快照 audience: who is in a broadcast and how far it is with each. A row moves by one guarded update, and the
broadcast's own counts move with it in the same transaction: left + suppressed + tasked + sent + failed = total, always.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, func, literal_column, select, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import AT_ONCE, Sql, any_of, one_of
from storage.tables import Audience, AudienceChat, Broadcast, BroadcastTask, Consent

LEFT, SUPPRESSED, TASKED, SENT, FAILED = "left", "suppressed", "tasked", "sent", "failed"
# What is sent stays sent; what failed or was suppressed stays so. A task that was called off gives its rows back.
MOVES = {LEFT: (SUPPRESSED, TASKED), TASKED: (SENT, FAILED, SUPPRESSED, LEFT)}

broadcasts = Rows(Broadcast)
tasks = Rows(BroadcastTask)
chats = Rows(AudienceChat)

_A = Audience.__table__  # type: ignore[attr-defined]
_B = Broadcast.__table__  # type: ignore[attr-defined]
_C = Consent.__table__  # type: ignore[attr-defined]
_N = bindparam("n", type_=_B.c.total.type)
_OF = _A.c.broadcast_id == bindparam("of")
_NEXT = Sql(
    select(_A.c.member_id, _A.c.external_userid)
    .where(
        _OF, _A.c.userid == bindparam("by"), _A.c.member_id > bindparam("after", type_=_A.c.member_id.type),
        _A.c.status == LEFT,
    )
    .order_by(_A.c.member_id)
    .limit(bindparam("most", type_=_A.c.member_id.type))
)  # fmt: skip
_SENDERS = Sql(
    select(_A.c.userid, func.count()).where(_OF, _A.c.status == LEFT).group_by(_A.c.userid).order_by(_A.c.userid)
)
WITH_REASON = _A.c.reason != literal_column("''")  # the words of an index: a million rows have none
_REASONS = Sql(
    select(_A.c.status, _A.c.reason, func.count())
    .where(_OF, WITH_REASON)
    .group_by(_A.c.status, _A.c.reason)
    .order_by(_A.c.status, _A.c.reason)
)
_OPEN_TASKS = Sql(
    select(_A.c.broadcast_id, _A.c.task_id)
    .where(_A.c.member_id == bindparam("who"), _A.c.status == TASKED, any_of(_A.c.broadcast_id, "ids"))
)  # fmt: skip
_REFUSED = Sql(
    select(_A.c.task_id, _A.c.member_id)
    .select_from(_C.join(_A, and_(_A.c.member_id == _C.c.member_id, _OF)))
    .where(
        _C.c.topic == bindparam("about"), _C.c.state == "out", _C.c.changed_at >= bindparam("since"),
        _A.c.status == TASKED,
    )
)  # fmt: skip
_RUNNING = Sql(select(_B.c.id).where(one_of(_B.c.status, ("sending", "paused"))))
_TO = {"status": bindparam("to"), "reason": bindparam("why"), "task_id": bindparam("task", type_=_A.c.task_id.type),
       "changed_at": bindparam("now")}  # fmt: skip
_WAS = _A.c.status == bindparam("was")
_UPDATE = update(_A).prefix_with(AT_ONCE, dialect="sqlite")
_MOVE = Sql(_UPDATE.where(_OF, any_of(_A.c.member_id, "ids"), _WAS).values(**_TO))
_SETTLE = Sql(
    _UPDATE.where(
        _A.c.task_id == bindparam("task"), _A.c.task_id.is_not(None), any_of(_A.c.external_userid, "names"), _WAS, _OF
    ).values(status=bindparam("to"), reason=bindparam("why"), changed_at=bindparam("now"))
)
_SETTLE_REST = Sql(
    _UPDATE
    .where(_A.c.task_id == bindparam("of_task"), _A.c.task_id.is_not(None), _WAS, _OF)
    .values(**_TO)
)  # fmt: skip


@cache
def _shift(was: str, to: str) -> Sql:
    return Sql(update(_B).where(_B.c.id == bindparam("of")).values({was: _B.c[was] - _N, to: _B.c[to] + _N}))


def shift(db: Db, broadcast_id: int, was: str, to: str, n: int) -> None:
    """Let the broadcast's counts follow `n` rows; for whoever moves rows of `audience_chat`."""
    if to not in MOVES.get(was, ()):
        raise ValueError(f"a row never goes from {was} to {to}")
    if n:
        db.run(_shift(was, to), of=broadcast_id, n=n)


def senders(db: Db, broadcast_id: int) -> list[tuple[str, int]]:
    """(userid, members still to be sent), by userid."""
    return [(row[0], row[1]) for row in db.all(_SENDERS, of=broadcast_id)]


def next_of(db: Db, broadcast_id: int, userid: str, after: int, most: int) -> list[tuple[int, str]]:
    """(member_id, external_userid) of a sender's rows that are still `left`, in order, beyond the member `after`."""
    return [(row[0], row[1]) for row in db.all(_NEXT, of=broadcast_id, by=userid, after=after, most=most)]


def move(
    db: Db, broadcast_id: int, member_ids: Sequence[int], was: str, to: str, now: datetime, *, reason: str = "",
    task_id: int | None = None,
) -> int:  # fmt: skip
    """Move these members' rows from `was` to `to`, and the counts; how many were still there to move.

    `task_id` is what they hang on from now on (None: on nothing).
    """
    given: dict[str, Any] = {"ids": list(member_ids), "was": was, "to": to, "why": reason, "task": task_id, "now": now}
    moved = db.run(_MOVE, of=broadcast_id, **given) if member_ids else 0
    shift(db, broadcast_id, was, to, moved)
    return moved


def settle(
    db: Db, broadcast_id: int, task_id: int, external_userids: Sequence[str], to: str, reason: str, now: datetime
) -> int:
    """The platform told of rows of a task by their names: they are `sent` or `failed` now. How many are news."""
    given: dict[str, Any] = {"names": list(external_userids), "was": TASKED, "to": to, "why": reason, "now": now}
    moved = db.run(_SETTLE, of=broadcast_id, task=task_id, **given) if external_userids else 0
    shift(db, broadcast_id, TASKED, to, moved)
    return moved


def settle_rest(db: Db, broadcast_id: int, task_id: int, to: str, reason: str, now: datetime) -> int:
    """What of a task is still `tasked` ends this way (`left`: the task was called off, they can be sent anew)."""
    given: dict[str, Any] = {"was": TASKED, "to": to, "why": reason, "now": now}
    moved = db.run(_SETTLE_REST, of=broadcast_id, of_task=task_id, task=None if to == LEFT else task_id, **given)
    shift(db, broadcast_id, TASKED, to, moved)
    return moved


def reasons(db: Db, broadcast_id: int) -> list[tuple[str, str, int]]:
    """(status, reason, how many) of those who were not sent to, or did not get it."""
    return [(row[0], row[1], row[2]) for row in db.all(_REASONS, of=broadcast_id)]


def refused(db: Db, broadcast_id: int, topic: str, since: datetime) -> list[tuple[int, int]]:
    """(task, member) of whoever waits in a task of a broadcast and has refused its topic since."""
    return [(row[0], row[1]) for row in db.all(_REFUSED, of=broadcast_id, about=topic, since=since)]


def open_tasks_of(db: Db, member_id: int) -> list[tuple[int, int]]:
    """(broadcast, task) that a member waits in, in broadcasts under way: what to call off when they refuse."""
    running = [row[0] for row in db.all(_RUNNING)]
    return [(row[0], row[1]) for row in db.all(_OPEN_TASKS, who=member_id, ids=running)] if running else []
