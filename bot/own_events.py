"""Events of our own making: what a comparison with WeCom found, what an answer told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.events import ContactEvent, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFound(ContactEvent):
    """A contact whom WeCom knows and we did not: its callback was lost. No welcome code came with it."""

    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactGone(ContactEvent):
    """A pair that WeCom knows no more: the callback of its end was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactProfiled(ContactEvent):
    """Who joined is known now (`name`), or will not be in time (`name` None). `cause` is the joining event's key.

    `told`: this beginning was heard of before (half added, or found by the comparison), the guide knows.
    """

    cause: str
    joined_at: datetime
    name: str | None
    state: str | None = None
    welcome_code: str | None = None
    found: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverWanted(Event):
    """转人工: a member asked for a person in 微信客服, nobody could take it, and `userid` follows them."""

    member_id: int
    userid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastStep(Event):
    """A broadcast goes on for one transaction. `place` is where the walk stands (what the step before answered), `most`
    how many members a window of the freeze may look at."""

    broadcast_id: int
    place: str = ""
    most: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChatSeen(Event):
    """A customer group as `groupchat/get` shows it (its `group_chat` object)."""

    group_chat: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged(Event):
    """A member refused marketing (`out`) or wants it (`in`): `storage.consent` says so already."""

    member_id: int
    topic: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked(Event):
    """Something waits for a second person."""

    approval_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided(Event):
    """A second person agreed (`approved`) or refused, or nobody did in time (`by` ""). `what`: whose it is."""

    approval_id: int
    what: str
    subject: str
    payload: dict[str, Any]
    made_by: str
    approved: bool
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpTagsSeen(Event):
    """The corp's tags as `get_corp_tag_list` shows them (its `tag_group` list), when they are not as we know them."""

    tag_group: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarksSeen(Event):
    """Contacts whose tags at WeCom are not as they should be: `of`, `by` (the guide) and `tags` ([group, tag]) of
    each, as of `at`."""

    pairs: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierNoticed(Event):
    """A member was told that their level would fall at the review of `until`."""

    member_id: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamOpened(Event):
    """拼团: a team has begun to fill."""

    team_id: int
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BargainOpened(Event):
    """砍价: a bargain has begun."""

    bargain_id: int
    member_id: int
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SalonAttended(Event):
    """A salon is over, and this member was there; the salon's own thanks are said."""

    salon_id: int
    member_id: int
