"""我的佣金、我的客户、提现: what a distributor can see of their own, and ask for."""

from __future__ import annotations

from bot.clock import shown
from bot.events import Event
from bot.texts import yuan
from bot.turn import Turn
from scenarios import distribution_managing, distribution_payouts
from scenarios.distribution_desk import router
from scenarios.distribution_rules import Rules
from scenarios.invite_rules import short
from storage import distribution, members, purse
from storage.ledger import COMMISSION
from storage.tables import Commission, DistributionCustomer, Distributor


def promoter(turn: Turn, event: Event) -> Distributor | None:
    """Who speaks, as a distributor; None when they are none and were told how to become one."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    row = distribution.of_person(turn.db, person.id)
    if row is None:
        text = "distribution/waits" if distribution_managing.waits(turn, person.id) else "distribution/not_yet"
        turn.say(event.sender, text)
    return row


@router.words("我的佣金", "佣金")
def my_commission(turn: Turn, event: Event) -> None:
    """What waits, what can be had, what was asked for and paid, what is owed; the latest orders."""
    assert event.sender is not None
    row = promoter(turn, event)
    if row is None:
        return
    earned, asked = distribution.earned(turn.db, row.id), distribution.asked(turn.db, row.id)
    owed = purse.owed(turn.db, row.member_id, COMMISSION)
    rows = distribution.commissions.all(turn.db, distributor_id=row.id, order="-id", limit=turn.using(Rules).shown)
    turn.say(
        event.sender, "distribution/commission", pending=yuan(earned.get("pending", 0)),
        held=yuan(purse.held(turn.db, row.member_id, COMMISSION)), asked=yuan(asked.get("requested", 0)),
        paid=yuan(asked.get("paid", 0)), debt=turn.texts.render("distribution/owes", fen=yuan(owed)) if owed else "",
        lines="\n".join(_line(turn, one) for one in rows) or turn.texts.render("distribution/no_lines"),
    )  # fmt: skip


def _line(turn: Turn, row: Commission) -> str:
    name, at, fen = short_name(turn, row.customer_id), shown(row.made_at), yuan(row.kept_fen or row.amount_fen)
    less = yuan(row.amount_fen - row.kept_fen)
    values = {"name": name, "at": at, "fen": fen}
    if row.status == "pending":
        text = turn.texts.render("distribution/line_pending", **values, until=shown(row.due_at))
    elif row.status == "available":
        text = turn.texts.render("distribution/line_available", **values)
    else:
        gone = "distribution/line_cancelled" if row.status == "cancelled" else "distribution/line_clawed_back"
        return turn.texts.render(gone, **values)
    return text + (turn.texts.render("distribution/line_less", less=less) if row.kept_fen < row.amount_fen else "")


def short_name(turn: Turn, member_id: int) -> str:
    person = members.find(turn.db, member_id)
    return short(person.name if person else "") or turn.texts.render("distribution/friend")


@router.words("我的客户")
def my_customers(turn: Turn, event: Event) -> None:
    """Whom a distributor brought, until when their orders count."""
    assert event.sender is not None
    row = promoter(turn, event)
    if row is None:
        return
    rows = distribution.customers.all(
        turn.db, distributor_id=row.id, ended_at=None, order="-id", limit=turn.using(Rules).shown
    )  # fmt: skip
    lines = "\n".join(_customer(turn, one) for one in rows)
    if rows:
        count = distribution.customer_count(turn.db, row.id)
        turn.say(event.sender, "distribution/customers", count=count, lines=lines)
    else:
        turn.say(event.sender, "distribution/customers_none", code=row.code)


def _customer(turn: Turn, row: DistributionCustomer) -> str:
    name, since = short_name(turn, row.member_id), shown(row.bound_at)
    if row.decided_at is None:
        return turn.texts.render("distribution/customer_review", name=name, since=since)
    return turn.texts.render("distribution/customer", name=name, since=since)


@router.words("提现", arg="金额", bare=True)
def payout(turn: Turn, event: Event, typed: str) -> None:
    """`提现` or `提现 50`: asked for; a person pays."""
    assert event.sender is not None
    row = promoter(turn, event)
    if row is None:
        return
    held = purse.held(turn.db, row.member_id, COMMISSION)
    fen = distribution_payouts.read_yuan(typed) if typed else held
    if fen is None or (typed and not fen):
        turn.say(event.sender, "distribution/payout_how", held=yuan(held))
        return
    why = distribution_payouts.why_not(turn, row, fen, turn.using(Rules))
    if why == "distribution/payout_nothing":
        asked = distribution.asked(turn.db, row.id).get("requested", 0)
        turn.say(event.sender, "distribution/payout_nothing", asked=yuan(asked))
    elif why == "distribution/payout_small":
        turn.say(event.sender, "distribution/payout_small", least=yuan(turn.using(Rules).min_payout_fen),
                 held=yuan(held))  # fmt: skip
    elif why == "distribution/payout_short":
        turn.say(event.sender, "distribution/payout_short", held=yuan(held))
    elif why:
        turn.say(event.sender, "distribution/payout_suspended")
    else:
        asked_for = distribution_payouts.ask(turn, row, fen)
        turn.say(event.sender, "distribution/payout_asked", fen=yuan(fen), id=asked_for.id)
