"""What the JSON API shows of journeys: how they stand, and why somebody got something or nothing."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, func, select

from console.paging import as_json
from console.refusals import Refused
from console.sight import ALL, Sight
from storage import tables

t: Any = tables
COLUMNS = ("id", "name", "occasion", "status", "why", "step", "began_at", "next_at", "ended_at")


def journeys(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Every journey that ever ran: its versions, how it stands, how many are where."""
    j, r, w = t.Journey, t.JourneyRun, t.JourneySwitch
    standing = {row.name: row.status for row in connection.execute(select(w.name, w.status))}
    counted: dict[str, dict[str, int]] = {}
    for name, status, n in connection.execute(select(r.name, r.status, func.count()).group_by(r.name, r.status)):
        counted.setdefault(name, {})[status] = int(n)
    items: dict[str, dict[str, Any]] = {}
    for row in connection.execute(select(j.name, j.version, j.definition, j.made_at).order_by(j.name, j.version)):
        made = json.loads(row.definition)
        items[row.name] = {
            "name": row.name, "title": made["title"], "trigger": made["trigger"], "version": row.version,
            "since": row.made_at.isoformat(), "status": standing.get(row.name, "running"),
            "numbers": counted.get(row.name, {}), "steps": made["steps"],
        }  # fmt: skip
    return {"items": list(items.values())}


def why(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Why nothing (or something) was sent to a member: their runs, and what became of each step."""
    r, n = t.JourneyRun, t.JourneyNote
    if not query.get("member_id", "").isdigit():
        raise Refused(400, "bad_value", "member_id：要填会员的 id", "member_id")
    asked = (
        select(*[getattr(r, name) for name in COLUMNS])
        .where(r.member_id == int(query["member_id"]), sight.member(r.member_id))
        .order_by(r.id)
    )
    if "name" in query:
        asked = asked.where(r.name == query["name"])
    items = []
    for run in connection.execute(asked):
        notes = connection.execute(select(n.step, n.what, n.why, n.at).where(n.run_id == run.id).order_by(n.id))
        items.append(as_json(run, step=run.step + 1, notes=[as_json(note, step=note.step + 1) for note in notes]))
    return {"items": items}
