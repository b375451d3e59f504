"""POST /api/v1/knowledge?source=faq.csv: a file as the request's body, checked and taken in as on the command line."""

from __future__ import annotations

import io
from typing import Any

from aiohttp import web

from bot.errors import NotStored
from console.imports.carrying import NO, YES, body_of, refusal
from console.imports.reading import Unreadable
from console.knowledge.taking import Library, source_of
from console.refusals import Refused


class KnowledgeFiles:
    """The way of a file from a request into the knowledge base."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def ask(self, request: web.Request, by: str) -> tuple[int, dict[str, Any]]:
        """Status and answer. Raises `Refused`, with the wrong rows where there are some."""
        dry_run = _flags(request)
        try:
            source = source_of(request.query.get("source", ""))
            file = io.BytesIO(await body_of(request))
            taken = await self._library.take(source, file, by, dry_run=dry_run)
        except Unreadable as error:
            raise Refused(422, "unreadable", str(error), error.field) from None
        except NotStored:
            raise Refused(503, "not_stored", "数据库现在写不进去，请稍后再试；什么都没有写入") from None
        if taken.kept is None:
            raise refusal(taken.report)
        report = taken.report
        answer = {"source": source, "rows": report.rows, "encoding": report.encoding, "dry_run": dry_run}
        return 200, answer | taken.kept._asdict()


def _flags(request: web.Request) -> bool:
    for name in request.query:
        if name not in ("source", "dry_run"):
            raise Refused(400, "unknown_parameter", f"没有参数 {name}，可以用：source、dry_run", name)
    given = request.query.get("dry_run", "").lower()
    if given not in YES + NO:
        raise Refused(400, "bad_value", "dry_run：dry_run=1 只检查，不写入", "dry_run")
    return given in YES
