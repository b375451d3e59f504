"""Kinds of columns that every table is made of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer, String, Text, text

from storage.types import UtcDateTime

# SQLite makes a key its row number only when it is spelled INTEGER; any other spelling costs a second B-tree.
KEY = BigInteger().with_variant(Integer, "sqlite")


def row_id(name: str = "id") -> Column[int]:
    return Column(name, KEY, primary_key=True, autoincrement=False)


def number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def words(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, String, nullable=null, primary_key=key)


def json_text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def moment(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=null)


def some_rows(name: str, *columns: str, where: str) -> Index:
    """An index of few rows, so that finished history costs nothing.

    `where` asks for NULL or not NULL, or compares with a literal: SQLite uses such an index when the query says the
    same words, and cannot see through a bound value (`status = ?`).
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
