"""What the JSON API shows of broadcasts: how far each is, who has pressed send, what became of everybody."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, func, literal_column, select

from console.paging import as_json, number, page
from console.refusals import Refused
from console.sight import Sight
from storage import tables

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
STATES = ("drafted", "approved", "freezing", "sending", "paused", "stopped", "done")
ROW_STATES = ("left", "suppressed", "tasked", "sent", "failed")
COUNTS = ("total", *ROW_STATES)
TASKS_SHOWN = 500
KEPT = 64
_counted: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
_LISTS = ("senders", "chat_ids")
_SHOWN = (
    "id", "name", "status", "channel", "segment_id", "scheduled_at", "made_by", "made_at", "approved_by", "approved_at",
    "frozen_at", *COUNTS, "changed_at", "coupon",
)  # fmt: skip


def broadcasts(connection: Connection, query: dict[str, str], sight: Sight) -> dict[str, Any]:
    """Broadcasts, newest first, each with its numbers; store managers see what their store made."""
    b = t.Broadcast
    rows = select(*[getattr(b, name) for name in _SHOWN]).where(sight.staff(b.made_by))
    if "status" in query:
        if query["status"] not in STATES:
            raise Refused(400, "bad_value", f"status：只能是 {'、'.join(STATES)}", "status")
        rows = rows.where(b.status == query["status"])
    found, following = page(connection, query, rows, b.id)
    return {"items": [_numbers(row) for row in found], "next": following}


def _numbers(row: Any) -> dict[str, Any]:
    """A broadcast's own figures: they always make up its total."""
    over = row.sent + row.suppressed + row.failed
    shown = as_json(row)
    counts = {name: shown.pop(name) for name in COUNTS}
    return {**shown, "numbers": counts, "percent": over * 100 // row.total if row.total else 0}


def broadcast(connection: Connection, query: dict[str, str], sight: Sight) -> dict[str, Any]:
    """One: what it says, its numbers, why some were not reached, and each task with who has pressed send."""
    row = find(connection, number(query, "id"), sight)
    return {
        **_numbers(row), **{name: json.loads(getattr(row, name)) for name in ("attachments", "rule", *_LISTS)},
        "allow_select": bool(row.allow_select), "reasons": _reasons(connection, row),
        "confirmed": _confirmed(connection, row.id), "tasks": _tasks(connection, row.id),
    }  # fmt: skip


def find(connection: Connection, broadcast_id: int | None, sight: Sight) -> Any:
    """A broadcast's whole row. Raises Refused when there is none, or it is not theirs to see."""
    b = t.Broadcast
    rows = select(b.__table__).where(b.id == broadcast_id, sight.staff(b.made_by))
    found = connection.execute(rows).one_or_none()
    if found is None:
        raise Refused(404, "not_found", f"没有群发 {broadcast_id}", "id")
    return found


def _reasons(connection: Connection, row: Any) -> list[dict[str, Any]]:
    """Counted anew only when the numbers they make up have changed."""
    key = (row.id, row.made_at, row.suppressed, row.failed)
    if key not in _counted:
        while len(_counted) >= KEPT:
            _counted.pop(next(iter(_counted)), None)
        _counted[key] = _count_reasons(connection, row)
    return _counted[key]


def _count_reasons(connection: Connection, row: Any) -> list[dict[str, Any]]:
    model = _rows_of(row.channel)
    counted = (
        select(model.status, model.reason, func.count())
        .where(model.broadcast_id == row.id, model.reason != literal_column("''"))  # as the index says it
        .group_by(model.status, model.reason)
        .order_by(func.count().desc(), model.reason)
    )
    return [{"status": one[0], "reason": one[1], "count": one[2]} for one in connection.execute(counted)]


def _rows_of(channel: str) -> Any:
    return t.AudienceChat if channel == "group" else t.Audience


def _confirmed(connection: Connection, broadcast_id: int) -> dict[str, int]:
    """Tasks by what became of them: `of` reached a member of staff, `by` of them were confirmed."""
    k = t.BroadcastTask
    counted = select(k.status, func.count()).where(k.broadcast_id == broadcast_id).group_by(k.status)
    found = {row[0]: row[1] for row in connection.execute(counted)}
    by = found.get("confirmed", 0) + found.get("done", 0)
    return {"by": by, "of": by + found.get("made", 0), "making": found.get("making", 0)}


def _tasks(connection: Connection, broadcast_id: int) -> list[dict[str, Any]]:
    """Each task: whose, how many receivers, how far. The first ones of very many."""
    k, s = t.BroadcastTask, t.Staff
    rows = (
        select(k.id, k.userid, s.name, k.chunk, k.status, k.error, k.size, k.sent, k.failed, k.reminded, k.made_at,
               k.confirmed_at, k.polled_at)
        .outerjoin(s, s.userid == k.userid)
        .where(k.broadcast_id == broadcast_id)
        .order_by(k.userid, k.chunk)
        .limit(TASKS_SHOWN)
    )  # fmt: skip
    return [as_json(row) for row in connection.execute(rows)]


def audience(connection: Connection, query: dict[str, str], sight: Sight) -> dict[str, Any]:
    """Everybody in one, by id; `status`, `reason` and `userid` choose among them, `after` is the last id of the page
    before."""
    row = find(connection, number(query, "id"), sight)
    model = _rows_of(row.channel)
    key = model.chat_id if row.channel == "group" else model.member_id
    rows = select(model.__table__).where(model.broadcast_id == row.id)
    if "status" in query and query["status"] not in ROW_STATES:
        raise Refused(400, "bad_value", f"status：只能是 {'、'.join(ROW_STATES)}", "status")
    for name in ("status", "reason", "userid"):
        if name in query:
            rows = rows.where(getattr(model, name) == query[name])
    if "after" in query:
        after: Any = query["after"] if row.channel == "group" else number(query, "after")
        rows = rows.where(key > after)
    limit = number(query, "limit", 50, 200) or 50
    found = connection.execute(rows.order_by(key).limit(limit + 1)).all()
    items = [{name: value for name, value in as_json(one).items() if name != "broadcast_id"} for one in found[:limit]]
    return {"items": items, "next": items[-1][key.key] if len(found) > limit else None}
