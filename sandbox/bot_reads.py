"""What the sandbox asks of the bot: its public JSON API, read with the demo's own token."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

BOT_READS = {
    "inbox": "/api/v1/inbox",
    "members": "/api/v1/members",
    "ledger": "/api/v1/ledger",
    "outbox": "/api/v1/outbox",
    "channels": "/api/v1/channels",
    "products": "/api/v1/products",
    "coupon-templates": "/api/v1/coupon-templates",
    "checkouts": "/api/v1/checkouts",
    "campaigns": "/api/v1/campaigns",
    "readyz": "/readyz",
}
TIMEOUT_S = 3.0


class Silent(Exception):
    """The bot does not answer."""


class BotReads:
    """GETs of the bot."""

    def __init__(self, bot: str, token: str) -> None:
        self._bot, self._token = bot, token

    async def ask(self, name: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of one of `BOT_READS`. Raises `Silent`."""
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.get(self._bot + BOT_READS[name], params=query, headers=headers) as response,
            ):
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            raise Silent("机器人没有回答：它启动了吗？") from None
