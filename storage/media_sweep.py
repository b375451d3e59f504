"""素材清理: files that nobody has sent for long and that nothing refers to; their rows go, then the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from storage import media
from storage.db import Db
from storage.segment_sql import table_of
from storage.sql import Sql
from storage.tables import Broadcast, KnowledgeChunk, Media, MediaSender, MediaUpload

_M, _S, _U, _B, _C = map(table_of, (Media, MediaSender, MediaUpload, Broadcast, KnowledgeChunk))
_BEFORE = bindparam("before", type_=_M.c.made_at.type)
_STALE = (
    _M.c.made_at < _BEFORE,
    ~select(_S.c.media_id).where(_S.c.media_id == _M.c.id, _S.c.sent_at >= _BEFORE).exists(),
)
# The newest stays: the next file's number follows from it, and no number may mean two files.
_NEWEST = select(func.max(_M.c.seq)).scalar_subquery()
_OLD = Sql(
    select(*_M.columns)
    .where(
        *_STALE,
        _M.c.seq < select(func.max(_M.c.seq)).scalar_subquery(),
        _M.c.id > bindparam("after", type_=_M.c.id.type),
    )
    .order_by(_M.c.id)
    .limit(bindparam("most", type_=_M.c.id.type))
)
_DROP = Sql(delete(_M).where(_M.c.id == bindparam("of"), *_STALE))
_REST = [Sql(delete(table).where(table.c.media_id == bindparam("of"))) for table in (_S, _U)]
_NAMING = [
    Sql(select(column).where(func.lower(column).contains(bindparam("code"))))
    for column in (_B.c.attachments, _C.c.text)
]


def old(db: Db, before: datetime, after: int, most: int) -> list[Media]:
    """Files that nobody has sent since, by id, beyond `after`."""
    names = _M.columns.keys()
    return [Media(**dict(zip(names, row, strict=True))) for row in db.all(_OLD, before=before, after=after, most=most)]


def named(db: Db, found: Media) -> bool:
    """Whether a broadcast or the knowledge names a file by its code."""
    code = media.code(found).lower()
    word = re.compile(rf"(?<![a-z0-9]){code}(?![0-9])")
    return any(word.search(row[0].lower()) for sql in _NAMING for row in db.all(sql, code=code))


def drop(db: Db, found: Sequence[Media], before: datetime) -> list[str]:
    """Forget these files, those left out that somebody has sent again or that are named; the paths of the others."""
    gone = []
    for one in found:
        if not named(db, one) and db.run(_DROP, of=one.id, before=before):
            for sql in _REST:
                db.run(sql, of=one.id)
            gone.append(one.path)
    return gone
