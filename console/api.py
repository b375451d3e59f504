"""JSON API under /api/v1, for programs and for the sandbox's page: what is, and what a shop sets up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any

from aiohttp import web
from loguru import logger

from console import distribution_report, routes, tier_reads
from console.audit_reads import Export
from console.broadcast_preview import Preview
from console.callers import Caller, Callers
from console.imports.http import Imports
from console.knowledge.reads import search
from console.refusals import Refused, dumps
from console.routes import Reading
from console.sight import Sight
from console.writes import Writes
from storage.engine import Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = tuple[int, dict[str, Any]]
Special = Callable[[web.Request, Caller, Sight], Awaitable[Answer | web.StreamResponse]]
MAKING = "tokens"
FINDING = ("q", "n", "staff", "store")


class Api:
    """What is and what may be set up, for whoever holds a token, as far as their role reaches."""

    def __init__(
        self, database: Database, callers: Callers, writes: Writes, imports: Imports, preview: Preview | None = None
    ) -> None:
        self._database, self._callers = database, callers
        self._writes, self._imports, self._previews = writes, imports, preview or Preview()

    def routes(self) -> list[web.RouteDef]:
        """Every path, each behind a token."""
        routes.check()
        special: dict[tuple[str, str], Special] = {
            ("GET", "broadcasts/{id}/preview"): self._preview,
            ("GET", "audit/export"): self._export,
            ("POST", "imports/{kind}"): self._import,
            ("POST", "knowledge"): self._teach,
            ("GET", "knowledge/search"): self._find,
            ("POST", "tiers/preview"): self._tier_preview,
            ("GET", "distribution/report.csv"): self._paths,
        }
        return [
            *[
                web.route(method, f"/api/v1/{path}", self._special(special[method, path], may))
                for (method, path), may in routes.SPECIAL.items()
            ],
            *[web.get(f"/api/v1/{path}", self._reading(reading)) for path, reading in routes.READS.items()],
            *[web.post(f"/api/v1/{path}", self._posting(act)) for path, act in routes.POSTS.items()],
        ]

    def _reading(self, reading: Reading) -> Handler:
        async def ask(request: web.Request, caller: Caller) -> Answer:
            query = _query(request, reading.known) | dict(request.match_info)
            sight = caller.sight(reading.may)
            return 200, await asyncio.to_thread(self._read, reading, query, sight)

        return self._guarded(ask)

    def _posting(self, act: str) -> Handler:
        async def ask(request: web.Request, caller: Caller) -> Answer:
            more: dict[str, Any] = {**request.match_info}
            if "id" in more:
                more["id"] = _id(request)
            if act == MAKING:
                return await self._writes.new_token(request, caller)
            return await self._writes.ask(act, request, more, caller)

        return self._guarded(ask)

    def _special(self, ask: Special, may: str) -> Handler:
        async def asked(request: web.Request, caller: Caller) -> Answer | web.StreamResponse:
            return await ask(request, caller, caller.sight(may))

        return self._guarded(asked)

    async def _import(self, request: web.Request, caller: Caller, sight: Sight) -> Answer:
        sight.whole()
        return await self._imports.ask(request, caller.userid or "api")

    async def _teach(self, request: web.Request, caller: Caller, sight: Sight) -> Answer:
        sight.whole()
        return await self._imports.knowledge.ask(request, caller.userid or "api")

    async def _find(self, request: web.Request, caller: Caller, sight: Sight) -> Answer:
        query = _query(request, FINDING)
        return 200, await asyncio.to_thread(self._found, query)

    def _found(self, query: dict[str, str]) -> dict[str, Any]:
        with self._database.engine.connect() as connection:
            return search(connection, query, self._writes.now())

    async def _export(self, request: web.Request, caller: Caller, sight: Sight) -> web.StreamResponse:
        sight.whole()
        return await Export(self._database).send(request)

    async def _preview(self, request: web.Request, caller: Caller, sight: Sight) -> Answer:
        return 200, await asyncio.to_thread(self._look, _id(request), sight)

    def _look(self, broadcast_id: int, sight: Sight) -> dict[str, Any]:
        with self._database.engine.connect() as connection:
            return self._previews.of(connection, broadcast_id, sight, self._writes.now())

    async def _paths(self, request: web.Request, caller: Caller, sight: Sight) -> web.StreamResponse:
        sight.whole()
        text = await asyncio.to_thread(self._paths_of, _query(request, ("from", "to")))
        headers = {"Content-Disposition": "attachment; filename=distribution.csv", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)

    def _paths_of(self, query: dict[str, str]) -> str:
        with self._database.engine.connect() as connection:
            return distribution_report.as_csv(connection, query)

    async def _tier_preview(self, request: web.Request, caller: Caller, sight: Sight) -> Answer:
        sight.whole()
        body = await self._writes.body(request)
        return 200, await asyncio.to_thread(self._tiers_by, body)

    def _tiers_by(self, body: dict[str, Any]) -> dict[str, Any]:
        with self._database.engine.connect() as connection:
            return tier_reads.preview(connection, body, self._writes.now())

    def _guarded(self, ask: Callable[[web.Request, Caller], Awaitable[Answer | web.StreamResponse]]) -> Handler:
        """Behind a token, and every failure in the API's one shape."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await ask(request, await self._callers.of(request))
                if isinstance(answer, web.StreamResponse):
                    return answer
                return web.json_response(answer[1], status=answer[0], dumps=dumps)
            except Refused as refused:
                return refused.answer()
            except web.HTTPException:
                raise  # aiohttp's own answer, such as 413
            except Exception:
                number = secrets.token_hex(4)
                logger.bind(action="api_failed").exception("path={} error_id={}", request.path, number)
                return Refused(500, "internal", f"出错了，日志里找 error_id={number}").answer()

        return handle

    def _read(self, reading: Reading, query: dict[str, str], sight: Sight) -> dict[str, Any]:
        with self._database.engine.connect() as connection:
            if reading.timed:
                return reading.read(connection, query, sight, self._writes.now())
            if reading.scoped:
                return reading.read(connection, query, sight)
            sight.whole()
            return reading.read(connection, query)


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
