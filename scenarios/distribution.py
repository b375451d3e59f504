"""分销 distribution, off by default: a member becomes a distributor, is served by a customer and a service manager, and
earns by the orders of those whom they brought: pending until the refund window ends, taken back with a visible debt.

Two levels at most with the promoter, by the schema; no fee to enter, no pay for heads. Rules: `distribution_rules.py`;
binding, commission, payouts and managing have files of their own.
"""

from __future__ import annotations

from bot.events import Address, ApiAnswered, ContactAdded, ContactHalfAdded, Event, TimerDue
from bot.kf_events import KfEntered
from bot.order_events import OrderEntered, OrderReduced
from bot.own_events import ApprovalDecided, ContactFound
from bot.router import Act
from bot.texts import yuan
from bot.turn import Turn
from scenarios import (
    distribution_acts,
    distribution_commission,
    distribution_managing,
    distribution_payouts,
    invite_codes,
)
from scenarios.distribution_binding import BOOK, bind
from scenarios.distribution_desk import STATES, router
from scenarios.distribution_rules import Rules
from scenarios.distribution_statement import promoter, short_name
from scenarios.invite_binding import is_staff
from storage import distribution, members, shop
from storage.members import Person
from storage.tables import DistributionCustomer

__all__ = ["Rules", "router"]

REFUSED = {
    "unknown": "distribution/unknown_code", "inactive": "distribution/inactive_code", "self": "distribution/self",
    "staff": "distribution/staff", "promotes": "distribution/promotes", "mine": "distribution/bound_already",
    "theirs": "distribution/bound_before", "bought": "distribution/not_new",
}  # fmt: skip


# -- words ------------------------------------------------------------------------------------------------------------


@router.words("申请分销", "成为分销员")
def apply(turn: Turn, event: Event) -> None:
    """A member wants to promote: free of charge, and a person decides where the house wants that."""
    assert event.sender is not None
    rules, person = turn.using(Rules), turn.ensure_person(event.sender, "word")
    if distribution.of_person(turn.db, person.id) is not None:
        mine(turn, event)
    elif is_staff(turn, person, rules.staff_external_userids):
        turn.say(event.sender, "distribution/staff")
    elif distribution_managing.waits(turn, person.id):
        turn.say(event.sender, "distribution/waits")
    elif distribution_managing.apply(turn, person, rules) is not None:
        mine(turn, event)
    else:
        turn.say(event.sender, "distribution/applied", terms=_terms(turn, rules))


def _terms(turn: Turn, rules: Rules) -> str:
    """What a distributor earns, and when."""
    rate = turn.texts.render("distribution/rate", percent=_percent(rules.rate_bp))
    if rules.levels > 1 and rules.second_rate_bp:
        rate = turn.texts.render("distribution/rate_two", first=rate, percent=_percent(rules.second_rate_bp))
    return turn.texts.render(
        "distribution/terms", rate=rate, days=rules.refund_days, most=yuan(rules.most_fen_per_order),
        least=yuan(rules.min_payout_fen),
    )  # fmt: skip


def _percent(basis_points: int) -> str:
    return yuan(basis_points)  # hundredths, as fen are


@router.words("我的分销", "分销")
def mine(turn: Turn, event: Event) -> None:
    """A distributor's code, QR code, customers, terms and who serves them."""
    assert event.sender is not None
    row = promoter(turn, event)
    if row is None:
        return
    rules = turn.using(Rules)
    if row.status == "active":
        invite_codes.ask_for_way(turn, row, rules.guides, skip_verify=rules.skip_verify, book=BOOK)
    link = turn.texts.render("distribution/link", qr_code=row.qr_code) if row.qr_code else ""
    turn.say(
        event.sender, "distribution/mine", code=row.code, state=turn.texts.render(STATES[row.status]), link=link,
        count=distribution.customer_count(turn.db, row.id), terms=_terms(turn, rules),
    )  # fmt: skip


