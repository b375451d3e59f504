"""What every read of the JSON API has in common: parameters, pages, rows as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select

from console.refusals import Refused

MOST, USUAL = 200, 50


def bad(field: str, why: str) -> Refused:
    """A parameter that cannot be taken, and what could be."""
    return Refused(400, "bad_value", f"{field}：{why}", field)


def number(query: dict[str, str], name: str, usual: int | None = None, most: int | None = None) -> int | None:
    """A parameter that is a number; `usual` when it is not given. Raises Refused."""
    if name not in query:
        return usual
    try:
        value = int(query[name])
    except ValueError:
        raise bad(name, "要填整数") from None
    if value < 0 or value > (most or 2**62) or (name == "limit" and value == 0):
        raise bad(name, f"要在 1 到 {most} 之间" if most else "太大或太小")
    return value


def page(connection: Connection, query: dict[str, str], rows: Select[Any], key: Any) -> tuple[list[Any], int | None]:
    """Newest first; `after` is the last id of the page before."""
    limit, after = number(query, "limit", USUAL, MOST), number(query, "after")
    if after is not None:
        rows = rows.where(key < after)
    found = connection.execute(rows.order_by(key.desc()).limit((limit or USUAL) + 1)).all()
    more = len(found) > (limit or USUAL)
    found = found[: limit or USUAL]
    return list(found), found[-1].id if more else None


def as_json(row: Any, **changed: Any) -> dict[str, Any]:
    """A row as JSON shows it, its moments in ISO 8601; `changed` beside or instead."""
    shown = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row._mapping.items()}
    return {**shown, **changed}


def equal(rows: Select[Any], table: Any, query: dict[str, str], *names: str) -> Select[Any]:
    """Those whose columns are what is asked for."""
    return rows.where(*[getattr(table, name) == query[name] for name in names if name in query])


def in_state(rows: Select[Any], table: Any, query: dict[str, str], known: tuple[str, ...]) -> Select[Any]:
    """Those in the state that is asked for. Raises Refused."""
    if "status" not in query:
        return rows
    if query["status"] not in known:
        raise bad("status", f"只能是 {'、'.join(known)}")
    return rows.where(table.status == query["status"])
