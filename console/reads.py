"""What the JSON API shows, read with Core over a connection of its own; never on the hot path."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Select, func, literal, or_, select

from bot.ids import read_code
from console import referral_stats
from console.paging import MOST, USUAL, as_json, bad, equal, in_state, number, page
from console.refusals import Refused
from console.sight import ALL, Sight
from storage import channels as storage_channels
from storage import shop, tables

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
INBOX_STATES = ("done", "failed", "dead", "quarantined")
OUTBOX_STATES = ("pending", "leased", "sent", "suppressed", "dead")
CHECKOUT_STATES = ("held", "paid", "released", "refused")
CAMPAIGN_STATES = ("draft", "published", "paused", "ended")


def members(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Members by external id (any channel), id or part of the name."""
    m, i = t.Member, t.Identity
    rows = select(m.id, m.name, m.tier, m.referrer_id, m.created_at).where(m.merged_into.is_(None), sight.member(m.id))
    if "external_id" in query:
        rows = rows.where(select(i.id).where(i.member_id == m.id, i.external_id == query["external_id"]).exists())
    if "name" in query:
        rows = rows.where(m.name.contains(query["name"], autoescape=True))
    if (member_id := number(query, "id")) is not None:
        rows = rows.where(m.id == member_id)
    found, following = page(connection, query, rows, m.id)
    return {"items": [_member(connection, row) for row in found], "next": following}


def _member(connection: Connection, row: Any) -> dict[str, Any]:
    i, b, g, c = t.Identity, t.Balance, t.MemberTag, t.Coupon
    identities = select(i.channel, i.external_id).where(i.member_id == row.id).order_by(i.id)
    points = select(b.amount).where(b.account == f"member:{row.id}", b.asset == "points")
    tags = select(g.group_name, g.name).where(g.member_id == row.id).distinct().order_by(g.group_name, g.name)
    coupons = select(c.code, c.template, c.status, c.expires_at).where(c.member_id == row.id).order_by(c.id)
    return {
        "id": row.id,
        "name": row.name,
        "identities": [
            # A phone is kept as a hash; even that is nobody's business here.
            {"channel": channel, "external_id": "***" if channel == "phone" else external_id}
            for channel, external_id in connection.execute(identities)
        ],
        "points": connection.execute(points).scalar() or 0,
        "tier": row.tier,
        "tags": [f"{group}/{name}" for group, name in connection.execute(tags)],
        "coupons": [as_json(coupon) for coupon in connection.execute(coupons)],
        "referrer": row.referrer_id,
        "created_at": row.created_at.isoformat(),
    }


