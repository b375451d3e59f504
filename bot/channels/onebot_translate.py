"""翻译 translate: an event of OneBot v11 becomes one of ours, or a word that says why nobody needs to keep it."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.channels.onebot_cq import TEXT, Segment, read
from bot.event_base import Address, Event
from bot.events import UnknownReceived
from bot.onebot_events import CHANNEL, GROUP, OneBotJoined, OneBotLeft, OneBotSaid

SOURCE = "onebot"
LONGEST_ID, LONGEST_NAME = 64, 64
_NOTICES = {"group_increase": OneBotJoined, "group_decrease": OneBotLeft}
_NOT_PEOPLE = {"anonymous", "notice"}  # sub types of group messages that no member wrote
_OURSELVES = {"self", "group_self"}


class Misfit(Exception):
    """A field is missing or of another shape than the standard says."""


@dataclass(frozen=True)
class Ear:
    """What we listen to. `self_id` and `groups` empty = all; `name` is what people type after @ by hand.

    `ours` says whether a message id is one of our own messages.
    """

    self_id: str = ""
    groups: frozenset[str] = frozenset()
    at_required: bool = True
    name: str = ""
    ours: Callable[[str, str], bool] = lambda self_id, message_id: False


def translate(told: dict[str, Any], ear: Ear, received_at: datetime) -> Event | str:
    """An event to store, or why there is nothing to store: a word for the counters."""
    try:
        self_id = _id(told, "self_id")
        if ear.self_id and self_id != ear.self_id:
            return "other_self"
        kind = told.get("post_type")
        if kind == "meta_event":
            return f"meta.{_word(told.get('meta_event_type'))}"
        if kind == "message":
            return _message(told, self_id, ear, received_at)
        if kind == "notice" and told.get("notice_type") in _NOTICES:
            return _notice(told, self_id, ear, received_at)
        if kind == "message_sent":
            return "own"
    except Misfit:
        pass
    return _unknown(told, received_at)


def _message(told: dict[str, Any], self_id: str, ear: Ear, received_at: datetime) -> Event | str:
    sub_type, user_id = _word(told.get("sub_type")), _id(told, "user_id")
    in_group = told.get("message_type") == "group"
    if not in_group and told.get("message_type") != "private":
        raise Misfit("message_type")
    if user_id == self_id or sub_type in _OURSELVES:
        return "own"
    if in_group and (sub_type in _NOT_PEOPLE or told.get("anonymous")):
        return "nobody"
    group_id = _id(told, "group_id") if in_group else None
    if group_id is not None and not _allowed(ear, group_id):
        return "other_group"
    segments = read(told.get("message"))
    text, called = _heard(segments, self_id, ear)
    if in_group and ear.at_required and not called:
        return "unaddressed"
    given = told.get("sender")
    sender: dict[str, Any] = given if isinstance(given, dict) else {}
    return OneBotSaid(
        key=_message_key(told, self_id), source=SOURCE, at=_at(told, received_at), sender=_person(self_id, user_id),
        chat=Address(GROUP, f"{self_id}:{group_id}") if group_id is not None else None,
        msg_id=str(told.get("message_id", "")), text=text, sub_type=sub_type, addressed=called or not in_group,
        nickname=_name(sender), via_group=group_id or _via(sender if sub_type == "group" else {}, told),
        segments=[{"type": segment.kind, "data": segment.data} for segment in segments],
    )  # fmt: skip


def _heard(segments: list[Segment], self_id: str, ear: Ear) -> tuple[str, bool]:
    """What was said to us, and whether we were called: by a mention, by a reply, or by our name after an @."""
    called, words = False, []
    for segment in segments:
        if segment.kind == "at" and segment.data.get("qq") == self_id:
            called = True
        elif segment.kind == "reply":
            called = called or ear.ours(self_id, segment.data.get("id", ""))
        elif segment.kind == TEXT:
            words.append(segment.data.get("text", ""))
    text = " ".join(" ".join(words).split())
    by_hand = _by_name(text, ear.name)
    return (text, called) if by_hand is None else (by_hand, True)


def _by_name(text: str, name: str) -> str | None:
    """The rest of `@name rest`, typed by hand, full-width or not; None when it does not begin so."""
    if not name:
        return None
    folded, wanted = unicodedata.normalize("NFKC", text), unicodedata.normalize("NFKC", f"@{name}")
    if not folded.casefold().startswith(wanted.casefold()):
        return None
    return folded[len(wanted) :].strip()


def _notice(told: dict[str, Any], self_id: str, ear: Ear, received_at: datetime) -> Event | str:
    group_id, user_id = _id(told, "group_id"), _id(told, "user_id")
    if not _allowed(ear, group_id):
        return "other_group"
    operator = told.get("operator_id")
    return _NOTICES[told["notice_type"]](
        key=_hash_key(told), source=SOURCE, at=_at(told, received_at), sender=_person(self_id, user_id),
        chat=Address(GROUP, f"{self_id}:{group_id}"), sub_type=_word(told.get("sub_type")),
        operator_id=None if operator in (None, 0, "") else str(operator),
    )  # fmt: skip


def _unknown(told: dict[str, Any], received_at: datetime) -> UnknownReceived:
    """Kept for a person to look at, under the most telling name it has."""
    kind = _word(told.get("post_type"))
    detail = _word(told.get(f"{kind}_type"))
    return UnknownReceived(
        key=_hash_key(told), source=SOURCE, at=_at(told, received_at), name=f"onebot.{kind}.{detail}", fields=told
    )


# -- fields ------------------------------------------------------------------------------------------------------------


def _id(told: dict[str, Any], name: str) -> str:
    """An account's or a group's number; some clients write it as text."""
    value = told.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(r"[\w.@-]+", value) or len(value) > LONGEST_ID:
        raise Misfit(name)
    return value


def _word(value: Any) -> str:
    """A type's name, fit for counters: what is no short word of letters is `unknown`."""
    return value if isinstance(value, str) and re.fullmatch(r"[a-z_]{1,32}", value) else "unknown"


