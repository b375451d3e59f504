"""合规报告: every path on which an order paid somebody (order, customer, level 1, level 2), what each month brought
whom, and the proof: no path is longer than two, nothing was paid without an order, all of it is what the ledger says.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.orm import aliased

from bot.clock import ZONE
from bot.texts import yuan
from console.paging import span
from storage import tables
from storage.distribution import PAID_OUT
from storage.ledger import COMMISSION, ISSUER

t: Any = tables
HEADER = ("order_no", "source", "paid_at", "customer_id", "net_fen",
          "level1_code", "level1_member", "level1_fen", "level1_kept_fen", "level1_status",
          "level2_code", "level2_member", "level2_fen", "level2_kept_fen", "level2_status", "levels")  # fmt: skip
MOST_LEVELS = 2
# Every way that commission can go. Nothing is paid in by anybody, nothing comes but by an order.
WAYS = frozenset({
    ("issuer", "earning"), ("earning", "issuer"),  # promised by an order; refunded in time
    ("earning", "member"), ("earning", "debt"),  # its window is over
    ("member", "payout"), ("payout", "paid_out"), ("payout", "member"), ("payout", "debt"),  # asked for; paid; not paid
    ("member", "issuer"), ("payout", "issuer"), ("debt", "issuer"),  # refunded late
    ("member", "paid_out"), ("debt", "paid_out"),  # had left before the refund was known
    ("member", "member"), ("debt", "debt"), ("member", "debt"),  # two members are one
    ("issuer", "member"), ("issuer", "debt"),  # they were not
})  # fmt: skip


def report(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """What was promised in [from, to) with its paths, what was paid out in it, by person and month, and the proof."""
    start, end = span(query)
    rows = _commissions(connection, start, end)
    paid, months = _paid(connection, start, end), _months(connection, start, end)
    promised, kept = sum(row.amount_fen for row in rows), sum(row.kept_fen for row in rows)
    ledger = _ledger(connection, start, end, {row.id for row in rows})
    table = {"promised_fen": promised, "kept_fen": kept, "taken_back_fen": promised - kept, "paid_fen": paid}
    return {
        "from": start.isoformat(), "to": end.isoformat(), "paths": paths(rows), "months": months,
        "totals": table, "ledger": ledger, "equal": table == ledger, "proof": _proof(connection, rows),
    }  # fmt: skip


def _commissions(connection: Connection, start: datetime, end: datetime) -> list[Any]:
    c, d, m, o, s = t.Commission, t.Distributor, t.Member, t.Order, aliased(t.Member)
    asked = (
        select(*c.__table__.c, o.order_no, o.source, o.paid_at, d.code, m.id.label("earner"), m.name.label("name"),
               s.name.label("buyer"))
        .join(o, o.id == c.order_id).join(d, d.id == c.distributor_id).join(m, m.id == d.member_id)
        .join(s, s.id == c.customer_id)
        .where(c.made_at >= start, c.made_at < end).order_by(c.order_id, c.level)
    )  # fmt: skip
    return list(connection.execute(asked))


def paths(rows: list[Any]) -> list[dict[str, Any]]:
    """One an order: who bought, who earned by it on which level."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        path = found.setdefault(row.order_id, {
            "order_no": row.order_no, "source": row.source, "paid_at": row.paid_at.isoformat(),
            "customer_id": row.customer_id, "customer": _masked(row.buyer), "net_fen": row.net_fen, "levels": [],
        })  # fmt: skip
        path["levels"].append({
            "level": row.level, "code": row.code, "member_id": row.earner, "name": _masked(row.name),
            "amount_fen": row.amount_fen, "kept_fen": row.kept_fen, "status": row.status, "reason": row.reason,
        })  # fmt: skip
    return list(found.values())


def _masked(name: str) -> str:
    return f"{name[:1]}**" if name else ""


def _paid(connection: Connection, start: datetime, end: datetime) -> int:
    p = t.Payout
    asked = select(func.coalesce(func.sum(p.amount_fen), 0)).where(
        p.status == "paid", p.decided_at >= start, p.decided_at < end
    )  # fmt: skip
    return int(connection.execute(asked).scalar_one())


