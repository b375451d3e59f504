"""翻译 translation of the AI bot's callbacks (JSON, both modes) into our events. Documents 100719, 101027, 101463.

What does not fit becomes UnknownReceived, as with the app: well signed, so it is kept.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from bot.aibot_events import BotDisconnected, BotEntered, FeedbackReceived, MediaLinked, MixedReceived
from bot.channels.wecom_fields import STAFF, Doc, Misfit, inner, optional, present, text
from bot.door import Door
from bot.events import Address, CardClicked, Event, TextReceived, UnknownReceived

SOURCE = "wecom_aibot"
CHAT = "wecom_aibot"
_DEEPEST = 24
_ID = re.compile(r"[\w@.=+/-]{1,128}", re.ASCII)
_LAST_SECOND = 253402300799
# What no database stores: NUL and its like, lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MENTION = re.compile(r"^(?:@\S+\s*)+|\s*@\S+$")


@dataclass(frozen=True)
class Arrival:
    """How a body came: by which mode, under which req_id, when; `name` is the bot's own, which mentions carry."""

    via: Literal["callback", "websocket"]
    at: datetime
    req_id: str = ""
    name: str = ""


class _Head(NamedTuple):
    """What every event takes from the body."""

    key: str
    at: datetime
    sender: Address | None
    chat: Address | None


def read(raw: bytes | str) -> Doc:
    """A JSON object without what no database stores. Raises ValueError for anything else."""
    try:
        doc = _clean(json.loads(raw), 0)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if type(doc) is not dict:
        raise ValueError("not an object")
    return doc


