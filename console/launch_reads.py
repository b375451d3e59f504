"""What the JSON API shows of launches and of posts: how they stand and what came of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from console.paging import as_json, in_state, page
from console.refusals import Refused
from storage import tables

t: Any = tables
OCCASIONS = 100


def launches(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Launches, the latest first; `after` is the last id of the page before."""
    a = t.Launch
    found, following = page(
        connection, query, in_state(select(a.__table__), a, query, ("drafted", "approved", "stopped")), a.id
    )
    return {"items": [as_json(row) for row in found], "next": following}


def launch(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """One launch: its broadcasts, and the product's orders of those it reached."""
    row = _one(connection, t.Launch, query, "没有这次上市")
    m, b = t.LaunchMoment, t.Broadcast
    names = ("id", "channel", "status", "scheduled_at", "text", "coupon", "total", "left", "suppressed", "tasked",
             "sent", "failed")  # fmt: skip
    asked = select(*[getattr(b, name) for name in names]).join(m, m.broadcast_id == b.id)
    moments = list(connection.execute(asked.where(m.launch_id == row.id).order_by(m.place)))
    return {**as_json(row), "moments": [as_json(one) for one in moments], "results": _orders(connection, row, moments)}


def _orders(connection: Connection, row: Any, moments: list[Any]) -> dict[str, int]:
    """Orders that name the product, of members who got a message, from the first moment on until `days` after the
    last."""
    a, o = t.Audience, t.Order
    times = [one.scheduled_at for one in moments]
    reached = select(a.member_id).where(a.broadcast_id.in_([one.id for one in moments]), a.status == "sent")
    bought = (
        o.member_id.in_(reached), o.paid_at >= min(times), o.paid_at < max(times) + timedelta(days=row.days),
        o.refunded_fen < o.amount_fen, o.items.contains(f'"sku": {json.dumps(row.sku)}', autoescape=True),
    )  # fmt: skip
    paid = func.coalesce(func.sum(o.amount_fen - o.refunded_fen), 0)
    orders, buyers, fen = connection.execute(
        select(func.count(), func.count(o.member_id.distinct()), paid).where(*bought)
    ).one()
    count = connection.execute(select(func.count()).select_from(reached.distinct().subquery())).scalar_one()
    return {"reached": int(count), "orders": int(orders), "buyers": int(buyers), "paid_fen": int(fen)}


def posts(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Posts, the latest first, with what became of their tasks."""
    a = t.Post
    found, following = page(
        connection, query, in_state(select(a.__table__), a, query, ("running", "paused", "stopped")), a.id
    )
    return {"items": [{**_shown(row), "numbers": _numbers(connection, row.id)} for row in found], "next": following}


def _shown(row: Any) -> dict[str, Any]:
    named = {name: json.loads(getattr(row, name)) for name in ("times", "chat_ids", "userids")}
    return as_json(row, **named)


def _of(post_id: int) -> Any:
    """The tasks of a post: their keys are one range of the index."""
    k = t.GuideTask
    return (k.key >= f"post:{post_id}:") & (k.key < f"post:{post_id};")


def _numbers(connection: Connection, post_id: int) -> dict[str, int]:
    """open, done, forgotten."""
    k = t.GuideTask
    asked = select(k.status, func.count()).where(_of(post_id)).group_by(k.status)
    counted = {status: int(n) for status, n in connection.execute(asked)}
    return {
        "open": counted.get("open", 0), "done": counted.get("done", 0), "forgotten": counted.get("dropped", 0)
    }  # fmt: skip


def post(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """One post and its latest postings: whose, until when, done or forgotten."""
    row, k = _one(connection, t.Post, query, "没有这个排期"), t.GuideTask
    asked = select(k.id, k.userid, k.text, k.due_at, k.status, k.done_at).where(_of(row.id))
    found = connection.execute(asked.order_by(k.id.desc()).limit(OCCASIONS))
    states = {"dropped": "forgotten"}
    postings = [as_json(one, status=states.get(one.status, one.status)) for one in found]
    return {**_shown(row), "numbers": _numbers(connection, row.id), "postings": postings}


def _one(connection: Connection, model: Any, query: dict[str, str], why: str) -> Any:
    asked = select(model.__table__).where(model.id == int(query["id"])) if query["id"].isdigit() else None
    row = connection.execute(asked).one_or_none() if asked is not None else None
    if row is None:
        raise Refused(404, "not_found", why, "id")
    return row
