"""事件 events: what happened, as frozen values. Every channel translates into these; the inbox stores them as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.app_events import (
    AppActivityChanged,
    AppEntered,
    AppEvent,
    ApprovalChanged,
    AppSubscribed,
    AppUnsubscribed,
    BatchJobFinished,
    CardClicked,
    CardMenuClicked,
    CodeScanned,
    DirectoryChanged,
    ImageReceived,
    LinkReceived,
    LocationPicked,
    LocationReceived,
    LocationReported,
    MenuClicked,
    MenuViewed,
    MessageReceived,
    MiniProgramViewed,
    PhotosSent,
    ShareChanged,
    TextReceived,
    VideoReceived,
    VoiceReceived,
)
from bot.event_base import KINDS, Address, Event, from_json, to_json

# Everybody imports events from here, wherever they are declared.
__all__ = ["KINDS", "AcquisitionReceived", "Address", "ApiAnswered", "AppActivityChanged", "AppEntered"]
__all__ += ["AppEvent", "AppSubscribed", "AppUnsubscribed", "ApprovalChanged", "ArchiveAgreed"]
__all__ += ["BatchJobFinished", "CardClicked", "CardMenuClicked", "CodeScanned", "ContactAdded"]
__all__ += ["ContactDeleted", "ContactEdited", "ContactEvent", "ContactHalfAdded", "ContactLeft"]
__all__ += ["CorpTagChanged", "DirectoryChanged", "Event", "GroupChatCreated", "GroupChatDismissed"]
__all__ += ["GroupChatEdited", "GroupChatEvent", "GroupMemberJoined", "GroupMemberLeft", "ImageReceived"]
__all__ += ["LinkReceived", "LocationPicked", "LocationReceived", "LocationReported", "MenuClicked"]
__all__ += ["MenuViewed", "MessageReceived", "MiniProgramViewed", "PhotosSent", "ShareChanged", "TextReceived"]
__all__ += ["TimerDue", "TransferFailed", "UnknownReceived", "VideoReceived", "VoiceReceived", "from_json"]
__all__ += ["to_json"]

# --- 外部联系人 contacts ---


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEvent(Event):
    """What all contact events share; never sent by itself. `userid` is the follow_user; `sender` is the contact."""

    userid: str
    external_userid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdded(ContactEvent):
    """`welcome_code` works once and for 20 seconds; `state` is the channel of the contact_way."""

    state: str | None = None
    welcome_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactHalfAdded(ContactEvent):
    state: str | None = None
    welcome_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEdited(ContactEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDeleted(ContactEvent):
    """The follow_user removed the contact; `by` is DELETE_BY_TRANSFER when a hand-over did it."""

    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLeft(ContactEvent):
    """The contact removed the follow_user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFailed(ContactEvent):
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAgreed(ContactEvent):
    welcome_code: str | None = None


# --- 客户群 group chats ---


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChatEvent(Event):
    """What all group chat events share; never sent by itself."""

    chat_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChatCreated(GroupChatEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChatDismissed(GroupChatEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMemberJoined(GroupChatEvent):
    """`join_scene`: 0 invited, 3 scanned the group's QR code. Apply only when last_mem_ver is the version we hold."""

    members: tuple[str, ...]
    join_scene: int | None = None
    last_mem_ver: str | None = None
    cur_mem_ver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMemberLeft(GroupChatEvent):
    """`quit_scene`: 0 left, 1 removed by owner or admin."""

    members: tuple[str, ...]
    quit_scene: int | None = None
    last_mem_ver: str | None = None
    cur_mem_ver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChatEdited(GroupChatEvent):
    """`detail` is change_owner, change_name or change_notice."""

    detail: str


# --- tags, links, everything else ---


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpTagChanged(Event):
    """`tag_type` tag or tag_group; an empty `tag_id` with change_type shuffle means all groups."""

    tag_id: str
    tag_type: str
    change_type: str
    strategy_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionReceived(Event):
    """获客助手 customer_acquisition: `fields` are the event's own tags in WeCom's spelling."""

    change_type: str
    link_id: str | None = None
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownReceived(Event):
    """Well signed, but of a kind or shape that we do not know: kept and counted, never refused."""

    name: str
    fields: dict[str, Any]


# --- our own: time passed, the outside world answered ---


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDue(Event):
    timer_id: int
    name: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswered(Event):
    outbox_id: int
    call: str
    request: dict[str, Any]
    ok: bool
    errcode: int | None
    answer: dict[str, Any]
