"""字数上限 sizes: how many UTF-8 bytes each kind of message may have, in one place, and how people's texts are made to
fit.

WeCom cuts what is longer, in the middle of a character if it comes so; the documents' numbers are beside the names.
"""

from __future__ import annotations

import re
import unicodedata

BYTES: dict[str, int] = {
    "text": 2048,  # message/send, 90236
    "markdown": 2048,  # the same
    "reply": 2048,  # passive reply, 90241
    "broadcast": 4000,  # add_msg_template, 92135
    "welcome": 4000,  # send_welcome_msg, 92137
    "group_welcome": 3000,  # group_welcome_template, 92366
    "menu_top": 16,  # menu/create, 90231
    "menu_sub": 40,
    "menu_key": 128,
    "card_key": 1024,  # template_card, 90236
    "card_task": 128,
}
# Of cards the documents give advice in characters, beyond which clients show dots.
CHARS: dict[str, int] = {
    "card_title": 36,
    "card_desc": 44,
    "card_text": 160,
    "card_button": 10,
    "card_replaced": 15,
    "card_row": 5,
    "card_value": 40,
}

_SENTENCE_ENDS = re.compile(r"[。！？!?\n；;]")
# What turns the direction of everything after it, and what is no character at all; LRM and RLM turn nothing.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")
_JOINER, _SELECTORS, _SKINS = "\u200d", "\ufe00\ufe0f", "\U0001f3fb\U0001f3ff"


def size(text: str) -> int:
    """UTF-8 bytes of a text."""
    return len(text.encode("utf-8", "replace"))


def plain(text: str) -> str:
    """`text` without what would turn or break the sentence around it: direction overrides, control characters."""
    return _UNPRINTABLE.sub("", _TURNING.sub("", text))


def _extends(char: str) -> bool:
    """Whether a character belongs to the one before it: marks, selectors, skin tones, joiners."""
    return (
        char == _JOINER
        or _SELECTORS[0] <= char <= _SELECTORS[1]
        or _SKINS[0] <= char <= _SKINS[1]
        or unicodedata.combining(char) != 0
    )


def _flags_before(text: str, cut: int) -> int:
    """How many regional indicators stand right before `cut`; two of them make one flag."""
    start = cut
    while start > 0 and "\U0001f1e6" <= text[start - 1] <= "\U0001f1ff":
        start -= 1
    return cut - start


def whole(text: str, cut: int) -> int:
    """The last place up to `cut` where no picture is torn: a family, a flag, a letter with its accent."""
    place = cut
    while 0 < place < len(text) and (
        _extends(text[place])
        or text[place - 1] == _JOINER
        or ("\U0001f1e6" <= text[place] <= "\U0001f1ff" and _flags_before(text, place) % 2 == 1)
    ):
        place -= 1
    return place or cut  # one picture longer than the limit must be torn


def _fitting(text: str, limit: int) -> int:
    """How many characters of `text` fit into `limit` bytes, one at least."""
    return max(1, len(text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")))


def split_bytes(text: str, limit: int) -> list[str]:
    """`text` in parts of at most `limit` UTF-8 bytes, cut after sentences where possible, never inside a character."""
    parts = []
    while size(text) > limit:
        fits = _fitting(text, limit)
        ends = [match.end() for match in _SENTENCE_ENDS.finditer(text, 0, fits)]
        cut = ends[-1] if ends and ends[-1] > fits // 3 else whole(text, fits)
        parts.append(text[:cut].rstrip("\n"))
        text = text[cut:].lstrip("\n")
    return [part for part in [*parts, text] if part] or [""]


def clip_bytes(text: str, limit: int) -> str:
    """`text` cut to `limit` UTF-8 bytes on a character border, with … when something was cut."""
    if size(text) <= limit:
        return text
    fits = len(text.encode("utf-8", "replace")[: max(0, limit - 3)].decode("utf-8", "ignore"))
    return text[: whole(text, fits)] + "…"
