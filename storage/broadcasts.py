"""群发 broadcasts: how one stands, its tasks on their way to WeCom, and what WeCom tells of them, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update

from storage import audience, audience_chats, segments, touches
from storage.audience import FAILED, LEFT, SENT, SUPPRESSED, TASKED
from storage.db import Db
from storage.rows import Rows
from storage.segments import Chosen
from storage.sql import Sql, any_of, one_of
from storage.tables import Audience, Broadcast, BroadcastTask, Outbox

# Statuses of a broadcast.
DRAFTED, APPROVED, FREEZING, SENDING, PAUSED, STOPPED, DONE = (
    "drafted", "approved", "freezing", "sending", "paused", "stopped", "done",
)  # fmt: skip
RUNNING = (FREEZING, SENDING, PAUSED)
# Statuses of a task.
MAKING, MADE, CONFIRMED, CLOSED, REFUSED, CANCELLED = "making", "made", "confirmed", "done", "refused", "cancelled"
GROUP = "group"
# Why a task is over, and what then becomes of receivers of whom nothing was heard.
STOPPED_BY, EXPIRED, RECALLED = "stopped", "expired", "recalled"
ENDS = {
    STOPPED_BY: (SUPPRESSED, "stopped"), EXPIRED: (FAILED, "expired"), RECALLED: (LEFT, ""), "": (FAILED, "left_out"),
}  # fmt: skip

rows = Rows(Broadcast)
tasks = Rows(BroadcastTask)

_A = Audience.__table__  # type: ignore[attr-defined]
_B = Broadcast.__table__  # type: ignore[attr-defined]
_T = BroadcastTask.__table__  # type: ignore[attr-defined]
_O = Outbox.__table__  # type: ignore[attr-defined]
_TASK = _T.c.id == bindparam("task")
_OF = _A.c.broadcast_id == bindparam("of")
_AFTER = bindparam("after", type_=_A.c.member_id.type)
_MOST = bindparam("most", type_=_A.c.member_id.type)
_ORDER = Sql(
    select(
        _T.c.id, _T.c.broadcast_id, _T.c.userid, _T.c.status, _B.c.status, _B.c.channel, _B.c.text, _B.c.attachments,
        _B.c.allow_select,
    )
    .join(_B, _B.c.id == _T.c.broadcast_id)
    .where(_TASK)
)  # fmt: skip
_NAMES = Sql(
    select(_A.c.external_userid, _A.c.member_id)
    .where(_A.c.task_id == bindparam("task"), _A.c.task_id.is_not(None), _OF, _A.c.status == TASKED)
    .order_by(_A.c.member_id)
)
_NEXT_SENDER = Sql(
    select(func.min(_A.c.userid)).where(_OF, _A.c.userid > bindparam("by"))
)  # fmt: skip
_LEFT_AFTER = Sql(
    select(_A.c.member_id)
    .where(_OF, _A.c.member_id > _AFTER, _A.c.status == LEFT)
    .order_by(_A.c.member_id)
    .limit(_MOST)
)
_IN_FLIGHT = Sql(
    select(_A.c.task_id, _A.c.member_id).where(_OF, _A.c.status == TASKED).order_by(_A.c.member_id)
)  # fmt: skip
_TOLD_BY = Sql(
    select(_A.c.userid, func.count())
    .where(_OF, any_of(_A.c.userid, "users"), one_of(_A.c.status, (TASKED, SENT)))
    .group_by(_A.c.userid)
)
_SET_SENDER = Sql(update(_A).where(_OF, _A.c.member_id == bindparam("who")).values(userid=bindparam("by")))
_KNOWN = Sql(select(_T.c.msgid).where(any_of(_T.c.msgid, "ids")))
_OPEN = Sql(
    select(*_T.columns)
    .where(_T.c.broadcast_id == bindparam("of"), one_of(_T.c.status, (MADE, CONFIRMED, CANCELLED)), _T.c.msgid != "")
    .order_by(_T.c.id)
)
_CLOSE = Sql(update(_T).where(_TASK, one_of(_T.c.status, (MADE, CONFIRMED, CANCELLED))).values(status=CLOSED))
_CONFIRM = Sql(
    update(_T)
    .where(_TASK, one_of(_T.c.status, (MADE, CANCELLED)))
    .values(status=CONFIRMED, confirmed_at=bindparam("at"))
)
_COUNT = Sql(
    update(_T)
    .where(_TASK)
    .values(
        sent=_T.c.sent + bindparam("more", type_=_T.c.sent.type),
        failed=_T.c.failed + bindparam("lost", type_=_T.c.failed.type), polled_at=bindparam("now"),
    )
)  # fmt: skip
_BY_STATUS = Sql(
    select(_T.c.status, func.count()).where(_T.c.broadcast_id == bindparam("of")).group_by(_T.c.status)
)  # fmt: skip
_SENDERS_BY = Sql(
    select(_T.c.userid).distinct().where(_T.c.broadcast_id == bindparam("of"), any_of(_T.c.status, "statuses"))
)
_CHUNKS = Sql(
    select(func.coalesce(func.max(_T.c.chunk), 0)).where(
        _T.c.broadcast_id == bindparam("of"), _T.c.userid == bindparam("by")
    )
)
_CALL_OFF = Sql(
    update(_O)
    .where(any_of(_O.c.id, "ids"), _O.c.status == "pending", _O.c.attempts == 0)
    .values(status="suppressed", error=bindparam("why"), done_at=bindparam("now"))
    .returning(_O.c.id)
)
_WAITING = Sql(
    select(_T.c.broadcast_id, _B.c.name, _B.c.channel, func.sum(_T.c.size), func.min(_T.c.made_at))
    .join(_B, _B.c.id == _T.c.broadcast_id)
    .where(_T.c.userid == bindparam("by"), _T.c.status == MADE)
    .group_by(_T.c.broadcast_id, _B.c.name, _B.c.channel)
    .order_by(_T.c.broadcast_id)
)


class Order(NamedTuple):
    """A task as its sender needs it: the task's own status, then its broadcast's."""

    task_id: int
    broadcast_id: int
    userid: str
    task_status: str
    status: str
    channel: str
    text: str
    attachments: str
    allow_select: int


class Told(NamedTuple):
    """What WeCom says of a task's receivers, by our keys (member ids, chat ids): who got it, who did not and why."""

    sent: list[Any]
    failed: Mapping[str, list[Any]]


