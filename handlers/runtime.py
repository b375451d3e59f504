"""Events of our own runtime: an answer came back, a timer is due."""

from __future__ import annotations

from bot import onebot_reach
from bot.doors import DAILY
from bot.events import ApiAnswered, TimerDue
from bot.model import asking
from bot.scheduler import RECONCILE, owe_reconcile
from bot.turn import Turn
from bot.watch import ALERT
from handlers import contact, group_assets, group_chat, kf, onebot, orders, robots
from handlers.plays import Plays
from scenarios import checkout, handover, refunds


def api_answered(turn: Turn, event: ApiAnswered, plays: Plays) -> None:
    """Hand an answer to whoever asked."""
    if event.call == contact.GET:
        contact.profiled(turn, event, plays)
    elif event.call == group_chat.GET:
        group_chat.answered(turn, event)
    elif event.call in group_assets.CALLS:
        group_assets.answered(turn, event)
    elif event.call == refunds.CALL:
        orders.refund_answered(turn, event)
    elif event.call in kf.CALLS:
        kf.answered(turn, event)
    elif event.call == onebot_reach.SEND:
        onebot.answered(turn, event)
    elif event.call == asking.CALL:
        asking.settle(turn, event)


def timer_due(turn: Turn, event: TimerDue, plays: Plays) -> None:
    """Timers of the house; those of plays are heard by the plays themselves."""
    if event.name == RECONCILE:
        owe_reconcile(turn)
    elif event.name == refunds.TIMER:
        refunds.ask_again(turn, event.payload["refund_id"])
    elif event.name == checkout.TIMER:
        orders.hold_ended(turn, event.payload["checkout_id"], plays)
    elif event.name == handover.OPENING:
        handover.opened(turn, event.payload["key"])
    elif event.name == ALERT:
        robots.alert(turn, event)
    elif event.name == DAILY:
        robots.daily(turn, event)
