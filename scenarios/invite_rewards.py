"""推荐奖励: a referral's way to its reward: pending -> held -> approved -> paid | rejected | clawed back.

Every change is one conditional update: whoever comes second (timer, refund, merge, a person's decision) finds another
state and does nothing. What is promised is held when a newcomer is bound, so no promise is broken later.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from bot.clock import local_day, shown
from bot.turn import Turn
from scenarios import rewards, vouchers
from scenarios.invite_rules import REASONS, Drive, Gift, Rung, parse, rungs, short, stocks
from storage import coupons, follows, grants, members, points, referrals, shop, stock
from storage.ledger import ISSUER
from storage.members import Person
from storage.tables import Referral

DUE, EXPIRY = "referral_due", "referral_expiry"
RULE = "rule:referral"


# -- what a referral holds --------------------------------------------------------------------------------------------


def reserve(turn: Turn, rules: Drive, campaign_id: int, inviter_id: int, level: int) -> list[tuple[str, int]] | str:
    """Hold what one referral may cost: [(stock, n), ...], or why not (`day`, `total`, `used_up`)."""
    held: list[tuple[str, int]] = []
    for name, total, n, refused in stocks(rules, campaign_id, inviter_id, local_day(turn.now), level):
        if not stock.reserve_or_open(turn.db, name, total, n):
            let_go(turn, held)
            return refused
        held.append((name, n))
    return held


def let_go(turn: Turn, held: list[tuple[str, int]]) -> None:
    """What was held is free again."""
    for name, n in held:
        stock.release(turn.db, name, n)


def add(turn: Turn, rules: Drive, row: Referral, holds: list[tuple[str, int]]) -> None:
    """Write a referral that waits for its newcomer."""
    row.holds = json.dumps(holds)
    referrals.rows.add(turn.db, row)
    until = row.bound_at + timedelta(days=rules.bind_days)
    turn.at(until, EXPIRY, f"referral:{row.id}:expiry", {"referral_id": row.id})


# -- qualified, due, paid ---------------------------------------------------------------------------------------------


def hold(turn: Turn, row: Referral, at: datetime, order_id: int | None, flags: list[str]) -> bool:
    """The newcomer did what counts, at `at`: the reward waits until it is safe. False when that was so before."""
    rules = parse(row.rules)
    marks = sorted({*filter(None, row.flags.split(",")), *flags})
    pay_at = at + timedelta(days=rules.hold_days)
    change = {"status": "held", "order_id": order_id, "qualified_at": at, "flags": ",".join(marks), "pay_at": pay_at}
    if not referrals.rows.change(turn.db, change, id=row.id, status="pending"):
        return False
    turn.at(pay_at, DUE, f"referral:{row.id}:pay", {"referral_id": row.id})
    if marks and not row.decided_by:
        turn.audit(RULE, "referral.to_review", f"referral:{row.id}", flags=marks)
    if row.level == 1:
        turn.tell(row.inviter_id, "referral/qualified", name=_name(turn, row), until=shown(pay_at))
    return True


def settle(turn: Turn, row_id: int) -> None:
    """Pay a referral whose time has come, unless a person has to look first."""
    row = referrals.rows.one(turn.db, id=row_id)
    if row is None or row.status not in ("held", "approved") or row.pay_at is None or row.pay_at > turn.now:
        return
    if row.status == "held" and row.flags and not row.decided_by:
        return
    refused = _no_longer(turn, row)
    if refused:
        reject(turn, row, refused)
    elif row.status == "approved" or referrals.rows.change(turn.db, {"status": "approved"}, id=row.id, status="held"):
        _pay(turn, row)


def _no_longer(turn: Turn, row: Referral) -> str:
    """Why what counted does not count any more."""
    rules = parse(row.rules)
    if rules.qualify == "contact":
        return "" if follows.guide_of(turn.db, row.invitee_id) else "left"
    order = shop.orders.one(turn.db, id=row.order_id)
    return "" if order and order.amount_fen - order.refunded_fen >= rules.least_fen else "refunded"


def _pay(turn: Turn, row: Referral) -> None:
    if not referrals.rows.change(turn.db, {"status": "paid", "closed_at": turn.now}, id=row.id, status="approved"):
        return
    rules = parse(row.rules)
    for name, n in json.loads(row.holds):
        stock.commit(turn.db, name, n)
    mine = rules.inviter if row.level == 1 else rules.second
    if _give(turn, row.campaign_id, row.inviter_id, referrals.inviter_key(row.id), mine) and mine:
        text = "referral/paid" if row.level == 1 else "referral/paid_second"
        turn.tell(row.inviter_id, text, name=_name(turn, row), gift=gift_text(turn, mine))
    if row.level == 1:
        if _give(turn, row.campaign_id, row.invitee_id, referrals.INVITEE, rules.invitee) and rules.invitee:
            turn.tell(row.invitee_id, "referral/paid_invitee", gift=gift_text(turn, rules.invitee))
        climb(turn, row.campaign_id, row.inviter_id, rules)


def _give(turn: Turn, campaign_id: int, member_id: int, occurrence: str, gift: Gift) -> bool:
    person = _person(turn, member_id)
    grant_id = grants.claim(turn.db, turn.ids, person, referrals.campaign_key(campaign_id), occurrence, "", turn.cause,
                            turn.now)  # fmt: skip
    if grant_id is None:
        return False
    rewards.give(turn, person, grant_id, gift.pack(), referrals.REASON)
    return True


def _person(turn: Turn, member_id: int) -> Person:
    person = members.find(turn.db, member_id)
    assert person is not None
    return person


# -- the ladder -------------------------------------------------------------------------------------------------------


def climb(turn: Turn, campaign_id: int, inviter_id: int, rules: Drive) -> None:
    """Give every rung that is reached and was not given; take back those that refunds have undone."""
    if not rules.ladder:
        return
    referrals.hold_person(turn.db, inviter_id)
    held = referrals.grants_of(turn.db, campaign_id, inviter_id, "rung:")
    standing = {_rung_of(grant.occurrence) for _, grant in held if grant.status == "granted"}
    give, undo = rungs(rules, referrals.paid_count(turn.db, campaign_id, inviter_id), standing)
    for rung in give:
        times = len({grant.occurrence for _, grant in held if _rung_of(grant.occurrence) == rung.count})
        _give_rung(turn, campaign_id, inviter_id, rung, times, rules)
    for rung in undo:
        take_back(turn, campaign_id, inviter_id, referrals.rung_key(rung.count))


def _rung_of(occurrence: str) -> int:
    return int(occurrence.split(":")[1])


def _give_rung(turn: Turn, campaign_id: int, inviter_id: int, rung: Rung, times: int, rules: Drive) -> None:
    budget = f"budget:campaign:{campaign_id}"
    n = rung.pack.points if rules.budget_points else 0
    if n and not stock.take_or_open(turn.db, budget, rules.budget_points, n):
        turn.audit(RULE, "referral.no_budget", f"campaign:{campaign_id}", inviter=inviter_id, rung=rung.count)
    elif _give(turn, campaign_id, inviter_id, f"{referrals.rung_key(rung.count)}{times}", rung.pack):
        turn.tell(inviter_id, "referral/rung", count=rung.count, gift=gift_text(turn, rung.pack))


# -- what does not count, what is taken back --------------------------------------------------------------------------


def reject(turn: Turn, row: Referral, reason: str, by: str = RULE, note: str = "") -> bool:
    """Let a referral end without a reward; what it held is free again. False when it had ended before."""
    decided = {} if by == RULE else {"decided_by": by, "note": note}
    change = {"status": "rejected", "reason": reason, "closed_at": turn.now, **decided}
    if row.status not in referrals.OPEN or not referrals.rows.change(turn.db, change, id=row.id, status=row.status):
        return False
    referrals.release(turn.db, row)
    turn.audit(by, "referral.rejected", f"referral:{row.id}", reason=reason, was=row.status, note=note)
    if row.level == 1:
        turn.tell(row.inviter_id, "referral/not_counted", name=_name(turn, row), why=turn.texts.render(REASONS[reason]))
    return True


def claw_back(turn: Turn, row: Referral, reason: str) -> None:
    """A reward was paid for what was undone later: both sides give it back, and what was spent becomes debt."""
    change = {"status": "clawed_back", "reason": reason, "closed_at": turn.now}
    if not referrals.rows.change(turn.db, change, id=row.id, status="paid"):
        return
    turn.audit(RULE, "referral.clawed_back", f"referral:{row.id}", reason=reason)
    take_back(turn, row.campaign_id, row.inviter_id, referrals.inviter_key(row.id))
    if row.level == 1:
        take_back(turn, row.campaign_id, row.invitee_id, referrals.INVITEE)
        climb(turn, row.campaign_id, row.inviter_id, parse(row.rules))
        why = turn.texts.render(REASONS[reason])
        turn.tell(row.inviter_id, "referral/taken_back", name=_name(turn, row), why=why)
        turn.tell(row.invitee_id, "referral/taken_back_invitee", why=why)


def take_back(turn: Turn, campaign_id: int, member_id: int, occurrence: str) -> None:
    """Reverse a grant: unused coupons are voided, used ones recorded, points go back."""
    for was, held in referrals.grants_of(turn.db, campaign_id, member_id, occurrence):
        if held.status != "granted":
            continue
        grants.set_status(turn.db, held.id, "reversed")
        used = []
        for voucher in coupons.of_grant(turn.db, held.id):
            if coupons.close(turn.db, voucher.id, "active", "voided", turn.now):
                vouchers.ended(turn, voucher, 0)
            elif voucher.status in ("redeemed", "reserved"):
                used.append(voucher.code)
        given = referrals.given_by(turn.db, held.id, was)
        if given:
            points.take_back(turn, member_id, given, ISSUER, f"grant:{held.id}:back", referrals.BACK)
        turn.audit(RULE, "referral.grant_reversed", f"grant:{held.id}", member=member_id, points=given, used=used)


# -- words ------------------------------------------------------------------------------------------------------------


def gift_text(turn: Turn, gift: Gift) -> str:
    """A gift as people read it."""
    parts = [turn.texts.render("referral/points", points=gift.points)] if gift.points else []
    return turn.texts.render("common/comma").join([*parts, *rewards.coupon_names(gift.pack())])


def _name(turn: Turn, row: Referral) -> str:
    return short(_person(turn, row.invitee_id).name) or turn.texts.render("referral/friend")
