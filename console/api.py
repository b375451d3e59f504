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

from console import routes
from console.imports.http import Imports
from console.knowledge.http import KnowledgeFiles
from console.refusals import Refused, dumps
from console.routes import Read, Reading
from console.writes import Writes
from storage.engine import Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = tuple[int, dict[str, Any]]


class Api:
    """What is and what may be set up, for whoever holds the token."""

    def __init__(self, database: Database, token: str, writes: Writes, imports: Imports, files: KnowledgeFiles) -> None:
        self._database, self._token = database, token.encode()
        self._writes, self._imports, self._files = writes, imports, files

    def routes(self) -> list[web.RouteDef]:
        """Every path, each behind the token."""
        routes.check()
        return [
            *[web.get(f"/api/v1/{path}", self._reading(reading)) for path, reading in routes.READS.items()],
            *[web.post(f"/api/v1/{path}", self._posting(act)) for path, act in routes.POSTS.items()],
            web.post("/api/v1/imports/{kind}", self._guarded(self._imports.ask)),
            web.post("/api/v1/knowledge", self._guarded(self._files.ask)),
        ]

    def _reading(self, reading: Reading) -> Handler:
        async def ask(request: web.Request) -> Answer:
            query = _query(request, reading.known) | dict(request.match_info)
            return 200, await asyncio.to_thread(self._read, reading.read, query)

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
