"""What the JSON API shows of 老带新: who brought whom, and what waits for a person."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from console.paging import as_json, bad, number, page
from console.referral_stats import waits
from console.sight import ALL, Sight
from storage import tables

t: Any = tables
STATES = ("pending", "held", "approved", "paid", "rejected", "clawed_back")


def referrals(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Referrals, newest first; `review=1`: those that wait for a person."""
    r, inviter, invitee = t.Referral, aliased(t.Member), aliased(t.Member)
    rows = select(
        *[c for c in r.__table__.c if c.name not in ("rules", "holds")],
        inviter.name.label("inviter_name"),
        invitee.name.label("invitee_name"),
        waits().label("review"),
    )
    rows = rows.join(inviter, inviter.id == r.inviter_id).join(invitee, invitee.id == r.invitee_id)  # fmt: skip
    rows = rows.where(sight.member(r.inviter_id))
    if "status" in query:
        if query["status"] not in STATES:
            raise bad("status", f"只能是 {'、'.join(STATES)}")
        rows = rows.where(r.status == query["status"])
    for name, column in (("inviter", r.inviter_id), ("campaign_id", r.campaign_id)):
        if (wanted := number(query, name)) is not None:
            rows = rows.where(column == wanted)
    if number(query, "review"):
        rows = rows.where(waits())
    found, following = page(connection, query, rows, r.id)
    flags = [[flag for flag in row.flags.split(",") if flag] for row in found]
    items = [as_json(row, flags=marks, review=bool(row.review)) for row, marks in zip(found, flags, strict=True)]
    return {"items": items, "next": following}