def _at(told: dict[str, Any], received_at: datetime) -> datetime:
    """When it happened, in seconds since 1970; milliseconds and nonsense are not believed."""
    value = told.get("time")
    if isinstance(value, int) and not isinstance(value, bool) and 946_684_800 <= value <= 7_258_118_400:
        return datetime.fromtimestamp(value, UTC)
    return received_at


def _allowed(ear: Ear, group_id: str) -> bool:
    return not ear.groups or group_id in ear.groups


def _person(self_id: str, user_id: str) -> Address:
    return Address(CHANNEL, f"{self_id}:{user_id}")


def _name(sender: dict[str, Any]) -> str:
    """The name shown in the group, else the account's."""
    names = (sender.get("card"), sender.get("nickname"))
    return next((name.strip()[:LONGEST_NAME] for name in names if isinstance(name, str) and name.strip()), "")


def _via(sender: dict[str, Any], told: dict[str, Any]) -> str | None:
    """The group over which a stranger speaks to us in private; where clients write it differs."""
    value = sender.get("group_id") or (told.get("group_id") if sender else None)
    return str(value) if isinstance(value, int | str) and value else None


def _message_key(told: dict[str, Any], self_id: str) -> str:
    """The platform's message id; with its time, because some clients count from the beginning after a restart."""
    message_id = told.get("message_id")
    if isinstance(message_id, bool) or not isinstance(message_id, int | str) or message_id in ("", 0):
        return _hash_key(told)
    return f"{SOURCE}:msg:{self_id}:{told.get('time', '')}:{message_id}"[:200]


def _hash_key(told: dict[str, Any]) -> str:
    """The same happening by HTTP and by WebSocket has the same key: hashed is what it says, not how it is written."""
    plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{SOURCE}:sha256:{hashlib.sha256(plain.encode()).hexdigest()}"
