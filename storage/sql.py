"""Core statements, built once, compiled once per dialect, run by the driver itself.

SQLAlchemy's execution machinery costs more than the databases do for statements this small. A `Sql` keeps what Core
is good at (the statement is written against the declared tables and rendered for either database) and leaves the
rest out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Dialect, String, Table, bindparam, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement, Executable, visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

Processor = Callable[[Any], Any] | None

DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.psycopg.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]
}

# The same for connections of the engine, which are not the writer's: psycopg's own marks, by name.
READERS: dict[str, Dialect] = {**DIALECTS, "postgresql": postgresql.psycopg.dialect()}  # type: ignore[no-untyped-call]


class ListOf(TypeDecorator[list[Any]]):
    """A list as ONE bound value: an array on PostgreSQL, JSON text on SQLite. See `any_of`."""

    impl = String
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Pick the wire form for `dialect`."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.item))
        return dialect.type_descriptor(String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """JSON for SQLite, the list itself for PostgreSQL."""
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


class any_of(ColumnElement[Any]):  # noqa: N801 - reads as SQL in a statement
    """`column IN (:name)` for a list of any length, with a statement text that never changes."""

    type = NullType()  # a Boolean would be rendered as `… = 1` on SQLite and lose its index
    inherit_cache = False

    def __init__(self, column: Any, name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=ListOf(column.type))

    def get_children(self, **_: Any) -> Any:
        """Let visitors find the column's table."""
        return (self.column, self.values)


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are rendered by the compiler


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(element.values, **kw)})"


def one_of(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """`column IN (…)` for values known when the statement is built; Core's own `in_` is rendered anew each time."""
    return or_(*[column == value for value in values])


# SQLite keeps a copy of every page that a statement changes, to undo it alone should it break a rule half way. A turn
# that raises takes its whole transaction with it, so that a statement over thousands of rows may do so at once.
AT_ONCE = "OR ROLLBACK"

# How many rows one INSERT takes. SQLite's driver lets other threads run at every statement: written row by row, the
# writer would hand the interpreter over for each. psycopg writes arrays (`unnest`) in Python, single values in C.
VALUES_ROWS = (64, 32, 16, 8, 4, 2, 1)


class Prepared:
    """One statement for one dialect: its text, its parameters in order, and how to read its rows."""

    __slots__ = ("binds", "readers", "text")

    def __init__(self, core: Executable, dialect: Dialect) -> None:
        compiled = core.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        kept = compiled.construct_params(_check=False)
        processors: dict[str, Any] = {**compiled._bind_processors}
        self.binds: list[tuple[str, Any, Processor]] = [
            (name, kept.get(name), processors.get(name)) for name in compiled.positiontup or kept
        ]
        columns = compiled._result_columns
        readers = [_reader(column.type, dialect) for column in columns]
        self.readers: list[tuple[int, Callable[[Any], Any]]] = [(i, r) for i, r in enumerate(readers) if r is not None]

    def values(self, given: dict[str, Any]) -> list[Any]:
        """The parameters in the statement's order; what is not given must stand in the statement itself."""
        row = []
        for name, default, processor in self.binds:
            value = given.get(name, default)
            row.append(value if processor is None or value is None else processor(value))
        return row

    def named(self, given: dict[str, Any]) -> dict[str, Any]:
        """The parameters by name, for marks that have one."""
        return {name: value for (name, *_), value in zip(self.binds, self.values(given), strict=True)}

    def read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A driver's row as Python values."""
        if not self.readers:
            return tuple(row)
        out = list(row)
        for i, reader in self.readers:
            out[i] = reader(out[i])
        return tuple(out)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Processor:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


class Sql:
    """A statement of any kind; `tables` are those it reads or changes, `target` the one it changes ("" = none)."""

    __slots__ = ("_prepared", "core", "tables", "target")

    def __init__(self, core: Executable) -> None:
        self.core = core
        self.tables = frozenset(e.name for e in visitors.iterate(core) if isinstance(e, Table))  # type: ignore[arg-type]
        self.target: str = getattr(getattr(core, "table", None), "name", "")
        self._prepared: dict[str, Prepared] = {}

    def on(self, dialect: str) -> Prepared:
        """The statement for `dialect`, compiled the first time it is asked for."""
        prepared = self._prepared.get(dialect)
        if prepared is None:
            prepared = self._prepared[dialect] = Prepared(self.core, DIALECTS[dialect])
        return prepared


class Insert:
    """Rows of one table, written set by set: VALUES of many rows a statement.

    `on_conflict`: "raise" (a unique key met twice is an error that sends the batch down the exact road), "nothing",
    or "add" (the columns in `sums` are added to what is there).
    """

    __slots__ = ("columns", "keys", "on_conflict", "sums", "table", "values")

    def __init__(
        self,
        table: Any,
        on_conflict: str = "raise",
        keys: Sequence[str] = (),
        sums: Sequence[str] = (),
    ) -> None:
        self.table: Table = table.__table__
        self.columns = [c.name for c in self.table.columns]
        self.on_conflict, self.keys, self.sums = on_conflict, list(keys), list(sums)
        head, tail = self._ends()
        self.values = {
            dialect: {n: f"{head}VALUES {', '.join(self._rows(dialect, n))}{tail}" for n in VALUES_ROWS}
            for dialect in DIALECTS
        }

    def _rows(self, dialect: str, count: int) -> list[str]:
        """The marks of `count` rows."""
        width = len(self.columns)
        if dialect == "sqlite":
            return [f"({', '.join('?' * width)})"] * count
        return [f"({', '.join(f'${at + i + 1}' for i in range(width))})" for at in range(0, width * count, width)]

    def _ends(self) -> tuple[str, str]:
        names = ", ".join(f'"{c}"' for c in self.columns)
        name = f'"{self.table.name}"'
        return f"INSERT INTO {name} ({names}) ", self._conflict(name)

    def _conflict(self, name: str) -> str:
        if self.on_conflict == "raise":
            return ""
        if self.on_conflict == "nothing":
            return " ON CONFLICT DO NOTHING"
        added = ", ".join(f'"{c}" = {name}."{c}" + excluded."{c}"' for c in self.sums)
        return f" ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {added}"
