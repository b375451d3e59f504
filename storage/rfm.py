"""RFM 的尺子 the scale of R, F and M: where its cells begin. One row of the database, read by every question that asks
for cells; without the row the scale is the one of `storage.segment_rule`.

Thresholds are set; quintiles are computed from what the brand's members bought within RFM_DAYS, so that each cell holds
about a fifth of them (of many alike the lower cell takes all).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement

from storage.db import Db
from storage.rows import Rows
from storage.segment_rule import F_ORDERS, M_FEN, R_DAYS, RFM_DAYS
from storage.sql import Sql
from storage.tables import Member, Order, RfmScale

rows = Rows(RfmScale, "nothing")
ONLY = 1  # the row's id: there is one scale
DAY = timedelta(days=1)
THRESHOLDS, QUINTILES = "thresholds", "quintiles"

_S: Any = RfmScale.__table__  # type: ignore[attr-defined]
_O: Any = Order.__table__  # type: ignore[attr-defined]
_M: Any = Member.__table__  # type: ignore[attr-defined]
_STANDARD = {"r": R_DAYS, "f": F_ORDERS, "m": M_FEN}


class Scale(NamedTuple):
    """Edges: `r` in days, growing, of cells 5 to 2; `f` orders and `m` fen, growing, of cells 2 to 5."""

    r: tuple[int, ...] = R_DAYS
    f: tuple[int, ...] = F_ORDERS
    m: tuple[int, ...] = M_FEN


class days_before(ColumnElement[Any]):  # noqa: N801 - reads as SQL in a statement
    """A moment so many days before another, the number being SQL itself."""

    inherit_cache = False

    def __init__(self, moment: Any, days: Any) -> None:
        self.moment, self.days, self.type = moment, days, moment.type

    def get_children(self, **_: Any) -> Any:
        """Let visitors find the tables and values."""
        return (self.moment, self.days)


@compiles(days_before, "sqlite")
def _before_sqlite(element: days_before, compiler: Any, **kw: Any) -> str:
    moment, days = compiler.process(element.moment, **kw), compiler.process(element.days, **kw)
    return f"({moment} - {days} * 86400000000)"


@compiles(days_before, "postgresql")
def _before_postgresql(element: days_before, compiler: Any, **kw: Any) -> str:
    moment, days = compiler.process(element.moment, **kw), compiler.process(element.days, **kw)
    return f"(CAST({moment} AS timestamptz) - {days} * INTERVAL '1 day')"


def edge(letter: str, number: int) -> Any:
    """The scale's edge of a number (1 to 4), as SQL."""
    kept = select(_S.c[f"{letter}{number}"]).where(_S.c.id == ONLY).scalar_subquery()
    standard = _STANDARD[letter][number - 1]
    return func.coalesce(kept, bindparam(None, standard, type_=_S.c.r1.type))


def current(db: Db) -> Scale:
    """The scale in force."""
    row = rows.one(db, id=ONLY)
    if row is None:
        return Scale()
    return Scale(*(tuple(getattr(row, f"{letter}{n}") for n in range(1, 5)) for letter in "rfm"))


def keep(db: Db, scale: Scale, how: str, now: datetime) -> bool:
    """Measure by this scale from now on; False when that is so already."""
    there = rows.one(db, id=ONLY)
    if there is not None and current(db) == scale and there.how == how:
        return False
    edges = {f"{name}{n}": of[n - 1] for name, of in scale._asdict().items() for n in range(1, 5)}
    values = {**edges, "how": how, "made_at": now}
    if there is None:
        rows.add(db, RfmScale(id=ONLY, **values))
    else:
        rows.change(db, values, id=ONLY)
    return True


_LATE = (
    select(
        func.count().label("f"), func.sum(_O.c.amount_fen - _O.c.refunded_fen).label("m"),
        func.max(_O.c.paid_at).label("r"),
    )
    .join(_M, _M.c.id == _O.c.member_id)
    .where(
        _O.c.paid_at >= bindparam("since", type_=_O.c.paid_at.type), _O.c.refunded_fen < _O.c.amount_fen,
        _M.c.merged_into.is_(None),
    )
    .group_by(_O.c.member_id)
    .cte("late")
)  # fmt: skip


def _fifths(letter: str) -> Any:
    value = _LATE.c[letter]
    of = select(value.label("value"), func.ntile(5).over(order_by=value).label("fifth")).subquery()
    return select(of.c.fifth, func.min(of.c.value)).group_by(of.c.fifth).order_by(of.c.fifth)


_FIFTHS = {letter: Sql(_fifths(letter)) for letter in "rfm"}


def quintiles(connection: Connection, now: datetime) -> Scale | None:
    """The scale that parts the brand's buyers into fifths; None while there are fewer than five of them."""
    given = {"since": now - RFM_DAYS * DAY}
    lows = {letter: list(connection.execute(sql.core, given)) for letter, sql in _FIFTHS.items()}
    if any(len(found) < 5 for found in lows.values()):
        return None
    f, m = (_rising([int(low) for _, low in lows[letter]]) for letter in "fm")
    oldest = [low if isinstance(low, datetime) else None for _, low in lows["r"]]
    days = [max(1, -((moment - now) // DAY)) for moment in reversed(oldest) if moment is not None]
    return Scale(_apart(days[:4]), f, m)


def _rising(lows: list[int]) -> tuple[int, ...]:
    """Edges above the lowest fifth, each above the one before: what many share lies in the lower cell."""
    return _apart([max(lows[1], lows[0] + 1), *lows[2:]])


def _apart(edges: list[int]) -> tuple[int, ...]:
    made: list[int] = []
    for one in edges:
        made.append(max(one, made[-1] + 1) if made else one)
    return tuple(made)
