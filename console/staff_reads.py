"""What the JSON API shows of staff and their tokens; never a token, nor its hash."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from console.reads import _json, _page
from console.sight import Sight
from handlers import policy
from storage import tables

t: Any = tables
TOKEN = ("id", "userid", "name", "made_by", "made_at", "expires_at", "last_used_at", "revoked_at")


def people(connection: Connection, query: dict[str, str], sight: Sight) -> dict[str, Any]:
    """Who is written down as staff, by userid; whom WeCom knows but this does not is what `staff.default_role` says."""
    s = t.Staff
    rows = select(s.__table__).where(sight.staff(s.userid)).order_by(s.userid)
    for name in ("role", "store_id", "status"):
        if name in query:
            rows = rows.where(getattr(s, name) == query[name])
    return {"items": [_json(row) for row in connection.execute(rows)]}


def tokens(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Tokens, newest first."""
    k = t.ApiToken
    rows = select(*[getattr(k, name) for name in TOKEN])
    if "userid" in query:
        rows = rows.where(k.userid == query["userid"])
    found, following = _page(connection, query, rows, k.id)
    return {"items": [_json(row) for row in found], "next": following}


def permissions(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """The whole table: what each role may, and how far."""
    return {"roles": list(policy.ROLES), "items": [{"may": may, **row._asdict()} for may, row in policy.TABLE.items()]}
