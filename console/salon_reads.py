"""What the JSON API shows of salons, and the calendar file of a seat."""

from __future__ import annotations

import io
import json
from typing import Any

import segno
from sqlalchemy import Connection, func, select

from console.paging import as_json, in_state, page
from console.refusals import Refused
from console.sight import ALL, Sight
from scenarios.salon_rules import ics
from storage import tables
from storage.salons import SEATED

t: Any = tables
STATES = ("open", "cancelled", "done")
COLUMNS = ("id", "no", "title", "store", "place", "intro", "starts_at", "ends_at", "zone", "seats", "points", "sku",
           "status", "check_code", "version")  # fmt: skip


def salons(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Salons, the latest first; `after` is the last id of the page before."""
    a = t.Salon
    asked = in_state(select(*[getattr(a, name) for name in COLUMNS]), a, query, STATES)
    if sight.scope != "all":
        asked = asked.where((a.store == "") | sight.store(a.store))
    found, following = page(connection, query, asked, a.id)
    items = [{**_shown(row), "numbers": _numbers(connection, row.id)} for row in found]
    return {"items": items, "next": following}


def _shown(row: Any) -> dict[str, Any]:
    return as_json(row, no=f"S{row.no}")


def _numbers(connection: Connection, salon_id: int) -> dict[str, int]:
    """How many seats are in each state; `seated` have one or are kept one."""
    s = t.SalonSeat
    counted = select(s.status, func.count()).where(s.salon_id == salon_id).group_by(s.status)
    found = {status: int(n) for status, n in connection.execute(counted)}
    return {**found, "seated": sum(found.get(state, 0) for state in SEATED)}


def salon(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """One salon: its numbers, the QR code for its door, who sits and waits."""
    a, s, m = t.Salon, t.SalonSeat, t.Member
    if not query["id"].isdigit():
        raise Refused(404, "not_found", "id 要填数字", "id")
    asked = select(*[getattr(a, name) for name in COLUMNS], a.follow).where(a.id == int(query["id"]))
    if sight.scope != "all":
        asked = asked.where((a.store == "") | sight.store(a.store))
    row = connection.execute(asked).one_or_none()
    if row is None:
        raise Refused(404, "not_found", "没有这场沙龙", "id")
    seats = select(s.id, s.member_id, m.name, s.status, s.place, s.points, s.by, s.made_at, s.attended_at).join(
        m, m.id == s.member_id
    ).where(s.salon_id == row.id, sight.member(s.member_id)).order_by(s.place)  # fmt: skip
    people = [as_json(seat) for seat in connection.execute(seats)]
    numbers = _numbers(connection, row.id)
    came, had = numbers.get("attended", 0), numbers.get("attended", 0) + numbers.get("absent", 0)
    return {
        **_shown(row), "follow": json.loads(row.follow), "numbers": numbers, "came_of_seated": [came, had],
        "qr_svg": qr(row.check_code), "people": people,
    }  # fmt: skip


def qr(check_code: str) -> str:
    """What hangs at the door: scanned, it says what to write to the shop."""
    out = io.BytesIO()
    segno.make(f"签到 {check_code}", error="m").save(out, kind="svg", scale=4, xmldecl=False)
    return out.getvalue().decode()


def calendar(connection: Connection, token: str) -> bytes | None:
    """The calendar file of a seat, by its unguessable code."""
    a, s = t.Salon, t.SalonSeat
    row = connection.execute(
        select(a, s.status.label("seat")).join(s, s.salon_id == a.id).where(s.token == token)
    ).one_or_none()
    if row is None:
        return None
    made = row.Salon
    over = made.status == "cancelled" or row.seat in ("cancelled", "lapsed")
    times = (made.starts_at, made.ends_at, made.created_at)
    return ics(f"salon-{made.id}@siyu", made.title, made.place, made.intro, times, made.version, cancelled=over)
