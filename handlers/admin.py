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
from handlers import campaigns, catalogue, coupon_templates, group_assets, knowledge, points, policy, staffing, undoing
from handlers.plays import Plays
from handlers.refusals import Refused, read
from storage import staff
from storage.staff import Speaker

OWNER = Speaker("", "owner", "", "")  # the token of the settings


def asked(turn: Turn, event: AdminAsked, plays: Plays) -> None:
    """Do it and keep the answer: {"status", "body"}."""
    try:
        _admit(turn, event, plays)
        status, body = ACTS.get(event.act, of_a_play)(turn, event.body, plays)
        if turn.db.touched and not turn.audits:
            turn.audit(turn.actor, f"api.{event.act}", str(body.get("id", "")))
    except Refused as refused:
        status = refused.status
        body = {"error": {"code": refused.code, "message": str(refused), "field": refused.field}}
    turn.answer = json.dumps({"status": status, "body": body}, ensure_ascii=False)


def _admit(turn: Turn, event: AdminAsked, plays: Plays) -> None:
    """Who asks, and whether they may: looked at once more in the transaction that does it."""
    turn.staff = OWNER
    if event.actor:
        policy.admit(turn, event.actor, plays.staff)
        token = staff.tokens.one(turn.db, id=event.token_id)
        if token is None or token.userid != event.actor or not staff.good(token, turn.now):
            raise Refused(401, "unauthorized", turn.texts.render("admin/dead_token"))
    turn.grants = policy.grants(turn.staff.role)
    may = needed(event.act, plays)
    turn.scope = turn.grants.get(may, "")
    if may and not turn.scope:
        raise Refused(403, "forbidden", turn.texts.render("admin/may_not", role=turn.staff.role))


def needed(act: str, plays: Plays) -> str:
    """The permission that an act needs; "" when no enabled play answers it."""
    of_play = plays.acts.get(act)
    return of_play[1].may if of_play else policy.ACTS.get(act, "")


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
    **staffing.ACTS,
}
