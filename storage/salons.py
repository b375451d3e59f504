"""沙龙: salons and their seats; who is next is whoever has waited longest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql, any_of
from storage.tables import Salon, SalonSeat

rows = Rows(Salon)
seats = Rows(SalonSeat)

# Who has a seat, or has one kept for them: each is one of the stock `salon:<id>`.
SEATED = ("offered", "held", "confirmed", "attended", "absent")
COMING = ("held", "confirmed", "attended")

_S = Salon.__table__  # type: ignore[attr-defined]
_T = SalonSeat.__table__  # type: ignore[attr-defined]
_NEWEST = Sql(select(func.coalesce(func.max(_S.c.no), 0)))
_PLACE = Sql(update(_S).where(_S.c.id == bindparam("of")).values(queue=_S.c.queue + 1).returning(_S.c.queue))
_HOLD = Sql(update(_S).where(_S.c.id == bindparam("of")).values(queue=_S.c.queue))
_COUNTS = Sql(select(_T.c.status, func.count()).where(_T.c.salon_id == bindparam("of")).group_by(_T.c.status))
_AHEAD = Sql(
    select(func.count()).where(
        _T.c.salon_id == bindparam("of"), _T.c.status == "waiting", _T.c.place < bindparam("before")
    )
)
_ABSENT = Sql(
    select(func.count()).where(
        any_of(_T.c.member_id, "members"), _T.c.status == "absent", _T.c.changed_at > bindparam("since")
    )
)
_BATCH = Sql(
    select(*_T.columns)
    .where(_T.c.salon_id == bindparam("of"), any_of(_T.c.status, "states"), _T.c.id > bindparam("after"))
    .order_by(_T.c.id)
    .limit(bindparam("most", type_=_T.c.id.type))
)


def stock_name(salon_id: int) -> str:
    """The stock of a salon's seats."""
    return f"salon:{salon_id}"


def next_no(db: Db) -> int:
    """The number of the next salon; two that take the same at once meet at the unique key, and one runs again."""
    row = db.one(_NEWEST)
    return int(row[0]) + 1 if row else 1


def next_place(db: Db, salon_id: int) -> int:
    """A place at the end of the queue; until this transaction ends nobody else gets one."""
    row = db.one(_PLACE, of=salon_id)
    return int(row[0]) if row else 0


def hold(db: Db, salon_id: int) -> None:
    """Let nobody come to the queue or leave it until this transaction ends: what it is found to be then, it is."""
    db.run(_HOLD, of=salon_id)


def seat_of(db: Db, salon_id: int, member_ids: Sequence[int]) -> SalonSeat | None:
    """A person's seat, under whichever of their ids it was taken: one that counts before one that is over."""
    found = seats.all(db, salon_id=salon_id, member_id__in=list(member_ids))
    live = [seat for seat in found if seat.status not in ("cancelled", "lapsed")]
    return (live or found)[-1] if found else None


def first_waiting(db: Db, salon_id: int) -> SalonSeat | None:
    """Who has waited longest."""
    found = seats.all(db, salon_id=salon_id, status="waiting", order="place", limit=1)
    return found[0] if found else None


def ahead(db: Db, seat: SalonSeat) -> int:
    """How many wait before somebody."""
    row = db.one(_AHEAD, of=seat.salon_id, before=seat.place)
    return int(row[0]) if row else 0


def counts(db: Db, salon_id: int) -> dict[str, int]:
    """How many seats there are in each state."""
    return {status: int(n) for status, n in db.all(_COUNTS, of=salon_id)}


def absences(db: Db, member_ids: Sequence[int], since: datetime) -> int:
    """How often a person had a seat and did not come."""
    row = db.one(_ABSENT, members=list(member_ids), since=since)
    return int(row[0]) if row else 0


def some_seats(db: Db, salon_id: int, states: Sequence[str], after: int, most: int) -> list[SalonSeat]:
    """Seats in some states, a window of them: those after an id."""
    found: list[Any] = db.all(_BATCH, of=salon_id, states=list(states), after=after, most=most)
    return [SalonSeat(**dict(zip(_T.columns.keys(), row, strict=True))) for row in found]
