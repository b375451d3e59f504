"""What requests that carry a file have in common: its bytes, and its wrong rows in the API's one shape."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from console.imports.report import Report
from console.refusals import Refused

MOST_BYTES = 4 * 1024 * 1024
YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")


def refusal(report: Report) -> Refused:
    """The wrong rows in the API's one shape."""
    more = "" if report.wrong_count <= len(report.wrong) else f"，这里列出前 {len(report.wrong)} 处"
    message = f"{report.wrong_count} 处有错{more}；什么都没有写入，改好后整个文件再导入一次"
    rows = [asdict(wrong) for wrong in report.wrong]
    return Refused(422, "wrong_rows", message, rows[0]["field"], rows=rows, count=report.wrong_count)


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
