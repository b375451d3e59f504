"""Row ids: small integers from blocks that a process takes from the database.

A block is taken inside the transaction that first needs it. When that is rolled back the block is given up (`drop`),
so an id is never used by two rows; ids may be skipped.
"""

from __future__ import annotations

from sqlalchemy import bindparam, update

from storage import tables
from storage.db import Db
from storage.sql import Sql

_ROW = tables.Sequence.__table__  # type: ignore[attr-defined]
_TAKE = Sql(
    update(_ROW)
    .where(_ROW.c.name == "id")
    .values(next=_ROW.c.next + bindparam("count", type_=_ROW.c.next.type))
    .returning(_ROW.c.next)
)

BLOCK = 4096


class Ids:
    """The ids of one writer."""

    def __init__(self, db: Db, block: int = BLOCK) -> None:
        self._db, self._block = db, block
        self._next = self._end = 0

    def next(self) -> int:
        """A new id."""
        if self._next == self._end:
            row = self._db.one(_TAKE, count=self._block)
            assert row is not None
            self._end = row[0]
            self._next = self._end - self._block
        value = self._next
        self._next += 1
        return value

    def span(self, count: int) -> int:
        """The first of `count` ids in a row, apart from the block."""
        row = self._db.one(_TAKE, count=count)
        assert row is not None
        return int(row[0]) - count

    def drop(self) -> None:
        """Give the block up: the transaction that took it may have been rolled back."""
        self._next = self._end = 0
