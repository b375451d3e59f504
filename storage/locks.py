"""占用 claims: what the turns of a batch are about, taken before the first of them runs; PostgreSQL only.

Row locks come in the order in which people happen to ask. Two batches that each hold what the other wants stand until
the server's deadlock timeout (a second, as it comes), then one is undone. Taken at once and in one order they can only
wait for each other. SQLite has one writer and needs none of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import String, bindparam, func, select

from storage.sql import ListOf, Sql

# Advisory locks belong to the whole database: the schema's name keeps two bots in two schemas apart.
_NAME = func.unnest(bindparam("names", type_=ListOf(String()))).column_valued("name")
_NUMBERS = (
    select(func.hashtextextended(func.concat(func.current_schema(), ":", _NAME), 0).label("number"))
    .distinct()
    .order_by("number")
    .subquery()
)
_TAKE = Sql(select(func.pg_advisory_xact_lock(_NUMBERS.c.number)))


def taking(names: Collection[str]) -> list[tuple[Sql, dict[str, Any]]]:
    """What to ask first in a transaction: until it ends nobody else has any of `names`."""
    return [(_TAKE, {"names": list(names)})] if names else []
