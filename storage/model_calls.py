"""模型用量 model calls: reserved in two budgets before they are made, settled by what they used."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from storage import stock
from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import ModelCall

CALLS = Rows(ModelCall)
_T = ModelCall.__table__  # type: ignore[attr-defined]
_LATELY = Sql(
    select(_T.c.digest, func.count())
    .where(_T.c.member_id == bindparam("of"), _T.c.asked_at > bindparam("since"))
    .group_by(_T.c.digest)
)


class Budgets(NamedTuple):
    """Tokens that one day may use, for everybody and for one member."""

    day: int
    member: int


def day_stock(day: str) -> str:
    """The name of a day's budget."""
    return f"model:{day}"


def member_stock(day: str, member_id: int) -> str:
    """The name of a member's budget of a day."""
    return f"model:{day}:{member_id}"


def lately(db: Db, member_id: int, since: datetime) -> dict[str, int]:
    """How often a member asked each thing since then, by digest."""
    return {row[0]: row[1] for row in db.all(_LATELY, of=member_id, since=since)}


def reserve(db: Db, call: ModelCall, budgets: Budgets) -> str:
    """Hold what a call may use in both budgets and keep the call; "" when done, else the budget that has too little:
    `day` or `member`."""
    if not _hold(db, day_stock(call.day), budgets.day, call.reserved):
        return "day"
    if call.member_id and not _hold(db, member_stock(call.day, call.member_id), budgets.member, call.reserved):
        stock.release(db, day_stock(call.day), call.reserved)
        return "member"
    CALLS.add(db, call)
    return ""


def _hold(db: Db, name: str, total: int, n: int) -> bool:
    """Reserve; a budget that the configuration changed since it was opened follows it first, as far as it can."""
    there = stock.find(db, name)
    if there is None:
        stock.open_stock(db, name, total)
    elif there.total != total:
        stock.resize(db, name, there.total, max(total - there.total, -there.remaining))
    return stock.reserve(db, name, n)


def find(db: Db, call_id: int) -> ModelCall | None:
    """A call by the id of its outbox row."""
    return CALLS.one(db, id=call_id)


def used(db: Db, call_id: int, tokens: int, rung: str) -> None:
    """Keep what one try used; a call that a dying process makes again adds to it."""
    CALLS.change(db, {"rung": rung}, plus={"tokens": tokens, "tries": 1}, id=call_id)


def close(db: Db, call_id: int, outcome: str, now: datetime) -> None:
    """The call is over: what it used is taken from both budgets, the rest of what was held goes back. A second time
    changes nothing."""
    call = find(db, call_id)
    if call is None or CALLS.change(db, {"outcome": outcome, "over_at": now}, id=call_id, over_at=None) == 0:
        return
    names = [day_stock(call.day)] + ([member_stock(call.day, call.member_id)] if call.member_id else [])
    held = min(call.tokens, call.reserved)
    over = 0 if call.tokens <= call.reserved else _overrun(db, names, call.tokens - call.reserved)
    for name in names:
        stock.commit(db, name, held)
        stock.release(db, name, call.reserved - held)
        stock.take(db, name, over)
    CALLS.change(db, {"charged": held + over}, id=call_id)


def _overrun(db: Db, names: list[str], wanted: int) -> int:
    """How much of what was used beyond the reservation every budget still has."""
    return min([wanted, *[there.remaining for name in names if (there := stock.find(db, name)) is not None]])
