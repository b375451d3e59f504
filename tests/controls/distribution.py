"""对照（分销）: guards of commission, payouts and levels, taken out one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scenarios import distribution_binding, distribution_commission, distribution_payouts, distribution_rules
from storage import distribution, purse
from storage.ledger import COMMISSION, ISSUER, Move, account
from tests.controls.registering import guard


@guard("distribution")
def commission_follows_refunds(m: pytest.MonkeyPatch) -> None:
    """A refunded order keeps its commission."""
    m.setattr(distribution_commission, "reduced", lambda *_: None)


@guard("distribution")
def commission_debt(m: pytest.MonkeyPatch) -> None:
    """What was paid out is not owed: the balance stops at nothing."""

    def floored(by: Any, owner: int, amount: int, key: str, reason: str, now: Any) -> None:
        there = min(amount, purse.held(by.db, owner, COMMISSION))
        if there:
            by.move(Move(key, account(owner), ISSUER, COMMISSION, there, reason))

    m.setattr(distribution, "_claw_back", floored)


@guard("distribution")
def payout_within_reach_of_a_refund(m: pytest.MonkeyPatch) -> None:
    """What was asked for and not paid yet is out of a refund's reach."""

    def past_payouts(by: Any, owner: int, amount: int, key: str, reason: str, now: Any) -> None:
        purse.take_back(by, owner, COMMISSION, amount, ISSUER, key, reason)

    m.setattr(distribution, "_claw_back", past_payouts)


@guard("distribution", "commission_payout")
def payout_decided_once(m: pytest.MonkeyPatch) -> None:
    """A payout is paid whatever became of it."""
    m.setattr(distribution_payouts, "_wrong", lambda *_: None)


@guard("distribution")
def balance_before_a_payout(m: pytest.MonkeyPatch) -> None:
    """What is asked for is paid out of nothing: the purse is not asked."""

    def spend(by: Any, member_id: int, asset: str, amount: int, to: str, key: str, reason: str) -> bool:
        return bool(by.move(Move(key, ISSUER, to, asset, amount, reason)))

    m.setattr(purse, "spend", spend)


@guard("distribution", "commission")
def no_third_level(m: pytest.MonkeyPatch) -> None:
    """Whoever had brought the second is paid as well."""
    second = distribution_commission._second

    def deeper(turn: Any, first: Any, buyer: int, rules: Any) -> Any:
        found = second(turn, first, buyer, rules)
        return [*found, *second(turn, found[0], buyer, rules)] if found else found

    m.setattr(distribution_commission, "_second", deeper)


@guard("distribution")
def first_binding_stands(m: pytest.MonkeyPatch) -> None:
    """Whoever comes last has the customer."""
    blind = lambda who, *, new_only: distribution_rules.refusal(replace(who, bound=""), new_only=new_only)  # noqa: E731
    m.setattr(distribution_binding, "refusal", blind)


@guard("distribution")
def refund_window(m: pytest.MonkeyPatch) -> None:
    """Commission is theirs as soon as the order is paid."""
    promise = distribution_commission._promise

    def at_once(turn: Any, order: Any, *more: Any) -> None:
        promise(turn, order, *more)
        for row in distribution.commissions.all(turn.db, order_id=order.id):
            distribution.commissions.change(turn.db, {"due_at": turn.now}, id=row.id)
            distribution_commission.mature(turn, row.id)

    m.setattr(distribution_commission, "_promise", at_once)
