"""群发 broadcasting: from approval to the last result: starting, holding, stopping, reminding, and what becomes of each
call. Shared by the plays, itself none.

A task that waits for its sender's tap cannot be held back, only called off: a pause keeps new tasks from being made, a
stop calls off those that nobody has confirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.broadcast_polls import POLL
from bot.broadcasts import APP_SEND, CALLED_OFF, DRIVE, GONE, LANE, owe_drive
from bot.events import ApiAnswered, TimerDue
from bot.turn import Turn
from bot.wecom.msg_template import ADD, CANCEL, REMIND
from scenarios import broadcast_singles
from scenarios.broadcast_planning import EXPIRE, REMIND_AT
from storage import audience, broadcasts, outbox, tasks
from storage.audience import FAILED, LEFT, SUPPRESSED
from storage.broadcasts import (
    APPROVED,
    CANCELLED,
    CONFIRMED,
    DONE,
    EXPIRED,
    FREEZING,
    GROUP,
    MADE,
    MAKING,
    PAUSED,
    REFUSED,
    RUNNING,
    SENDING,
    STOPPED,
    STOPPED_BY,
    Told,
)
from storage.tables import Broadcast, BroadcastTask

START, POLL_AT, DRIVE_AT = "broadcast.start", "broadcast.poll", "broadcast.drive"
REMINDERS, REMINDED_WITHIN = 3, timedelta(hours=24)  # of one task, 97610
LONGEST_POLL_S = 1_800.0
SOON_S = 1.0
SINGLES = ("kf", "app")
TASK_KIND = "broadcast"

Decision = Callable[[Turn, Broadcast, str], None]


# -- what people decide ------------------------------------------------------------------------------------------------


def approve(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Let it begin at its time."""
    change = {"status": APPROVED, "approved_by": by, "approved_at": turn.now, "changed_at": turn.now}
    broadcasts.rows.change(turn.db, change, id=broadcast.id, status=broadcast.status)
    at = max(broadcast.scheduled_at or turn.now, turn.now)
    turn.at(at, START, f"broadcast:{broadcast.id}:start", _payload(broadcast))
    turn.audit(by, "broadcast.approved", _subject(broadcast))


