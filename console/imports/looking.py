"""对照 looking: what of a file's lines the books know already, so many lines at a time. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, tuple_

from console.imports.report import Checked, Report
from storage import tables
from storage.imports import BASIC, CHANNELS

t: Any = tables
Look = Callable[[Connection, list[Checked], Report], None]


def _members(connection: Connection, chunk: list[Checked], report: Report) -> None:
    named = _owners(connection, chunk, report)
    known = [checked for checked in chunk if checked.member_id]
    if not known:
        return
    ids = {checked.member_id for checked in known}
    m, x, g = t.Member, t.Transfer, t.MemberTag
    people = {row.id: row for row in connection.execute(select(m.id, m.name, m.tier).where(m.id.in_(ids)))}
    keys = {f"import:opening:{number}": number for number in ids}
    opened = {keys[row[0]]: row[1] for row in connection.execute(select(x.key, x.amount).where(x.key.in_(keys)))}
    tags = select(g.member_id, g.group_name, g.name).where(g.member_id.in_(ids), g.source == "import")
    tagged = {tuple(row) for row in connection.execute(tags)}
    p = t.PhoneTail
    tails = {tuple(row) for row in connection.execute(select(p.member_id, p.tail).where(p.member_id.in_(ids)))}
    for checked in known:
        row, person = checked.read.row, people[checked.member_id]
        report.kept += bool(row["amount"]) and opened.get(checked.member_id, row["amount"]) != row["amount"]
        checked.known = True
        checked.done = (
            all((channel, row[channel]) in named for channel in CHANNELS if row[channel])
            and bool(person.name or not row["name"])
            and (person.tier != BASIC or row["tier"] == BASIC)
            and (checked.member_id in opened or not row["amount"])
            and all((checked.member_id, *tag) in tagged for tag in checked.read.tags)
            and not (row.get("birthday") or row.get("consent") or checked.read.fields)
            and (not row["tail"] or (checked.member_id, row["tail"]) in tails)
        )


def _owners(connection: Connection, chunk: list[Checked], report: Report) -> dict[tuple[str, str], int]:
    """Find the members whom the lines name; lines that name two are refused."""
    owners: dict[tuple[str, str], int] = {}
    i = t.Identity
    for channel in CHANNELS:
        names = {checked.read.row[channel] for checked in chunk} - {""}
        rows = select(i.external_id, i.member_id).where(i.channel == channel, i.external_id.in_(names))
        owners |= {(channel, row[0]): row[1] for row in connection.execute(rows)} if names else {}
    for checked in chunk:
        meant = {owners[name] for c in CHANNELS if (name := (c, checked.read.row[c])) in owners}
        if len(meant) > 1:
            both = "、".join(f"#{one}" for one in sorted(meant))
            report.refuse(checked.line, "", "", f"这一行的几个身份属于不同的会员（{both}）：核对后分成几行")
        checked.member_id = min(meant, default=0)
    return owners


def _orders(connection: Connection, chunk: list[Checked], report: Report) -> None:
    _owners(connection, chunk, report)
    o = t.Order
    keys = {(checked.read.row["source"], checked.read.row["code"]) for checked in chunk}
    rows = select(o.source, o.order_no).where(tuple_(o.source, o.order_no).in_(keys))
    there = {tuple(row) for row in connection.execute(rows)}
    for checked in chunk:
        checked.known = checked.done = (checked.read.row["source"], checked.read.row["code"]) in there


def _products(connection: Connection, chunk: list[Checked], report: Report) -> None:
    p = t.Product
    rows = select(p.sku, p.title, p.category, p.price_fen, p.cost_fen).where(
        p.sku.in_({checked.read.row["code"] for checked in chunk})
    )
    there = {row[0]: tuple(row[1:]) for row in connection.execute(rows)}
    for checked in chunk:
        row = checked.read.row
        checked.known = row["code"] in there
        says = (row["name"], row["place"], row["amount"], row["cost_fen"])
        checked.done = there.get(row["code"]) == says


LOOKS: dict[str, Look] = {"members": _members, "orders": _orders, "products": _products}
