"""任务: what guides should do, each once by its unique key; done by a person, or dropped when its cause is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, func, select

from storage.db import Db
from storage.ids import Ids
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import GuideTask

rows = Rows(GuideTask)

_T = GuideTask.__table__  # type: ignore[attr-defined]
_OPEN = (_T.c.userid == bindparam("by"), _T.c.done_at.is_(None))
_MOST = bindparam("most", type_=_T.c.id.type)
_SHOWN = Sql(
    select(_T.c.id).where(*_OPEN, _T.c.due_at < bindparam("before")).order_by(_T.c.due_at, _T.c.id).limit(_MOST)
)
_COUNT = Sql(select(func.count()).where(*_OPEN, _T.c.due_at < bindparam("before")))
_DONE = Sql(
    select(func.count()).where(
        _T.c.userid == bindparam("by"),
        _T.c.done_at.is_not(None),
        _T.c.done_at >= bindparam("since"),
        _T.c.status == "done",
    )
)
_BUSY = Sql(
    select(_T.c.userid)
    .where(_T.c.done_at.is_(None), _T.c.due_at < bindparam("before"), _T.c.userid > bindparam("after"))
    .distinct()
    .order_by(_T.c.userid)
    .limit(_MOST)
)


def add(
    db: Db, ids: Ids, userid: str, kind: str, text: str, due_at: datetime, key: str, made_by: str, now: datetime,
    member_id: int | None = None,
) -> int | None:  # fmt: skip
    """Give a guide something to do; its id, None when `key` was used before (done or not, it is not asked for twice).

    `text` is a sentence as people read it; `made_by` a userid or `rule:<name>`.
    """
    if rows.one(db, key=key) is not None:
        return None
    row = GuideTask(
        id=ids.next(), key=key, userid=userid, member_id=member_id, kind=kind, text=text, due_at=due_at, status="open",
        made_by=made_by, made_at=now, done_by="", done_at=None,
    )  # fmt: skip
    return rows.add(db, row).id


def open_of(db: Db, userid: str, before: datetime, most: int) -> list[GuideTask]:
    """What a guide has to do by `before`, the longest overdue first."""
    found = [rows.one(db, id=row[0]) for row in db.all(_SHOWN, by=userid, before=before, most=most)]
    return [task for task in found if task is not None]


def count_open(db: Db, userid: str, before: datetime) -> int:
    """How much a guide has to do by `before`."""
    row = db.one(_COUNT, by=userid, before=before)
    return int(row[0]) if row else 0


def count_done(db: Db, userid: str, since: datetime) -> int:
    """How much a guide has done since."""
    row = db.one(_DONE, by=userid, since=since)
    return int(row[0]) if row else 0


def busy(db: Db, before: datetime, after: str, most: int) -> list[str]:
    """Guides who have something to do by `before`, by userid, page by page."""
    return [row[0] for row in db.all(_BUSY, before=before, after=after, most=most)]


def done(db: Db, task_id: int, by: str, now: datetime) -> bool:
    """Mark a task done; False when it is not open any more."""
    return rows.change(db, {"status": "done", "done_by": by, "done_at": now}, id=task_id, status="open") == 1


def drop(db: Db, key: str, by: str, now: datetime) -> bool:
    """What a task was for is over; False when it is not open."""
    return rows.change(db, {"status": "dropped", "done_by": by, "done_at": now}, key=key, status="open") == 1


def drop_of_member(db: Db, member_id: int, kind: str, userid: str, by: str, now: datetime) -> int:
    """Drop a guide's open tasks of a kind about a member; how many."""
    change = {"status": "dropped", "done_by": by, "done_at": now}
    return rows.change(db, change, member_id=member_id, done_at=None, kind=kind, userid=userid)


def hand_over(db: Db, member_id: int, was: str, userid: str) -> int:
    """Open tasks about a member go to another guide with the member; how many."""
    return rows.change(db, {"userid": userid}, member_id=member_id, done_at=None, userid=was)
