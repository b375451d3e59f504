"""群发的每一步: a broadcast goes on for one transaction: its audience is frozen window by window, then tasks are made
chunk by chunk, or what was stopped is wound up. Shared by the plays, itself none.

Everything is found from the database's own standing, so a process that dies between two steps costs nothing.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.broadcasts import LANE
from bot.clock import ZONE, quiet_until, read_quiet
from bot.own_events import BroadcastStep
from bot.turn import Turn
from bot.wecom.msg_template import ADD, CONTACTS, GROUPS
from scenarios import broadcast_coupons, broadcast_senders, broadcast_singles, broadcast_texts, outreach
from storage import audience, audience_chats, audience_freeze, broadcasts, group_chats
from storage.audience import LEFT, SUPPRESSED, TASKED
from storage.broadcasts import (
    CANCELLED,
    CLOSED,
    FREEZING,
    GROUP,
    MAKING,
    PAUSED,
    SENDING,
    STOPPED,
    source,
)
from storage.tables import Broadcast, BroadcastTask

SWEPT = 20_000  # rows that a step of winding up settles
EXPIRE, REMIND_AT = "broadcast.expire", "broadcast.remind"


class Next(NamedTuple):
    """Where the walk goes on (None: nothing is left to do now), and when there may be more."""

    place: str | None
    until: datetime | None = None
    wait_s: float = 0.0


def step(turn: Turn, event: BroadcastStep) -> None:
    """Go on by one step; the answer says where the next one begins."""
    broadcast = broadcasts.rows.one(turn.db, id=event.broadcast_id)
    after = Next(None) if broadcast is None else _step(turn, broadcast, event)
    until = after.until.isoformat() if after.until else ""
    turn.answer = json.dumps({"place": after.place, "until": until, "wait_s": after.wait_s})


def _step(turn: Turn, broadcast: Broadcast, event: BroadcastStep) -> Next:
    if broadcast.status == FREEZING:
        return freeze(turn, broadcast, event.most)
    if broadcast.status in (SENDING, PAUSED, STOPPED) and _give_back(turn, broadcast):
        return Next(event.place)
    if broadcast.status == STOPPED:
        return _wind_up(turn, broadcast)
    return _plan(turn, broadcast, event.place) if broadcast.status == SENDING else Next(None)


def _plan(turn: Turn, broadcast: Broadcast, place: str) -> Next:
    if broadcast.channel == GROUP:
        return _plan_groups(turn, broadcast, place)
    if broadcast_coupons.give_some(turn, broadcast):
        return Next(place)
    if broadcast.channel == broadcast_texts.CONTACT:
        return _plan_contacts(turn, broadcast, place)
    return Next(*broadcast_singles.send_some(turn, broadcast, place))


# -- freezing ----------------------------------------------------------------------------------------------------------


def freeze(turn: Turn, broadcast: Broadcast, most: int) -> Next:
    """Look at one more window of `most` members; groups are few and need one."""
    if broadcast.channel == GROUP:
        through = True
        _freeze_groups(turn, broadcast)
    else:
        asked = turn.outreach.require_opt_in
        through = audience_freeze.window(turn.db, broadcast, most, turn.now, require_opt_in=asked)
    if through:
        change = {"status": SENDING, "frozen_at": turn.now, "changed_at": turn.now}
        broadcasts.rows.change(turn.db, change, id=broadcast.id, status=FREEZING)
        turn.at(turn.since(broadcast.expire_h * 3600), EXPIRE, f"broadcast:{broadcast.id}:expire", _of(broadcast))
        for hours in turn.broadcasts.remind_h:
            key = f"broadcast:{broadcast.id}:remind:{hours}"
            turn.at(turn.since(hours * 3600), REMIND_AT, key, {**_of(broadcast), "by": "rule:broadcasts"})
    return Next("")


def _of(broadcast: Broadcast) -> dict[str, int]:
    return {"broadcast": broadcast.id}


def _freeze_groups(turn: Turn, broadcast: Broadcast) -> None:
    """The groups that were named, or all that the senders own. Who owns one now is who sends."""
    named, senders = json.loads(broadcast.chat_ids), json.loads(broadcast.senders)
    chats = group_chats.chats.all(turn.db, order="chat_id", status=group_chats.ACTIVE)
    owners = [
        (chat.chat_id, chat.owner) for chat in chats
        if (not named or chat.chat_id in named) and (not senders or chat.owner in senders)
    ]  # fmt: skip
    count = audience_chats.freeze(turn.db, broadcast.id, owners, turn.now)
    broadcasts.rows.change(turn.db, {"total": count, "left": count}, id=broadcast.id)


# -- making tasks ------------------------------------------------------------------------------------------------------


def _plan_contacts(turn: Turn, broadcast: Broadcast, place: str) -> Next:
    """One task of one sender, for whoever may be reached now."""
    userid, after = json.loads(place) if place else ("", 0)
    chunk = audience.next_of(turn.db, broadcast.id, userid, after, CONTACTS)
    if not chunk:
        sender = broadcasts.next_sender(turn.db, broadcast.id, userid)
        return Next(None if sender is None else json.dumps([sender, 0]))
    ids = [member_id for member_id, _ in chunk]
    further = json.dumps([userid, ids[-1]])
    if not userid:
        audience.move(turn.db, broadcast.id, ids, LEFT, SUPPRESSED, turn.now, reason="no_guide")
        return Next(further)
    stopped = outreach.reach_all(turn, ids, source(broadcast.id), topic=broadcast.topic, userid=userid)
    until = broadcast_senders.suppress(turn, broadcast, stopped)
    allowed = [member_id for member_id in ids if member_id not in stopped]
    if allowed:
        task_id = _owe_task(turn, broadcast, userid, len(allowed))
        audience.move(turn.db, broadcast.id, allowed, LEFT, TASKED, turn.now, task_id=task_id)
    return Next(further, until)


def _plan_groups(turn: Turn, broadcast: Broadcast, place: str) -> Next:
    """One task of one owner. Groups have quiet hours too: their people are there."""
    until = quiet_until(turn.now, read_quiet(turn.outreach.quiet))
    if until is not None:
        return Next(None, until)
    waiting = audience_chats.senders(turn.db, broadcast.id)
    if not waiting:
        return Next(None)
    userid = waiting[0][0]
    chat_ids = audience_chats.next_of(turn.db, broadcast.id, userid, "", GROUPS)
    first_day = turn.now.astimezone(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    got = audience_chats.received(turn.db, chat_ids, first_day)
    full = [chat_id for chat_id, count in got.items() if count >= days_of_month(turn.now)]
    audience_chats.move(turn.db, broadcast.id, full, LEFT, SUPPRESSED, turn.now, reason="platform_quota")
    allowed = [chat_id for chat_id in chat_ids if chat_id not in full]
    if not userid:
        audience_chats.move(turn.db, broadcast.id, allowed, LEFT, SUPPRESSED, turn.now, reason="no_guide")
    elif allowed:
        task_id = _owe_task(turn, broadcast, userid, len(allowed))
        audience_chats.move(turn.db, broadcast.id, allowed, LEFT, TASKED, turn.now, task_id=task_id)
    return Next(place)


def days_of_month(now: datetime) -> int:
    """How many broadcasts WeCom lets one receiver have in this month."""
    first = now.astimezone(ZONE).replace(day=1)
    return ((first + timedelta(days=32)).replace(day=1) - first).days


def _owe_task(turn: Turn, broadcast: Broadcast, userid: str, size: int) -> int:
    """A new task of a sender, and the call that makes it. A sender's calls are made one after the other, so that at
    most one is ever unknown."""
    task_id = turn.ids.next()
    text = broadcast_texts.fill(broadcast.text, broadcast_senders.of_sender(turn, userid))
    outbox_id = turn.owe(
        ADD, {"task": task_id, "text": text}, lane=LANE, subject=f"msg_template:{userid}", answers=True
    )
    broadcasts.tasks.add(turn.db, BroadcastTask(
        id=task_id, broadcast_id=broadcast.id, userid=userid,
        chunk=broadcasts.next_chunk(turn.db, broadcast.id, userid), msgid="", status=MAKING, error="", size=size,
        sent=0, failed=0, reminded=0, reminded_at=None, made_at=turn.now, confirmed_at=None, polled_at=None,
        outbox_id=outbox_id,
    ))  # fmt: skip
    return task_id


# -- winding up --------------------------------------------------------------------------------------------------------


def _give_back(turn: Turn, broadcast: Broadcast) -> bool:
    """Rows of one task that was called off before WeCom had it: free again, or over with the broadcast."""
    task = broadcasts.tasks.one(turn.db, broadcast_id=broadcast.id, status=CANCELLED, msgid="")
    if task is None:
        return False
    over = broadcast.status == STOPPED
    to, reason = (SUPPRESSED, "stopped") if over else (LEFT, "")
    broadcasts.end(turn.db, broadcast.channel, task, to, reason, turn.now)
    broadcasts.tasks.change(turn.db, {"status": CLOSED}, id=task.id)
    return True


def _wind_up(turn: Turn, broadcast: Broadcast) -> Next:
    """What was not sent when the broadcast was stopped is not sent any more."""
    if broadcast.channel == GROUP:
        for userid, _ in audience_chats.senders(turn.db, broadcast.id):
            chat_ids = audience_chats.next_of(turn.db, broadcast.id, userid, "", SWEPT)
            audience_chats.move(turn.db, broadcast.id, chat_ids, LEFT, SUPPRESSED, turn.now, reason="stopped")
        return Next(None)
    ids = broadcasts.left_after(turn.db, broadcast.id, 0, SWEPT)
    audience.move(turn.db, broadcast.id, ids, LEFT, SUPPRESSED, turn.now, reason="stopped")
    return Next("" if ids else None)