def pause(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Make no further tasks; calls that nobody has tried are taken back."""
    if _set_status(turn, broadcast, PAUSED, (FREEZING, SENDING)):
        _take_back(turn, broadcast, LEFT, "")
        turn.audit(by, "broadcast.paused", _subject(broadcast))


def resume(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Go on where it was held."""
    to = SENDING if broadcast.frozen_at else FREEZING
    if _set_status(turn, broadcast, to, (PAUSED,)):
        owe_drive(turn, broadcast.id)
        turn.audit(by, "broadcast.resumed", _subject(broadcast))


def stop(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """For good: nothing further is made or sent, tasks that wait for a tap are called off."""
    if not _set_status(turn, broadcast, STOPPED, ("drafted", APPROVED, *RUNNING)):
        return
    _take_back(turn, broadcast, SUPPRESSED, "stopped")
    for task in broadcasts.tasks.all(turn.db, broadcast_id=broadcast.id, status=MADE):
        call_off(turn, task, STOPPED_BY)
    owe_drive(turn, broadcast.id)
    turn.audit(by, "broadcast.stopped", _subject(broadcast))


def call_off(turn: Turn, task: BroadcastTask, why: str) -> None:
    """Have WeCom take a task from its sender's hands."""
    if broadcasts.tasks.change(turn.db, {"error": why}, id=task.id, status=MADE, error=""):
        payload = {"task": task.id, "msgid": task.msgid}
        turn.owe(CANCEL, payload, lane=LANE, subject=f"broadcast_task:{task.id}", answers=True)


def _set_status(turn: Turn, broadcast: Broadcast, to: str, before: tuple[str, ...]) -> bool:
    change = {"status": to, "changed_at": turn.now}
    return broadcast.status in before and broadcasts.rows.change(
        turn.db, change, id=broadcast.id, status=broadcast.status
    ) == 1  # fmt: skip


def _take_back(turn: Turn, broadcast: Broadcast, to: str, reason: str) -> None:
    if broadcast.channel in SINGLES:
        broadcast_singles.call_off(turn, broadcast, to, reason)
        return
    making = {
        task.outbox_id: task.id for task in broadcasts.tasks.all(turn.db, broadcast_id=broadcast.id, status=MAKING)
    }
    for row_id in sorted(broadcasts.call_off(turn.db, list(making), "paused or stopped", turn.now)):
        broadcasts.tasks.change(turn.db, {"status": CANCELLED, "error": "recalled"}, id=making[row_id])
    owe_drive(turn, broadcast.id)  # the rows are given back by its steps


def remind(turn: Turn, broadcast: Broadcast, by: str) -> int:
    """Remind whoever has not pressed send: by WeCom, and in the app's chat. How many tasks that are; those that were
    reminded three times within 24 hours are left in peace."""
    told: dict[str, int] = {}
    for task in broadcasts.tasks.all(turn.db, broadcast_id=broadcast.id, status=MADE, error=""):
        fresh = task.reminded_at is None or turn.now - task.reminded_at >= REMINDED_WITHIN
        if not fresh and task.reminded >= REMINDERS:
            continue
        count = 1 if fresh else task.reminded + 1
        since = turn.now if fresh else task.reminded_at
        broadcasts.tasks.change(turn.db, {"reminded": count, "reminded_at": since}, id=task.id)
        turn.owe(REMIND, {"task": task.id, "msgid": task.msgid}, lane=LANE, subject=f"broadcast_task:{task.id}")
        told[task.userid] = told.get(task.userid, 0) + task.size
    for userid, size in told.items():
        turn.to_staff(userid, _asking(turn, broadcast, size, "broadcasts/remind"))
    if told:
        refresh(turn, broadcast, by)
        turn.audit(by, "broadcast.reminded", _subject(broadcast), guides=len(told))
    return len(told)


def _asking(turn: Turn, broadcast: Broadcast, size: int, text: str) -> str:
    unit = turn.texts.render("broadcasts/groups" if broadcast.channel == GROUP else "broadcasts/customers")
    return turn.texts.render(text, id=broadcast.id, name=broadcast.name, size=size, unit=unit)


# -- what comes due ----------------------------------------------------------------------------------------------------


def due(turn: Turn, event: TimerDue) -> None:
    """A broadcast's timer."""
    broadcast = broadcasts.rows.one(turn.db, id=int(event.payload["broadcast"]))
    if broadcast is None:
        return
    if event.name == START:
        _begin(turn, broadcast)
    elif event.name == DRIVE_AT:
        owe_drive(turn, broadcast.id)
    elif event.name == POLL_AT:
        _owe_poll(turn, broadcast)
    elif event.name == REMIND_AT and broadcast.status == SENDING:
        remind(turn, broadcast, str(event.payload["by"]))
    elif event.name == EXPIRE:
        _expire(turn, broadcast)


TIMERS = (START, DRIVE_AT, POLL_AT, REMIND_AT, EXPIRE)


def _begin(turn: Turn, broadcast: Broadcast) -> None:
    if _set_status(turn, broadcast, FREEZING, (APPROVED,)):
        owe_drive(turn, broadcast.id)


def _expire(turn: Turn, broadcast: Broadcast) -> None:
    """Who has not confirmed by now will not."""
    for task in broadcasts.tasks.all(turn.db, broadcast_id=broadcast.id, status=MADE):
        call_off(turn, task, EXPIRED)


def _owe_poll(turn: Turn, broadcast: Broadcast) -> None:
    subject = f"broadcast:{broadcast.id}:poll"
    if not outbox.is_open(turn.db, subject):
        turn.owe(POLL, _payload(broadcast), lane=LANE, subject=subject, answers=True)


def poll_in(turn: Turn, broadcast: Broadcast, seconds: float) -> None:
    """Ask for results then; asked once already for this round, it stays so."""
    turn.at(turn.since(seconds), POLL_AT, f"broadcast:{broadcast.id}:poll:{broadcast.polls}", _payload(broadcast))


def refresh(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Ask for results now, and often again from now on."""
    if broadcasts.open_tasks(turn.db, broadcast.id):
        broadcasts.rows.change(turn.db, {"idle_polls": 0}, id=broadcast.id)
        _owe_poll(turn, broadcast)


# -- what came of a call -----------------------------------------------------------------------------------------------


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


CALLS = (ADD, CANCEL, DRIVE, POLL, APP_SEND)


def _made(turn: Turn, broadcast: Broadcast, task: BroadcastTask, event: ApiAnswered) -> None:
    if task.status != MAKING:
        return
    if event.ok:
        task.status, task.msgid = MADE, str(event.answer["msgid"])
        broadcasts.tasks.change(turn.db, {"status": MADE, "msgid": task.msgid, "made_at": turn.now}, id=task.id)
        _leave_out(turn, broadcast, task, [str(name) for name in event.answer.get("fail_list") or []])
        if broadcast.status == STOPPED:
            call_off(turn, task, STOPPED_BY)
        else:
            _announce(turn, broadcast, task)
        poll_in(turn, broadcast, turn.broadcasts.poll_s)
    elif event.errcode in (CALLED_OFF, GONE):
        broadcasts.tasks.change(turn.db, {"status": CANCELLED, "error": "recalled"}, id=task.id)
        owe_drive(turn, broadcast.id)
    else:
        reason = f"errcode_{event.errcode}"
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
    text = _asking(turn, broadcast, task.size, "broadcasts/waiting")
    ends = turn.since(broadcast.expire_h * 3600)
    key = _task_key(broadcast.id, task.userid)
    if tasks.add(turn.db, turn.ids, task.userid, TASK_KIND, text, ends, key, broadcast.approved_by, turn.now):
        turn.to_staff(task.userid, text)


def _task_key(broadcast_id: int, userid: str) -> str:
    return f"broadcast:{broadcast_id}:{userid}"


def _cancelled(turn: Turn, broadcast: Broadcast, task: BroadcastTask, event: ApiAnswered) -> None:
    """It cannot be confirmed any more. What WeCom does not know cannot be confirmed either."""
    broadcasts.tasks.change(turn.db, {"status": CANCELLED}, id=task.id, status=MADE)
    tasks.drop(turn.db, _task_key(broadcast.id, task.userid), "rule:broadcasts", turn.now)
    key = f"broadcast:{broadcast.id}:poll:{broadcast.polls}:called_off"
    turn.at(turn.since(SOON_S), POLL_AT, key, _payload(broadcast))


def _driven(turn: Turn, broadcast: Broadcast, event: ApiAnswered) -> None:
    until = event.answer.get("until")
    if until and broadcast.status == SENDING:
        at = datetime.fromisoformat(until)
        turn.at(at, DRIVE_AT, f"broadcast:{broadcast.id}:drive:{until}", _payload(broadcast))
    _finish(turn, broadcast.id)


def _polled(turn: Turn, broadcast: Broadcast, event: ApiAnswered) -> None:
    """Ask again, later each time that nothing was new; nothing is asked about what is over."""
    news = bool(event.answer.get("news"))
    idle = 0 if news else broadcast.idle_polls + 1
    broadcast.polls += 1
    change = {"polls": broadcast.polls, "idle_polls": idle, "changed_at": turn.now}
    broadcasts.rows.change(turn.db, change, id=broadcast.id)
    if event.answer.get("returned"):
        owe_drive(turn, broadcast.id)
    open_tasks = broadcasts.open_tasks(turn.db, broadcast.id)
    _tick_off(turn, broadcast, {task.userid for task in open_tasks if task.status == MADE})
    if open_tasks:
        poll_in(turn, broadcast, min(turn.broadcasts.poll_s * 2.0**idle, LONGEST_POLL_S))
    else:
        _finish(turn, broadcast.id)


def _tick_off(turn: Turn, broadcast: Broadcast, waiting: set[str]) -> None:
    """Whoever has pressed send has done their task."""
    confirmed = broadcasts.senders_by(turn.db, broadcast.id, (CONFIRMED, "done"))
    for userid in confirmed - waiting:
        task = tasks.rows.one(turn.db, key=_task_key(broadcast.id, userid), status="open")
        if task is not None:
            tasks.done(turn.db, task.id, userid, turn.now)


def _finish(turn: Turn, broadcast_id: int) -> None:
    """The end, when nothing is left and nothing is on its way."""
    broadcast = audience.broadcasts.one(turn.db, id=broadcast_id)
    if broadcast is not None and broadcast.frozen_at and not broadcast.left and not broadcast.tasked:
        _set_status(turn, broadcast, DONE, (SENDING,))


def reason(turn: Turn, why: str) -> str:
    """Why somebody was not reached, in words."""
    if why.startswith("errcode_"):
        return turn.texts.render("broadcasts/reason_errcode", code=why.removeprefix("errcode_"))
    return turn.texts.render(REASONS["coupon" if why.startswith("coupon_") else why])


REASONS = {
    "capped": "broadcasts/reason_capped", "coupon": "broadcasts/reason_coupon", "expired": "broadcasts/reason_expired",
    "guide_busy": "broadcasts/reason_guide_busy", "late": "broadcasts/reason_late", "left": "broadcasts/reason_left",
    "left_out": "broadcasts/reason_left_out", "merged": "broadcasts/reason_merged",
    "no_consent": "broadcasts/reason_no_consent", "no_friend": "broadcasts/reason_no_friend",
    "no_guide": "broadcasts/reason_no_guide", "not_contact": "broadcasts/reason_not_contact",
    "opted_out": "broadcasts/reason_opted_out", "platform_quota": "broadcasts/reason_platform_quota",
    "quiet": "broadcasts/reason_quiet", "stopped": "broadcasts/reason_stopped",
    "unknown": "broadcasts/reason_unknown", "window_closed": "broadcasts/reason_window_closed",
}  # fmt: skip


def _payload(broadcast: Broadcast) -> dict[str, int]:
    return {"broadcast": broadcast.id}


def _subject(broadcast: Broadcast) -> str:
    return f"broadcast:{broadcast.id}"
