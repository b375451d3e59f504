"""POST /api/v1/imports/{kind}: a file as the request's body, checked and entered as on the command line."""

from __future__ import annotations

import io
from typing import Any

from aiohttp import web

from bot.errors import NotStored
from console.imports.carrying import NO, YES, body_of, refusal
from console.imports.entering import Importer
from console.imports.kinds import KINDS
from console.imports.reading import Unreadable
from console.knowledge.http import KnowledgeFiles
from console.knowledge.taking import Library
from console.refusals import Refused


class Imports:
    """The way of a file from a request into the books; `knowledge` is that of what the shop answers."""

    def __init__(self, importer: Importer, library: Library) -> None:
        self._importer, self.knowledge = importer, KnowledgeFiles(library)

    async def ask(self, request: web.Request, made_by: str) -> tuple[int, dict[str, Any]]:
        """Status and answer. Raises `Refused`, with the wrong rows where there are some."""
        kind = request.match_info["kind"]
        if kind not in KINDS:
            raise Refused(404, "not_found", f"只能导入 {'、'.join(KINDS)}", "kind")
        dry_run = _flag(request)
        file = io.BytesIO(await body_of(request))
        try:
            done = await self._importer.take(kind, file, made_by, lambda _stage, _rows: None, dry_run=dry_run)
        except Unreadable as error:
            raise Refused(422, "unreadable", str(error), error.field) from None
        except NotStored:
            raise Refused(503, "not_stored", "数据库现在写不进去，请稍后再试；什么都没有写入") from None
        if done.report.wrong_count:
            raise refusal(done.report)
        report = done.report
        answer = {"kind": kind, "rows": report.rows, "known": report.known, "encoding": report.encoding}
        return 200, {**answer, "kept": report.kept, "dry_run": dry_run, **done.entered}


def _flag(request: web.Request) -> bool:
    for name, value in request.query.items():
        if name != "dry_run" or value.lower() not in YES + NO:
            raise Refused(400, "bad_value", "只有一个参数：dry_run=1 只检查，不写入", name)
    return request.query.get("dry_run", "").lower() in YES
