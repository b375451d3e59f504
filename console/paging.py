"""What every read of the JSON API has in common: parameters, pages, rows as JSON."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select

from bot.clock import ZONE
from console.refusals import Refused

MOST, USUAL = 200, 50
LONGEST = timedelta(days=366)  # between two moments of a report


def bad(field: str, why: str) -> Refused:
    """A parameter that cannot be taken, and what could be."""
    return Refused(400, "bad_value", f"{field}：{why}", field)


def number(
    query: dict[str, str], name: str, usual: int | None = None, most: int | None = None, least: int = 0
) -> int | None:  # fmt: skip
    """A parameter that is a number, a limit at least 1; `usual` when it is not given. Raises Refused."""
    if name not in query:
        return usual
    try:
        value = int(query[name])
    except ValueError:
        raise bad(name, "要填整数") from None
    least = max(least, int(name == "limit"))
    if value < least or value > (most or 2**62):
        raise bad(name, f"要在 {least} 到 {most} 之间" if most else "太大或太小")
    return value


def limit_of(query: dict[str, str]) -> int:
    """How many rows a page has. Raises Refused."""
    return number(query, "limit", USUAL, MOST) or USUAL


def page(connection: Connection, query: dict[str, str], rows: Select[Any], key: Any) -> tuple[list[Any], int | None]:
    """Newest first; `after` is the last id of the page before."""
    limit, after = limit_of(query), number(query, "after")
    if after is not None:
        rows = rows.where(key < after)
    found = connection.execute(rows.order_by(key.desc()).limit(limit + 1)).all()
    more = len(found) > limit
    found = found[:limit]
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
    state = one_of(query, "status", known)
    return rows.where(table.status == state) if state else rows


def one_of(query: dict[str, str], name: str, known: tuple[str, ...], usual: str = "") -> str:
    """A parameter that is one of these words, or is left out. Raises Refused."""
    given = query.get(name, usual)
    if name in query and given not in known:
        raise bad(name, f"只能是 {'、'.join(known)}")
    return given


def moment(query: dict[str, str], name: str) -> datetime:
    """A moment with its zone, or a day of the shops' (its beginning). Raises Refused."""
    text = query.get(name, "").replace(" ", "+")  # a + of an address that was not escaped
    if not text:
        raise bad(name, "必填，例如 2026-11-01 或 2026-11-01T00:00:00+08:00")
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=ZONE)
        given = datetime.fromisoformat(text)
    except ValueError:
        raise bad(name, "要写成 2026-11-01 或 2026-11-01T00:00:00+08:00") from None
    if given.tzinfo is None:
        raise bad(name, "时间要带时区，例如 +08:00")
    return given


def span(query: dict[str, str]) -> tuple[datetime, datetime]:
    """[from, to), a year at most. Raises Refused."""
    start, end = moment(query, "from"), moment(query, "to")
    if not start < end <= start + LONGEST:
        raise Refused(400, "bad_value", "to 要晚于 from，最多相差 366 天", "to")
    return start, end
