"""POST /api/v1/imports/{kind}: a file as the request's body, checked and entered as on the command line."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.errors import NotStored
from console.imports.entering import Importer
from console.imports.kinds import KINDS
from console.imports.reading import Unreadable
from console.imports.report import Report
from console.refusals import Refused

MOST_BYTES = 4 * 1024 * 1024
YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")


class Imports:
    """The way of a file from a request into the books."""

    def __init__(self, importer: Importer) -> None:
        self._importer = importer

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


def refusal(report: Report) -> Refused:
    """The wrong rows in the API's one shape."""
    more = "" if report.wrong_count <= len(report.wrong) else f"，这里列出前 {len(report.wrong)} 处"
    message = f"{report.wrong_count} 处有错{more}；什么都没有写入，改好后整个文件再导入一次"
    rows = [asdict(wrong) for wrong in report.wrong]
    return Refused(422, "wrong_rows", message, rows[0]["field"], rows=rows, count=report.wrong_count)


def _flag(request: web.Request) -> bool:
    for name, value in request.query.items():
        if name != "dry_run" or value.lower() not in YES + NO:
            raise Refused(400, "bad_value", "只有一个参数：dry_run=1 只检查，不写入", name)
    return request.query.get("dry_run", "").lower() in YES


async def body_of(request: web.Request) -> bytes:
    """The whole body, or no more than is allowed."""
    if request.content_type.startswith("multipart/"):
        raise Refused(400, "bad_request", "请把文件内容直接作为请求体：curl --data-binary @文件.csv", "body")
    parts, size = [], 0
    async for part in request.content.iter_chunked(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise Refused(413, "too_large", f"最大 {MOST_BYTES >> 20} MB：更大的文件用 python run.py import", "body")
    if not size:
        raise Refused(400, "bad_request", "请求体是空的：把文件内容作为请求体", "body")
    return b"".join(parts)
