"""素材上传: under which media_id WeCom knows a kept file, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from storage.db import Db
from storage.rows import Rows
from storage.tables import MediaUpload

rows = Rows(MediaUpload)


class Wanted(NamedTuple):
    """A file as it goes out: as `image` or `file`, under the name that receivers see; `path` below the folder."""

    media_id: int
    kind: str
    name: str
    path: str


def good(db: Db, wanted: Wanted, now: datetime) -> str:
    """The media_id of an upload that still works; "" when there is none."""
    found = rows.one(db, media_id=wanted.media_id, kind=wanted.kind, name=wanted.name, until__gt=now)
    return found.wecom_id if found else ""


def keep(db: Db, wanted: Wanted, wecom_id: str, now: datetime, until: datetime) -> None:
    """An upload of now, in place of an older one."""
    fresh = {"wecom_id": wecom_id, "made_at": now, "until": until}
    if not rows.change(db, fresh, media_id=wanted.media_id, kind=wanted.kind, name=wanted.name):
        rows.add(db, MediaUpload(
            media_id=wanted.media_id, kind=wanted.kind, name=wanted.name, wecom_id=wecom_id, made_at=now, until=until
        ))  # fmt: skip


def forget(db: Db, media_id: int, now: datetime) -> int:
    """WeCom has it no more; how many uploads that were."""
    return rows.change(db, {"until": now}, media_id=media_id, until__gt=now)
