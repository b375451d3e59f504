"""客户群 senders: looks at groups, join ways and welcome templates.

WeCom takes no key when it makes one of these and lists none of them, so there is nowhere to look after an answer was
lost: the call is not repeated, its row says `unsure`, and a person decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.clock import Clock
from bot.errors import Action, WeComError, WeComUnreachable
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.senders import Sender
    from bot.wecom.client import WeCom

GET = "externalcontact/groupchat/get"
WAY = "externalcontact/groupchat/{}_join_way"
WELCOME = "externalcontact/group_welcome_template/{}"
MAKING = (WAY.format("add"), WELCOME.format("add"))
HARMLESS = (*(WAY.format(verb) for verb in ("get", "update", "del")), *(WELCOME.format(v) for v in ("edit", "del")))
NOT_THERE = 41037
UNSURE = -2  # ours: nobody knows whether it was made


class GroupSenders:
    """The calls about customer groups."""

    def __init__(self, client: WeCom, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        return {
            GET: self.look,
            **dict.fromkeys(MAKING, self.make),
            **dict.fromkeys(HARMLESS, self.change),
        }

    async def look(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A group, and when it was asked for: what was applied later may not be in it."""
        asked_at = self._clock.now().isoformat()
        body = {"chat_id": payload["chat_id"], "need_name": payload.get("need_name", 1)}
        return {**await self._client.call(GET, body), "asked_at": asked_at}

    async def make(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Make one, once. A process that died while it waited left no error behind: that answer is lost as well."""
        if row.attempts > 1 and row.error is None:
            raise WeComError(UNSURE, "unsure", row.call, action=Action.DROP)
        try:
            return await self._plainly(payload, row)
        except WeComUnreachable as error:
            if not error.ambiguous:
                raise
            raise WeComError(UNSURE, "unsure", row.call, action=Action.DROP) from None

    async def change(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Read, overwrite or delete: the same again does no harm."""
        return await self._plainly(payload, row)

    async def _plainly(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """What the corp has no right for stops nothing else: it is told to whoever asked."""
        body = {key: value for key, value in payload.items() if key != "asset"}
        try:
            return await self._client.call(row.call, body)
        except WeComError as error:
            if error.action is not Action.CONFIG:
                raise
            raise WeComError(error.errcode, error.errmsg, error.path, action=Action.DROP, hint=error.hint) from None
