"""人群查询: a segment's rule as one SELECT of member ids, the same on both databases, with bound values only.

Every condition is a join that keeps one row a member, or `id IN (SELECT member_id …)`: neither database then asks
anything once per member. For the windows of a freeze the same conditions are bounded by the window's ids.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement

from storage import tables
from storage.db import Db
from storage.segment_rule import Amount, Span
from storage.sql import any_of

Late = Callable[[datetime, date], Any]


def table_of(model: Any) -> Any:
    """A declared class as Core sees it."""
    return model.__table__


STATS, ORDERS, PROFILE = map(table_of, (tables.MemberStats, tables.Order, tables.MemberProfile))
BALANCE = table_of(tables.Balance)


def knowing(db: Db, mode: str) -> None:
    """PostgreSQL plans a window by its ids (`force_custom_plan`, then `auto` again): a plan for any window at all would
    read the whole table in each."""
    if db.dialect == "postgresql":
        db.connection.execute(f"SET LOCAL plan_cache_mode = {mode}")


class whole(ColumnElement[Any]):  # noqa: N801 - reads as SQL in a statement
    """A column that SQLite may not look up by an index of its own: inside a window the members' index is the way."""

    inherit_cache = False

    def __init__(self, column: Any) -> None:
        self.column, self.type = column, column.type

    def get_children(self, **_: Any) -> Any:
        """Let visitors find the column's table."""
        return (self.column,)


@compiles(whole, "sqlite")
def _whole_sqlite(element: whole, compiler: Any, **kw: Any) -> str:
    return f"+{compiler.process(element.column, **kw)}"


@compiles(whole, "postgresql")
def _whole_postgresql(element: whole, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.column, **kw))


class Binder:
    """Names for the values of one rule; some are known only when it is asked, such as `30 days ago`.

    With `windowed` every question is bounded to ids in (:after, :upto].
    """

    def __init__(self, *, windowed: bool) -> None:
        self.windowed = windowed
        self.fixed: dict[str, Any] = {}
        self.late: dict[str, Late] = {"now": lambda now, _: now}

    def value(self, column: Any, value: Any) -> Any:
        """A value to compare a column with."""
        name = f"v{len(self.fixed)}"
        self.fixed[name] = value
        return bindparam(name, type_=column.type)

    def ago(self, column: Any, days: int) -> Any:
        """The moment so many days before the question."""
        return self._later(column, lambda now, _: now - timedelta(days=days))

    def now(self, column: Any) -> Any:
        """The moment of the question."""
        return bindparam("now", type_=column.type)

    def any(self, column: Any, values: list[str]) -> Any:
        """One of these."""
        name = f"v{len(self.fixed)}"
        self.fixed[name] = values
        return any_of(column, name)

    def any_later(self, column: Any, values: Late) -> Any:
        """One of what the day of the question decides."""
        name = f"d{len(self.late)}"
        self.late[name] = values
        return any_of(column, name)

    def _later(self, column: Any, value: Late) -> Any:
        name = f"d{len(self.late)}"
        self.late[name] = value
        return bindparam(name, type_=column.type)

    def inside(self, column: Any) -> list[Any]:
        """The window's bounds of a column of member ids."""
        if not self.windowed:
            return []
        return [column > bindparam("after", type_=column.type), column <= bindparam("upto", type_=column.type)]

    def plain(self, column: Any) -> Any:
        """A column that must not tempt SQLite away from the window."""
        return whole(column) if self.windowed else column

    def given(self, now: datetime, today: date) -> dict[str, Any]:
        """Every value, as of a moment and the shops' day."""
        return self.fixed | {name: value(now, today) for name, value in self.late.items()}


