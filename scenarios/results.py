"""我的业绩 results: what a guide has come to today, this week and this month; whose an order is, told when it is
paid."""

from __future__ import annotations

from collections.abc import Callable
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
    userid, text = event.sender.external_id, turn.texts.render
    spans = starts(turn.now)

    def line(value: Callable[[datetime], str]) -> str:
        today, week, month = (value(since) for since in spans)
        return text("results/three", today=today, week=week, month=month)

    def orders(since: datetime) -> str:
        count, fen = results.orders(turn.db, userid, since)
        return text("results/order", count=count, fen=yuan(fen))

    def handed(since: datetime) -> str:
        count, used = results.handed_out(turn.db, userid, since)
        return text("results/used", count=count, used=used)

    rows = [
        (text("results/contacts"), line(lambda s: text("results/people", count=results.contacts(turn.db, userid, s)))),
        (text("results/orders"), line(orders)),
        (text("results/handed"), line(handed)),
        (text("results/verified"), line(lambda s: text("results/piece", count=results.verified(turn.db, userid, s)))),
        (text("results/tasks"), line(lambda s: text("results/thing", count=tasks.count_done(turn.db, userid, s)))),
    ]
    name = (turn.staff.name if turn.staff else "") or userid
    lines = "\n".join(text("common/row", key=key, value=value) for key, value in rows)
    turn.say(event.sender, "results/mine", name=name, at=shown(turn.now), lines=lines, how=text("results/how"))
