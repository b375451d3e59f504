"""到达社群 reach: what is said to people of community groups: in the group where anybody may read it, else in private.

Codes, balances and whatever else is somebody's own never stand in a group: such an answer goes to the asker alone, and
the group only sees that it went.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.event_base import Address
from bot.onebot_events import CHANNEL, OneBotSaid, numbers
from bot.texts import split_bytes
from storage import members

if TYPE_CHECKING:
    from datetime import datetime

    from bot.turn import Turn

SEND, LANE = "onebot/send", "onebot"
TEXT_LIMIT = 3_000  # bytes; clients cut or refuse beyond some 4,500 characters
LIFE_S = 86_400.0  # an answer a day late answers nobody


def speak(turn: Turn, to: Address, content: str) -> None:
    """Say something to somebody there: where they asked when it is public, else in private."""
    asked = turn.event if isinstance(turn.event, OneBotSaid) and turn.event.sender == to else None
    if asked is None:
        _aside(turn, to, content)
    elif asked.chat is None or not turn.public:
        group = None if turn.pointed else asked.chat
        turn.pointed = turn.pointed or group is not None
        _aside(turn, to, content, asked.via_group, group)
    else:
        in_group(turn, asked.chat, content, to)


def _aside(turn: Turn, to: Address, content: str, via_group: str | None = None, group: Address | None = None) -> None:
    """Say something to one alone; `group` hears once how it went."""
    self_id, user_id = numbers(to)
    for number, part in enumerate(split_bytes(content, TEXT_LIMIT)):
        payload: dict[str, Any] = {"self_id": self_id, "user_id": user_id, "text": part}
        if via_group:
            payload["via_group"] = via_group
        if group is not None and number == 0:
            payload["asked_in"] = group.external_id
        _owe(turn, payload, f"{CHANNEL}:{self_id}:{user_id}", answers="asked_in" in payload)


def in_group(turn: Turn, group: Address, content: str, to: Address | None = None) -> None:
    """Say something in a group, to one of its members by a mention or to all."""
    self_id, group_id = numbers(group)
    for part in split_bytes(content, TEXT_LIMIT):
        payload = {"self_id": self_id, "group_id": group_id, "text": part}
        if to is not None:
            payload["at"] = numbers(to)[1]
        _owe(turn, payload, f"{CHANNEL}:{self_id}:group:{group_id}", answers=False)


def pass_on(turn: Turn, member_id: int, content: str) -> bool:
    """Tell a member whom nothing else reaches in their private chat there; False when they have none."""
    names = [Address(*name) for name in members.identities(turn.db, member_id) if name[0] == CHANNEL]
    if names:
        _aside(turn, names[-1], content)
    return bool(names)


def _owe(turn: Turn, payload: dict[str, Any], subject: str, *, answers: bool) -> None:
    until: datetime = turn.since(LIFE_S)
    turn.owe(SEND, payload, lane=LANE, subject=subject, expires_at=until, answers=answers)
