"""导购发券: coupons that members of staff gave members, and what each may give in a day."""

from __future__ import annotations

from storage import stock
from storage.db import Db
from storage.rows import Rows
from storage.tables import Handout

rows = Rows(Handout)


def count_stock(userid: str, day: str) -> str:
    """The stock of coupons that somebody may give on a day."""
    return f"handout:{userid}:{day}"


def fen_stock(userid: str, day: str) -> str:
    """The stock of what they may cost at most."""
    return f"handout_fen:{userid}:{day}"


def left(db: Db, name: str, total: int) -> int:
    """What is left of an allowance; nobody needed it yet: all of it."""
    there = stock.find(db, name)
    return there.remaining if there else total
