"""What the JSON API shows of media that staff sent, read with Core over a connection of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from bot.media_kinds import FILES, PICTURES
from console.paging import page
from console.refusals import Refused
from console.sight import ALL, Sight
from storage import tables
from storage.media import MARK

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
KINDS = (*PICTURES, *FILES)


def media(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Files, newest first, each with who sent it; by code, kind or sender."""
    m, s = t.Media, t.MediaSender
    seen = select(s.media_id).where(s.media_id == m.id, sight.staff(s.userid))
    if "userid" in query:
        seen = seen.where(s.userid == query["userid"])
    rows = select(m.__table__).where(seen.exists())
    if "code" in query:
        seq = query["code"].upper().removeprefix(MARK)
        if not seq.isascii() or not seq.isdigit() or len(seq) > 9:
            raise Refused(400, "bad_value", f"code：要像 {MARK}12", "code")
        rows = rows.where(m.seq == int(seq))
    if "kind" in query:
        if query["kind"] not in KINDS:
            raise Refused(400, "bad_value", f"kind：只能是 {'、'.join(KINDS)}", "kind")
        rows = rows.where(m.kind == query["kind"])
    found, following = page(connection, query, rows, m.id)
    return {"items": [_shown(connection, row, sight) for row in found], "next": following}


def _shown(connection: Connection, row: Any, sight: Sight) -> dict[str, Any]:
    s = t.MediaSender
    sent = select(s.userid, s.sent_at).where(s.media_id == row.id, sight.staff(s.userid)).order_by(s.sent_at, s.userid)
    return {
        "id": row.id, "code": f"{MARK}{row.seq}", "kind": row.kind, "size": row.size, "width": row.width,
        "height": row.height, "sha256": row.sha256, "made_at": row.made_at.isoformat(),
        "senders": [{"userid": one.userid, "sent_at": one.sent_at.isoformat()} for one in connection.execute(sent)],
    }  # fmt: skip
