"""联系我 the sender that makes a contact way. WeCom takes no key for it, so a second try looks for the first one's way
before it makes another: a way nobody knows of can never be changed or deleted by us."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.errors import Action, WeComError
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

EARLIER = timedelta(minutes=10)  # our clock and WeCom's may differ


class WaySender:
    """Makes the way of a payload {"type", "scene", "state", "remark", "user", "skip_verify"}, once per state."""

    def __init__(self, client: WeCom) -> None:
        self._client = client

    async def send(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """{"config_id", "qr_code"}. What the corp has no right or licence for stops nothing else: it is dropped."""
        try:
            made = await self._made_before(payload["state"], row) if row.attempts > 1 else None
            return made or await self._client.call("externalcontact/add_contact_way", payload)
        except WeComError as error:
            if error.action is not Action.CONFIG:
                raise
            raise WeComError(error.errcode, error.errmsg, error.path, action=Action.DROP, hint=error.hint) from None

    async def _made_before(self, state: str, row: Call) -> dict[str, Any] | None:
        """The way with this state, if an earlier try made it and its answer was lost."""
        since = int((row.created_at - EARLIER).timestamp())
        async for config_id in self._client.contact_way.list_contact_way(start_time=since):
            way = await self._client.contact_way.get_contact_way(config_id)
            if way.get("state") == state:
                return {"config_id": config_id, "qr_code": str(way.get("qr_code") or "")}
        return None
