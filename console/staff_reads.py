"""What the JSON API shows of staff and their tokens; never a token, nor its hash."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, or_, select

from console.paging import as_json, bad, number, page
from console.sight import Sight
from handlers import policy
from storage import tables

t: Any = tables
APPROVAL_STATES = ("waiting", "approved", "rejected", "expired")
TOKEN = ("id", "userid", "name", "made_by", "made_at", "expires_at", "last_used_at", "revoked_at")


def people(connection: Connection, query: dict[str, str], sight: Sight) -> dict[str, Any]:
    """Who is written down as staff, by userid; whom WeCom knows but this does not is what `staff.default_role` says."""
    s = t.Staff
    rows = select(s.__table__).where(sight.staff(s.userid)).order_by(s.userid)
    for name in ("role", "store_id", "status"):
        if name in query:
            rows = rows.where(getattr(s, name) == query[name])
    return {"items": [as_json(row) for row in connection.execute(rows)]}


def tokens(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Tokens, newest first."""
    k = t.ApiToken
    rows = select(*[getattr(k, name) for name in TOKEN])
    if "userid" in query:
        rows = rows.where(k.userid == query["userid"])
    found, following = page(connection, query, rows, k.id)
    return {"items": [as_json(row) for row in found], "next": following}


def approvals(connection: Connection, query: dict[str, str], sight: Sight) -> dict[str, Any]:
    """What waits for a second person, and what was decided, newest first."""
    p = t.Approval
    rows = select(p.__table__).where(or_(sight.store(p.store_id), sight.staff(p.made_by)))
    if query.get("status", "waiting") not in APPROVAL_STATES:
        raise bad("status", f"只能是 {'、'.join(APPROVAL_STATES)}")
    for name in ("status", "kind", "made_by"):
        if name in query:
            rows = rows.where(getattr(p, name) == query[name])
    if (member_id := number(query, "member_id")) is not None:
        rows = rows.where(p.member_id == member_id)
    found, following = page(connection, query, rows, p.id)
    return {"items": [as_json(row, payload=json.loads(row.payload)) for row in found], "next": following}


def permissions(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """The whole table: what each role may, and how far."""
    return {"roles": list(policy.ROLES), "items": [{"may": may, **row._asdict()} for may, row in policy.TABLE.items()]}
