"""管理 admin: what a shop's own programs set up: products, coupon templates, campaigns. Each act is an event like any
other: kept, done once per Idempotency-Key, its answer stored and given again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bot.order_events import AdminAsked
from bot.turn import Turn
from handlers import campaigns, catalogue, group_assets
from handlers.plays import Plays
from handlers.refusals import Refused


def asked(turn: Turn, event: AdminAsked, plays: Plays) -> None:
    """Do it and keep the answer: {"status", "body"}."""
    try:
        status, body = ACTS[event.act](turn, event.body, plays)
    except Refused as refused:
        status = refused.status
        body = {"error": {"code": refused.code, "message": str(refused), "field": refused.field}}
    turn.answer = json.dumps({"status": status, "body": body}, ensure_ascii=False)


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], tuple[int, dict[str, Any]]]] = {
    "products": catalogue.new_product,
    "coupon-templates": catalogue.new_template,
    "campaigns": campaigns.new_campaign,
    **{f"campaigns/{name}": campaigns.step(name) for name in campaigns.STEPS},
    **group_assets.ACTS,
}