class Asked:
    """One question about members: what it joins (each at most once) and what must hold."""

    def __init__(self, member: Any, binder: Binder) -> None:
        self.member, self.bind = member, binder
        self.where: list[Any] = [member.c.merged_into.is_(None)]
        self._joined: dict[Any, tuple[Any, Any, bool]] = {}

    def stats(self, *, needed: bool) -> Any:
        """The member's standing orders; with `needed` only who has some."""
        return self._join("stats", STATS.alias(), lambda of: of.c.member_id == self.member.c.id, needed).c

    def profile(self) -> Any:
        """What the member told of themselves, for who did."""
        return self._join("profile", PROFILE.alias(), lambda of: of.c.member_id == self.member.c.id, True).c

    def points(self) -> Any:
        """The member's points."""
        account = literal("member:") + self.member.c.id.cast(BALANCE.c.account.type)
        return self._join(
            "points", BALANCE.alias(), lambda of: (of.c.account == account) & (of.c.asset == "points"), False
        ).c.amount

    def lately(self, days: int, *, needed: bool) -> Any:
        """The member's standing orders of the last so many days: `orders`, `spend_fen`, `last_paid_at`."""
        kept = self._joined.get(days)
        if kept is not None:
            return self._join(days, kept[0], lambda _: kept[1], needed).c
        o = ORDERS.alias()
        recent = (
            select(
                o.c.member_id, func.count().label("orders"),
                func.sum(o.c.amount_fen - o.c.refunded_fen).label("spend_fen"),
                func.max(o.c.paid_at).label("last_paid_at"),
            )
            .where(
                *self.bind.inside(o.c.member_id), self.bind.plain(o.c.paid_at) >= self.bind.ago(o.c.paid_at, days),
                o.c.refunded_fen < o.c.amount_fen,
            )
            .group_by(o.c.member_id)
            .subquery()
        )  # fmt: skip
        return self._join(days, recent, lambda of: of.c.member_id == self.member.c.id, needed).c

    def _join(self, key: Any, of: Any, on: Callable[[Any], Any], needed: bool) -> Any:
        kept = self._joined.get(key)
        if kept is None:
            kept = (of, on(of), needed)
        self._joined[key] = (kept[0], kept[1], kept[2] or needed)
        return kept[0]

    def among(self, column: Any, *where: Any) -> None:
        """The member is among those that another table names."""
        self.where.append(self.member.c.id.in_(select(column).where(*self.bind.inside(column), *where)))

    def select(self, *columns: Any) -> Any:
        """The question itself."""
        source = self.member
        for of, on, needed in self._joined.values():
            source = source.join(of, on) if needed else source.outerjoin(of, on)
        return select(*columns).select_from(source).where(*self.where)


def span(asked: Asked, column: Any, of: Span) -> None:
    """A moment lies in a span."""
    bind = asked.bind
    if of.within_days is not None:
        asked.where.append(column >= bind.ago(column, of.within_days))
    if of.not_within_days is not None:
        asked.where.append(column < bind.ago(column, of.not_within_days))
    if of.since is not None:
        asked.where.append(column >= bind.value(column, of.since))
    if of.until is not None:
        asked.where.append(column < bind.value(column, of.until))


def bounds(asked: Asked, column: Any, least: int | None, most: int | None) -> None:
    """A number lies between its bounds; where there is no row it is 0."""
    bind, there = asked.bind, column if least else func.coalesce(column, 0)
    if least:
        asked.where.append(there >= bind.value(column, least))
    if most is not None:
        asked.where.append(there <= bind.value(column, most))


def amount(asked: Asked, name: str, of: Amount) -> None:
    """Orders or spend, of all time or of the last days."""
    needed = bool(of.least)
    source = asked.lately(of.within_days, needed=needed) if of.within_days else asked.stats(needed=needed)
    bounds(asked, source[name], of.least, of.most)


def steps(value: Any, edges: list[Any]) -> Any:
    """Which of the cells 1 to 5 a growing number lies in."""
    places = [(value >= edge, len(edges) - at + 1) for at, edge in enumerate(reversed(edges))]
    return case(*places, else_=1)
