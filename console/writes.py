"""What programs may change through the JSON API: each request becomes an event, done once per Idempotency-Key."""

from __future__ import annotations

import json
import secrets
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.errors import NotStored
from bot.order_events import AdminAsked
from bot.writer import Writer

LONGEST_KEY = 128


class WrongRequest(Exception):
    """A request that cannot become an event; `field` names the reason's place."""

    def __init__(self, field: str, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.field, self.status = field, status


class Writes:
    """The way from a POST to the writer and back."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock = writer, clock

    async def ask(self, act: str, request: web.Request, more: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do `act` with the request's body and `more`; status and answer. Raises WrongRequest."""
        body = {**await self._body(request), **more}
        given = request.headers.get("Idempotency-Key", "")
        if len(given) > LONGEST_KEY or not given.isprintable():
            raise WrongRequest("Idempotency-Key", f"最长 {LONGEST_KEY} 个可见字符")
        key = f"api:{request.path}:{given or secrets.token_hex(16)}"
        event = AdminAsked(key=key, source="api", at=self._clock.now(), act=act, body=body)
        try:
            kept = await self._writer.accept(event)
        except NotStored:
            raise WrongRequest("", "数据库现在写不进去，请稍后再试", 503) from None
        if kept is None:
            raise WrongRequest("", "没有做成，稍后会自动重试；同一个 Idempotency-Key 可以再问一次", 503)
        answer = json.loads(kept)
        return answer["status"], answer["body"]

    @staticmethod
    async def _body(request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            raise WrongRequest("body", "请求体要是 JSON") from None
        if not isinstance(body, dict):
            raise WrongRequest("body", "请求体要是 JSON 对象")
        return body
