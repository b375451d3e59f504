"""商家 shops: what we need of each source of orders: how it signs, and where it takes our refunds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp

from bot.channels.order_fields import sign
from bot.channels.order_kinds import Hmac, Kind, WeChatPay, Youzan
from bot.clock import Clock
from bot.errors import Action, ConfigError, WeComError, WeComUnreachable
from bot.sections import OrderSource
from storage.outbox import Call

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
TRY_AGAIN = (408, 425, 429)


def order_kinds(sources: dict[str, OrderSource]) -> dict[str, Kind]:
    """The reader of each source. Raises ConfigError for a source that could not check a signature."""
    return {name: _kind(f"orders.{name}", source) for name, source in sources.items()}


def _kind(where: str, source: OrderSource) -> Kind:
    if not source.secrets:
        raise ConfigError(f"{where}.secret", f"set SIYU_{where.replace('.', '__').upper()}__SECRET")
    if source.kind == "hmac":
        return Hmac(source.secrets)
    if source.kind == "youzan":
        if not source.client_id:
            raise ConfigError(f"{where}.client_id", "needed for kind youzan")
        return Youzan(source.client_id, source.secrets)
    if len(source.secrets[0].encode()) != 32:
        raise ConfigError(f"{where}.secret", "the APIv3 key has 32 bytes")
    try:
        public_key = Path(source.public_key_file).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{where}.public_key_file", str(error.strerror)) from None
    return WeChatPay(public_key, source.serial, source.secrets[0])


class Shops:
    """Calls to shops. A refund carries our number, so telling it twice refunds once."""

    def __init__(self, sources: dict[str, OrderSource], clock: Clock) -> None:
        self._sources, self._clock = sources, clock
        self._session: aiohttp.ClientSession | None = None

    async def refund(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Ask a shop to pay money back; signed as the shop signs to us. Its own webhook tells when it is done."""
        source = self._sources.get(payload["shop"])
        if source is None or not source.refund_url:  # a person pays it back; the books keep it owed until told
            raise WeComError(None, f"orders.{payload['shop']}.refund_url is not set", row.call, action=Action.DROP)
        body = json.dumps(payload, ensure_ascii=False).encode()
        stamp = str(int(self._clock.now().timestamp()))
        signature = sign(source.secrets[0], stamp, body)
        headers = {"X-Timestamp": stamp, "X-Signature": signature, "Content-Type": "application/json"}
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        try:
            async with self._session.post(
                source.refund_url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return self._answer(row, response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WeComUnreachable(row.call, type(error).__name__, ambiguous=True) from error

    @staticmethod
    def _answer(row: Call, status: int) -> dict[str, Any]:
        if 200 <= status < 300:
            return {"errcode": 0}
        if status >= 500 or status in TRY_AGAIN:
            raise WeComUnreachable(row.call, f"HTTP {status}", ambiguous=False)
        raise WeComError(status, "the shop refused the refund", row.call, action=Action.DROP)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
