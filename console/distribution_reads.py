"""What the JSON API shows of 分销: who promotes, who serves them, whose customers, commission by line, payouts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from console.paging import as_json, equal, in_state, number, page
from console.sight import ALL, Sight
from scenarios.distribution_rules import kept_lines
from storage import tables
from storage.ledger import COMMISSION

t: Any = tables
STATES = ("active", "suspended", "terminated")
COMMISSIONS = ("pending", "available", "cancelled", "clawed_back")
PAYOUTS = ("requested", "paid", "rejected", "cancelled")


def served(sight: Sight) -> ColumnElement[bool]:
    """Whether a distributor is served by somebody within sight."""
    d = t.Distributor
    return sight.staff(d.customer_manager) | sight.staff(d.service_manager)


def _of(rows: Select[Any], query: dict[str, str], column: Any) -> Select[Any]:
    wanted = number(query, "distributor_id")
    return rows if wanted is None else rows.where(column == wanted)


def debt() -> Any:
    """What a distributor owes, as a subquery of a query over them."""
    d, x = t.Distributor, t.Transfer
    account = "debt:" + d.member_id.cast(t.Member.__table__.c.name.type)
    side = case((x.debit == account, x.amount), else_=-x.amount)
    owed = select(func.coalesce(func.sum(side), 0)).where(
        x.asset == COMMISSION, (x.debit == account) | (x.credit == account)
    )  # fmt: skip
    return owed.correlate(d).scalar_subquery()


def distributors(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Distributors, newest first; `manager`: those whom somebody serves. Sums are fen."""
    d, m, c, p, b = t.Distributor, t.Member, t.Commission, t.Payout, t.Balance
    name = m.__table__.c.name.type

    def sums(column: Any, *where: Any) -> Any:
        return select(func.coalesce(func.sum(column), 0)).where(*where).correlate(d).scalar_subquery()

    held = sums(b.amount, b.account == "member:" + d.member_id.cast(name), b.asset == COMMISSION)
    rows: Select[Any] = select(
        *[column for column in d.__table__.c if column.name not in ("made_at",)], m.name,
        sums(c.kept_fen, c.distributor_id == d.id, c.status == "pending").label("pending_fen"),
        held.label("available_fen"),
        sums(p.amount_fen, p.distributor_id == d.id, p.status == "requested").label("requested_fen"),
        sums(p.amount_fen, p.distributor_id == d.id, p.status == "paid").label("paid_fen"),
        debt().label("owed_fen"),
    ).join(m, m.id == d.member_id).where(served(sight))  # fmt: skip
    rows = in_state(equal(rows, d, query, "code"), d, query, STATES)
    if "manager" in query:
        rows = rows.where((d.customer_manager == query["manager"]) | (d.service_manager == query["manager"]))
    if (member := number(query, "member_id")) is not None:
        rows = rows.where(d.member_id == member)
    found, following = page(connection, query, rows, d.id)
    sums_of = ("pending_fen", "available_fen", "requested_fen", "paid_fen", "owed_fen")
    items = [as_json(row, **{name: int(getattr(row, name)) for name in sums_of}) for row in found]
    return {"items": items, "next": following}


def changes(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Who served a distributor since when, how they stood; newest first."""
    h, d = t.DistributorChange, t.Distributor
    rows: Select[Any] = select(*h.__table__.c).join(d, d.id == h.distributor_id).where(served(sight))
    found, following = page(connection, query, _of(rows, query, h.distributor_id), h.id)
    return {"items": [as_json(row) for row in found], "next": following}


def customers(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Whose customers members are and were; `review=1`: those who wait for a person."""
    b, d, m = t.DistributionCustomer, t.Distributor, t.Member
    rows: Select[Any] = select(*b.__table__.c, m.name).join(d, d.id == b.distributor_id).join(m, m.id == b.member_id)
    rows = _of(rows.where(served(sight)), query, b.distributor_id)
    if number(query, "review"):
        rows = rows.where(b.decided_at.is_(None), b.ended_at.is_(None))
    found, following = page(connection, query, rows, b.id)
    items = [as_json(row, flags=[flag for flag in row.flags.split(",") if flag]) for row in found]
    return {"items": items, "next": following}


def commissions(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """What orders earn, newest first, with what stands of each line; `order_no`: one order's."""
    c, d, o = t.Commission, t.Distributor, t.Order
    rows: Select[Any] = (
        select(*c.__table__.c, o.source, o.order_no).join(d, d.id == c.distributor_id).join(o, o.id == c.order_id)
    )
    rows = in_state(_of(rows.where(served(sight)), query, c.distributor_id), c, query, COMMISSIONS)
    if "order_no" in query:
        rows = rows.where(o.order_no == query["order_no"])
    found, following = page(connection, query, rows, c.id)
    lines = _lines(connection, [row.id for row in found])
    items = [as_json(row, lines=_standing(lines.get(row.id, []), row.kept_fen)) for row in found]
    return {"items": items, "next": following}


def _lines(connection: Connection, ids: list[int]) -> dict[int, list[Any]]:
    line = t.CommissionLine
    found: dict[int, list[Any]] = {}
    asked = select(*line.__table__.c).where(line.commission_id.in_(ids)).order_by(line.commission_id, line.place)
    for row in connection.execute(asked) if ids else ():
        found.setdefault(row.commission_id, []).append(row)
    return found


def _standing(lines: list[Any], kept_fen: int) -> list[dict[str, Any]]:
    left = kept_lines([line.amount_fen for line in lines], kept_fen)
    return [
        {"sku": line.sku, "net_fen": line.net_fen, "rate_bp": line.rate_bp, "amount_fen": line.amount_fen,
         "kept_fen": kept}
        for line, kept in zip(lines, left, strict=True)
    ]  # fmt: skip


def payouts(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """What distributors asked for, newest first, and what became of it."""
    p, d, m = t.Payout, t.Distributor, t.Member
    rows: Select[Any] = (
        select(*p.__table__.c, m.name, d.code).join(d, d.id == p.distributor_id).join(m, m.id == p.member_id)
    )
    rows = in_state(_of(rows.where(served(sight)), query, p.distributor_id), p, query, PAYOUTS)
    found, following = page(connection, query, rows, p.id)
    return {"items": [as_json(row) for row in found], "next": following}
