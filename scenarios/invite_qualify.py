"""推荐达成: what a newcomer must do: a first order that stands, or to stay; and what undoes it."""

from __future__ import annotations

from bot.turn import Turn
from scenarios import invite_rewards
from scenarios.invite_binding import look_alike
from scenarios.invite_rules import order_refusal, parse
from storage import follows, members, referrals, shop
from storage.tables import Order, Referral


def bought(turn: Turn, member_id: int, order: Order) -> None:
    """An order of a newcomer: it counts when it is the first, large enough, and not refunded already."""
    if not referrals.rows.all(turn.db, invitee_id=member_id, status="pending", limit=1):
        return  # almost every order
    people = members.everyone(turn.db, member_id)
    before = any(shop.has_bought_before(turn.db, one, order.id) for one in people)
    _decide(turn, member_id, order, bought=before)


def _decide(turn: Turn, member_id: int, order: Order, *, bought: bool) -> None:
    kept = order.amount_fen - order.refunded_fen
    for row in referrals.rows.all(turn.db, invitee_id=member_id, status="pending"):
        rules = parse(row.rules)
        if rules.qualify != "order":
            continue
        why = order_refusal(order.paid_at, row.bound_at, kept, rules.least_fen, bought=bought)
        if why:
            invite_rewards.reject(turn, row, why)
        else:
            invite_rewards.hold(turn, row, order.paid_at, order.id, _alike(turn, row))


def stays(turn: Turn, member_id: int) -> None:
    """A newcomer whom a guide follows: where that is enough, the days begin to count."""
    for row in referrals.rows.all(turn.db, invitee_id=member_id, status="pending"):
        if parse(row.rules).qualify == "contact" and follows.guide_of(turn.db, member_id) is not None:
            invite_rewards.hold(turn, row, turn.now, None, _alike(turn, row))


def went(turn: Turn, member_id: int) -> None:
    """No guide follows the newcomer any more: where staying counts, it is over."""
    for row in referrals.rows.all(turn.db, invitee_id=member_id):
        if row.status in referrals.OPEN and parse(row.rules).qualify == "contact":
            invite_rewards.reject(turn, row, "left")


def reduced(turn: Turn, order_id: int, kept_fen: int) -> None:
    """Of an order, `kept_fen` stands: below what counts, nothing is paid, or it is taken back."""
    for row in referrals.rows.all(turn.db, order_id=order_id):
        if kept_fen >= parse(row.rules).least_fen:
            continue
        if row.status == "paid":
            invite_rewards.claw_back(turn, row, "refunded")
        else:
            invite_rewards.reject(turn, row, "refunded")


def merged(turn: Turn, member_id: int) -> None:
    """Orders under another name count for the person, and so do the people whom both names brought."""
    orders = [
        order for one in members.everyone(turn.db, member_id) for order in shop.orders.all(turn.db, member_id=one)
    ]
    if orders:  # what was bought first decides, as if it had been told under the one name
        _decide(turn, member_id, min(orders, key=lambda order: (order.paid_at, order.id)), bought=False)
    stays(turn, member_id)
    latest = {row.campaign_id: row.rules for row in referrals.rows.all(turn.db, inviter_id=member_id, level=1)}
    for campaign_id, rules in latest.items():
        invite_rewards.climb(turn, campaign_id, member_id, parse(rules))


def _alike(turn: Turn, row: Referral) -> list[str]:
    """What makes the two look like one person."""
    return ["avatar"] if look_alike(turn, row.inviter_id, row.invitee_id) else []
