"""活动 campaigns: a drive from its draft to its end, and the linter that refuses what would hurt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.router import CampaignKind, Shelf
from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse, refused
from storage import drives, shop, stock
from storage.tables import Campaign

APPROVE_ABOVE_FEN = 1_000_000  # what may cost more needs a second person
STEPS = {
    "publish": (("draft", "paused"), "published"),
    "pause": (("published",), "paused"),
    "end": (("draft", "published", "paused"), "ended"),
}


class NewCampaign(BaseModel):
    """活动. `config` is checked by its play."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    name: str = Field(min_length=1, max_length=64)
    starts_at: datetime
    ends_at: datetime
    config: dict[str, Any] = {}
    made_by: str = Field(default="api", max_length=64)


class Step(BaseModel):
    """Who publishes, pauses or ends."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", max_length=64)


def new_campaign(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """A draft, checked already: what is wrong is said before anybody publishes it."""
    given: NewCampaign = read(turn, NewCampaign, body)
    kind = plays.campaigns.get(given.kind)
    if kind is None:
        known = turn.texts.render("common/comma").join(plays.campaigns)
        raise Refused(422, "wrong_value", turn.texts.render("admin/no_kind", known=known), "kind")
    for field in ("starts_at", "ends_at"):
        if getattr(given, field).tzinfo is None:
            refuse(turn, field, "admin/no_zone")
    if given.ends_at <= turn.now or given.ends_at <= given.starts_at:
        refuse(turn, "ends_at", "admin/past")
    rules = read(turn, kind.config, given.config, "config")
    worst = _lint(turn, kind, rules)
    row = Campaign(id=turn.ids.next(), kind=given.kind, name=given.name, status="draft", starts_at=given.starts_at,
                   ends_at=given.ends_at, config=rules.model_dump_json(), worst_fen=worst, made_by=given.made_by,
                   approved_by="", created_at=turn.now)  # fmt: skip
    drives.campaigns.add(turn.db, row)
    turn.audit(given.made_by, "campaign.made", f"campaign:{row.id}", worst_fen=worst)
    return 201, {"id": row.id, "worst_fen": worst}


def _lint(turn: Turn, kind: CampaignKind, rules: Any) -> int:
    """What the campaign can cost at most in fen, -1 = without bound. Refuses what is wrong in plain words."""
    shelf = _shelf(turn, kind, rules)
    for problem in kind.problems(rules, shelf):
        refuse(turn, f"config.{problem.field}", problem.text, **problem.values)
    return kind.worst_fen(rules, shelf)


def _shelf(turn: Turn, kind: CampaignKind, rules: Any) -> Shelf:
    """All that the rules name; what is missing or sold out is refused."""
    products, left, templates = {}, {}, {}
    for field, sku in kind.skus(rules).items():
        product = shop.products.one(turn.db, sku=sku)
        if product is None:
            raise refused(turn, f"config.{field}", "campaigns/no_product")
        products[sku] = product
        there = stock.find(turn.db, shop.sku_stock(sku)) if product.counted else None
        if product.counted:
            left[sku] = there.remaining if there else 0
        if left.get(sku, 1) <= 0:
            refuse(turn, f"config.{field}", "campaigns/no_stock")
    for field, name in kind.templates(rules).items():
        template = shop.templates.one(turn.db, name=name)
        if template is None:
            raise refused(turn, f"config.{field}", "campaigns/no_template")
        templates[name] = template
    return Shelf(products, left, templates)


def step(name: str) -> Callable[[Turn, dict[str, Any], Plays], tuple[int, dict[str, Any]]]:
    """Publish, pause or end: a step that was taken before is taken again without a change."""
    before, after = STEPS[name]

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
        given: Step = read(turn, Step, body)
        campaign = drives.campaigns.one(turn.db, id=given.id)
        if campaign is None:
            raise Refused(404, "not_found", turn.texts.render("admin/no_campaign"))
        if campaign.status != after:
            _take_step(turn, campaign, given, before, after)
        return 200, {"id": campaign.id, "status": after}

    return act


def _take_step(turn: Turn, campaign: Campaign, given: Step, before: tuple[str, ...], after: str) -> None:
    if campaign.status not in before:
        raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=campaign.status))
    if after == "published":
        if campaign.ends_at <= turn.now:
            refuse(turn, "ends_at", "admin/past")
        costly = campaign.worst_fen < 0 or campaign.worst_fen > APPROVE_ABOVE_FEN
        if costly and given.by == campaign.made_by:
            raise Refused(409, "second_person", turn.texts.render("admin/second_person"), "by")
    change = {"status": after} | ({"approved_by": given.by} if after == "published" else {})
    drives.campaigns.change(turn.db, change, id=campaign.id, status=campaign.status)
    turn.audit(given.by, f"campaign.{after}", f"campaign:{campaign.id}")
