"""限购 per person: each limit is a stock named after the member who uses it, and stays under that name in a merge.

What somebody used as a member whom they absorbed since counts as theirs, so that two accounts are no second right; when
the merge is undone, each has their own again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage import stock
from storage.db import Db


def of(db: Db, known_as: Sequence[int], named: Callable[[int], str]) -> tuple[str, int]:
    """A person's limit: the name of its stock, and how much must be spared of it, having been used under their other
    ids. `known_as` is `members.everyone`, who they are now first; `named` names the stock of an id."""
    found = [stock.find(db, named(one)) for one in known_as[1:]]
    return named(known_as[0]), sum(one.taken + one.reserved for one in found if one is not None)
