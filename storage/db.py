"""One connection of the writer: statements run at once, append-only rows collected and written set by set.

Collected rows can never be missed: a statement that touches a table first writes what was collected for it. So a
step may read anything at any time; steps on the hot path are fast because they do not need to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from storage.sql import Insert, Sql


class Db:
    """A driver connection in a transaction that the writer opens and closes.

    `exact` turns collecting off: every row is written when it is added, so that a unique key met twice is seen by
    the very call that met it. The fast road may only succeed; any surprise sends its events down the exact one.
    """

    def __init__(self, connection: Any, dialect: str, cursor: Any = None) -> None:
        self.connection, self.dialect = connection, dialect
        self.exact = False
        self.touched: dict[str, int] = {}
        self._cursor = cursor or connection.cursor()
        self._pending: dict[Insert, list[Sequence[Any]]] = {}
        self._sums: dict[Insert, dict[tuple[Any, ...], list[int]]] = {}
        self._waiting: set[str] = set()
        self._closing: dict[Callable[[Db, list[Any]], None], list[Any]] = {}

    # -- statements -----------------------------------------------------------------------------------------------

    def _execute(self, sql: Sql, given: dict[str, Any]) -> Any:
        if self._waiting and not self._waiting.isdisjoint(sql.tables):
            self.flush()
        prepared = sql.on(self.dialect)
        self._cursor.execute(prepared.text, prepared.values(given))
        return prepared

    def all(self, sql: Sql, /, **given: Any) -> list[tuple[Any, ...]]:
        """Every row of a SELECT, or of a statement with RETURNING."""
        prepared = self._execute(sql, given)
        return [prepared.read(row) for row in self._cursor.fetchall()]

    def all_of(self, asked: Sequence[tuple[Sql, dict[str, Any]]]) -> list[list[tuple[Any, ...]]]:
        """`all` for several SELECTs, in one round trip where there is one."""
        if self.dialect == "sqlite" or self._waiting:
            return [self.all(sql, **given) for sql, given in asked]
        with self.connection.pipeline():
            answers = []
            for sql, given in asked:
                prepared = sql.on(self.dialect)
                answers.append((prepared, self.connection.execute(prepared.text, prepared.values(given))))
        return [[prepared.read(row) for row in cursor.fetchall()] for prepared, cursor in answers]

    def one(self, sql: Sql, /, **given: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        prepared = self._execute(sql, given)
        row = self._cursor.fetchone()
        if row is None:
            return None
        if self.dialect == "sqlite":
            self._cursor.fetchall()  # an unfinished statement would hold the transaction open
        return tuple(prepared.read(row))

    def run(self, sql: Sql, /, **given: Any) -> int:
        """An UPDATE, a DELETE or an INSERT .. SELECT; how many rows it changed."""
        self._execute(sql, given)
        changed = int(self._cursor.rowcount)
        if changed > 0:
            self.touched[sql.target] = self.touched.get(sql.target, 0) + changed
        return changed

    # -- rows -----------------------------------------------------------------------------------------------------

    def add(self, insert: Insert, row: Sequence[Any]) -> None:
        """A new row, its values in the order of the table's columns."""
        table = insert.table.name
        self.touched[table] = self.touched.get(table, 0) + 1
        if self.exact:
            self._write(insert, [row])
            return
        rows = self._pending.get(insert)
        if rows is None:
            rows = self._pending[insert] = []
            self._waiting.add(table)
        rows.append(row)

    def sum(self, insert: Insert, key: tuple[Any, ...], amounts: Sequence[int]) -> None:
        """Add `amounts` to the row `key` of an "add" insert; several of one batch become one."""
        table = insert.table.name
        self.touched[table] = self.touched.get(table, 0) + 1
        if self.exact:
            self._write(insert, [(*key, *amounts)])
            return
        rows = self._sums.setdefault(insert, {})
        self._waiting.add(table)
        there = rows.get(key)
        if there is None:
            rows[key] = list(amounts)
        else:
            rows[key] = [a + b for a, b in zip(there, amounts, strict=True)]

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect what is added inside and write it at the end, on the exact road too: for thousands of rows of one
        act, which meet no key of others."""
        exact, self.exact = self.exact, False
        try:
            yield
            if exact:
                self.flush()
        finally:
            self.exact = exact

    def flush(self) -> None:
        """Write what was collected, table by table, summed rows in key order so that several writers lock in one
        order."""
        pending, self._pending = self._pending, {}
        sums, self._sums = self._sums, {}
        self._waiting = set()
        with self._together():
            for insert, rows in pending.items():
                self._write(insert, rows)
            for insert, totals in sums.items():
                self._write(insert, [(*key, *totals[key]) for key in sorted(totals)])

    def _together(self) -> contextlib.AbstractContextManager[Any]:
        """PostgreSQL takes several statements in one round trip."""
        if self.dialect == "postgresql":
            together: contextlib.AbstractContextManager[Any] = self.connection.pipeline()
            return together
        return contextlib.nullcontext()

    def _write(self, insert: Insert, rows: list[Sequence[Any]]) -> None:
        done = 0
        for size, text in insert.values[self.dialect].items():
            while len(rows) - done >= size:
                self._cursor.execute(text, list(chain.from_iterable(rows[done : done + size])))
                done += size

    # -- transaction ----------------------------------------------------------------------------------------------

    def at_commit(self, act: Callable[[Db, list[Any]], None], item: Any) -> None:
        """Have `act` run once with all its items when the transaction is about to end, after everything else is
        written; what it locks is held for as short a time as can be."""
        self._closing.setdefault(act, []).append(item)

    def begin(self) -> None:
        """Open a transaction; on SQLite it takes the write lock at once, so that no later statement can find it
        taken."""
        self.touched, self._closing = {}, {}
        if self.dialect == "sqlite":
            self._cursor.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Write what is collected and make it durable."""
        if self._closing:
            self.flush()
            closing, self._closing = self._closing, {}
            for act, items in closing.items():
                act(self, items)
        with self._together():
            self.flush()
            self.connection.commit()

    def rollback(self) -> None:
        """Drop what was collected and undo what was written."""
        self._closing = {}
        self._pending, self._sums, self._waiting = {}, {}, set()
        self.connection.rollback()

    def rows(self, sql: Sql, /, **given: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT one by one, for walks over large tables."""
        prepared = self._execute(sql, given)
        while batch := self._cursor.fetchmany(500):
            for row in batch:
                yield prepared.read(row)

    def close(self) -> None:
        """Give the connection back."""
        self._cursor.close()
        self.connection.close()