def order(db: Db, task_id: int) -> Order | None:
    """A task to be made."""
    row = db.one(_ORDER, task=task_id)
    return Order(*row) if row else None


def receivers(db: Db, channel: str, broadcast_id: int, task_id: int) -> dict[str, Any]:
    """Whom a task still waits for: WeCom's name -> our key, in their order."""
    if channel == GROUP:
        return {chat_id: chat_id for chat_id in audience_chats.tasked(db, broadcast_id, task_id)}
    return {row[0]: row[1] for row in db.all(_NAMES, of=broadcast_id, task=task_id)}


def known(db: Db, msgids: Sequence[str]) -> set[str]:
    """Which of these msgids are tasks of ours already."""
    return {row[0] for row in db.all(_KNOWN, ids=list(msgids))}


def next_sender(db: Db, broadcast_id: int, after: str) -> str | None:
    """The next sender of an audience, by userid."""
    row = db.one(_NEXT_SENDER, of=broadcast_id, by=after)
    return row[0] if row else None


def left_after(db: Db, broadcast_id: int, after: int, most: int) -> list[int]:
    """Members whose rows are still `left`, in order, beyond the member `after`."""
    return [row[0] for row in db.all(_LEFT_AFTER, of=broadcast_id, after=after, most=most)]


def in_flight(db: Db, broadcast_id: int) -> list[tuple[int, int]]:
    """(outbox row, member) of messages of a broadcast sent one by one that are on their way."""
    return [(row[0], row[1]) for row in db.all(_IN_FLIGHT, of=broadcast_id)]


def told_by(db: Db, broadcast_id: int, userids: Sequence[str]) -> dict[str, int]:
    """How many of a broadcast's messages these guides have or will get to pass on."""
    return {row[0]: row[1] for row in db.all(_TOLD_BY, of=broadcast_id, users=list(userids))}


def next_chunk(db: Db, broadcast_id: int, userid: str) -> int:
    """The number of a sender's next task."""
    row = db.one(_CHUNKS, of=broadcast_id, by=userid)
    return (int(row[0]) if row else 0) + 1


def open_tasks(db: Db, broadcast_id: int) -> list[BroadcastTask]:
    """Tasks at WeCom of which not all is known."""
    names = _T.columns.keys()
    return [BroadcastTask(**dict(zip(names, row, strict=True))) for row in db.all(_OPEN, of=broadcast_id)]


def count_tasks(db: Db, broadcast_id: int) -> dict[str, int]:
    """Status -> how many tasks."""
    return {row[0]: row[1] for row in db.all(_BY_STATUS, of=broadcast_id)}


