"""素材: files that staff sent to the AI bot, each known by a short code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from storage.db import Db
from storage.ids import Ids
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Media, MediaSender

MARK = "P"
rows, senders = Rows(Media), Rows(MediaSender, "nothing")
_T = Media.__table__  # type: ignore[attr-defined]
_LAST = Sql(select(func.coalesce(func.max(_T.c.seq), 0)))


def code(media: Media) -> str:
    """By which people name it."""
    return f"{MARK}{media.seq}"


def by_code(db: Db, typed: str) -> Media | None:
    """The file that somebody names, as people write it: `P12`, `p12`."""
    number = typed.strip().upper().removeprefix(MARK)
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return rows.one(db, seq=int(number))


def keep(db: Db, ids: Ids, found: dict[str, Any], userid: str, cause: str, now: datetime) -> tuple[Media, bool]:
    """A file that was put away, and whether it is new here. Two processes that number at once: one runs again."""
    media = rows.one(db, sha256=found["sha256"])
    fresh = media is None
    if media is None:
        last = db.one(_LAST)
        media = Media(id=ids.next(), seq=(last[0] if last else 0) + 1, made_at=now, **found)
        rows.add(db, media)
    if not senders.change(db, {"sent_at": now}, media_id=media.id, userid=userid):
        senders.add(db, MediaSender(media_id=media.id, userid=userid, cause=cause, sent_at=now))
    return media, fresh


def sent_by(db: Db, media_id: int) -> list[str]:
    """Who sent a file."""
    return [one.userid for one in senders.all(db, order="userid", media_id=media_id)]
