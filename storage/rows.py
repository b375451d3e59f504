"""Rows of one table by plain conditions: statements are built the first time a shape is asked for, then kept.

For tables whose statements are many and alike (products, orders, campaigns, teams). `where` names columns; a suffix
says how they compare: `deadline__gt=now`, `left__ne=0`; None asks for NULL. What compares two columns is written out
as `Sql`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import configure_mappers
from sqlmodel import SQLModel

from storage.db import Db
from storage.sql import Insert, Sql, any_of

R = TypeVar("R", bound=SQLModel)

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


class Rows(Generic[R]):
    """What can be asked of and done to one table."""

    def __init__(self, model: type[R], on_conflict: str = "raise") -> None:
        self.model = model
        self._table = model.__table__  # type: ignore[attr-defined]
        self._names = [column.name for column in self._table.columns]
        configure_mappers()  # rows are made without the constructor, which would see to it
        self._manager = model.__mapper__.class_manager  # type: ignore[attr-defined]
        self._values = operator.attrgetter(*self._names)
        self._insert = Insert(model, on_conflict)
        self._kept: dict[Any, Sql] = {}

    def add(self, db: Db, row: R) -> R:
        """A new row."""
        db.add(self._insert, self._values(row))
        return row

    def one(self, db: Db, **where: Any) -> R | None:
        """The row that fits, or None."""
        row = db.one(self._select(where, "", 0), **_bound(where))
        return None if row is None else self._made(row)

    def all(self, db: Db, *, order: str = "id", limit: int = 0, **where: Any) -> list[R]:
        """The rows that fit; `order` is a column, with `-` before it from the end; `limit` 0 = all."""
        return [self._made(row) for row in db.all(self._select(where, order, limit), **_bound(where))]

    def change(self, db: Db, values: dict[str, Any], /, *, plus: dict[str, int] | None = None, **where: Any) -> int:
        """Set `values` and add `plus` where the conditions hold; how many rows changed. The guard is the condition."""
        added = plus or {}
        key = ("change", *_shape(where), *sorted(values), "+", *sorted(added))
        sql = self._kept.get(key)
        if sql is None:
            sql = self._kept[key] = Sql(
                update(self._table).where(*self._conditions(where)).values(self._changes(values, added))
            )
        given = {f"set_{name}": value for name, value in values.items()}
        return db.run(sql, **_bound(where), **given, **{f"add_{name}": n for name, n in added.items()})

    def _changes(self, values: dict[str, Any], added: dict[str, int]) -> dict[str, Any]:
        columns = self._table.c
        sets: dict[str, Any] = {n: bindparam(f"set_{n}", type_=columns[n].type) for n in values}
        return sets | {n: columns[n] + bindparam(f"add_{n}", type_=columns[n].type) for n in added}

    def _select(self, where: dict[str, Any], order: str, limit: int) -> Sql:
        key = ("select", *_shape(where), order, limit)
        sql = self._kept.get(key)
        if sql is None:
            asked = select(*self._table.columns).where(*self._conditions(where))
            if order:
                column = self._table.c[order.lstrip("-")]
                asked = asked.order_by(column.desc() if order.startswith("-") else column)
            sql = self._kept[key] = Sql(asked.limit(limit) if limit else asked)
        return sql

    def _conditions(self, where: dict[str, Any]) -> list[Any]:
        found = []
        for name, value in where.items():
            bare, _, how = name.partition("__")
            column = self._table.c[bare]
            if how == "in":
                found.append(any_of(column, f"is_{name}"))
            elif value is None:
                found.append(column.is_(None) if how == "" else column.is_not(None))
            else:
                found.append(_COMPARE[how](column, bindparam(f"is_{name}", type_=column.type)))
        return found

    def _made(self, row: tuple[Any, ...]) -> R:
        """As the constructor would make it of what the columns' types have read already: it takes twenty times as
        long, one attribute after the other."""
        made: R = self._manager.new_instance()
        made.__dict__.update(zip(self._names, row, strict=True))
        object.__setattr__(made, "__pydantic_fields_set__", set(self._names))
        return made


def _shape(where: dict[str, Any]) -> list[str]:
    return [name if value is not None else f"{name}?" for name, value in where.items()]


def _bound(where: dict[str, Any]) -> dict[str, Any]:
    return {f"is_{name}": value for name, value in where.items() if value is not None}
