"""Senders: what each kind of outbox call means to WeCom. A sender makes the call; delivery decides what its failure
means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.clock import Clock
from bot.errors import RequestRefused, WeComError
from bot.group_senders import GroupSenders
from bot.tag_senders import TagSenders
from bot.way_sender import WaySender
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

Sender = Callable[[dict[str, Any], Call], Awaitable[dict[str, Any]]]

# The duplicate check compares whole requests, so a retry must repeat every byte and two texts meant twice must
# differ somewhere: the
# row's id sets the interval, within the documented four hours.
SHORTEST_CHECK_S, CHECK_SPAN_S = 1_800, 12_600
WELCOME_TEXT_MARGIN_S = 6.0
# What WeCom says when it does not take a card, or takes none from this app (no callback address); 94888 for the last.
CARD_REFUSED = frozenset({43012, *range(42014, 42020), *range(42027, 42050)})
CODE_USED = 60140
MEDIA_LIFE = timedelta(days=3) - timedelta(hours=2)


class WeComSenders:
    """The calls of the self-built app. `agent_id` is the app's own."""

    def __init__(self, client: WeCom, agent_id: int, clock: Clock) -> None:
        self._client, self._agent_id, self._clock = client, agent_id, clock
        self._media: dict[str, tuple[str, Any]] = {}

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        return {
            "message/send": self.message,
            "externalcontact/get": self.contact,
            "externalcontact/send_welcome_msg": self.welcome,
            "externalcontact/add_contact_way": WaySender(self._client).send,
            "message/update_template_card": self.card,
            **TagSenders(self._client).table(),
            **GroupSenders(self._client, self._clock).table(),
        }

    async def message(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """An app message; repeating it within the interval delivers nothing twice. A card brings its text along, for
        when WeCom does not take the card."""
        checked = {
            "agentid": self._agent_id,
            "enable_duplicate_check": 1,
            "duplicate_check_interval": SHORTEST_CHECK_S + row.id % CHECK_SPAN_S,
        }
        words = payload.get("text") if payload.get("msgtype") == "template_card" else None
        body = {key: value for key, value in payload.items() if words is None or key != "text"}
        try:
            return await self._client.call("message/send", {**body, **checked})
        except WeComError as error:
            if words is None or not (error.errcode in CARD_REFUSED or isinstance(error, RequestRefused)):
                raise
            logger.bind(action="card_refused").warning("row={} error={}", row.id, error)
        said = {"touser": payload["touser"], "msgtype": "text", "text": words, **checked}
        return await self._client.call("message/send", said)

    async def card(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A tapped card, changed once. Told on a later try that the code is used up, it was an earlier try of ours."""
        try:
            return await self._client.call("message/update_template_card", {**payload, "agentid": self._agent_id})
        except WeComError as error:
            if error.errcode != CODE_USED or row.attempts == 1:
                raise
            return {"errcode": 0, "before": True}

    async def contact(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A contact with every guide who follows it; more than one page is joined. `asked_at`: as of when it is so."""
        asked_at = self._clock.now().isoformat()
        params = {"external_userid": payload["external_userid"]}
        answer = await self._client.call("externalcontact/get", params=params, timeout_s=self._left(row))
        follow_user, cursor = list(answer.get("follow_user", [])), answer.get("next_cursor")
        while cursor:
            page = await self._client.call("externalcontact/get", params={**params, "cursor": cursor})
            follow_user += page.get("follow_user", [])
            cursor = page.get("next_cursor")
        return {**answer, "follow_user": follow_user, "asked_at": asked_at}

    async def welcome(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A welcome message. A picture that is not ready well before the code dies is left out: the text must
        arrive."""
        body = {key: value for key, value in payload.items() if key != "image"}
        if payload.get("image"):
            media_id = await self._picture(payload["image"], self._left(row) - WELCOME_TEXT_MARGIN_S)
            if media_id:
                body["attachments"] = [{"msgtype": "image", "image": {"media_id": media_id}}]
        return await self._client.call("externalcontact/send_welcome_msg", body, timeout_s=self._left(row))

    def _left(self, row: Call) -> float:
        """Seconds that a call may take: what is left of the row's life, 10 at most."""
        if row.expires_at is None:
            return 10.0
        return min(10.0, max(0.2, (row.expires_at - self._clock.now()).total_seconds()))

    async def _picture(self, path: str, within_s: float) -> str | None:
        known = self._media.get(path)
        if known is not None and known[1] > self._clock.now():
            return known[0]
        if within_s <= 0:
            return None
        try:
            data = await asyncio.to_thread(Path(path).read_bytes)
            async with asyncio.timeout(within_s):
                media_id = (await self._client.upload_media("image", Path(path).name, data))["media_id"]
        except (OSError, TimeoutError, WeComError) as error:
            logger.bind(action="welcome_without_picture").warning("path={} error={}", Path(path).name, error)
            return None
        self._media[path] = (media_id, self._clock.now() + MEDIA_LIFE)
        return str(media_id)
