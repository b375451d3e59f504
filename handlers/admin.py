"""管理 admin: what a shop's own programs set up: products, stores, coupon templates, campaigns. Each act is an event
like any other: kept, done once per Idempotency-Key, its answer stored and given again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bot.order_events import AdminAsked
from bot.router import Refusal
from bot.turn import Turn
from handlers import campaigns, catalogue, coupon_templates, group_assets, knowledge, points, undoing
from handlers.plays import Plays
from handlers.refusals import Refused, read


def asked(turn: Turn, event: AdminAsked, plays: Plays) -> None:
    """Do it and keep the answer: {"status", "body"}."""
    try:
        status, body = ACTS.get(event.act, of_a_play)(turn, event.body, plays)
    except Refused as refused:
        status = refused.status
        body = {"error": {"code": refused.code, "message": str(refused), "field": refused.field}}
    turn.answer = json.dumps({"status": status, "body": body}, ensure_ascii=False)


def of_a_play(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """What an enabled play answers itself."""
    assert isinstance(turn.event, AdminAsked)
    found = plays.acts.get(turn.event.act)
    if found is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_play"))
    play, act = found
    answer = play.ask(act, turn, read(turn, act.body, body))
    if isinstance(answer, Refusal):
        raise Refused(answer.status, answer.code, turn.texts.render(answer.text, **answer.values))
    return 200, answer


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], tuple[int, dict[str, Any]]]] = {
    "products": catalogue.new_product,
    "products/change": catalogue.change_product,
    "stores": catalogue.new_store,
    "stores/change": catalogue.change_store,
    "coupon-templates": coupon_templates.new_template,
    "campaigns": campaigns.new_campaign,
    **{f"campaigns/{name}": campaigns.step(name) for name in campaigns.STEPS},
    "points": points.move,
    "points/approve": points.approve,
    "checkouts/undo": undoing.undo_checkout,
    "redemptions/undo": undoing.undo_redemption,
    **group_assets.ACTS,
    **knowledge.ACTS,
}