def senders_by(db: Db, broadcast_id: int, statuses: Sequence[str]) -> set[str]:
    """Who has a task of these statuses."""
    return {row[0] for row in db.all(_SENDERS_BY, of=broadcast_id, statuses=list(statuses))}


def reasons(db: Db, broadcast: Broadcast) -> list[tuple[str, int]]:
    """(reason, how many) of what was not sent, the most first."""
    found = (audience_chats if broadcast.channel == GROUP else audience).reasons(db, broadcast.id)
    counted: dict[str, int] = {}
    for _, reason, count in found:
        counted[reason] = counted.get(reason, 0) + count
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


def confirm(db: Db, task_id: int, at: datetime) -> bool:
    """The member of staff pressed send; False when that was known."""
    return db.run(_CONFIRM, task=task_id, at=at) == 1


def apply(db: Db, channel: str, task: BroadcastTask, told: Told, now: datetime) -> int:
    """Let rows of a task come to their end; how many were news. Told twice it changes nothing."""
    sent = _move(db, channel, task, told.sent, SENT, "", now)
    failed = 0
    for reason, keys in told.failed.items():
        failed += _move(db, channel, task, keys, FAILED, reason, now)
        if channel != GROUP:
            touches.undo(db, source(task.broadcast_id), keys, now)
    db.run(_COUNT, task=task.id, more=sent, lost=failed, now=now)
    return sent + failed


def end(db: Db, channel: str, task: BroadcastTask, to: str, reason: str, now: datetime) -> int:
    """What nobody heard of ends this way (`left`: it may be sent anew): it was never delivered; how many."""
    keys = list(receivers(db, channel, task.broadcast_id, task.id).values())
    if not keys:
        return 0
    if channel != GROUP:
        touches.undo(db, source(task.broadcast_id), keys, now)
    moved = _move(db, channel, task, keys, to, reason, now)
    if to == FAILED:
        db.run(_COUNT, task=task.id, more=0, lost=moved, now=now)
    return moved


def close(db: Db, channel: str, task_id: int, over: bool, now: datetime) -> tuple[int, str]:
    """Close a task of which everything is known. When it is `over` what nobody heard of ends by the task's own reason:
    how many, and as what."""
    task = tasks.one(db, id=task_id)
    if task is None or (not over and receivers(db, channel, task.broadcast_id, task_id)):
        return 0, ""
    to, reason = ENDS[task.error if task.error in ENDS else ""]
    ended = end(db, channel, task, to, reason, now) if over else 0
    db.run(_CLOSE, task=task_id)
    return ended, to


def _move(db: Db, channel: str, task: BroadcastTask, keys: list[Any], to: str, reason: str, now: datetime) -> int:
    move: Any = audience_chats.move if channel == GROUP else audience.move
    task_id = None if to == LEFT else task.id
    moved: int = move(db, task.broadcast_id, keys, TASKED, to, now, reason=reason, task_id=task_id)
    return moved


def call_off(db: Db, outbox_ids: Sequence[int], why: str, now: datetime) -> set[int]:
    """Give up calls that were never tried; which ones. What was tried may have been done."""
    return {row[0] for row in db.all(_CALL_OFF, ids=list(outbox_ids), why=why, now=now)} if outbox_ids else set()


def waiting_for(db: Db, userid: str) -> list[tuple[int, str, str, int, datetime]]:
    """(broadcast, name, channel, receivers, since when) of what waits for a guide's tap."""
    return [(row[0], row[1], row[2], int(row[3]), row[4]) for row in db.all(_WAITING, by=userid)]


def set_sender(db: Db, broadcast_id: int, member_id: int, userid: str) -> None:
    """The guide who passes a message on."""
    db.run(_SET_SENDER, of=broadcast_id, who=member_id, by=userid)


@lru_cache(maxsize=64)
def _counting(rule: str) -> tuple[Chosen, Sql]:
    chosen = segments.compiled(rule)
    return chosen, Sql(select(func.count()).select_from(chosen.ids.limit(_MOST).subquery()))


def count(db: Db, broadcast: Broadcast, most: int, now: datetime) -> int:
    """How many members a broadcast's rule fits now, counted up to `most`."""
    chosen, sql = _counting(broadcast.rule)
    row = db.one(sql, **chosen.given(now), most=most)
    return int(row[0]) if row else 0


def source(broadcast_id: int) -> str:
    """Under which a broadcast's messages are counted in people's histories."""
    return f"broadcast:{broadcast_id}"
