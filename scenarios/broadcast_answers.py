"""群发的回音 answers: what came of each call of a broadcast: a task is there, was refused, was called off; results are
in. Shared by the plays, itself none.
"""

from __future__ import annotations

from datetime import datetime

from bot.broadcast_polls import POLL
from bot.broadcasts import APP_SEND, CALLED_OFF, DRIVE, GONE, owe_drive
from bot.events import ApiAnswered
from bot.media_upload import MEDIA_GONE
from bot.turn import Turn
from bot.wecom.msg_template import ADD, CANCEL
from scenarios import broadcast_singles, broadcasting
from storage import broadcasts, tasks
from storage.audience import FAILED
from storage.broadcasts import (
    CANCELLED,
    CLOSED,
    CONFIRMED,
    DONE,
    MADE,
    MAKING,
    REFUSED,
    SENDING,
    STOPPED,
    STOPPED_BY,
    Told,
)
from storage.tables import Broadcast, BroadcastTask

GATHER_S = 300.0
CALLS = (ADD, CANCEL, DRIVE, POLL, APP_SEND)


def answered(turn: Turn, event: ApiAnswered) -> None:
    """Hand an answer on by its call."""
    if event.call in (ADD, CANCEL):
        task = broadcasts.tasks.one(turn.db, id=int(event.request["task"]))
        broadcast = broadcasts.rows.one(turn.db, id=task.broadcast_id) if task else None
        if task is not None and broadcast is not None:
            (_made if event.call == ADD else _cancelled)(turn, broadcast, task, event)
        return
    broadcast = broadcasts.rows.one(turn.db, id=int(event.request["broadcast"]))
    if broadcast is None:
        return
    if event.call == DRIVE:
        _driven(turn, broadcast, event)
    elif event.call == POLL:
        _polled(turn, broadcast, event)
    else:
        broadcast_singles.answered(turn, event)
        _finish(turn, broadcast.id)


def _made(turn: Turn, broadcast: Broadcast, task: BroadcastTask, event: ApiAnswered) -> None:
    if task.status != MAKING:
        return
    if event.ok:
        task.status, task.msgid = MADE, str(event.answer["msgid"])
        broadcasts.tasks.change(turn.db, {"status": MADE, "msgid": task.msgid, "made_at": turn.now}, id=task.id)
        _leave_out(turn, broadcast, task, [str(name) for name in event.answer.get("fail_list") or []])
        if broadcast.status == STOPPED:
            broadcasting.call_off(turn, task, STOPPED_BY)
        else:
            _announce(turn, broadcast, task)
        broadcasting.poll_in(turn, broadcast, turn.broadcasts.poll_s)
    elif event.errcode in (CALLED_OFF, GONE):
        broadcasts.tasks.change(turn.db, {"status": CANCELLED, "error": "recalled"}, id=task.id)
        owe_drive(turn, broadcast.id)
    else:
        reason = "media_gone" if event.errcode == MEDIA_GONE else f"errcode_{event.errcode}"
        broadcasts.end(turn.db, broadcast.channel, task, FAILED, reason, turn.now)
        broadcasts.tasks.change(turn.db, {"status": REFUSED, "error": reason}, id=task.id)
        _finish(turn, broadcast.id)


def _leave_out(turn: Turn, broadcast: Broadcast, task: BroadcastTask, names: list[str]) -> None:
    """Whom WeCom did not take into the task."""
    if names:
        keys = broadcasts.receivers(turn.db, broadcast.channel, broadcast.id, task.id)
        refused = [keys[name] for name in names if name in keys]
        broadcasts.apply(turn.db, broadcast.channel, task, Told([], {"not_contact": refused}), turn.now)


def _announce(turn: Turn, broadcast: Broadcast, task: BroadcastTask) -> None:
    """The sender hears of it in the app's chat, and finds it among their tasks of the day."""
    text = broadcasting.asking(turn, broadcast, task.size, "broadcasts/waiting")
    ends = turn.since(broadcast.expire_h * 3600)
    key = _task_key(broadcast.id, task.userid)
    if tasks.add(
        turn.db, turn.ids, task.userid, broadcasting.TASK_KIND, text, ends, key, broadcast.approved_by, turn.now
    ):
        turn.to_staff(task.userid, text)


def _task_key(broadcast_id: int, userid: str) -> str:
    return f"broadcast:{broadcast_id}:{userid}"


def _cancelled(turn: Turn, broadcast: Broadcast, task: BroadcastTask, event: ApiAnswered) -> None:
    """It cannot be confirmed any more. What WeCom does not know cannot be confirmed either."""
    broadcasts.tasks.change(turn.db, {"status": CANCELLED}, id=task.id, status=MADE)
    tasks.drop(turn.db, _task_key(broadcast.id, task.userid), "rule:broadcasts", turn.now)
    key = f"broadcast:{broadcast.id}:poll:{broadcast.polls}:called_off"
    turn.at(turn.since(broadcasting.SOON_S), broadcasting.POLL_AT, key, broadcasting.payload_of(broadcast))


def _driven(turn: Turn, broadcast: Broadcast, event: ApiAnswered) -> None:
    until = event.answer.get("until")
    if until and broadcast.status == SENDING:
        at = datetime.fromisoformat(until)
        turn.at(
            at, broadcasting.DRIVE_AT, f"broadcast:{broadcast.id}:drive:{until}", broadcasting.payload_of(broadcast)
        )
    _finish(turn, broadcast.id)


def _polled(turn: Turn, broadcast: Broadcast, event: ApiAnswered) -> None:
    """Ask again, later each time that nothing was new; nothing is asked about what is over."""
    news = bool(event.answer.get("news"))
    idle = 0 if news else broadcast.idle_polls + 1
    broadcast.polls += 1
    change = {"polls": broadcast.polls, "idle_polls": idle, "changed_at": turn.now}
    broadcasts.rows.change(turn.db, change, id=broadcast.id)
    if event.answer.get("returned"):  # several may refuse within minutes: one new task is enough for all
        key = f"broadcast:{broadcast.id}:drive:{broadcast.polls}"
        turn.at(turn.since(GATHER_S), broadcasting.DRIVE_AT, key, broadcasting.payload_of(broadcast))
    open_tasks = broadcasts.open_tasks(turn.db, broadcast.id)
    _tick_off(turn, broadcast, {task.userid for task in open_tasks if task.status == MADE})
    if open_tasks:
        broadcasting.poll_in(turn, broadcast, min(turn.broadcasts.poll_s * 2.0**idle, broadcasting.LONGEST_POLL_S))
    else:
        _finish(turn, broadcast.id)


def _tick_off(turn: Turn, broadcast: Broadcast, waiting: set[str]) -> None:
    """Whoever has pressed send has done their task."""
    confirmed = broadcasts.senders_by(turn.db, broadcast.id, (CONFIRMED, CLOSED))
    for userid in confirmed - waiting:
        task = tasks.rows.one(turn.db, key=_task_key(broadcast.id, userid), status="open")
        if task is not None:
            tasks.done(turn.db, task.id, userid, turn.now)


def _finish(turn: Turn, broadcast_id: int) -> None:
    """The end, when nothing is left and nothing is on its way."""
    broadcast = broadcasts.rows.one(turn.db, id=broadcast_id)
    if broadcast is not None and broadcast.frozen_at and not broadcast.left and not broadcast.tasked:
        broadcasting.set_status(turn, broadcast, DONE, (SENDING,))
