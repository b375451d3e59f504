"""群发 broadcasting: from approval to the last result: starting, holding, stopping, reminding, and what becomes of each
call. Shared by the plays, itself none.

A task that waits for its sender's tap cannot be held back, only called off: a pause keeps new tasks from being made, a
stop calls off those that nobody has confirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.broadcast_polls import POLL
from bot.broadcasts import LANE, owe_drive
from bot.events import TimerDue
from bot.turn import Turn
from bot.wecom.msg_template import CANCEL, REMIND
from scenarios import broadcast_singles
from scenarios.broadcast_planning import EXPIRE, REMIND_AT
from storage import audience, broadcasts, outbox
from storage.audience import LEFT, SUPPRESSED
from storage.broadcasts import (
    APPROVED,
    CANCELLED,
    EXPIRED,
    FREEZING,
    GROUP,
    MADE,
    MAKING,
    PAUSED,
    RECALLED,
    RUNNING,
    SENDING,
    STOPPED,
    STOPPED_BY,
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
    turn.at(at, START, f"broadcast:{broadcast.id}:start", payload_of(broadcast))
    turn.audit(by, "broadcast.approved", subject_of(broadcast))


def pause(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Make no further tasks; calls that nobody has tried are taken back."""
    if set_status(turn, broadcast, PAUSED, (FREEZING, SENDING)):
        _take_back(turn, broadcast, LEFT, "")
        turn.audit(by, "broadcast.paused", subject_of(broadcast))


def resume(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Go on where it was held."""
    to = SENDING if broadcast.frozen_at else FREEZING
    if set_status(turn, broadcast, to, (PAUSED,)):
        owe_drive(turn, broadcast.id)
        turn.audit(by, "broadcast.resumed", subject_of(broadcast))


def stop(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """For good: nothing further is made or sent, tasks that wait for a tap are called off."""
    if not set_status(turn, broadcast, STOPPED, ("drafted", APPROVED, *RUNNING)):
        return
    _take_back(turn, broadcast, SUPPRESSED, "stopped")
    for task in broadcasts.tasks.all(turn.db, broadcast_id=broadcast.id, status=MADE):
        call_off(turn, task, STOPPED_BY)
    owe_drive(turn, broadcast.id)
    turn.audit(by, "broadcast.stopped", subject_of(broadcast))


def call_off(turn: Turn, task: BroadcastTask, why: str) -> None:
    """Have WeCom take a task from its sender's hands."""
    if broadcasts.tasks.change(turn.db, {"error": why}, id=task.id, status=MADE, error=""):
        payload = {"task": task.id, "msgid": task.msgid}
        turn.owe(CANCEL, payload, lane=LANE, subject=f"broadcast_task:{task.id}", answers=True)


def set_status(turn: Turn, broadcast: Broadcast, to: str, before: tuple[str, ...]) -> bool:
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
        turn.to_staff(userid, asking(turn, broadcast, size, "broadcasts/remind"))
    if told:
        _ask_anew(turn, broadcast)
        turn.audit(by, "broadcast.reminded", subject_of(broadcast), guides=len(told))
    return len(told)


def asking(turn: Turn, broadcast: Broadcast, size: int, text: str) -> str:
    unit = turn.texts.render("broadcasts/groups" if broadcast.channel == GROUP else "broadcasts/customers")
    return turn.texts.render(text, id=broadcast.id, name=broadcast.name, size=size, unit=unit)


def refused(turn: Turn, member_id: int) -> int:
    """A member wants no more of it: tasks that nobody has confirmed are called off and made anew without them. How
    many that are."""
    found = 0
    for _, task_id in audience.open_tasks_of(turn.db, member_id):
        task = broadcasts.tasks.one(turn.db, id=task_id, status=MADE)
        if task is not None:
            call_off(turn, task, RECALLED)
            found += 1
    return found


def _recall(turn: Turn, broadcast: Broadcast) -> None:
    """The same for refusals of which nobody told us in their own turn."""
    since = broadcast.frozen_at or broadcast.made_at
    for task_id in sorted({task_id for task_id, _ in audience.refused(turn.db, broadcast.id, broadcast.topic, since)}):
        task = broadcasts.tasks.one(turn.db, id=task_id, status=MADE)
        if task is not None:
            call_off(turn, task, RECALLED)


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
        _recall(turn, broadcast)
        owe_poll(turn, broadcast)
    elif event.name == REMIND_AT and broadcast.status == SENDING:
        remind(turn, broadcast, str(event.payload["by"]))
    elif event.name == EXPIRE:
        _expire(turn, broadcast)


TIMERS = (START, DRIVE_AT, POLL_AT, REMIND_AT, EXPIRE)


def _begin(turn: Turn, broadcast: Broadcast) -> None:
    if set_status(turn, broadcast, FREEZING, (APPROVED,)):
        owe_drive(turn, broadcast.id)


def _expire(turn: Turn, broadcast: Broadcast) -> None:
    """Who has not confirmed by now will not."""
    for task in broadcasts.tasks.all(turn.db, broadcast_id=broadcast.id, status=MADE):
        call_off(turn, task, EXPIRED)


def owe_poll(turn: Turn, broadcast: Broadcast) -> None:
    subject = f"broadcast:{broadcast.id}:poll"
    if not outbox.is_open(turn.db, subject):
        turn.owe(POLL, payload_of(broadcast), lane=LANE, subject=subject, answers=True)


def poll_in(turn: Turn, broadcast: Broadcast, seconds: float) -> None:
    """Ask for results then; asked once already for this round, it stays so."""
    turn.at(turn.since(seconds), POLL_AT, f"broadcast:{broadcast.id}:poll:{broadcast.polls}", payload_of(broadcast))


def refresh(turn: Turn, broadcast: Broadcast, by: str) -> None:
    """Ask for results now, and often again from now on; who asked is written down, whether or not there are any."""
    turn.audit(by, "broadcast.refreshed", subject_of(broadcast), tasks=_ask_anew(turn, broadcast))


def _ask_anew(turn: Turn, broadcast: Broadcast) -> int:
    """Of how many tasks something may still be heard."""
    found = len(broadcasts.open_tasks(turn.db, broadcast.id))
    if found:
        broadcasts.rows.change(turn.db, {"idle_polls": 0}, id=broadcast.id)
        owe_poll(turn, broadcast)
    return found


def payload_of(broadcast: Broadcast) -> dict[str, int]:
    return {"broadcast": broadcast.id}


def subject_of(broadcast: Broadcast) -> str:
    return f"broadcast:{broadcast.id}"
