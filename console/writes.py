"""What programs may change through the JSON API: each request becomes an event, done once per Idempotency-Key."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.errors import NotStored
from bot.order_events import AdminAsked
from bot.writer import Writer
from console.callers import Caller, new_token
from console.refusals import Refused

LONGEST_KEY = 128


def _refused(field: str, why: str, status: int = 400) -> Refused:
    return Refused(status, "bad_request", why, field)


class Writes:
    """The way from a POST to the writer and back."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock = writer, clock

    def now(self) -> datetime:
        """The moment, by the bot's clock."""
        return self._clock.now()

    async def ask(
        self, act: str, request: web.Request, more: dict[str, Any], caller: Caller
    ) -> tuple[int, dict[str, Any]]:
        """Do `act` with the request's body and `more`; status and answer. Raises Refused."""
        body = {**await self.body(request), **more}
        given = request.headers.get("Idempotency-Key", "")
        if len(given) > LONGEST_KEY or not given.isprintable():
            raise _refused("Idempotency-Key", f"最长 {LONGEST_KEY} 个可见字符")
        # Of a personal token its owner is in the key: nobody gets the answer that was somebody else's.
        whose = f"{caller.userid}:" if caller.userid else ""
        key = f"api:{whose}{request.path}:{given or secrets.token_hex(16)}"
        event = AdminAsked(
            key=key, source="api", at=self._clock.now(), act=act, body=body, actor=caller.userid,
            token_id=caller.token_id,
        )  # fmt: skip
        try:
            kept = await self._writer.accept(event)
        except NotStored:
            raise _refused("", "数据库现在写不进去，请稍后再试", 503) from None
        if kept is None:
            raise _refused("", "没有做成，稍后会自动重试；同一个 Idempotency-Key 可以再问一次", 503)
        answer = json.loads(kept)
        return answer["status"], answer["body"]

    async def new_token(self, request: web.Request, caller: Caller) -> tuple[int, dict[str, Any]]:
        """Make a token: its hash is kept, the token itself is in this one answer and nowhere else."""
        token, digest = new_token()
        status, body = await self.ask("tokens", request, {"hash": digest}, caller)
        if status != 201:
            return status, body
        if body.pop("hash") != digest:  # an earlier request's, by its Idempotency-Key
            raise _refused("Idempotency-Key", "这个令牌已经发过，只显示一次；丢了就撤销它，换一个键再发", 409)
        return status, {**body, "token": token}

    @staticmethod
    async def body(request: web.Request) -> dict[str, Any]:
        """The request's JSON object. Raises Refused."""
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            raise _refused("body", "请求体要是 JSON") from None
        if not isinstance(body, dict):
            raise _refused("body", "请求体要是 JSON 对象")
        return body
