"""Rows that a test puts into a table as they are: what it does not name is empty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, String

from storage.types import UtcDateTime

NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


def put(connection: Connection, model: Any, **values: Any) -> None:
    """A row of a table; names that it does not have are left out."""
    table = model.__table__
    empty = {column.name: _empty(column) for column in table.columns if column.name not in values}
    there = {name: value for name, value in values.items() if name in table.c}
    connection.execute(table.insert().values({**empty, **there}))


def _empty(column: Any) -> Any:
    if column.nullable:
        return None
    return NOON if isinstance(column.type, UtcDateTime) else "" if isinstance(column.type, String) else 0
