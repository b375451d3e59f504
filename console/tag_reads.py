"""What the JSON API shows of tag groups, of rules that tag and of their walks."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from console import segment_reads
from console.paging import as_json, number, page
from console.refusals import Refused
from console.segment_reads import words
from console.sight import Sight
from storage import segments as chosen
from storage import tables
from storage.segment_rule import read
from storage.tag_rules import BY

t: Any = tables


def groups(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Tag groups that were set up: `exclusive` ones hold one tag of a member, WeCom has those that are `corp`."""
    g = t.TagGroup
    rows = connection.execute(select(g.name, g.exclusive, g.corp, g.made_by, g.made_at).order_by(g.name))
    return {"items": [as_json(row, exclusive=bool(row.exclusive), corp=bool(row.corp)) for row in rows]}


def rules(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Rules that tag, newest first; ended ones when they are asked for."""
    r = t.TagRule
    asked = select(r.__table__)
    if "group" in query:
        asked = asked.where(r.group_name == query["group"])
    if "set" in query:
        asked = asked.where(r.origin == query["set"])
    asked = asked.where(r.status == query["status"]) if "status" in query else asked.where(r.ended_at.is_(None))
    found, following = page(connection, query, asked, r.id)
    return {"items": [_shown(row) for row in found], "next": following}


def _shown(row: Any) -> dict[str, Any]:
    shown = as_json(row, rule=json.loads(row.rule), says=words().rule(read(row.rule)))
    return {**shown, "group": shown.pop("group_name"), "set": shown.pop("origin")}


def rule(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """One rule, what it said before, and how many members have its tag by it."""
    r, v, m = t.TagRule, t.TagRuleVersion, t.MemberTag
    row = connection.execute(select(r.__table__).where(r.id == number(query, "id"))).first()
    if row is None:
        raise Refused(404, "not_found", words().say("no_tag_rule"))
    asked = select(v.version, v.rule, v.days, v.place, v.made_by, v.made_at).where(v.rule_id == row.id)
    versions = [
        as_json(one, rule=json.loads(one.rule), says=words().rule(read(one.rule)))
        for one in connection.execute(asked.order_by(v.version))
    ]
    held = select(func.count()).where(m.group_name == row.group_name, m.name == row.name, m.by == f"{BY}{row.id}")
    return {**_shown(row), "members": connection.execute(held).scalar_one(), "versions": versions}


def runs(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Walks over all members, newest first."""
    found, following = page(connection, query, select(t.TagRun.__table__), t.TagRun.id)
    return {"items": [as_json(row) for row in found], "next": following}


def preview(connection: Connection, query: dict[str, str], sight: Sight, now: datetime) -> dict[str, Any]:
    """How many fit a rule that was not made (`rule`, JSON), as for segments; with `group` and `name`, how many of them
    have the tag already (`have`), and to how many a rule would not give it, because people gave them another of its
    exclusive group (`taken`)."""
    shown = segment_reads.count(connection, query, sight, now)
    if not query.get("group") or not query.get("name"):
        return shown
    fits = chosen.compiled(read(query["rule"]).model_dump_json())
    m, g, ids = t.MemberTag, t.TagGroup, fits.ids.subquery()
    standing = or_(m.expires_at.is_(None), m.expires_at > now)
    among = select(func.count(func.distinct(m.member_id))).join(ids, ids.c.id == m.member_id)
    of = among.where(m.group_name == query["group"], standing)
    taken = of.join(g, g.name == m.group_name).where(g.exclusive == 1, m.name != query["name"], m.source != "rule")
    given = fits.given(now)
    return {
        **shown, "have": connection.execute(of.where(m.name == query["name"]), given).scalar_one(),
        "taken": connection.execute(taken, given).scalar_one(),
    }  # fmt: skip
