"""What the JSON API shows of segments: what a rule says, how many fit now, who they are. Asked over a connection of
its own: a count over a million members holds nobody up."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Select, or_, select

from bot.texts import Texts
from console.paging import MOST, USUAL, as_json, number, page
from console.refusals import Refused
from console.sight import ALL, Sight
from scenarios.segment_words import Words
from storage import segments as chosen
from storage import tables
from storage.segment_rule import Facts, Rule, read

t: Any = tables
SAMPLE = 10


@cache
def words() -> Words:
    """The sentences, read once."""
    return Words(Texts())


def segments(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Segments that are not put away, newest first: the brand's, and those of the asker's store."""
    s = t.Segment
    rows = select(s.id, s.name, s.rule, s.made_by, s.made_at).where(s.archived_at.is_(None), _theirs(sight))
    if "name" in query:
        rows = rows.where(s.name.contains(query["name"], autoescape=True))
    found, following = page(connection, query, rows, s.id)
    return {"items": [_shown(row) for row in found], "next": following}


def _theirs(sight: Sight) -> Any:
    """Whether a segment is there for the asker: nobody of another store made it."""
    s, p = t.Segment, t.Staff
    of_store = select(p.userid).where(p.userid == s.made_by, p.role.in_(chosen.OF_STORE)).exists()
    return or_(sight.staff(s.made_by), ~of_store)


def _shown(row: Any) -> dict[str, Any]:
    return as_json(row, rule=json.loads(row.rule), says=words().rule(read(row.rule)))


def segment(connection: Connection, query: dict[str, str], sight: Sight, now: datetime) -> dict[str, Any]:
    """One, with how many fit now and ten of them."""
    row = _find(connection, query, sight)
    return {**_shown(row), **_fitting(connection, read(row.rule), sight, now)}


def count(connection: Connection, query: dict[str, str], sight: Sight, now: datetime) -> dict[str, Any]:
    """How many fit a rule that was not saved (`rule`, JSON), what it says, ten who fit, and what in it nobody has."""
    rule = _given(query.get("rule", ""))
    hints = [
        {"field": field, "message": words().say("nobody_has", word=word)} for field, word in _odd(connection, rule)
    ]
    return {"says": words().rule(rule), **_fitting(connection, rule, sight, now), "hints": hints}


def members(connection: Connection, query: dict[str, str], sight: Sight, now: datetime) -> dict[str, Any]:
    """Who fits a segment now, by id, page by page."""
    rule = read(_find(connection, query, sight).rule)
    limit, after = number(query, "limit", USUAL, MOST) or USUAL, number(query, "after") or 0
    found = chosen.page(connection, rule, now, after, limit + 1, _within(sight))
    following = found[limit - 1].id if len(found) > limit else None
    return {"items": [as_json(row) for row in found[:limit]], "next": following}


def _within(sight: Sight) -> chosen.Within | None:
    return None if sight.scope == "all" else sight.member


def _fitting(connection: Connection, rule: Rule, sight: Sight, now: datetime) -> dict[str, Any]:
    found = chosen.page(connection, rule, now, 0, SAMPLE, _within(sight))
    counted = chosen.count(connection, rule, now, _within(sight)) if len(found) == SAMPLE else len(found)
    return {"count": counted, "sample": [as_json(row) for row in found]}


def _given(typed: str) -> Rule:
    try:
        return read(typed)
    except ValidationError as error:
        field, remedy = words().wrong(error)
        raise Refused(422, "wrong_rule", remedy, f"rule.{field}" if field else "rule") from None


def _find(connection: Connection, query: dict[str, str], sight: Sight) -> Any:
    s = t.Segment
    asked = select(s.id, s.name, s.rule, s.made_by, s.made_at).where(s.id == number(query, "id"), _theirs(sight))
    row = connection.execute(asked.where(s.archived_at.is_(None))).first()
    if row is None:
        raise Refused(404, "not_found", words().say("no_segment"))
    return row


def _odd(connection: Connection, rule: Rule) -> list[tuple[str, str]]:
    """(field, word) of what is named in a rule but nowhere in the books."""
    found = []
    if rule.within_store:
        known = select(t.Store.code).where(t.Store.code == rule.within_store)
        found = [] if connection.execute(known).first() else [("rule.within_store", rule.within_store)]
    for at, facts in [("rule", rule), *[(f"rule.exclude.{n}", one) for n, one in enumerate(rule.exclude)]]:
        for field, named, known in _named(facts):
            there = {row[0] for row in connection.execute(known)}
            found += [(f"{at}.{field}", word) for word in named if word not in there]
    return found


def _named(facts: Facts) -> list[tuple[str, list[str], Select[Any]]]:
    """What a rule names, and where it would be found."""
    g, c, f, s = t.MemberTag, t.CouponTemplate, t.Follow, t.Store
    asked = [
        (f"tags.{n}.any", of.any, select(g.name).distinct().where(g.group_name == of.group, g.name.in_(of.any)))
        for n, of in enumerate(facts.tags)
    ]
    plain = {"coupons": c.name, "channels": f.state, "guides": f.userid, "stores": s.code, "store_types": s.type}
    for field, column in plain.items():
        if named := getattr(facts, field):
            asked.append((field, named, select(column).distinct().where(column.in_(named))))
    return asked
