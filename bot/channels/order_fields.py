"""What the pushes of shops are made of: signatures, times, amounts. A wrong one raises `GateError`."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.channels.gate import GateError

WINDOW = timedelta(seconds=300)
MOST_FEN, LONGEST = 10**11, 128


def read_json(text: bytes | str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise GateError(400, "json") from error
    if not isinstance(value, dict):
        raise GateError(400, "json")
    return value


def text_of(data: Mapping[str, Any], name: str) -> str:
    """A text that must be there: printable, not too long."""
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise GateError(400, name)
    return value


def fen_of(value: object, name: str, least: int) -> int:
    """An amount in fen, a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_FEN:
        raise GateError(400, name)
    return value


def moment_of(text: object, name: str) -> datetime:
    """RFC 3339 with a zone, as UTC."""
    try:
        value = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise GateError(400, name) from error
    if value.tzinfo is None or not 2000 <= value.year <= 2200:
        raise GateError(400, name)
    return value.astimezone(UTC)


def refuse_stale(text: str, now: datetime) -> None:
    """The signed time must be near ours: an old push cannot be played again."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise GateError(400, "timestamp")
    if abs(now.timestamp() - int(text)) > WINDOW.total_seconds():
        raise GateError(401, "timestamp")


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Our own form's signature, for what shops push to us and what we tell them."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def yuan_to_fen(text: object) -> int:
    """`99.00` yuan as fen, without a float in between. Raises ValueError."""
    whole, _, part = str(text).partition(".")
    if not whole.isdigit() or (part and not part.isdigit()) or len(part.rstrip("0")) > 2:
        raise ValueError(f"{text!r} is no amount in yuan")
    return int(whole) * 100 + int((part + "00")[:2])
