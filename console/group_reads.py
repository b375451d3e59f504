"""What the JSON API shows of customer groups, read with Core over a connection of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from console.paging import as_json, in_state, limit_of
from console.refusals import Refused
from console.sight import ALL, Sight
from storage import tables
from storage.group_assets import JOIN_WAY, WELCOME

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
DAYS = 30
STATES = ("active", "dismissed", "unreadable")
COLUMNS = ("chat_id", "name", "owner", "status", "met_at", "seen_at")


def groups(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Groups by chat_id, each with how many are in and its last counted day; `after` is the last chat_id."""
    g = t.GroupChat
    limit = limit_of(query)
    rows = select(*[getattr(g, name) for name in COLUMNS]).where(
        g.chat_id > query.get("after", ""), sight.staff(g.owner)
    )
    if "owner" in query:
        rows = rows.where(func.lower(g.owner) == query["owner"].lower())
    rows = in_state(rows, g, query, STATES)
    found = connection.execute(rows.order_by(g.chat_id).limit(limit + 1)).all()
    items = [
        as_json(row, **_counts(connection, row.chat_id), day=_day(connection, row.chat_id)) for row in found[:limit]
    ]
    return {"items": items, "next": items[-1]["chat_id"] if len(found) > limit else None}


def _counts(connection: Connection, chat_id: str) -> dict[str, int]:
    m = t.GroupMember
    kinds = select(m.kind, func.count()).where(m.chat_id == chat_id).group_by(m.kind)
    counted = {row[0]: row[1] for row in connection.execute(kinds)}
    return {"members": sum(counted.values()), "contacts": counted.get("contact", 0)}


def _day(connection: Connection, chat_id: str) -> dict[str, Any] | None:
    days = _days(connection, chat_id, 1)
    return days[0] if days else None


def _days(connection: Connection, chat_id: str, count: int) -> list[dict[str, Any]]:
    d = t.GroupDay
    rows = select(d.__table__).where(d.chat_id == chat_id).order_by(d.day.desc()).limit(count)
    return [
        {
            "day": row.day, "members": row.members, "contacts": row.contacts, "joined": row.joined, "left": row.left,
            "net": row.joined - row.left, "invited": json.loads(row.invited), "whole": bool(row.whole),
        }
        for row in connection.execute(rows)
    ]  # fmt: skip


def group(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """One group: who is in, by whom and by which way, who left, its days, and what WeCom counts for its owner."""
    g, m, left, o = t.GroupChat, t.GroupMember, t.GroupLeft, t.GroupOwnerDay
    mine = (g.chat_id == query["chat_id"]) & sight.staff(g.owner)
    found = connection.execute(select(*[getattr(g, name) for name in COLUMNS]).where(mine)).one_or_none()
    if found is None:
        raise Refused(404, "not_found", f"没有看到过群 {query['chat_id']}", "chat_id")
    inside = select(m.__table__).where(m.chat_id == found.chat_id).order_by(m.joined_at, m.person)
    gone = select(left.__table__).where(left.chat_id == found.chat_id).order_by(left.left_at.desc(), left.id.desc())
    owner = select(o.__table__).where(o.owner == found.owner).order_by(o.day.desc()).limit(DAYS)
    return as_json(
        found,
        **_counts(connection, found.chat_id),
        member_list=[_without_chat(row) for row in connection.execute(inside)],
        left_list=[_without_chat(row) for row in connection.execute(gone.limit(100))],
        days=_days(connection, found.chat_id, DAYS),
        owner_days=[_active(row) for row in connection.execute(owner)],
    )


def _without_chat(row: Any) -> dict[str, Any]:
    return {key: value for key, value in as_json(row).items() if key not in ("chat_id", "id")}


def _active(row: Any) -> dict[str, Any]:
    """`active_permille` is of all the owner's groups together: WeCom gives no number of a single one."""
    share = row.members_active * 1000 // row.members if row.members else None
    return as_json(row, active_permille=share)


def join_ways(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Join ways that exist, newest first, with how many came by each and are still there."""
    m, left = t.GroupMember, t.GroupLeft
    items = []
    for row in _assets(connection, JOIN_WAY):
        here = connection.execute(select(func.count()).where(m.state == row.state)).scalar_one()
        gone = connection.execute(select(func.count()).where(left.state == row.state)).scalar_one()
        body = json.loads(row.body)
        items.append({
            **_shown(row), "state": row.state, "config_id": row.remote_id, "qr_code": row.qr_code,
            "chat_ids": body["chat_id_list"], "auto_create_room": bool(body["auto_create_room"]),
            "came": here + gone, "here": here, "left": gone,
        })  # fmt: skip
    return {"items": items}


def welcomes(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Welcome material that exists, newest first."""
    rows = _assets(connection, WELCOME)
    return {"items": [{**_shown(row), "template_id": row.remote_id, "body": json.loads(row.body)} for row in rows]}


def _assets(connection: Connection, kind: str) -> list[Any]:
    a = t.GroupAsset
    rows = select(a.__table__).where(a.kind == kind, a.status != "deleted").order_by(a.id.desc())
    return list(connection.execute(rows).all())


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "status": row.status, "error": row.error,
        "created_at": _iso(row.created_at), "changed_at": _iso(row.changed_at),
    }  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