def _months(connection: Connection, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """What was paid to whom in which month of the shops' calendar: what a tax office asks for."""
    p, m = t.Payout, t.Member
    asked = select(p.member_id, m.merged_into, m.name, p.decided_at, p.amount_fen, p.reference).join(
        m, m.id == p.member_id
    ).where(p.status == "paid", p.decided_at >= start, p.decided_at < end).order_by(p.decided_at, p.id)  # fmt: skip
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in connection.execute(asked):
        month, person = f"{row.decided_at.astimezone(ZONE):%Y-%m}", row.merged_into or row.member_id
        line = found.setdefault((month, person), {
            "month": month, "member_id": person, "name": _masked(row.name), "paid_fen": 0, "references": [],
        })  # fmt: skip
        line["paid_fen"] += row.amount_fen
        line["references"].append(row.reference)
    return [{**line, "paid_yuan": yuan(line["paid_fen"])} for _, line in sorted(found.items())]


def _ledger(connection: Connection, start: datetime, end: datetime, ids: set[int]) -> dict[str, int]:
    """The same sums from the transfers alone. What was taken back later of what was promised in the span counts."""
    x = t.Transfer
    moves = select(x.key, x.debit, x.amount).where(x.asset == COMMISSION, or_(x.debit == ISSUER, x.credit == ISSUER))
    promised = back = 0
    for key, debit, amount in connection.execute(moves):
        if commission_of(key) not in ids:
            continue
        if key == f"commission:{commission_of(key)}":
            promised += amount
        else:
            back += -amount if debit == ISSUER else amount
    left = select(func.coalesce(func.sum(x.amount), 0)).where(
        x.asset == COMMISSION, x.credit == PAID_OUT, x.made_at >= start, x.made_at < end
    )  # fmt: skip
    paid = int(connection.execute(left).scalar_one())
    return {"promised_fen": promised, "kept_fen": promised - back, "taken_back_fen": back, "paid_fen": paid}


def commission_of(key: str) -> int:
    """The commission that a transfer's key names; 0 when it names none."""
    parts = key.split(":")
    at = parts.index("commission") + 1 if "commission" in parts[:-1] else 0
    return int(parts[at]) if at and parts[at].isdigit() else 0


def _proof(connection: Connection, rows: list[Any]) -> dict[str, Any]:
    """What the law asks (禁止传销条例 art. 7): no third level, no pay without a sale, no fee, no pay for heads."""
    by_order: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        by_order[row.order_id].add(row.level)
    x = t.Transfer
    known, without, ways = set(connection.execute(select(t.Commission.id)).scalars()), 0, Counter[tuple[str, str]]()
    moves = select(x.key, x.debit, x.credit, x.amount).where(x.asset == COMMISSION)
    for key, debit, credit, amount in connection.execute(moves):
        ways[_kind(debit), _kind(credit)] += amount
        without += debit == ISSUER and commission_of(key) not in known
    return {
        "deepest": max((max(levels) for levels in by_order.values()), default=0),
        "longer_than_two": sum(max(levels) > MOST_LEVELS or len(levels) > MOST_LEVELS for levels in by_order.values()),
        "paid_without_an_order": without,
        "other_ways": sum(way not in WAYS for way in ways),
        "ways": [{"from": f, "to": to, "fen": fen} for (f, to), fen in sorted(ways.items())],
    }  # fmt: skip


def _kind(account: str) -> str:
    return account.partition(":")[0]


def as_csv(connection: Connection, query: dict[str, str]) -> str:
    """The paths as a file for people's programs, one line an order; a BOM lets them see that it is UTF-8."""
    start, end = span(query)
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for path in paths(_commissions(connection, start, end)):
        levels = {level["level"]: level for level in path["levels"]}
        line = [path["order_no"], path["source"], path["paid_at"], path["customer_id"], path["net_fen"]]
        for level in (1, 2):
            there = levels.get(level)
            names = ("code", "member_id", "amount_fen", "kept_fen", "status")
            line += [there[name] for name in names] if there else [""] * 5
        writer.writerow([harmless(cell) for cell in [*line, len(levels)]])
    return out.getvalue()


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