def _clean(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if type(value) is str:
        return _UNPRINTABLE.sub("", value)
    if type(value) is dict:
        return {_clean(name, depth): _clean(entry, depth + 1) for name, entry in value.items()}
    if type(value) is list:
        return [_clean(entry, depth + 1) for entry in value]
    if type(value) is float and not math.isfinite(value):
        raise ValueError("no number")
    return value


def translate(doc: Doc, arrival: Arrival) -> Event:
    """One body as an event; its key is the msgid, which a repeated callback repeats."""
    digest = sha256(json.dumps(doc, sort_keys=True).encode()).hexdigest()
    key = f"{SOURCE}:sha256:{digest}"
    try:
        msgid = optional(doc, "msgid")
        if msgid is not None and _ID.fullmatch(msgid):
            key = f"{SOURCE}:msg:{msgid}"
        head = _Head(key, _moment(doc, arrival.at), _sender(doc), _chat(doc))
        if present(doc, "msgtype") == "event":
            event = inner(doc, "event")
            return EVENTS[present(event, "eventtype")](head, doc, event, arrival)
        return MESSAGES[present(doc, "msgtype")](head, doc, arrival)
    except (Misfit, KeyError):
        return UnknownReceived(
            key=key, source=SOURCE, at=arrival.at, sender=_sender_or_none(doc), name=_name(doc), fields=doc
        )


def _moment(doc: Doc, otherwise: datetime) -> datetime:
    """Events say when they happened; messages do not."""
    seconds = doc.get("create_time")
    if type(seconds) is int and 0 < seconds <= _LAST_SECOND:
        return datetime.fromtimestamp(seconds, UTC)
    return otherwise


def _sender(doc: Doc) -> Address | None:
    who = doc.get("from")
    if who is None:
        return None
    return Address(STAFF, text(inner(doc, "from"), "userid"))


def _sender_or_none(doc: Doc) -> Address | None:
    try:
        return _sender(doc)
    except Misfit:
        return None


def _chat(doc: Doc) -> Address | None:
    """The group; None in a single chat."""
    if optional(doc, "chattype") != "group":
        return None
    return Address(CHAT, text(doc, "chatid"))


def _name(doc: Doc) -> str:
    event = doc.get("event")
    kinds = (doc.get("msgtype"), event.get("eventtype") if type(event) is dict else None)
    return ".".join(kind[:64] for kind in kinds if type(kind) is str)


def _door(head: _Head, doc: Doc, arrival: Arrival, kind: Literal["message", "enter_chat", "card"]) -> Door:
    if head.sender is None:
        raise Misfit("from")
    userid = head.sender.external_id
    return Door(
        via=arrival.via,
        kind=kind,
        userid=userid,
        chat=head.chat.external_id if head.chat else userid,
        group=head.chat is not None,
        req_id=arrival.req_id,
        url=optional(doc, "response_url") or "",
    )


# -- messages -----------------------------------------------------------------------------------------------------


def _message(head: _Head, doc: Doc, arrival: Arrival) -> dict[str, Any]:
    quote = doc.get("quote")
    return {
        **head._asdict(),
        "source": SOURCE,
        "msg_id": text(doc, "msgid"),
        "agent_id": optional(doc, "aibotid"),
        "door": _door(head, doc, arrival, "message"),
        "quote": quote if type(quote) is dict else None,
    }


def unmentioned(said: str, name: str) -> str:
    """What was said in a group, without the mention that woke the bot."""
    if name and f"@{name}" in said:
        return " ".join(part for piece in said.split(f"@{name}") if (part := piece.strip()))
    return _MENTION.sub("", said.strip()).strip()


def _said(head: _Head, said: str, arrival: Arrival) -> str:
    return said if head.chat is None else unmentioned(said, arrival.name)


def _text(head: _Head, doc: Doc, arrival: Arrival) -> TextReceived:
    said = present(inner(doc, "text"), "content")
    return TextReceived(**_message(head, doc, arrival), text=_said(head, said, arrival))


def _voice(head: _Head, doc: Doc, arrival: Arrival) -> TextReceived:
    """WeCom has turned the voice into words already."""
    said = present(inner(doc, "voice"), "content")
    return TextReceived(**_message(head, doc, arrival), text=_said(head, said, arrival))


def _mixed(head: _Head, doc: Doc, arrival: Arrival) -> MixedReceived:
    items = inner(doc, "mixed").get("msg_item")
    if type(items) is not list or not all(type(item) is dict for item in items):
        raise Misfit("msg_item")
    words = [present(inner(item, "text"), "content") for item in items if item.get("msgtype") == "text"]
    others = [item for item in items if item.get("msgtype") != "text"]
    said = _said(head, "\n".join(words), arrival)
    return MixedReceived(**_message(head, doc, arrival), text=said, items=others)


def _media(head: _Head, doc: Doc, arrival: Arrival) -> MediaLinked:
    media = text(doc, "msgtype")
    what = inner(doc, media)
    return MediaLinked(
        **_message(head, doc, arrival), media=media, url=text(what, "url"), aes_key=optional(what, "aeskey")
    )


MESSAGES: Mapping[str, Callable[[_Head, Doc, Arrival], Event]] = {
    "text": _text,
    "voice": _voice,
    "mixed": _mixed,
    "image": _media,
    "file": _media,
    "video": _media,
}


# -- events -------------------------------------------------------------------------------------------------------


def _entered(head: _Head, doc: Doc, event: Doc, arrival: Arrival) -> BotEntered:
    door = _door(head, doc, arrival, "enter_chat")
    return BotEntered(key=head.key, source=SOURCE, at=head.at, sender=head.sender, door=door)


def _selected(card: Doc) -> dict[str, list[str]]:
    if card.get("selected_items") is None:
        return {}
    items = inner(card, "selected_items").get("selected_item", [])
    if type(items) is not list:
        raise Misfit("selected_item")
    found: dict[str, list[str]] = {}
    for item in items:
        if type(item) is not dict:
            raise Misfit("selected_item")
        chosen = inner(item, "option_ids").get("option_id", [])
        found[text(item, "question_key")] = [option for option in chosen if type(option) is str]
    return found


def _card(head: _Head, doc: Doc, event: Doc, arrival: Arrival) -> CardClicked:
    card = inner(event, "template_card_event")
    return CardClicked(
        key=head.key,
        source=SOURCE,
        at=head.at,
        sender=head.sender,
        agent_id=optional(doc, "aibotid"),
        task_id=text(card, "task_id"),
        event_key=present(card, "event_key"),
        card_type=optional(card, "card_type"),
        selected=_selected(card),
        door=_door(head, doc, arrival, "card"),
    )


def _feedback(head: _Head, doc: Doc, event: Doc, arrival: Arrival) -> FeedbackReceived:
    told = inner(event, "feedback_event")
    reasons = told.get("inaccurate_reason_list") or []
    if type(told.get("type")) is not int or type(reasons) is not list:
        raise Misfit("feedback_event")
    return FeedbackReceived(
        key=head.key,
        source=SOURCE,
        at=head.at,
        sender=head.sender,
        feedback_id=text(told, "id"),
        verdict=told["type"],
        content=optional(told, "content"),
        reasons=tuple(reason for reason in reasons if type(reason) is int),
        chat=head.chat,
    )


def _disconnected(head: _Head, doc: Doc, event: Doc, arrival: Arrival) -> BotDisconnected:
    return BotDisconnected(key=head.key, source=SOURCE, at=head.at)


EVENTS: Mapping[str, Callable[[_Head, Doc, Doc, Arrival], Event]] = {
    "enter_chat": _entered,
    "template_card_event": _card,
    "feedback_event": _feedback,
    "disconnected_event": _disconnected,
}
