"""Events of our own runtime: an answer came back, a timer is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot import onebot_reach
from bot.doors import DAILY
from bot.events import ApiAnswered, TimerDue
from bot.media import FETCH
from bot.media_sweep import SWEEP, owe_sweep
from bot.model import asking
from bot.scheduler import RECONCILE, owe_reconcile
from bot.turn import Turn
from bot.watch import ALERT
from handlers import broadcasts, contact, group_assets, group_chat, kf, media, onebot, orders, robots
from handlers.plays import Plays
from scenarios import broadcast_answers, broadcasting, checkout, handover, refunds, tag_mirror

Hear = Callable[[Turn, ApiAnswered], None]
ANSWERS: Mapping[str, Hear] = MappingProxyType({
    group_chat.GET: group_chat.answered,
    **dict.fromkeys(group_assets.CALLS, group_assets.answered),
    refunds.CALL: orders.refund_answered,
    **dict.fromkeys(kf.CALLS, kf.answered),
    **dict.fromkeys(broadcast_answers.CALLS, broadcasts.answered),
    onebot_reach.SEND: onebot.answered,
    FETCH: media.answered,
    asking.CALL: asking.settle,
    tag_mirror.CALL: tag_mirror.marked,
})  # fmt: skip


def api_answered(turn: Turn, event: ApiAnswered, plays: Plays) -> None:
    """Hand an answer to whoever asked."""
    if event.call == contact.GET:
        contact.profiled(turn, event, plays)
        return
    hear = ANSWERS.get(event.call)
    if hear is not None:
        hear(turn, event)
    if event.call in kf.CALLS and "broadcast" in event.request:
        broadcasts.answered(turn, event)


def timer_due(turn: Turn, event: TimerDue, plays: Plays) -> None:
    """Timers of the house; those of plays are heard by the plays themselves."""
    if event.name == RECONCILE:
        owe_reconcile(turn)
    elif event.name == SWEEP:
        owe_sweep(turn)
    elif event.name == refunds.TIMER:
        refunds.ask_again(turn, event.payload["refund_id"])
    elif event.name == checkout.TIMER:
        orders.hold_ended(turn, event.payload["checkout_id"], plays)
    elif event.name == handover.OPENING:
        handover.opened(turn, event.payload["key"])
    elif event.name in broadcasting.TIMERS:
        broadcasts.due(turn, event)
    elif event.name == ALERT:
        robots.alert(turn, event)
    elif event.name == DAILY:
        robots.daily(turn, event)
