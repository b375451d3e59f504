"""字段 typed reading of a JSON object's fields: a field that is missing or malformed raises Misfit."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from bot.channels.wecom_fields import Doc, Misfit, present, text

__all__ = [
    "Doc", "Misfit", "decimal", "inner", "moment", "name_of", "number", "objects", "optional", "optional_number",
    "present", "text",
]  # fmt: skip

_LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z, the end of datetime
_BITS = 63
_MAX_DIGITS = 18


def optional(doc: Doc, name: str) -> str | None:
    """None when missing or empty; a number is taken for its digits."""
    value = doc.get(name)
    if value is None or value == "":
        return None
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise Misfit(name)
    return value


def name_of(doc: Doc, name: str) -> str:
    """An id: present, not empty, written as text or as a number."""
    value = optional(doc, name)
    if value is None:
        raise Misfit(name)
    return value


def number(doc: Doc, name: str) -> int:
    """A whole number within 64 bits, or its decimal digits as text."""
    value = doc.get(name)
    if type(value) is str and len(value) <= _MAX_DIGITS and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    if type(value) is not int or value.bit_length() > _BITS:
        raise Misfit(name)
    return value


def optional_number(doc: Doc, name: str) -> int | None:
    """None when missing or empty."""
    return None if doc.get(name) in (None, "") else number(doc, name)


def decimal(doc: Doc, name: str) -> float:
    """A coordinate: finite."""
    value = doc.get(name)
    if type(value) not in (int, float, str):
        raise Misfit(name)
    try:
        found = float(value)  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        raise Misfit(name) from error
    if not math.isfinite(found):
        raise Misfit(name)
    return found


def moment(doc: Doc, name: str) -> datetime:
    """Seconds since 1970 as aware UTC."""
    seconds = number(doc, name)
    if not 0 < seconds <= _LAST_SECOND:
        raise Misfit(name)
    return datetime.fromtimestamp(seconds, UTC)


def inner(doc: Doc, name: str) -> Doc:
    """A nested object."""
    value = doc.get(name)
    if type(value) is not dict:
        raise Misfit(name)
    return value


def objects(doc: Doc, name: str) -> list[dict[str, Any]]:
    """A list of objects; missing is none."""
    value = doc.get(name)
    if value is None:
        return []
    if type(value) is not list or not all(type(entry) is dict for entry in value):
        raise Misfit(name)
    return list(value)
