"""应用消息与事件 messages that people write to the bot, and what they and WeCom do with the app."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.door import Door
from bot.event_base import Address, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """What all messages share; never sent by itself. `chat` is the group it was written in, None for a private chat;
    `open_kfid` the 客服账号 it was written to, None elsewhere.

    `door`: the answer goes back by it; None = by the channel's own way. `quote`: what was quoted, as WeCom tells it.
    """

    msg_id: str
    agent_id: str | None = None
    chat: Address | None = None
    open_kfid: str | None = None
    door: Door | None = None
    quote: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReceived(MessageReceived):
    """`menu_id` is the clicked entry of a menu, whose words are the text."""

    text: str
    menu_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReceived(MessageReceived):
    media_id: str
    pic_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceReceived(MessageReceived):
    media_id: str
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoReceived(MessageReceived):
    media_id: str
    thumb_media_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationReceived(MessageReceived):
    latitude: float
    longitude: float
    scale: int | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReceived(MessageReceived):
    title: str
    url: str
    description: str | None = None
    pic_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEvent(Event):
    """What all app events share; never sent by itself."""

    agent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSubscribed(AppEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUnsubscribed(AppEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEntered(AppEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationReported(AppEvent):
    latitude: float
    longitude: float
    precision: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuClicked(AppEvent):
    menu_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuViewed(AppEvent):
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniProgramViewed(AppEvent):
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeScanned(AppEvent):
    """`waiting` is True for scancode_waitmsg: the member sees a spinner until a reply comes."""

    menu_key: str
    scan_type: str
    scan_result: str
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotosSent(AppEvent):
    """`name` is pic_sysphoto, pic_photo_or_album or pic_weixin; `md5s` are the pictures' checksums."""

    name: str
    menu_key: str
    count: int
    md5s: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationPicked(AppEvent):
    menu_key: str
    latitude: float
    longitude: float
    scale: int | None = None
    label: str | None = None
    poi_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJobFinished(AppEvent):
    job_id: str
    job_type: str
    errcode: int
    errmsg: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryChanged(AppEvent):
    """`fields` are the event's own tags in WeCom's spelling, all strings (or nested dicts and lists of them)."""

    change_type: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalChanged(AppEvent):
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareChanged(AppEvent):
    """`name` is share_agent_change or share_chain_change."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardClicked(AppEvent):
    """`selected` maps a question's key to the chosen option ids; `response_code` updates the card once within 72 h."""

    task_id: str
    event_key: str
    card_type: str | None = None
    response_code: str | None = None
    selected: dict[str, list[str]] = field(default_factory=dict)
    door: Door | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMenuClicked(AppEvent):
    task_id: str
    event_key: str
    card_type: str | None = None
    response_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppActivityChanged(AppEvent):
    """`name` is one of the low_active family: such an app loses access to contacts' data."""

    name: str
    effect_time: datetime | None = None
