"""社群事件: what happens in community groups of other platforms and in private chats there, told by OneBot v11.

`sender` is Address("onebot", "<self_id>:<user_id>"), `chat` is Address("onebot_group", "<self_id>:<group_id>"):
the same number on two accounts of ours may be two platforms' people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.app_events import MessageReceived
from bot.event_base import Address, Event

CHANNEL, GROUP = "onebot", "onebot_group"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBotSaid(MessageReceived):
    """Somebody wrote, in a group (`chat`) or in private.

    `text` is without the mention of us; `addressed`: we were mentioned or replied to, always so in private.
    `via_group`: the group's id of a temporary session, without which it cannot be answered. `segments` as they came.
    """

    text: str
    sub_type: str
    addressed: bool
    nickname: str = ""
    via_group: str | None = None
    segments: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBotJoined(Event):
    """群成员增加. `sender` joined `chat`; `sub_type` is approve or invite."""

    chat: Address
    sub_type: str
    operator_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBotLeft(Event):
    """群成员减少. `sub_type` is leave, kick or kick_me (then `sender` is ourselves)."""

    chat: Address
    sub_type: str
    operator_id: str | None = None


def numbers(address: Address) -> tuple[str, str]:
    """(self_id, user_id or group_id) of an address."""
    self_id, _, other = address.external_id.partition(":")
    return self_id, other
