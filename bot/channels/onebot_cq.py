"""CQ 码: messages of OneBot v11 as strings (`[CQ:at,qq=1] 签到`) and as arrays of segments, both read into segments.

Source: github.com/botuniverse/onebot-11, message/string.md and message/array.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

TEXT = "text"
_CODE = re.compile(r"\[CQ:([A-Za-z0-9._-]+)((?:,[A-Za-z0-9._-]+=[^,\[\]]*)*)\]")
_ESCAPED = re.compile(r"&(amp|#91|#93|#44);")
_PLAIN = {"amp": "&", "#91": "[", "#93": "]", "#44": ","}


class Segment(NamedTuple):
    """One piece of a message: its type and its parameters, all of them text."""

    kind: str
    data: dict[str, str]


def text(content: str) -> Segment:
    """Words."""
    return Segment(TEXT, {"text": content})


def at(user_id: str) -> Segment:
    """A mention."""
    return Segment("at", {"qq": user_id})


def escape(content: str, *, inside: bool = False) -> str:
    """Words that cannot be read as a CQ code; `inside` a code's parameter a comma ends it, so that is escaped too."""
    safe = content.replace("&", "&amp;").replace("[", "&#91;").replace("]", "&#93;")
    return safe.replace(",", "&#44;") if inside else safe


def unescape(content: str) -> str:
    """Inverse of `escape`, in one pass: `&amp;#91;` is the five characters `&#91;`, not a bracket."""
    return _ESCAPED.sub(lambda found: _PLAIN[found[1]], content)


def render(segments: Iterable[Segment]) -> str:
    """Segments as a CQ string."""
    return "".join(
        escape(segment.data.get("text", ""))
        if segment.kind == TEXT
        else f"[CQ:{segment.kind}"
        + "".join(f",{name}={escape(value, inside=True)}" for name, value in segment.data.items())
        + "]"
        for segment in segments
    )


def parse(message: str) -> list[Segment]:
    """A CQ string as segments; what is no CQ code is text, whatever it looks like."""
    found, end = [], 0
    for code in _CODE.finditer(message):
        found += _words(message[end : code.start()])
        pairs = (pair.partition("=") for pair in code[2].split(",")[1:])
        found.append(Segment(code[1], {name: unescape(value) for name, _, value in pairs}))
        end = code.end()
    return found + _words(message[end:])


def _words(content: str) -> list[Segment]:
    return [text(unescape(content))] if content else []


def read(message: Any) -> list[Segment]:
    """A message field of either form; pieces that are no segments are left out."""
    if isinstance(message, str):
        return parse(message)
    pieces = [message] if isinstance(message, dict) else message if isinstance(message, list) else []
    return [_segment(piece) for piece in pieces if isinstance(piece, dict) and isinstance(piece.get("type"), str)]


def _segment(piece: dict[str, Any]) -> Segment:
    given = piece.get("data")
    pairs = given.items() if isinstance(given, dict) else ()
    return Segment(piece["type"], {str(name): _plain(value) for name, value in pairs if value is not None})


def _plain(value: Any) -> str:
    """A parameter as text; JSON's own spelling of true and false, as CQ strings have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
