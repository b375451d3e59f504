"""What the JSON API shows of a guide's desk: tags, tasks, notes, coupons handed out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from console.paging import as_json, bad, equal, in_state, number, page
from console.sight import ALL, Sight
from storage import tables

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
TASK_STATES = ("open", "done", "dropped")
HANDOUT_STATES = ("asked", "waiting", "done", "declined")


def tags(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Tags that people may put on members, by group, with how many members have each; closed ones last said when."""
    g, m = t.Tag, t.MemberTag
    counted = select(func.count(func.distinct(m.member_id))).where(m.group_name == g.group_name, m.name == g.name)
    rows = select(g.__table__, counted.correlate(g).scalar_subquery().label("members"))
    if "group" in query:
        rows = rows.where(g.group_name == query["group"])
    found = connection.execute(rows.order_by(g.group_name, g.name)).all()
    return {"items": [as_json(row) for row in found]}


def tasks(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Guides' tasks, newest first; by guide, member, kind or state."""
    k = t.GuideTask
    rows = equal(select(k.__table__).where(sight.staff(k.userid)), k, query, "userid", "kind")
    if (member_id := number(query, "member_id")) is not None:
        rows = rows.where(k.member_id == member_id)
    found, following = page(connection, query, in_state(rows, k, query, TASK_STATES), k.id)
    return {"items": [as_json(row) for row in found], "next": following}


def notes(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """What staff wrote down about a member, newest first."""
    member_id = number(query, "member_id")
    if member_id is None:
        raise bad("member_id", "必填：要看谁的备注")
    n = t.MemberNote
    rows = select(n.__table__).where(n.member_id == member_id, sight.member(n.member_id))
    found, following = page(connection, query, rows, n.id)
    return {"items": [as_json(row) for row in found], "next": following}


def handouts(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Coupons that staff gave or were asked about, newest first; by who gave them, member or state."""
    h = t.Handout
    rows = equal(select(h.__table__).where(sight.staff(h.userid)), h, query, "userid")
    if (member_id := number(query, "member_id")) is not None:
        rows = rows.where(h.member_id == member_id)
    found, following = page(connection, query, in_state(rows, h, query, HANDOUT_STATES), h.id)
    return {"items": [as_json(row) for row in found], "next": following}
