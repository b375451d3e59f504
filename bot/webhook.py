"""消息推送 group robots: what is owed to them and how it is sent. One way: they read nothing (document 99110)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.errors import RequestRefused
from bot.limits import MINUTE, Rate
from bot.texts import split_bytes
from bot.turn import Work
from bot.wecom.tokenless import Tokenless
from storage.outbox import Call

SEND = "webhook/send"
RATE = Rate(20, MINUTE)
TEXT_BYTES, MARKDOWN_BYTES = 2_048, 4_096
MARKDOWNS = ("markdown", "markdown_v2")
CARDS = ("text_notice", "news_notice")  # a webhook's card has no buttons: no event ever comes back
_KEY = re.compile(r"(?:.*[?&]key=)?([0-9A-Za-z-]{8,64})")


def owe(work: Work, robot: str, content: str, *, good_for: timedelta, msgtype: str = "markdown") -> None:
    """Owe a robot a text (`text`, `markdown`, `markdown_v2`), in as many messages as its limit asks for."""
    for part in split_bytes(content, TEXT_BYTES if msgtype == "text" else MARKDOWN_BYTES):
        owe_message(work, robot, {"msgtype": msgtype, msgtype: {"content": part}}, good_for=good_for)


def owe_message(work: Work, robot: str, message: dict[str, Any], *, good_for: timedelta) -> None:
    """Owe a robot a whole message, such as a card; dropped when it could not be sent in time."""
    payload = {"robot": robot, "message": message}
    work.owe(SEND, payload, subject=f"webhook:{robot}", expires_at=work.now + good_for)


def key_of(configured: str) -> str | None:
    """The key of a robot's address, or of the key alone; None when it is neither."""
    match = _KEY.fullmatch(configured.strip())
    return match[1] if match else None


def refused(message: dict[str, Any]) -> tuple[str, str] | None:
    """The field that WeCom would refuse, and its limit; None when there is none."""
    msgtype = str(message.get("msgtype", ""))
    body = message.get(msgtype)
    if not isinstance(body, dict):
        return msgtype or "msgtype", "an object"
    if msgtype == "template_card":
        return None if body.get("card_type") in CARDS else ("card_type", " or ".join(CARDS))
    if msgtype != "text" and msgtype not in MARKDOWNS:
        return "msgtype", "text, markdown, markdown_v2 or template_card"
    limit = TEXT_BYTES if msgtype == "text" else MARKDOWN_BYTES
    size = len(str(body.get("content", "")).encode())
    return None if 0 < size <= limit else ("content", f"1 to {limit} bytes")


class WebhookSender:
    """Sends what is owed to robots. `keys`: robot -> key."""

    def __init__(self, keys: Mapping[str, str], api_base: str, poster: Tokenless) -> None:
        self._keys, self._base, self._poster = keys, api_base.rstrip("/"), poster

    async def send(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """One message. There is no key against sending it twice; an alert read twice does no harm."""
        key = self._keys.get(payload["robot"])
        if key is None:
            raise RequestRefused(SEND, "robot", "configured in wecom.webhook")
        wrong = refused(payload["message"])
        if wrong is not None:
            raise RequestRefused(SEND, *wrong)
        return await self._poster.post(SEND, f"{self._base}/cgi-bin/webhook/send?key={key}", payload["message"])
