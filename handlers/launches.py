"""新品上市 launches: a product is shown to a segment, at one moment or several, by broadcasts as any other: approved,
and held by consent, caps and quiet hours when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from string import Template
from typing import Any

from pydantic import Field

from bot.texts import yuan
from bot.turn import Turn
from handlers import broadcasts as composing
from handlers.approving import second
from handlers.broadcast_bodies import Attachment, Given
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse, refused
from handlers.signing import Override
from scenarios import broadcasting
from storage import broadcasts, launches, shop
from storage.broadcasts import DRAFTED
from storage.tables import Broadcast, Launch, LaunchMoment, Product

Answer = tuple[int, dict[str, Any]]


class Moment(Given):
    """One broadcast of a launch. `$product` and `$price` are the product's; `coupon`: a template everybody gets."""

    at: datetime
    channel: str = "contact"
    text: str = Field(min_length=1)
    attachments: list[Attachment] = Field(default=[], max_length=9)
    coupon: str = ""
    allow_select: bool = False


class NewLaunch(Given):
    """A launch. Its orders are counted for `days` after the last moment."""

    name: str = Field(min_length=1, max_length=40)
    sku: str = Field(min_length=1, max_length=64)
    segment_id: int
    moments: list[Moment] = Field(min_length=1, max_length=5)
    days: int = Field(default=14, ge=1, le=90)
    made_by: str = Field(default="api", max_length=64)
    override: Override | None = None


def new_launch(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """A draft of every broadcast, checked already."""
    given: NewLaunch = read(turn, NewLaunch, body)
    product = shop.products.one(turn.db, sku=given.sku)
    if product is None:
        raise refused(turn, "sku", "campaigns/no_product")
    if product.status != "active":
        refuse(turn, "sku", "campaigns/off_shelf")
    drafts = [_compose(turn, given, product, place) for place in range(len(given.moments))]  # all, before one is kept
    row = launches.rows.add(turn.db, Launch(
        id=turn.ids.next(), name=given.name, sku=given.sku, segment_id=given.segment_id, days=given.days,
        status="drafted", made_by=given.made_by, made_at=turn.now,
    ))  # fmt: skip
    for place, (draft, _) in enumerate(drafts):
        broadcasts.rows.add(turn.db, draft)
        launches.moments.add(turn.db, LaunchMoment(id=turn.ids.next(), launch_id=row.id, place=place,
                                                   broadcast_id=draft.id))  # fmt: skip
    made = [draft.id for draft, _ in drafts]
    turn.audit(given.made_by, "launch.made", f"launch:{row.id}", sku=given.sku, broadcasts=made)
    return 201, {"id": row.id, "broadcasts": made, "warnings": [one for _, found in drafts for one in found]}


def _compose(turn: Turn, given: NewLaunch, product: Product, place: int) -> tuple[Broadcast, list[dict[str, str]]]:
    moment, values = given.moments[place], {"product": product.title, "price": yuan(product.price_fen)}
    body = {
        "name": turn.texts.render("launches/broadcast", name=given.name, number=place + 1), "channel": moment.channel,
        "text": Template(moment.text).safe_substitute(values), "segment_id": given.segment_id, "coupon": moment.coupon,
        "attachments": [item.as_wecom() for item in moment.attachments], "scheduled_at": moment.at,
        "allow_select": moment.allow_select, "made_by": given.made_by, "override": given.override,
    }  # fmt: skip
    try:
        return composing.drafted(turn, body)
    except Refused as why:
        at = {"scheduled_at": "at"}.get(why.field, why.field)
        field = "segment_id" if at == "segment_id" else f"moments.{place}.{at}".rstrip(".")
        raise Refused(why.status, why.code, str(why), field) from None


def _find(turn: Turn, launch_id: int) -> tuple[Launch, list[Broadcast]]:
    row = launches.rows.one(turn.db, id=launch_id)
    if row is None:
        raise Refused(404, "not_found", turn.texts.render("launches/unknown"), "id")
    there = launches.moments.all(turn.db, launch_id=row.id, order="place")
    found = [broadcasts.rows.one(turn.db, id=one.broadcast_id) for one in there]
    return row, [one for one in found if one is not None]


def approve(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Let every broadcast begin at its time; one that needs a second person makes the whole launch need one."""
    given: composing.Act = read(turn, composing.Act, body)
    row, found = _find(turn, given.id)
    if row.status == "approved":
        return 200, _told(row, found)
    if row.status != "drafted":
        raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=row.status))
    waiting = [one for one in found if one.status == DRAFTED]
    if any(one.scheduled_at is not None and one.scheduled_at <= turn.now for one in waiting):
        refuse(turn, "moments", "launches/past")
    by = given.by
    if any(composing.needs_second(turn, one, plays.approve_above_fen) for one in waiting):
        by = second(turn, row.made_by, by, turn.texts.render("broadcasts/says", name=row.name))
    for one in waiting:
        broadcasting.approve(turn, one, by)
    launches.rows.change(turn.db, {"status": "approved"}, id=row.id, status="drafted")
    return 200, _told(*_find(turn, row.id))


def stop(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """For good: what is not sent yet is not sent any more."""
    given: composing.Act = read(turn, composing.Act, body)
    row, found = _find(turn, given.id)
    if launches.rows.change(turn.db, {"status": "stopped"}, id=row.id, status__ne="stopped"):
        for one in found:
            broadcasting.stop(turn, one, given.by)  # which records who did it
    return 200, _told(*_find(turn, row.id))


def _told(row: Launch, found: list[Broadcast]) -> dict[str, Any]:
    return {"id": row.id, "status": row.status, "broadcasts": [{"id": one.id, "status": one.status} for one in found]}


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "launches": new_launch,
    "launches/approve": approve,
    "launches/stop": stop,
}
