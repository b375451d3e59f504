"""智能机器人 what comes from the AI bot alone; its words and card clicks are the app's own events with a door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.app_events import MessageReceived
from bot.door import Door
from bot.event_base import Address, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedReceived(MessageReceived):
    """图文混排: the words among the pictures, joined. `items` are the pictures as WeCom tells them."""

    text: str
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLinked(MessageReceived):
    """A picture, file or video. The link lives five minutes; what it gives is encrypted with `aes_key` (WebSocket) or
    the door's EncodingAESKey (callback). `media` is image, file or video."""

    media: str
    url: str
    aes_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotEntered(Event):
    """Someone opened the single chat for the first time today."""

    door: Door | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReceived(Event):
    """Someone rated a reply: `verdict` 1 good, 2 bad, 3 taken back; `reasons` 1-4 say what was wrong with it."""

    feedback_id: str
    verdict: int
    content: str | None = None
    reasons: tuple[int, ...] = ()
    chat: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotDisconnected(Event):
    """Another connection of the same bot took over."""
