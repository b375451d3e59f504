"""对照: what to patch so that ONE guard is missing, and which machine must notice. All from outside, by patching: the
product has no hook for it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from bot.order_events import OrderPaid
from handlers import dispatch, orders
from scenarios import bargain, checkout, refunds, rewards
from storage import coupons, drives, grants, inbox, lots, points, shop, stock
from storage.ledger import POINTS, Move, account
from storage.sql import Sql
from tests.controls import distribution as _distribution  # registers its own
from tests.controls.registering import GUARDS, Guard, guard

__all__ = ["GUARDS", "Guard", "guard"]
assert _distribution


def _of(sql: Sql) -> Any:
    """The table that a statement changes."""
    core: Any = sql.core
    return core.table


def _n(sql: Sql) -> Any:
    return bindparam("n", type_=_of(sql).c.total.type)


@guard("flash_sale")
def conditional_stock(m: pytest.MonkeyPatch) -> None:
    """Stock is held without asking whether there is some."""
    s, n = _of(stock._RESERVE), _n(stock._RESERVE)
    taken = {"remaining": s.c.remaining - n, "reserved": s.c.reserved + n}
    m.setattr(stock, "_RESERVE", Sql(update(s).where(s.c.name == bindparam("of")).values(taken)))


@guard("flash_sale")
def hold_of_a_late_payment(m: pytest.MonkeyPatch) -> None:
    """A payment that comes too late is taken without holding anything anew."""

    def pay_late(turn: Any, held: Any, order: Any) -> bool:
        paid = {"status": "paid", "order_id": order.id}
        return bool(shop.checkouts.change(turn.db, paid, id=held.id, status="released"))

    m.setattr(checkout, "_pay_late", pay_late)


@guard("flash_sale")
def release_of_what_was_held(m: pytest.MonkeyPatch) -> None:
    """What was not paid stays held."""
    m.setattr(stock, "release", lambda *_: True)


@guard("flash_sale")
def one_order_pays_once(m: pytest.MonkeyPatch) -> None:
    """A checkout is paid whatever became of it."""
    change = shop.checkouts.change

    def unguarded(db: Any, values: Any, /, **where: Any) -> int:
        if values.get("status") == "paid":
            where.pop("status", None)
        return change(db, values, **where)

    m.setattr(shop.checkouts, "change", unguarded)


@guard("points", "grant")
def grant_key(m: pytest.MonkeyPatch) -> None:
    """A right may be used any number of times."""
    nothing = _of_select(grants._FIND)
    m.setattr(grants, "used", lambda *_: False)
    m.setattr(grants, "_FIND", Sql(select(nothing.c.id).where(nothing.c.id < 0)))


def _of_select(sql: Sql) -> Any:
    core: Any = sql.core
    return core.get_final_froms()[0]


@guard("points")
def oldest_lots_first(m: pytest.MonkeyPatch) -> None:
    """The newest points are spent first."""
    lot = _of_select(lots._OF)
    newest = select(lot.c.expires_at, lot.c.amount).where(lot.c.account == bindparam("of"))
    m.setattr(lots, "_OF", Sql(newest.order_by(lot.c.expires_at.desc())))


@guard("points")
def debt(m: pytest.MonkeyPatch) -> None:
    """What was spent is not taken back: the balance stops at nothing."""

    def floored(by: Any, member_id: int, amount: int, to: str, key: str, reason: str) -> None:
        there = min(amount, points.held(by.db, member_id))
        if there:
            by.move(Move(key, account(member_id), to, POINTS, there, reason))

    m.setattr(points, "take_back", floored)


@guard("points")
def owner_after_a_merge(m: pytest.MonkeyPatch) -> None:
    """Points ripen for whoever the member was when they were promised."""
    m.setattr(rewards, "_owner", lambda _, reward: reward.member_id)


@guard("bargain", "bargain_cut")
def helper_once(m: pytest.MonkeyPatch) -> None:
    """Anybody may cut again."""
    m.setattr(drives.cuts, "one", lambda *_, **__: None)


@guard("bargain")
def floor_clamp(m: pytest.MonkeyPatch) -> None:
    """A cut does not ask what is left."""
    m.setattr(bargain, "next_cut", lambda rules, *_: (rules.start_fen - rules.floor_fen) * 2 // rules.cuts)


@guard("bargain")
def lock_of_the_price(m: pytest.MonkeyPatch) -> None:
    """Who waits for payment may still be cut."""
    change = drives.bargains.change

    def unlocked(db: Any, values: Any, /, **given: Any) -> int:
        if values.get("status") == "locked":
            values = {"checkout_id": values["checkout_id"]}
        return change(db, values, **given)

    m.setattr(drives.bargains, "change", unlocked)


@guard("group_buy")
def room_for_a_seat(m: pytest.MonkeyPatch) -> None:
    """A full team takes one more."""
    team = _of(drives._HOLD_SEAT)
    open_ones = (team.c.id == bindparam("of"), team.c.status == "open", team.c.deadline > bindparam("now"))
    m.setattr(drives, "_HOLD_SEAT", Sql(update(team).where(*open_ones).values(held=team.c.held + 1)))


@guard("group_buy")
def settled_once(m: pytest.MonkeyPatch) -> None:
    """A team is settled by whoever sweeps, whatever became of it."""
    team = _of(drives._EXPIRE)
    late = update(team).where(team.c.id == bindparam("of"), team.c.deadline <= bindparam("now"))
    m.setattr(drives, "_EXPIRE", Sql(late.values(status="expired", settled_at=bindparam("now"))))


def _without_refund(m: pytest.MonkeyPatch, reason: str) -> None:
    owe = refunds.owe

    def but_one(turn: Any, order: Any, fen: int, why: str, key: str) -> bool:
        return why != reason and owe(turn, order, fen, why, key)

    m.setattr(refunds, "owe", but_one)


@guard("group_buy")
def refund_at_expiry(m: pytest.MonkeyPatch) -> None:
    """An expired team keeps the money."""
    _without_refund(m, "team_expired")


@guard("group_buy")
def refund_of_a_late_payer(m: pytest.MonkeyPatch) -> None:
    """Who pays after the end gets neither seat nor money."""
    _without_refund(m, "team_over")


@guard("orders", "order_refund")
def refund_counted_once(m: pytest.MonkeyPatch) -> None:
    """A refund told by a second event counts again."""
    m.setattr(shop.order_refunds, "one", lambda *_, **__: None)


@guard("orders", "refund")
def refund_key(m: pytest.MonkeyPatch) -> None:
    """Money is owed again for a reason that it was owed for before."""
    m.setattr(shop.refunds, "one", lambda *_, **__: None)


@guard("orders", "shop_order")
def order_key(m: pytest.MonkeyPatch) -> None:
    """An order told by a second event is a second order."""

    def paid(turn: Any, event: Any, plays: Any) -> None:
        with pytest.MonkeyPatch.context() as blind:
            blind.setattr(shop.orders, "one", _blind_once(shop.orders.one))
            orders.paid(turn, event, plays)

    m.setitem(dispatch.HANDLERS, OrderPaid, paid)


def _blind_once(one: Any) -> Any:
    calls: list[int] = []

    def look(*given: Any, **where: Any) -> Any:
        calls.append(1)
        return None if len(calls) == 1 else one(*given, **where)

    return look


@guard("orders")
def rewards_follow_refunds(m: pytest.MonkeyPatch) -> None:
    """A refunded order keeps its points."""
    m.setattr(rewards, "reduce", lambda *_: None)


@guard("orders", "inbox")
def inbox_key(m: pytest.MonkeyPatch) -> None:
    """An event that was delivered twice runs twice."""
    entry = inbox.Inbox.__table__.c  # type: ignore[attr-defined]
    none = Sql(select(entry.key, entry.answer).where(entry.id < 0))
    m.setattr(inbox, "asking", lambda _: (none, {}))


@guard("coupons")
def conditional_reserve(m: pytest.MonkeyPatch) -> None:
    """A coupon is held by whoever asks."""
    c = _of(coupons._RESERVE)
    held = {"status": "reserved", "checkout_id": bindparam("checkout"), "discount_fen": bindparam("discount")}
    m.setattr(coupons, "_RESERVE", Sql(update(c).where(c.c.id == bindparam("id_")).values(held)))


@guard("coupons")
def end_of_a_coupon(m: pytest.MonkeyPatch) -> None:
    """A checkout takes coupons whose time is over."""
    c = _of(coupons._RESERVE)
    held = {"status": "reserved", "checkout_id": bindparam("checkout"), "discount_fen": bindparam("discount")}
    there = (c.c.id == bindparam("id_"), c.c.status == "active")
    m.setattr(coupons, "_RESERVE", Sql(update(c).where(*there).values(held)))


def _never_out_of(m: pytest.MonkeyPatch, prefix: str) -> None:
    take = stock.take_or_open
    m.setattr(stock, "take_or_open", lambda db, name, *more: name.startswith(prefix) or take(db, name, *more))


@guard("coupons")
def limit_per_member(m: pytest.MonkeyPatch) -> None:
    """Anybody may have as many as they like."""
    _never_out_of(m, "limit:coupon:")


@guard("coupons")
def budget(m: pytest.MonkeyPatch) -> None:
    """Coupons are given without setting aside what they may cost."""
    _never_out_of(m, "budget:")


@guard("coupons")
def policy_of_giving_back(m: pytest.MonkeyPatch) -> None:
    """Every refund brings the coupon back."""
    one = shop.templates.one

    def generous(db: Any, /, **where: Any) -> Any:
        template = one(db, **where)
        if template is not None:
            template.give_back = "always"
        return template

    m.setattr(shop.templates, "one", generous)
