"""菜单消息 msgmenu: choices as buttons, where they fit KF's limits. Pure: texts and choices in, a message out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from bot.texts import clip_bytes

MOST_ENTRIES, MOST_CLICKS = 50, 10
MOST_ENDS, MOST_WORDS = 1024, 128  # bytes of head and tail, of an entry
_ID = re.compile(r"c(\d{1,2})_([0-9a-f]{8})")


class Choice(NamedTuple):
    """One of several things to choose from: what choosing it means, as if it were typed, and what people read.

    `short` stands on a button, where there is little room; "" = the label itself.
    """

    words: str
    label: str
    short: str = ""


def _stamp(words: Sequence[str]) -> str:
    """Tells one list of choices from another."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


def clicked(menu_id: str, words: Sequence[str]) -> str | None:
    """The words of the entry that was clicked; None when the menu was not made of these words."""
    match = _ID.fullmatch(menu_id)
    if match is None or match[2] != _stamp(words) or not 1 <= int(match[1]) <= len(words):
        return None
    return words[int(match[1]) - 1]


def msgmenu(head: str, choices: Sequence[Choice], tail: str = "") -> dict[str, Any] | None:
    """The message's own fields ({"msgtype", "msgmenu"}), or None when something does not fit: say it in words then.

    Entries are numbered: who cannot click types the number. The first ten can be clicked, the rest are lines.
    """
    if not 0 < len(choices) <= MOST_ENTRIES or max(len(head.encode()), len(tail.encode())) > MOST_ENDS:
        return None
    stamp = _stamp([choice.words for choice in choices])
    lines = [clip_bytes(f"{number}. {choice.label}", MOST_WORDS) for number, choice in enumerate(choices, 1)]
    body: dict[str, Any] = {"list": [_entry(number, line, stamp) for number, line in enumerate(lines, 1)]}
    if head:
        body["head_content"] = head
    if tail:
        body["tail_content"] = tail
    return {"msgtype": "msgmenu", "msgmenu": body}


def _entry(number: int, line: str, stamp: str) -> dict[str, Any]:
    if number <= MOST_CLICKS:
        return {"type": "click", "click": {"id": f"c{number}_{stamp}", "content": line}}
    return {"type": "text", "text": {"content": line, "no_newline": 0}}
