"""我的业绩 results: what a guide has come to today, this week and this month; whose an order is, told when it is
paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.clock import ZONE, shown
from bot.events import Event
from bot.order_events import OrderEntered
from bot.router import Router
from bot.texts import yuan
from bot.turn import Turn
from storage import follows, results, shop, tasks

router = Router("results")


def starts(now: datetime) -> tuple[datetime, datetime, datetime]:
    """The first moments of the shops' day, week (from Monday) and month."""
    day = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day - timedelta(days=day.weekday()), day.replace(day=1)


@router.on(OrderEntered)
def order_entered(turn: Turn, event: OrderEntered) -> None:
    """The order is the guide's who followed the buyer when it was paid: later changes of guides do not move it."""
    order = shop.orders.one(turn.db, id=event.order_id)
    assert order is not None
    userid = follows.guide_at(turn.db, event.member_id, order.paid_at)
    if userid is not None:
        results.attribute(turn.db, order.id, userid, order.paid_at)


@router.words("我的业绩", "业绩", audience="guide", may="results.read")
def mine(turn: Turn, event: Event) -> None:
    """Three columns, each defined in the text."""
    assert event.sender is not None
    userid, spans = event.sender.external_id, starts(turn.now)
    sold = [results.orders(turn.db, userid, since) for since in spans]
    handed = [results.handed_out(turn.db, userid, since) for since in spans]
    lines = [
        _line(turn, "contacts", "people", [results.contacts(turn.db, userid, since) for since in spans]),
        _line(turn, "orders", "order", [count for count, _ in sold]),
        _line(turn, "fen", "yuan", [yuan(fen) for _, fen in sold]),
        _line(turn, "handed", "piece", [count for count, _ in handed]),
        _line(turn, "used", "piece", [used for _, used in handed]),
        _line(turn, "verified", "piece", [results.verified(turn.db, userid, since) for since in spans]),
        _line(turn, "tasks", "thing", [tasks.count_done(turn.db, userid, since) for since in spans]),
    ]
    name, how = (turn.staff.name if turn.staff else "") or userid, turn.texts.render("results/how")
    turn.say(event.sender, "results/mine", name=name, at=shown(turn.now), lines="\n".join(lines), how=how)


LABELS = {
    "contacts": "results/contacts", "orders": "results/orders", "fen": "results/fen", "handed": "results/handed",
    "used": "results/used", "verified": "results/verified", "tasks": "results/tasks",
}  # fmt: skip
UNITS = {
    "people": "results/people", "order": "results/order", "yuan": "results/yuan", "piece": "results/piece",
    "thing": "results/thing",
}  # fmt: skip


def _line(turn: Turn, label: str, unit: str, values: Sequence[object]) -> str:
    """One kind of result over the three times."""
    today, week, month = values
    three = turn.texts.render("results/three", today=today, week=week, month=month, unit=turn.texts.render(UNITS[unit]))
    return turn.texts.render("common/row", key=turn.texts.render(LABELS[label]), value=three)
