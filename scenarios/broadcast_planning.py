"""群发的每一步: a broadcast goes on for one transaction: its audience is frozen window by window, then tasks are made
chunk by chunk, or what was stopped is wound up. Shared by the plays, itself none.

Everything is found from the database's own standing, so a process that dies between two steps costs nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import NamedTuple

from bot.broadcasts import LANE
from bot.clock import ZONE, quiet_until, read_quiet
from bot.own_events import BroadcastStep
from bot.turn import Turn
from bot.wecom.msg_template import ADD, CONTACTS, GROUPS
from scenarios import broadcast_singles, broadcast_texts, outreach
from scenarios.outreach import Stopped
from storage import audience, audience_chats, broadcasts, group_chats, names
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

WINDOW = 20_000  # members that a step of the freeze looks at
SWEPT = 20_000  # rows that a step of winding up settles
MONTH_DAYS = 30


class Next(NamedTuple):
    """Where the walk goes on (None: nothing is left to do now), and when there may be more."""

    place: str | None
    until: datetime | None = None
    wait_s: float = 0.0


def step(turn: Turn, event: BroadcastStep) -> None:
    """Go on by one step; the answer says where the next one begins."""
    broadcast = broadcasts.rows.one(turn.db, id=event.broadcast_id)
    after = Next(None) if broadcast is None else _step(turn, broadcast, event.place)
    until = after.until.isoformat() if after.until else ""
    turn.answer = json.dumps({"place": after.place, "until": until, "wait_s": after.wait_s})


def _step(turn: Turn, broadcast: Broadcast, place: str) -> Next:
    if broadcast.status == FREEZING:
        return freeze(turn, broadcast)
    if broadcast.status not in (SENDING, PAUSED, STOPPED):
        return Next(None)
    if _give_back(turn, broadcast):
        return Next(place)
    if broadcast.status == STOPPED:
        return _wind_up(turn, broadcast)
    if broadcast.status == PAUSED:
        return Next(None)
    if broadcast.channel == GROUP:
        return _plan_groups(turn, broadcast, place)
    if broadcast.channel == broadcast_texts.CONTACT:
        return _plan_contacts(turn, broadcast, place)
    return Next(*broadcast_singles.send_some(turn, broadcast, place))