@router.words("填推广码", arg="推广码")
def enter_code(turn: Turn, event: Event, typed: str) -> None:
    """Somebody says who brought them."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    row, why = bind(turn, person, typed, turn.using(Rules))
    if row is None:
        turn.say(event.sender, REFUSED[why])
        return
    turn.say(event.sender, "distribution/bound", name=_promoter_name(turn, row))
    _tell_promoter(turn, row)


def _promoter_name(turn: Turn, row: DistributionCustomer) -> str:
    there = distribution.distributors.one(turn.db, id=row.distributor_id)
    return short_name(turn, there.member_id) if there is not None else turn.texts.render("distribution/friend")


def _tell_promoter(turn: Turn, row: DistributionCustomer) -> None:
    there = distribution.distributors.one(turn.db, id=row.distributor_id)
    if there is not None:
        turn.tell(there.member_id, "distribution/customer_came", name=short_name(turn, row.member_id))


# -- how customers come -----------------------------------------------------------------------------------------------


@router.on(ContactAdded, ContactHalfAdded, ContactFound)
def contact_came(turn: Turn, event: ContactAdded | ContactHalfAdded | ContactFound) -> None:
    """Somebody added a guide, perhaps by a distributor's QR code."""
    if event.state and event.state.startswith(BOOK.state):
        person = turn.ensure_person(Address("wecom", event.external_userid), "wecom callback")
        _came(turn, person, event.state)


@router.on(KfEntered)
def came_by_link(turn: Turn, event: KfEntered) -> None:
    """Somebody opened a 客服 link that carries a code."""
    if event.scene_param.startswith(BOOK.state):
        person = turn.ensure_person(Address("wecom", event.external_userid), "kf link")
        _came(turn, person, event.scene_param)


def _came(turn: Turn, person: Person, state: str) -> None:
    """Bound without a word to the customer: to them it changes nothing."""
    row, _ = bind(turn, person, state.removeprefix(BOOK.state), turn.using(Rules))
    if row is not None:
        _tell_promoter(turn, row)


# -- orders, time, decisions ------------------------------------------------------------------------------------------


@router.on(OrderEntered)
def order_entered(turn: Turn, event: OrderEntered) -> None:
    """A customer's order promises commission."""
    order = shop.orders.one(turn.db, id=event.order_id)
    assert order is not None
    distribution_commission.promise(turn, order, event.member_id, turn.using(Rules))


@router.on(OrderReduced)
def order_reduced(turn: Turn, event: OrderReduced) -> None:
    """Money went back."""
    distribution_commission.reduced(turn, event.order_id, event.paid_fen, event.kept_fen)


@router.on(TimerDue)
def timer_due(turn: Turn, event: TimerDue) -> None:
    """A refund window is over."""
    if event.name == distribution.DUE:
        distribution_commission.mature(turn, event.payload["commission_id"])


@router.on(ApprovalDecided)
def decided(turn: Turn, event: ApprovalDecided) -> None:
    """A person decided who may promote, or that a large payout has left."""
    if event.what == distribution_payouts.PAY and event.approved:
        distribution_payouts.agreed(turn, event.payload, event.by)
    if event.what != distribution_managing.APPLY:
        return
    member_id = members.current_id(turn.db, event.payload["member"])
    if event.approved:
        rules = turn.using(Rules)
        row = distribution_managing.agreed(turn, member_id, event.by, rules)
        invite_codes.ask_for_way(turn, row, rules.guides, skip_verify=rules.skip_verify, book=BOOK)
        turn.tell(member_id, "distribution/welcome", code=row.code, terms=_terms(turn, rules))
    elif event.by:
        reason = event.reason or turn.texts.render("approvals/no_reason")
        turn.tell(member_id, "distribution/refused", reason=reason)
    else:
        turn.tell(member_id, "distribution/not_answered")


@router.on(ApiAnswered)
def api_answered(turn: Turn, event: ApiAnswered) -> None:
    """A distributor's QR code is made."""
    made = invite_codes.way_answered(turn, event, BOOK) if event.call == invite_codes.ADD_WAY else None
    if made is not None:
        turn.tell(made[0], "distribution/way", qr_code=made[1])


router.acts = {
    "distribution/distributors/assign": Act(
        distribution_acts.Assign, distribution_acts.assign, may=distribution_managing.MAY, scoped=True
    ),
    "distribution/hand-over": Act(
        distribution_acts.HandOver, distribution_acts.hand_over, may=distribution_managing.MAY
    ),
    **{
        f"distribution/distributors/{name}": Act(
            distribution_acts.Step, step, may=distribution_managing.MAY, scoped=True
        )
        for name, step in distribution_acts.STEP_ACTS.items()
    },
    **{
        f"distribution/customers/{name}": Act(
            distribution_acts.Step, distribution_acts.decide(yes=name == "approve"), may=distribution_managing.MAY,
            scoped=True,
        )
        for name in ("approve", "reject")
    },
    "distribution/payouts/pay": Act(
        distribution_payouts.Paid, distribution_payouts.pay, may=distribution_payouts.MAY
    ),
    "distribution/payouts/reject": Act(
        distribution_payouts.Returned, distribution_payouts.reject, may=distribution_payouts.MAY
    ),
}  # fmt: skip
