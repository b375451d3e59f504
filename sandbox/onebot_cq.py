"""CQ codes as an implementation reads and writes them: its own code, so that bot and sandbox check each other."""

from __future__ import annotations

import re
from typing import Any

Segments = list[dict[str, Any]]
_PIECE = re.compile(r"\[CQ:(?P<kind>[\w.-]+)(?P<params>(?:,[\w.-]+=[^\],]*)*)\]|(?P<text>[^\[]+|\[)")
_NAMED = {"image": "图片", "face": "表情", "record": "语音", "video": "视频", "share": "链接", "reply": "回复"}


def written(segments: Segments) -> str:
    """Segments as one string."""
    out = []
    for segment in segments:
        if segment["type"] == "text":
            out.append(_mask(str(segment["data"].get("text", "")), ""))
        else:
            params = "".join(f",{name}={_mask(str(value), ',')}" for name, value in segment["data"].items())
            out.append(f"[CQ:{segment['type']}{params}]")
    return "".join(out)


def understood(message: Any, *, plain: bool = False) -> Segments:
    """Segments of a message in either form; `plain` = auto_escape: a string is words and nothing else."""
    if isinstance(message, list):
        return [{"type": str(one["type"]), "data": dict(one.get("data") or {})} for one in message]
    if plain:
        return [{"type": "text", "data": {"text": str(message)}}]
    found: Segments = []
    for piece in _PIECE.finditer(str(message)):
        if piece["kind"]:
            pairs = [pair.split("=", 1) for pair in piece["params"].split(",") if pair]
            found.append({"type": piece["kind"], "data": {name: _unmask(value) for name, value in pairs}})
        elif found and found[-1]["type"] == "text":
            found[-1]["data"]["text"] += _unmask(piece["text"])
        else:
            found.append({"type": "text", "data": {"text": _unmask(piece["text"])}})
    return found


def shown(segments: Segments, name: Any) -> str:
    """A message as people read it; `name` turns an account's number into what the group calls it."""
    out = []
    for segment in segments:
        data = segment["data"]
        if segment["type"] == "text":
            out.append(str(data.get("text", "")))
        elif segment["type"] == "at":
            out.append(f"@{'全体成员' if str(data.get('qq')) == 'all' else name(data.get('qq'))} ")
        else:
            out.append(f"[{_NAMED.get(segment['type'], segment['type'])}]")
    return "".join(out)


def _mask(value: str, more: str) -> str:
    return "".join(f"&#{ord(char)};" if char in f"[]{more}" else "&amp;" if char == "&" else char for char in value)


def _unmask(value: str) -> str:
    for mark, char in (("&#91;", "["), ("&#93;", "]"), ("&#44;", ","), ("&amp;", "&")):
        value = value.replace(mark, char)
    return value
