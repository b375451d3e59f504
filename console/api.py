"""JSON API under /api/v1, for programs and for the sandbox's page: what is, and what a shop sets up."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any

from aiohttp import web
from loguru import logger
from sqlalchemy import Connection

from console import group_reads, reads, referral_reads, settlements
from console.imports.http import Imports
from console.refusals import Refused, dumps
from console.writes import Writes
from handlers.campaigns import STEPS
from handlers.group_assets import ACTS as GROUP_ACTS
from storage.engine import Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Read = Callable[[Connection, dict[str, str]], dict[str, Any]]
Answer = tuple[int, dict[str, Any]]


class Api:
    """What is and what may be set up, for whoever holds the token."""

    def __init__(self, database: Database, token: str, writes: Writes, imports: Imports) -> None:
        self._database, self._token = database, token.encode()
        self._writes, self._imports = writes, imports

    def routes(self) -> list[web.RouteDef]:
        """Every path, each behind the token."""
        table: dict[str, tuple[Read, tuple[str, ...]]] = {
            "members": (reads.members, ("external_id", "id", "name", "limit", "after")),
            "inbox": (reads.inbox, ("status", "key", "kind", "limit", "after")),
            "outbox": (reads.outbox, ("status", "member_id", "call", "limit", "after")),
            "ledger": (reads.ledger, ("member_id", "limit", "after")),
            "channels": (reads.channels, ()),
            "products": (reads.products, ("sku", "category", "limit", "after")),
            "coupon-templates": (reads.coupon_templates, ("name", "kind", "limit", "after")),
            "checkouts": (reads.checkouts, ("code", "member_id", "status", "limit", "after")),
            "campaigns": (reads.campaigns, ("kind", "name", "status", "limit", "after")),
            "stores": (reads.stores, ("franchise", "limit", "after")),
            "settlements": (settlements.settlements, ("from", "to")),
            "referrals": (referral_reads.referrals, ("status", "inviter", "campaign_id", "review", "limit", "after")),
            "campaigns/{id}": (reads.campaign, ()),
            "campaigns/{id}/stats": (reads.campaign_stats, ()),
            "groups": (group_reads.groups, ("owner", "status", "limit", "after")),
            "groups/{chat_id}": (group_reads.group, ()),
            "join-ways": (group_reads.join_ways, ()),
            "group-welcomes": (group_reads.welcomes, ()),
        }
        posts = {
            **{name: name for name in ("products", "stores", "coupon-templates", "campaigns")},
            "products/{sku}": "products/change",
            "stores/{code}": "stores/change",
            **{f"campaigns/{{id}}/{step}": f"campaigns/{step}" for step in STEPS},
            **{name: name for name in ("points", "checkouts/undo", "redemptions/undo")},
            "points/{id}/approve": "points/approve",
            **{f"referrals/{{id}}/{step}": f"referrals/{step}" for step in ("approve", "reject")},
            **{act.replace("/", "/{id}/"): act for act in GROUP_ACTS},
        }
        return [
            *[web.get(f"/api/v1/{name}", self._reading(read, known)) for name, (read, known) in table.items()],
            *[web.post(f"/api/v1/{path}", self._posting(act)) for path, act in posts.items()],
            web.post("/api/v1/imports/{kind}", self._guarded(self._imports.ask)),
        ]

    def _reading(self, read: Read, known: tuple[str, ...]) -> Handler:
        async def ask(request: web.Request) -> Answer:
            query = _query(request, known) | dict(request.match_info)
            return 200, await asyncio.to_thread(self._read, read, query)

        return self._guarded(ask)

    def _posting(self, act: str) -> Handler:
        async def ask(request: web.Request) -> Answer:
            more: dict[str, Any] = {**request.match_info}
            if "id" in more:
                more["id"] = _id(request)
            return await self._writes.ask(act, request, more)

        return self._guarded(ask)

    def _guarded(self, ask: Callable[[web.Request], Awaitable[Answer]]) -> Handler:
        """Behind the token, and every failure in the API's one shape."""

        async def handle(request: web.Request) -> web.Response:
            try:
                self._admit(request)
                status, body = await ask(request)
                return web.json_response(body, status=status, dumps=dumps)
            except Refused as refused:
                return refused.answer()
            except web.HTTPException:
                raise  # aiohttp's own answer, such as 413
            except Exception:
                number = secrets.token_hex(4)
                logger.bind(action="api_failed").exception("path={} error_id={}", request.path, number)
                return Refused(500, "internal", f"出错了，日志里找 error_id={number}").answer()

        return handle

    def _read(self, read: Read, query: dict[str, str]) -> dict[str, Any]:
        with self._database.engine.connect() as connection:
            return read(connection, query)

    def _admit(self, request: web.Request) -> None:
        if not self._token:
            raise Refused(403, "closed", "没有设置 SIYU_API__TOKEN，接口不开放", "api.token")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(given.encode(), self._token):
            raise Refused(401, "unauthorized", "请带上 Authorization: Bearer <api.token>", "Authorization")


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused(404, "not_found", "id 要填数字", "id")
    return int(text)


def _query(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    for name in request.query:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"，你是想写 {near[0]} 吗？" if near else f"，可以用：{'、'.join(known) or '不带参数'}"
            raise Refused(400, "unknown_parameter", f"没有参数 {name}{hint}", name)
    return {name: value for name, value in request.query.items() if value != ""}
