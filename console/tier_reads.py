"""会员等级: the rules in force, who holds what, every change; and what other rules would do to today's members, tried
without changing anything.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Integer, and_, case, func, literal, or_, select

from bot.clock import ZONE
from console.paging import as_json, number, page
from console.refusals import Refused
from console.sight import ALL, Sight
from scenarios.tier_rules import BASIC, TierRules, lowered, window
from storage import tables
from storage.tiers import IN_WINDOW, SUMS

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
SHOWN = 5


def tiers(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """The rules in force with the number of members of each tier."""
    r, m = t.TierRule, t.Member
    row = connection.execute(select(r.id, r.rules, r.made_by, r.made_at).order_by(r.id.desc()).limit(1)).first()
    counted = select(m.tier, func.count()).where(m.merged_into.is_(None)).group_by(m.tier)
    members = {str(tier): int(count) for tier, count in connection.execute(counted)}
    return {"rules": as_json(row, rules=json.loads(row.rules)) if row else None, "members": members}


def changes(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Whose level changed and why, newest first."""
    c = t.TierChange
    rows = select(*c.__table__.columns).where(sight.member(c.member_id))
    if (member_id := number(query, "member_id")) is not None:
        rows = rows.where(c.member_id == member_id)
    found, after = page(connection, query, rows, c.id)
    return {"items": [as_json(row) for row in found], "next": after}


def preview(connection: Connection, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What the rules in the body would do now. Raises Refused, naming the field."""
    rules = _read(body)
    held, rank, source, given = _question(rules, now)
    alive = t.Member.merged_into.is_(None)
    counted = select(held, rank, func.count()).select_from(source).where(alive).group_by(held, rank)
    up: Counter[str] = Counter()
    down: Counter[str] = Counter()
    then: Counter[str] = Counter()
    before: Counter[str] = Counter()
    moved: dict[str, list[tuple[str, int]]] = {"up": [], "down": []}
    for level, deserved, count in connection.execute(counted, given):
        there = rules.rank(level)
        to = lowered(there, deserved, rules) if deserved < there else deserved
        before[level] += count
        then[rules.name(to) or BASIC] += count
        if to != there:
            (up if to > there else down)[rules.name(to) or BASIC] += count
            moved["up" if to > there else "down"].append((level, deserved))
    samples = {
        way: _samples(connection, select(t.Member.id, t.Member.name, held, rank).select_from(source).where(alive),
                      held, rank, given, rules, pairs)
        for way, pairs in moved.items()
    }  # fmt: skip
    return {"members": sum(before.values()), "now": before, "then": then, "up": up, "down": down, "sample": samples}


def _read(body: dict[str, Any]) -> TierRules:
    try:
        return TierRules.model_validate(body.get("rules", {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(422, "wrong_value", first["msg"], ".".join(map(str, ("rules", *first["loc"])))) from None


def _question(rules: TierRules, now: datetime) -> tuple[Any, Any, Any, dict[str, datetime]]:
    """What each member holds, and the rank that they earn by these rules."""
    m, h, o = t.Member, t.MemberTier, t.Order
    fen, yuan, orders = SUMS
    value = fen if rules.counts == "spend" else yuan * rules.per_yuan + orders * rules.per_order
    sums = select(o.member_id, value.label("value")).where(*IN_WINDOW).group_by(o.member_id).subquery("sums")
    reached = [
        (sums.c.value >= one.at_least, literal(place, Integer))
        for place, one in reversed([*enumerate(rules.levels, 1)])
        if one.at_least is not None
    ]
    rank = case(*reached, else_=literal(0, Integer)).label("rank") if reached else literal(0, Integer).label("rank")
    held = func.coalesce(h.level, m.tier).label("held")
    table = m.__table__.outerjoin(h, h.member_id == m.id).outerjoin(sums, sums.c.member_id == m.id)
    since, until = window(now.astimezone(ZONE).date(), rules.months)
    return held, rank, table, {"since": since, "until": until}


def _samples(
    connection: Connection, asked: Any, held: Any, rank: Any, given: dict[str, datetime], rules: TierRules,
    pairs: list[tuple[str, int]],
) -> list[dict[str, Any]]:  # fmt: skip
    """Some of those who would move."""
    if not pairs:
        return []
    fits = or_(*[and_(held.element == level, rank.element == deserved) for level, deserved in pairs])
    rows = connection.execute(asked.where(fits).order_by(t.Member.id).limit(SHOWN), given)
    return [
        {"id": row.id, "name": row.name, "from": row.held or BASIC,
         "to": rules.name(lowered(rules.rank(row.held), row.rank, rules) if row.rank < rules.rank(row.held)
                          else row.rank) or BASIC}
        for row in rows
    ]  # fmt: skip
