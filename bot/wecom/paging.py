"""翻页 paging: lists that come in pages, one after the other, until the cursor is empty."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.errors import WeComUnreachable
from bot.wecom.answers import JSON
from bot.wecom.transport import Transport


async def pages(transport: Transport, path: str, body: JSON) -> AsyncIterator[JSON]:
    """Every page of a list. A page may be empty and still have a successor. A cursor that comes twice would never end,
    so it is an error; 50100 (bad cursor) is the caller's sign to begin anew."""
    cursor, seen = "", {""}
    while True:
        told = await transport.call(path, {**body, "cursor": cursor})
        yield told
        cursor = str(told.get("next_cursor") or "")
        if not cursor:
            return
        if cursor in seen:
            raise WeComUnreachable(path, "the same cursor again", ambiguous=False)
        seen.add(cursor)
