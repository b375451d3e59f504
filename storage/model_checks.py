"""模型审计: budgets of tokens hold what open calls may use and have given what closed ones were charged."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, or_, select, union_all

from storage import tables

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def budget_off(_: datetime) -> Select[Any]:
    """A budget's `reserved` is what its open calls hold, its `taken` what its closed ones were charged."""
    c, s = t.ModelCall, t.Stock
    day = literal("model:") + c.day
    member = day + literal(":") + c.member_id.cast(_TEXT)
    held = case((c.over_at.is_(None), c.reserved), else_=0)
    of_days = select(day.label("name"), held.label("held"), c.charged.label("charged"))
    of_members = select(member, held, c.charged).where(c.member_id != 0)
    each = union_all(of_days, of_members).subquery()
    sums = (
        select(each.c.name, func.sum(each.c.held).label("held"), func.sum(each.c.charged).label("charged"))
        .group_by(each.c.name)
        .subquery()
    )
    held_of, charged_of = func.coalesce(sums.c.held, 0), func.coalesce(sums.c.charged, 0)
    return (
        select(s.name, s.reserved, s.taken, held_of, charged_of)
        .outerjoin(sums, sums.c.name == s.name)
        .where(s.name.like("model:%"), or_(s.reserved != held_of, s.taken != charged_of))
    )


def budget_missing(_: datetime) -> Select[Any]:
    """Every call stands in the budget of its day."""
    c, s = t.ModelCall, t.Stock
    return select(c.id, c.day).where(~select(s.name).where(s.name == literal("model:") + c.day).exists())


MODEL = (
    ("model: budgets hold and gave what the calls say", budget_off),
    ("model: each call stands in its day's budget", budget_missing),
)
