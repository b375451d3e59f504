"""字段 typed reading of a callback's fields: a field that is missing, doubled or malformed raises Misfit."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bot.events import Address

Doc = dict[str, Any]
STAFF = "wecom_staff"
CONTACT = "wecom"
_MAX_DIGITS = 18
_LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z, the end of datetime


class Misfit(ValueError):
    """The field named in the argument is not what WeCom documents."""


class Head(NamedTuple):
    """What every event takes from the envelope."""

    key: str
    source: str
    at: datetime
    sender: Address | None

    def contact(self, external_userid: str) -> Head:
        """The same, sent by a contact: WeCom itself says `sys` there."""
        return Head(self.key, self.source, self.at, Address(CONTACT, external_userid))


def text(doc: Doc, name: str) -> str:
    """Present, not empty."""
    value = doc.get(name)
    if type(value) is not str or not value:
        raise Misfit(name)
    return value


def present(doc: Doc, name: str) -> str:
    """Present, perhaps empty."""
    value = doc.get(name)
    if type(value) is not str:
        raise Misfit(name)
    return value


def optional(doc: Doc, name: str) -> str | None:
    """None when missing or empty."""
    value = doc.get(name)
    if value is None or value == "":
        return None
    if type(value) is not str:
        raise Misfit(name)
    return value


def number(doc: Doc, name: str) -> int:
    """Decimal digits, with or without a minus sign, within 64 bits."""
    value = text(doc, name)
    digits = value.removeprefix("-")
    if len(digits) > _MAX_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise Misfit(name)
    return int(value)


def optional_number(doc: Doc, name: str) -> int | None:
    """None when missing or empty."""
    return None if optional(doc, name) is None else number(doc, name)


def decimal(doc: Doc, name: str) -> float:
    """A coordinate: finite."""
    try:
        value = float(text(doc, name))
    except ValueError as error:
        raise Misfit(name) from error
    if not math.isfinite(value):
        raise Misfit(name)
    return value


def optional_decimal(doc: Doc, name: str) -> float | None:
    """None when missing or empty."""
    return None if optional(doc, name) is None else decimal(doc, name)


def moment(doc: Doc, name: str) -> datetime:
    """Seconds since 1970 as aware UTC."""
    seconds = number(doc, name)
    if not 0 < seconds <= _LAST_SECOND:
        raise Misfit(name)
    return datetime.fromtimestamp(seconds, UTC)


def optional_moment(doc: Doc, name: str) -> datetime | None:
    """None when missing or empty."""
    return None if optional(doc, name) is None else moment(doc, name)


def inner(doc: Doc, name: str) -> Doc:
    """A nested element with children."""
    value = doc.get(name)
    if type(value) is not dict:
        raise Misfit(name)
    return value


def entries(doc: Doc, name: str, entry: str) -> list[Any]:
    """The entries of a list element: none, one and many look different in XML. Missing or empty is no entries."""
    holder = doc.get(name)
    if holder is None or (type(holder) is str and not holder.strip()):
        return []
    if type(holder) is not dict:
        raise Misfit(name)
    found = holder.get(entry, [])
    return found if type(found) is list else [found]


def texts(doc: Doc, name: str, entry: str) -> tuple[str, ...]:
    """The entries of a list element that holds plain values."""
    found = entries(doc, name, entry)
    for value in found:
        if type(value) is not str or not value:
            raise Misfit(f"{name}/{entry}")
    return tuple(found)
