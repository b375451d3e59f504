"""翻译 translation of WeCom's callbacks (app messages, app events, contact and group events) into our events.

What does not fit becomes UnknownReceived: well signed, so it is stored and counted, and WeCom need not send it again.
Source: developer.work.weixin.qq.com documents 90239, 90240, 92130, 97299.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.channels import wecom_app_events, wecom_contact_events, wecom_kf_bell
from bot.channels import xml as callback_xml
from bot.channels.wecom_fields import (
    STAFF,
    Doc,
    Head,
    Misfit,
    decimal,
    moment,
    optional,
    optional_number,
    present,
    text,
)
from bot.events import (
    Address,
    Event,
    ImageReceived,
    LinkReceived,
    LocationReceived,
    TextReceived,
    UnknownReceived,
    VideoReceived,
    VoiceReceived,
)

SOURCE = "wecom_app"
_MAX_ID = 128

EVENTS: Mapping[str, Callable[[Head, Doc], Event]] = {
    **wecom_app_events.EVENTS,
    **wecom_contact_events.EVENTS,
    **wecom_kf_bell.EVENTS,
}
"""By the Event field in lower case: on the wire WeCom writes both `LOCATION` and `location_select`."""


def translate(plain: bytes, *, received_at: datetime, source: str = SOURCE) -> Event:
    """One decrypted callback as an event. Raises XmlError when it is not XML of a callback at all.

    `received_at` is used only where CreateTime is missing or wrong.
    """
    doc = callback_xml.parse(plain)
    key = f"{source}:sha256:{sha256(plain).hexdigest()}"
    kind = doc.get("MsgType")
    try:
        sender = _sender(doc)
        if kind == "event":
            read = EVENTS.get(present(doc, "Event").lower())
            if read is None:
                raise Misfit("Event")
            return read(Head(key, source, moment(doc, "CreateTime"), sender), doc)
        key = f"{source}:msg:{_message_id(doc)}"
        return MESSAGES[present(doc, "MsgType")](Head(key, source, moment(doc, "CreateTime"), sender), doc)
    except (Misfit, KeyError):
        return UnknownReceived(
            key=key,
            source=source,
            at=_moment_or(doc, received_at),
            sender=_sender_or_none(doc),
            name=_name(doc),
            fields=doc,
        )


def _message_id(doc: Doc) -> str:
    msg_id = text(doc, "MsgId")
    if len(msg_id) > _MAX_ID or not (msg_id.isascii() and msg_id.isalnum()):
        raise Misfit("MsgId")
    return msg_id


def _sender(doc: Doc) -> Address | None:
    userid = optional(doc, "FromUserName")
    return None if userid is None or userid == "sys" else Address(STAFF, userid)


def _sender_or_none(doc: Doc) -> Address | None:
    try:
        return _sender(doc)
    except Misfit:
        return None


def _moment_or(doc: Doc, otherwise: datetime) -> datetime:
    try:
        return moment(doc, "CreateTime")
    except Misfit:
        return otherwise


def _name(doc: Doc) -> str:
    parts = [value[:_MAX_ID] for name in ("MsgType", "Event", "ChangeType") if isinstance(value := doc.get(name), str)]
    return ".".join(parts)


def _message(head: Head, doc: Doc) -> dict[str, Any]:
    if head.sender is None:
        raise Misfit("FromUserName")
    return {**head._asdict(), "msg_id": doc["MsgId"], "agent_id": optional(doc, "AgentID")}


def _text(head: Head, doc: Doc) -> TextReceived:
    return TextReceived(**_message(head, doc), text=present(doc, "Content"))


def _image(head: Head, doc: Doc) -> ImageReceived:
    return ImageReceived(**_message(head, doc), media_id=text(doc, "MediaId"), pic_url=optional(doc, "PicUrl"))


def _voice(head: Head, doc: Doc) -> VoiceReceived:
    return VoiceReceived(**_message(head, doc), media_id=text(doc, "MediaId"), format=optional(doc, "Format"))


def _video(head: Head, doc: Doc) -> VideoReceived:
    return VideoReceived(
        **_message(head, doc), media_id=text(doc, "MediaId"), thumb_media_id=optional(doc, "ThumbMediaId")
    )


def _location(head: Head, doc: Doc) -> LocationReceived:
    return LocationReceived(
        **_message(head, doc),
        latitude=decimal(doc, "Location_X"),
        longitude=decimal(doc, "Location_Y"),
        scale=optional_number(doc, "Scale"),
        label=optional(doc, "Label"),
    )


def _link(head: Head, doc: Doc) -> LinkReceived:
    return LinkReceived(
        **_message(head, doc),
        title=present(doc, "Title"),
        url=text(doc, "Url"),
        description=optional(doc, "Description"),
        pic_url=optional(doc, "PicUrl"),
    )


MESSAGES: Mapping[str, Callable[[Head, Doc], Event]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "location": _location,
    "link": _link,
}
