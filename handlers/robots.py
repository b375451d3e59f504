"""群机器人 group robots: alerts for whoever runs the bot, and what yesterday brought."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import webhook
from bot.clock import ZONE, end_of_day
from bot.events import TimerDue
from bot.texts import yuan
from bot.turn import Turn
from storage import digest

ALERT_GOOD_FOR = timedelta(hours=6)
DAILY_GOOD_FOR = timedelta(hours=12)


def alert(turn: Turn, event: TimerDue) -> None:
    """Something was given up, or a budget is used up."""
    told = event.payload
    if told["what"] == "budget":
        content = turn.texts.render("webhook/budget", coupon=told["coupon"], total=yuan(told["total_fen"]))
    elif told["what"] == "dead_calls":
        content = turn.texts.render("webhook/dead_calls", count=told["count"], kind=told["kind"])
    else:
        content = turn.texts.render("webhook/dead_events", count=told["count"], kind=told["kind"])
    webhook.owe(turn, "alerts", content, good_for=ALERT_GOOD_FOR)


def daily(turn: Turn, event: TimerDue) -> None:
    """The shops' day before the one in which this was due."""
    since, until = day_before(event.at)
    day = digest.of(turn.db, since, until)
    content = turn.texts.render(
        "webhook/daily",
        date=f"{since.astimezone(ZONE):%m-%d}",
        members=day.members,
        orders=day.orders,
        amount=yuan(day.orders_fen),
        coupons=day.coupons,
        refunds=day.refunds,
        owed=yuan(day.refunds_fen),
    )
    webhook.owe(turn, "daily", content, good_for=DAILY_GOOD_FOR)


def day_before(moment: datetime) -> tuple[datetime, datetime]:
    """Beginning and end, in UTC, of the shops' day before that of `moment`."""
    return end_of_day(moment, -2), end_of_day(moment, -1)
