"""审计记录 what the JSON API shows of the audit, and the file that somebody else can check without us."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from sqlalchemy import Connection, select

from console.paging import as_json, moment, page
from storage import audit_chain, tables
from storage.engine import Database

t: Any = tables
EXPORTED_AT_ONCE = 1_000


def audit(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """What was done, newest first, by whom, to what, in [from, to); `seq` null: a note of a rule, not linked. `subject`
    may be a beginning, such as `member:`."""
    a, link = t.AuditLog, t.AuditLink
    rows = select(a.__table__, link.seq, link.hash).outerjoin(link, link.audit_id == a.id)
    for name in ("actor", "action"):
        if name in query:
            rows = rows.where(getattr(a, name) == query[name])
    if "subject" in query:
        rows = rows.where(a.subject.startswith(query["subject"], autoescape=True))
    if "from" in query:
        rows = rows.where(a.made_at >= moment(query, "from"))
    if "to" in query:
        rows = rows.where(a.made_at < moment(query, "to"))
    found, following = page(connection, query, rows, a.id)
    items = [as_json(row, data=json.loads(row.data)) for row in found]
    return {"items": items, "next": following, "head": audit_chain.head(connection)._asdict()}


def lines(connection: Connection, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, str]]:
    """Linked rows in order, each as a line of JSON with its `hash` and what was hashed (`row`)."""
    for seq, digest, row in audit_chain.links(connection, after, limit):
        yield seq, json.dumps({"hash": digest, "row": json.loads(audit_chain.canonical(seq, row))}, ensure_ascii=False)


class Export:
    """GET /api/v1/audit/export: the whole chain, a line of JSON a link."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Page by page: it may be long."""
        response = web.StreamResponse()
        response.content_type = "application/x-ndjson"
        response.charset = "utf-8"
        await response.prepare(request)
        after = 0
        while page := await asyncio.to_thread(self._page, after):
            after = page[-1][0]
            await response.write("".join(f"{line}\n" for _, line in page).encode())
        await response.write_eof()
        return response

    def _page(self, after: int) -> list[tuple[int, str]]:
        with self._database.engine.connect() as connection:
            return list(lines(connection, after, EXPORTED_AT_ONCE))
