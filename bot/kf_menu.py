"""菜单消息 msgmenu: choices as buttons, where they fit KF's limits. Pure: texts and choices in, a message out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

MOST_ENTRIES, MOST_CLICKS = 50, 10
MOST_ENDS, MOST_WORDS, MOST_ID = 1024, 128, 128  # bytes of head and tail, of an entry's words, of its id
_ID = re.compile(r"[a-zA-Z0-9_]+")


class Choice(NamedTuple):
    """One entry. A click sends `words` back as if they were typed, with `id` as menu_id; without an id it is a line to
    read, for what needs something typed behind it."""

    words: str
    id: str = ""


def choices(entries: Sequence[str]) -> list[Choice]:
    """A menu of words as choices: the first ten that can be said as they stand are buttons, the rest lines."""
    found: list[Choice] = []
    clicks = 0
    for number, words in enumerate(entries, 1):
        clickable = " " not in words and clicks < MOST_CLICKS
        clicks += clickable
        found.append(Choice(words, f"menu_{number}") if clickable else Choice(f"{number}. {words}"))
    return found


def msgmenu(head: str, entries: Sequence[Choice], tail: str = "") -> dict[str, Any] | None:
    """The message's own fields ({"msgtype", "msgmenu"}), or None when something does not fit: say it in words then."""
    if not entries or not _fits(head, entries, tail):
        return None
    body: dict[str, Any] = {"list": [_entry(entry) for entry in entries]}
    if head:
        body["head_content"] = head
    if tail:
        body["tail_content"] = tail
    return {"msgtype": "msgmenu", "msgmenu": body}


def _entry(entry: Choice) -> dict[str, Any]:
    if entry.id:
        return {"type": "click", "click": {"id": entry.id, "content": entry.words}}
    return {"type": "text", "text": {"content": entry.words, "no_newline": 0}}


def _fits(head: str, entries: Sequence[Choice], tail: str) -> bool:
    clicks = [entry.id for entry in entries if entry.id]
    return (
        max(len(head.encode()), len(tail.encode())) <= MOST_ENDS
        and len(entries) <= MOST_ENTRIES
        and len(clicks) <= MOST_CLICKS
        and len(set(clicks)) == len(clicks)
        and all(len(click) <= MOST_ID and _ID.fullmatch(click) for click in clicks)
        and all(0 < len(entry.words.encode()) <= MOST_WORDS for entry in entries)
    )
