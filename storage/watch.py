"""What somebody should look at: events and calls that were given up, budgets that are used up."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import String, cast, func, literal, select

from storage.db import Db
from storage.sql import Sql
from storage.tables import CouponTemplate, Inbox, Outbox, Stock

_I = Inbox.__table__  # type: ignore[attr-defined]
_O = Outbox.__table__  # type: ignore[attr-defined]
_S = Stock.__table__  # type: ignore[attr-defined]
_C = CouponTemplate.__table__  # type: ignore[attr-defined]

# `error IS NOT NULL` is the condition of the indexes over the troubled rows.
_DEAD_EVENTS = Sql(
    select(func.count(), func.max(_I.c.id), func.max(_I.c.kind)).where(_I.c.error.is_not(None), _I.c.status == "dead")
)
_DEAD_CALLS = Sql(
    select(func.count(), func.max(_O.c.id), func.max(_O.c.call)).where(
        _O.c.error.is_not(None), _O.c.status == "dead", _O.c.call != "webhook/send"
    )
)
_EMPTY_BUDGETS = Sql(
    select(_S.c.name, _C.c.name, _S.c.total)
    .join(_S, _S.c.name == literal("budget:coupon:") + cast(_C.c.id, String))
    .where(_C.c.budget_fen > 0, _S.c.remaining < _C.c.liability_fen)
    .order_by(_S.c.name)
)


class Dead(NamedTuple):
    """How many were given up, the newest one's id, and a kind of them."""

    number: int
    newest: int | None
    kind: str | None


class Budget(NamedTuple):
    """A coupon's budget that has no room for one more."""

    stock: str
    coupon: str
    total_fen: int


def dead_events(db: Db) -> Dead:
    """Events whose turn raised five times."""
    return Dead(*(db.one(_DEAD_EVENTS) or (0, None, None)))


def dead_calls(db: Db) -> Dead:
    """Calls that were refused for good; an alert that could not be sent raises no alert."""
    return Dead(*(db.one(_DEAD_CALLS) or (0, None, None)))


def empty_budgets(db: Db) -> list[Budget]:
    """Coupon budgets that are used up."""
    return [Budget(*row) for row in db.all(_EMPTY_BUDGETS)]
