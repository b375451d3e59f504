"""管理 admin: what a shop's own programs set up: products, stores, coupon templates, campaigns. Each act is an event
like any other: kept, done once per Idempotency-Key, its answer stored and given again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bot.order_events import AdminAsked
from bot.own_events import ApprovalDecided
from bot.router import Refusal
from bot.turn import Turn
from handlers import (
    approving,
    broadcasts,
    campaigns,
    catalogue,
    coupon_templates,
    group_assets,
    knowledge,
    launches,
    points,
    policy,
    segments,
    staffing,
    timetables,
    undoing,
)
from handlers.approving import Held, hold
from handlers.plays import Plays
from handlers.refusals import Refused, read
from storage import approvals, staff
from storage.staff import Speaker

Answer = tuple[int, dict[str, Any]]
OWNER = Speaker("", "owner", "", "")  # the token of the settings


def asked(turn: Turn, event: AdminAsked, plays: Plays) -> None:
    """Do it and keep the answer: {"status", "body"}."""
    try:
        _admit(turn, event, plays)
        status, body = perform(turn, event.act, event.body, plays)
        if turn.db.touched and not turn.audits:
            turn.audit(turn.actor, f"api.{event.act}", str(body.get("id", "")))
        body |= _agreed(turn, plays)
    except Held as held:
        status, body = hold(turn, event.act, event.body, needed(event.act, plays), held)
    except Refused as refused:
        status, body = refused.status, _error(refused)
    turn.answer = json.dumps({"status": status, "body": body}, ensure_ascii=False)


def perform(turn: Turn, act: str, body: dict[str, Any], plays: Plays) -> Answer:
    """Have an act done by whoever answers it."""
    done = ACTS.get(act)
    return done(turn, body, plays) if done else of_a_play(turn, act, body, plays)


def _error(refused: Refused) -> dict[str, Any]:
    return {"error": {"code": refused.code, "message": str(refused), "field": refused.field}}


def _agreed(turn: Turn, plays: Plays) -> dict[str, Any]:
    """What became of what a second person has just agreed to, for the answer to them."""
    news = [one for one in turn.news if isinstance(one, ApprovalDecided)]
    turn.news = [one for one in turn.news if not isinstance(one, ApprovalDecided)]
    done = [answer for one in news if (answer := decided(turn, one, plays))]
    for one in news:
        plays.tell(turn, one)
        done += _undone(turn, one)
    return {"done": done[0]} if done else {}


def _undone(turn: Turn, event: ApprovalDecided) -> list[dict[str, Any]]:
    """What was agreed to and could not be done by its play after all, as whoever agreed is told."""
    row = approvals.rows.one(turn.db, id=event.approval_id)
    if not event.approved or event.what == approving.ACT or row is None or row.status != approvals.REJECTED:
        return []
    return [{"status": 409, "body": _error(Refused(409, "not_done", row.reason, "id"))}]


def decided(turn: Turn, event: ApprovalDecided, plays: Plays) -> dict[str, Any]:
    """Do what waited, now that a second person agrees; {"status", "body"}, nothing when it is not ours to do."""
    approving.told(turn, event, plays)
    if event.what == approving.POINTS:
        return points.decided(turn, event)
    if event.what != approving.ACT or not event.approved:
        return {}
    speaker, granted, scope = turn.staff, turn.grants, turn.scope
    try:
        status, body = _in_the_name_of(turn, event, plays)
    except Refused as refused:
        status, body = refused.status, _error(refused)
        why = turn.texts.render("approvals/not_done", why=str(refused))
        approvals.rows.change(turn.db, {"status": approvals.REJECTED, "reason": why}, id=event.approval_id)
    finally:
        turn.staff, turn.grants, turn.scope, turn.signer = speaker, granted, scope, ""
    return {"status": status, "body": body}


def _in_the_name_of(turn: Turn, event: ApprovalDecided, plays: Plays) -> Answer:
    act = event.payload["act"]
    policy.admit(turn, event.made_by, plays.staff)
    turn.scope, turn.signer = turn.grants.get(needed(act, plays), ""), event.by
    if not turn.scope:  # all else was looked at when it was asked
        raise Refused(403, "forbidden", turn.texts.render("approvals/maker_may_not", userid=event.made_by))
    return perform(turn, act, event.payload["body"], plays)


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
    if may and not (turn.scope == "all" or (turn.scope and scoped(event.act, plays))):
        raise Refused(403, "forbidden", turn.texts.render("admin/may_not", role=turn.staff.role))


def needed(act: str, plays: Plays) -> str:
    """The permission that an act needs; "" when no enabled play answers it."""
    of_play = plays.acts.get(act)
    return of_play[1].may if of_play else policy.ACTS.get(act, "")


def scoped(act: str, plays: Plays) -> bool:
    """Whether an act looks itself at whose it is."""
    of_play = plays.acts.get(act)
    return of_play[1].scoped if of_play else act in policy.SCOPED


def of_a_play(turn: Turn, name: str, body: dict[str, Any], plays: Plays) -> Answer:
    """What an enabled play answers itself."""
    found = plays.acts.get(name)
    if found is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_play"))
    play, act = found
    answer = play.ask(act, turn, read(turn, act.body, body))
    if isinstance(answer, Refusal):
        raise Refused(answer.status, answer.code, turn.texts.render(answer.text, **answer.values))
    return 200, answer


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "products": catalogue.new_product,
    "products/change": catalogue.change_product,
    "stores": catalogue.new_store,
    "stores/change": catalogue.change_store,
    "coupon-templates": coupon_templates.new_template,
    "campaigns": campaigns.new_campaign,
    **{f"campaigns/{name}": campaigns.step(name) for name in campaigns.STEPS},
    **timetables.ACTS,
    **launches.ACTS,
    "points": points.move,
    "points/approve": points.approve,
    "checkouts/undo": undoing.undo_checkout,
    "redemptions/undo": undoing.undo_redemption,
    **group_assets.ACTS,
    **knowledge.ACTS,
    **broadcasts.ACTS,
    **segments.ACTS,
    **staffing.ACTS,
    **approving.ACTS,
}