def inbox(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Events, newest first."""
    e = t.Inbox
    rows = select(e.__table__)
    if "key" in query:
        rows = rows.where(or_(e.key == query["key"], e.key == f"quarantine:{query['key']}"))
    if "kind" in query:
        rows = rows.where(e.kind == query["kind"])
    if "status" in query:
        rows = _by_status(rows, e, query["status"], INBOX_STATES, untroubled="done")
    found, following = page(connection, query, rows, e.id)
    items = [
        as_json(
            row,
            route=[part for part in row.route.split(",") if part],
            changes=json.loads(row.changes),
            payload=json.loads(row.payload),
        )
        for row in found
    ]
    return {"items": items, "next": following}


def outbox(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Calls, newest first."""
    o = t.Outbox
    rows = select(o.__table__)
    if "status" in query:
        rows = _by_status(rows, o, query["status"], OUTBOX_STATES, untroubled="sent")
        if query["status"] in ("pending", "leased"):
            rows = rows.where(o.done_at.is_(None))
    if "call" in query:
        rows = rows.where(o.call == query["call"])
    if (member_id := number(query, "member_id")) is not None:
        rows = rows.where(o.member_id == member_id)
    found, following = page(connection, query, rows, o.id)
    return {"items": [as_json(row, payload=json.loads(row.payload)) for row in found], "next": following}


def _by_status(rows: Select[Any], table: Any, status: str, known: tuple[str, ...], untroubled: str) -> Select[Any]:
    if status not in known:
        raise bad("status", f"只能是 {'、'.join(known)}")
    rows = rows.where(table.status == status)
    # Words that the partial index of troubled rows understands.
    return rows if status in (untroubled, "pending", "leased") else rows.where(table.error.is_not(None))


def ledger(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """A member's transfers, newest first, and what they hold and owe."""
    member_id = number(query, "member_id")
    if member_id is None:
        raise bad("member_id", "必填：要看谁的账")
    x, b = t.Transfer, t.Balance
    accounts = [f"member:{member_id}", f"debt:{member_id}"]
    seen = sight.member(literal(member_id))
    rows = select(x.__table__).where(or_(x.credit.in_(accounts), x.debit.in_(accounts)), seen)
    found, following = page(connection, query, rows, x.id)
    held = select(b.asset, b.amount).where(b.account == accounts[0], seen)
    balances = {row.asset: row.amount for row in connection.execute(held)}
    return {"items": [as_json(row) for row in found], "balances": balances, "next": following}


def channels(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Per channel: members who came by it, who still follow, gifts given."""
    gifts: dict[str, int] = {
        row[0]: row[1] for row in connection.execute(storage_channels.GIFTS, {"campaign_": "sign_up"})
    }
    rows = connection.execute(storage_channels.FOLLOWS).all()
    items = [
        {"state": state, "joined": joined, "active": active, "left": joined - active, "gifts": gifts.get(state, 0)}
        for state, joined, active in rows
    ]
    scenes = [dict(zip(("scene", "entered", "wrote"), row, strict=True))
              for row in connection.execute(storage_channels.SCENES)]  # fmt: skip
    return {"items": items, "kf": scenes}


def products(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Goods, newest first, each with its stock; null = it never runs out."""
    p, s = t.Product, t.Stock
    there = p.__table__.outerjoin(s.__table__, s.name == literal(shop.sku_stock("")) + p.sku)
    rows = equal(select(p.__table__, s.remaining, s.reserved, s.taken).select_from(there), p, query, "sku", "category")
    found, following = page(connection, query, rows, p.id)
    return {"items": [_product(row) for row in found], "next": following}


def _product(row: Any) -> dict[str, Any]:
    shown = as_json(row, counted=bool(row.counted))
    stock = {name: shown.pop(name) for name in ("remaining", "reserved", "taken")}
    return {**shown, "stock": stock if row.counted else None}


def coupon_templates(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Coupon templates, newest first."""
    c = t.CouponTemplate
    found, following = page(connection, query, equal(select(c.__table__), c, query, "name", "kind"), c.id)
    items = [
        as_json(
            row,
            scope_items=json.loads(row.scope_items),
            stackable=bool(row.stackable),
            claimable=bool(row.claimable),
            for_guides=bool(row.for_guides),
        )
        for row in found
    ]
    return {"items": items, "next": following}


def checkouts(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """What is being bought, newest first: by the code as somebody typed it, by member, by state."""
    k = t.Checkout
    rows = select(*[column for column in k.__table__.columns if column.name != "holds"]).where(
        sight.member(k.member_id)
    )
    if "code" in query:
        rows = rows.where(k.code == read_code(query["code"]))
    if (member_id := number(query, "member_id")) is not None:
        rows = rows.where(k.member_id == member_id)
    found, following = page(connection, query, in_state(rows, k, query, CHECKOUT_STATES), k.id)
    items = [as_json(row, items=json.loads(row.items), coupons=json.loads(row.coupons)) for row in found]
    return {"items": items, "next": following}


def campaigns(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Campaigns with their rules, newest first."""
    c = t.Campaign
    rows = in_state(equal(select(c.__table__), c, query, "kind", "name"), c, query, CAMPAIGN_STATES)
    found, following = page(connection, query, rows, c.id)
    return {"items": [as_json(row, config=json.loads(row.config)) for row in found], "next": following}


def stores(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Stores by code, page by page (`after` = the last code of the page before)."""
    s, limit = t.Store, number(query, "limit", USUAL, MOST) or USUAL
    rows = select(s.__table__).order_by(s.code).limit(limit + 1)
    if "franchise" in query:
        rows = rows.where(s.franchise == query["franchise"])
    if "after" in query:
        rows = rows.where(s.code > query["after"])
    found = connection.execute(rows).all()
    more, found = len(found) > limit, found[:limit]
    return {"items": [dict(row._mapping) for row in found], "next": found[-1].code if more else None}


def _campaign(connection: Connection, query: dict[str, str]) -> Any:
    c = t.Campaign
    campaign_id = number(query, "id")
    found = connection.execute(select(c.__table__).where(c.id == campaign_id)).one_or_none()
    if found is None:
        raise Refused(404, "not_found", f"没有活动 {number}")
    return found


def campaign(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """One campaign with its rules."""
    found = _campaign(connection, query)
    return as_json(found, config=json.loads(found.config))


def campaign_stats(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """What a campaign has come to: instances by state, checkouts by state, money paid and refunded."""
    found = _campaign(connection, query)
    if found.kind == referral_stats.KIND:
        return {"id": found.id, "kind": found.kind, "status": found.status, **referral_stats.of(connection, found.id)}
    k, o, instances = t.Checkout, t.Order, {"group_buy": t.Team, "bargain": t.Bargain}.get(found.kind)
    states: dict[str, int] = {}
    of = (k.kind == found.kind) & (k.subject_id == found.id)  # a play without instances sells for the campaign itself
    if instances is not None:
        mine = instances.campaign_id == found.id
        counted = select(instances.status, func.count()).where(mine).group_by(instances.status)
        states = {row[0]: row[1] for row in connection.execute(counted)}
        of = (k.kind == found.kind) & k.subject_id.in_(select(instances.id).where(mine))
    money = select(func.coalesce(func.sum(o.amount_fen), 0), func.coalesce(func.sum(o.refunded_fen), 0)).join(
        k, k.id == o.checkout_id
    )
    paid, refunded = connection.execute(money.where(of)).one()
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.status,
        "instances": states,
        "checkouts": {
            row[0]: row[1] for row in connection.execute(select(k.status, func.count()).where(of).group_by(k.status))
        },
        "paid_fen": int(paid),
        "refunded_fen": int(refunded),
    }
