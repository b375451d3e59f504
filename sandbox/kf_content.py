"""What a message may hold, by type, with WeCom's limits; every one counted in UTF-8 bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.api import Call
from sandbox.api_message import MEDIA_LIFE_S
from sandbox.world import ApiError

Content = dict[str, Any]
TEXT_BYTES, EDGE_BYTES, ITEM_BYTES, URL_BYTES = 2048, 1024, 128, 2048
ITEMS, TAPS = 50, 10
MENU_ID = re.compile(r"[a-zA-Z0-9_]{1,128}")
TAPPED = ("click", "view", "miniprogram")


def checked(call: Call, allowed: tuple[str, ...]) -> tuple[str, Content]:
    """The message's type and content; 95030 for a type that may not be sent here."""
    msgtype = call.body.get("msgtype")
    if not isinstance(msgtype, str) or not msgtype:
        raise ApiError(40008, "invalid message type")
    if msgtype not in allowed:
        raise ApiError(95030, "msgtype is not allowed")
    content = call.need(msgtype, dict)
    CHECKS[msgtype](call, content)
    return msgtype, content


def _words(content: Content, name: str, most: int | None = None, *, must: bool = True, code: int = 40058) -> str:
    """A text of at most `most` bytes."""
    value = content.get(name)
    if value is None and not must:
        return ""
    if not isinstance(value, str) or (must and not value):
        raise ApiError(40058, f"invalid Request Parameter: {name}")
    if most is not None and len(value.encode()) > most:
        raise ApiError(code, f"{name} is longer than {most} bytes")
    return value


def _text(call: Call, content: Content) -> None:
    if not content.get("content"):
        raise ApiError(44004, "empty content")
    _words(content, "content", TEXT_BYTES, code=45002)


def usable_media(call: Call, media_id: object, kind: str) -> None:
    """40007 unless this was uploaded as `kind` within three days."""
    media = call.world.media.get(media_id) if isinstance(media_id, str) else None
    if media is None or media["type"] != kind or call.clock.time() - media["made_at"] > MEDIA_LIFE_S:
        raise ApiError(40007, "invalid media_id")


def _media(kind: str) -> Callable[[Call, Content], None]:
    return lambda call, content: usable_media(call, content.get("media_id"), kind)


def _link(call: Call, content: Content) -> None:
    _words(content, "title", 128)
    _words(content, "desc", 512, must=False)
    _words(content, "url", URL_BYTES)
    usable_media(call, content.get("thumb_media_id"), "image")


def _miniprogram(call: Call, content: Content) -> None:
    _words(content, "appid")
    _words(content, "title", 64, must=False)
    _page(content)
    usable_media(call, content.get("thumb_media_id"), "image")


def _page(content: Content) -> None:
    if not _words(content, "pagepath").split("?")[0].endswith(".html"):
        raise ApiError(40058, "pagepath does not end with .html")


def _location(call: Call, content: Content) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
            raise ApiError(40058, f"invalid Request Parameter: {name}")
    for name in ("name", "address"):
        _words(content, name, must=False)


def _ca_link(call: Call, content: Content) -> None:
    _words(content, "link_url", URL_BYTES)


def _menu(call: Call, content: Content) -> None:
    head = _words(content, "head_content", EDGE_BYTES, must=False)
    tail = _words(content, "tail_content", EDGE_BYTES, must=False)
    items = content.get("list") or []
    if not isinstance(items, list):
        raise ApiError(40058, "invalid Request Parameter: list")
    if not head and not tail and not items:
        raise ApiError(40063, "empty menu")
    for item in items:
        _item(item)
    if len(items) > ITEMS or sum(item["type"] in TAPPED for item in items) > TAPS:
        raise ApiError(95008, "too many menu items")


def _item(item: Any) -> None:
    kind = item.get("type") if isinstance(item, dict) else None
    if kind not in (*TAPPED, "text") or not isinstance(item.get(kind), dict):
        raise ApiError(95009, "invalid menu item type")
    inside = item[kind]
    _words(inside, "content", ITEM_BYTES if kind in TAPPED else None)
    if kind == "click" and inside.get("id") is not None and not MENU_ID.fullmatch(str(inside["id"])):
        raise ApiError(40058, "invalid Request Parameter: id")
    if kind == "view":
        _words(inside, "url", URL_BYTES)
    if kind == "miniprogram":
        _words(inside, "appid")
        _page(inside)


CHECKS: dict[str, Callable[[Call, Content], None]] = {
    "text": _text,
    **{kind: _media(kind) for kind in ("image", "voice", "video", "file")},
    "link": _link,
    "miniprogram": _miniprogram,
    "location": _location,
    "ca_link": _ca_link,
    "msgmenu": _menu,
}
