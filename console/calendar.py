"""日历 calendar: the file of a seat, behind a link that nobody guesses."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.ids import read_code
from console import salon_reads
from storage.engine import Database


class Calendar:
    """`/m/salons/{token}.ics`: what a phone's calendar reads, again and again if it likes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[web.RouteDef]:
        """The one path."""
        return [web.get("/m/salons/{token}.ics", self._file)]

    async def _file(self, request: web.Request) -> web.Response:
        body = await asyncio.to_thread(self._read, read_code(request.match_info["token"]))
        if body is None:
            raise web.HTTPNotFound(text="没有这个报名，或链接不完整")
        headers = {"Content-Disposition": 'attachment; filename="salon.ics"', "X-Content-Type-Options": "nosniff",
                   "Cache-Control": "no-store"}  # fmt: skip
        return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)

    def _read(self, token: str) -> bytes | None:
        with self._database.engine.connect() as connection:
            return salon_reads.calendar(connection, token)
