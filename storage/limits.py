"""限购 per person: each limit is a stock named after the member who uses it, and stays under that name in a merge.

What somebody used as a member whom they absorbed since counts as theirs, so that two accounts are no second right; when
the merge is undone, each has their own again.
"""

from __future__ import annotations

from collections.abc import Callable

from storage import members, stock
from storage.db import Db


def used_as_another(db: Db, member_id: int, named: Callable[[int], str]) -> int:
    """How much of a limit the members whom this one absorbed have used; `named`: its stock, by a member's id."""
    found = [stock.find(db, named(one)) for one in members.everyone(db, member_id)[1:]]
    return sum(one.taken + one.reserved for one in found if one is not None)
