"""活动 campaigns: a drive from its draft to its end. What would hurt is refused before anybody publishes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.router import CampaignKind, Problem, Shelf
from bot.texts import yuan
from bot.turn import Turn
from handlers.approving import second
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse, refused
from handlers.signing import Override, baited, money, settle
from storage import drives, shop, stock
from storage.tables import Campaign

STEPS = {
    "publish": (("draft", "paused"), "published"),
    "pause": (("published",), "paused"),
    "end": (("draft", "published", "paused"), "ended"),
}
LONGEST = timedelta(days=366)
LATE = timedelta(days=1)  # a start that lies further back was probably meant for another year


class NewCampaign(BaseModel):
    """活动. `config` is checked by its play."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    name: str = Field(min_length=1, max_length=64)
    starts_at: datetime
    ends_at: datetime
    config: dict[str, Any] = {}
    made_by: str = Field(default="api", max_length=64)
    override: Override | None = None


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
    _check_dates(turn, given)
    rules = read(turn, kind.config, given.config, "config")
    worst, found = lint(turn, kind, rules)
    found += baited(turn, dict(_texts({"name": given.name, "config": given.config})))
    warnings = settle(turn, found, given.override, given.made_by, given.ends_at)
    row = Campaign(id=turn.ids.next(), kind=given.kind, name=given.name, status="draft", starts_at=given.starts_at,
                   ends_at=given.ends_at, config=rules.model_dump_json(), worst_fen=worst, made_by=given.made_by,
                   approved_by="", created_at=turn.now)  # fmt: skip
    drives.campaigns.add(turn.db, row)
    turn.audit(given.made_by, "campaign.made", f"campaign:{row.id}", worst_fen=worst)
    return 201, {"id": row.id, **money(worst), "warnings": warnings}


def _check_dates(turn: Turn, given: NewCampaign) -> None:
    for field in ("starts_at", "ends_at"):
        if getattr(given, field).tzinfo is None:
            refuse(turn, field, "admin/no_zone")
    if given.ends_at <= given.starts_at:
        refuse(turn, "ends_at", "campaigns/end_before_start")
    if given.ends_at <= turn.now:
        refuse(turn, "ends_at", "admin/past")
    if given.starts_at < turn.now - LATE:
        refuse(turn, "starts_at", "campaigns/starts_past")
    if given.ends_at - given.starts_at > LONGEST:
        refuse(turn, "ends_at", "campaigns/too_long")


def _texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a body, by its field."""
    if isinstance(value, str):
        yield at, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _texts(inner, f"{at}.{name}" if at else str(name))


def lint(turn: Turn, kind: CampaignKind, rules: Any, under: str = "config") -> tuple[int, list[Problem]]:
    """What the campaign can cost at most in fen, -1 = without bound, and what is wrong with its rules (`under`: the
    field of the body that they stand in)."""
    shelf = _shelf(turn, kind, rules, under)
    found = [problem._replace(field=f"{under}.{problem.field}") for problem in kind.problems(rules, shelf)]
    if any(problem.level == "block" for problem in found):
        return 0, found
    worst = kind.worst_fen(rules, shelf)
    unbounded = [Problem(under, "campaigns/unbounded", level="hint")] if worst < 0 else []
    return worst, found + unbounded


def _shelf(turn: Turn, kind: CampaignKind, rules: Any, under: str) -> Shelf:
    """All that the rules name; what is missing or sold out is refused."""
    products, left, templates = {}, {}, {}
    for field, sku in kind.skus(rules).items():
        product = shop.products.one(turn.db, sku=sku)
        if product is None:
            raise refused(turn, f"{under}.{field}", "campaigns/no_product")
        if product.status != "active":
            refuse(turn, f"{under}.{field}", "campaigns/off_shelf")
        products[sku] = product
        there = stock.find(turn.db, shop.sku_stock(sku)) if product.counted else None
        if product.counted:
            left[sku] = there.remaining if there else 0
        if left.get(sku, 1) <= 0:
            refuse(turn, f"{under}.{field}", "campaigns/no_stock")
    for field, name in kind.templates(rules).items():
        template = shop.templates.one(turn.db, name=name)
        if template is None:
            raise refused(turn, f"{under}.{field}", "campaigns/no_template")
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
            if campaign.status not in before:
                raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=campaign.status))
            signer = _may_publish(turn, campaign, given.by, plays) if after == "published" else ""
            _take_step(turn, campaign, given.by, after, signer)
        return 200, {"id": campaign.id, "status": after}

    return act


def _may_publish(turn: Turn, campaign: Campaign, by: str, plays: Plays) -> str:
    """Who approves. Prices, costs and stock may have changed since the draft was made: it is looked at once more."""
    if campaign.ends_at <= turn.now:
        refuse(turn, "ends_at", "admin/past")
    kind = plays.campaigns.get(campaign.kind)
    if kind is not None:
        campaign.worst_fen, found = lint(turn, kind, kind.config.model_validate_json(campaign.config))
        settle(turn, [problem for problem in found if problem.level == "block"], None, by, None)
    costly = campaign.worst_fen < 0 or campaign.worst_fen > plays.approve_above_fen
    if not costly:
        return by
    if campaign.worst_fen < 0:
        says = turn.texts.render("campaigns/costly_unbounded", name=campaign.name)
    else:
        says = turn.texts.render("campaigns/costly", name=campaign.name, most=yuan(campaign.worst_fen))
    return second(turn, campaign.made_by, by, says)


def _take_step(turn: Turn, campaign: Campaign, by: str, after: str, signer: str) -> None:
    change = {"status": after, "worst_fen": campaign.worst_fen}
    change |= {"approved_by": signer} if after == "published" else {}
    drives.campaigns.change(turn.db, change, id=campaign.id, status=campaign.status)
    turn.audit(by, f"campaign.{after}", f"campaign:{campaign.id}")
