"""帧 frames: JSON objects from outside, whole and storable, or a typed refusal."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.channels.gate import GateError

Frame = dict[str, Any]
# NUL, which PostgreSQL cannot keep in a text, and lone surrogates, which UTF-8 cannot carry.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def load(body: bytes | str) -> Frame:
    """A JSON object without characters that no database keeps. Raises GateError(400)."""
    try:
        value = json.loads(body)
        clean = _clean(value)
    except (ValueError, RecursionError) as error:
        raise GateError(400, "json") from error
    if not isinstance(clean, dict):
        raise GateError(400, "object")
    return clean


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("\ufffd", name): _clean(item) for name, item in value.items()}
    return value
