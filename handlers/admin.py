"""管理 admin: what a shop's own programs set up: products, coupon templates, campaigns. Each act is an event like any
other: kept, done once per Idempotency-Key, its answer stored and given again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.order_events import AdminAsked
from bot.router import CampaignKind
from bot.turn import Turn
from handlers.plays import Plays
from storage import drives, shop, stock
from storage.tables import Campaign, CouponTemplate, Product

APPROVE_ABOVE_FEN = 1_000_000  # what may cost more needs a second person
STEPS = {
    "publish": (("draft", "paused"), "published"),
    "pause": (("published",), "paused"),
    "end": (("draft", "published", "paused"), "ended"),
}


class Refused(Exception):
    """An act that cannot be done."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.field = status, code, field


class NewProduct(BaseModel):
    """商品. `stock` None: it never runs out."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    title: str = Field(min_length=1, max_length=64)
    category: str = Field(default="", max_length=64)
    price_fen: int = Field(ge=1, le=100_000_000)
    cost_fen: int = Field(default=0, ge=0, le=100_000_000)
    stock: int | None = Field(default=None, ge=0, le=1_000_000_000)


class NewTemplate(BaseModel):
    """券模板, as the table has it. `most_fen`: what a discount may take off at most."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    kind: Literal["cash", "discount", "gift", "free_order"]
    value: int = Field(default=0, ge=0, le=100_000_000)
    most_fen: int = Field(default=0, ge=0, le=100_000_000)
    gift_sku: str = ""
    threshold_fen: int = Field(default=0, ge=0, le=100_000_000)
    scope: Literal["all", "category", "product", "store", "franchise"] = "all"
    scope_items: list[str] = []
    stackable: bool = False
    stock: int = Field(default=0, ge=0, le=100_000_000)
    budget_fen: int = Field(default=0, ge=0)
    per_member: int = Field(default=0, ge=0, le=1000)
    per_day: int = Field(default=0, ge=0, le=1000)
    valid_days: int = Field(default=0, ge=0, le=3650)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    bearer: Literal["brand", "store", "franchisee"] = "brand"
    give_back: Literal["never", "full", "always"] = "full"
    remind_days: int = Field(default=0, ge=0, le=30)
    claimable: bool = False


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


def asked(turn: Turn, event: AdminAsked, plays: Plays) -> None:
    """Do it and keep the answer: {"status", "body"}."""
    try:
        status, body = ACTS[event.act](turn, event.body, plays)
    except Refused as refused:
        status = refused.status
        body = {"error": {"code": refused.code, "message": str(refused), "field": refused.field}}
    turn.answer = json.dumps({"status": status, "body": body}, ensure_ascii=False)


def _model(turn: Turn, model: type[Any], body: dict[str, Any], under: str = "") -> Any:
    try:
        return model(**body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([under, *map(str, first["loc"])] if under else map(str, first["loc"]))
        if first["type"] == "value_error":  # our own words: "field: why"
            name, _, why = str(first["ctx"]["error"]).partition(": ")
            raise Refused(422, "wrong_value", why, f"{under}.{name}" if under else name) from None
        raise Refused(422, "wrong_value", turn.texts.render("admin/wrong_value", why=first["msg"]), where) from None


def _refuse(turn: Turn, field: str, text: str) -> None:
    raise Refused(422, "wrong_value", turn.texts.render(text), field)


def new_product(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Put goods on the shelf."""
    given: NewProduct = _model(turn, NewProduct, body)
    if shop.products.one(turn.db, sku=given.sku) is not None:
        raise Refused(409, "exists", turn.texts.render("admin/exists", name=given.sku), "sku")
    row = Product(id=turn.ids.next(), status="active", created_at=turn.now, counted=int(given.stock is not None),
                  **given.model_dump(exclude={"stock"}))  # fmt: skip
    shop.products.add(turn.db, row)
    if given.stock is not None:
        stock.open_stock(turn.db, shop.sku_stock(given.sku), given.stock)
    turn.audit("api", "product.made", given.sku)
    return 201, {"id": row.id}


def new_template(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Make a coupon template; one that could give goods away by mistake is refused."""
    given: NewTemplate = _model(turn, NewTemplate, body)
    if shop.templates.one(turn.db, name=given.name) is not None:
        raise Refused(409, "exists", turn.texts.render("admin/exists", name=given.name), "name")
    _check_template(turn, given)
    values = given.model_dump(exclude={"most_fen", "scope_items", "stackable", "claimable"})
    liability = {"cash": given.value, "free_order": given.value, "discount": given.most_fen, "gift": 0}[given.kind]
    row = CouponTemplate(
        id=turn.ids.next(), liability_fen=liability, created_at=turn.now, stackable=int(given.stackable),
        claimable=int(given.claimable), scope_items=json.dumps(given.scope_items, ensure_ascii=False), **values,
    )  # fmt: skip
    shop.templates.add(turn.db, row)
    turn.audit("api", "coupon_template.made", given.name)
    return 201, {"id": row.id, "worst_fen": given.stock * liability if given.stock else given.budget_fen}


def _check_template(turn: Turn, given: NewTemplate) -> None:
    """What no kind may be; `discount` 850 is 85 折, 85 was probably meant as 850."""
    if given.kind in ("cash", "free_order") and not given.value:
        _refuse(turn, "value", "admin/no_value")
    if given.kind == "cash" and given.threshold_fen <= given.value:
        _refuse(turn, "threshold_fen", "admin/threshold")
    if given.kind == "discount" and not 100 <= given.value <= 999:
        _refuse(turn, "value", "admin/permille")
    if given.kind == "discount" and not given.most_fen:
        _refuse(turn, "most_fen", "admin/most_fen")
    if (given.scope != "all") != bool(given.scope_items):
        _refuse(turn, "scope_items", "admin/scope_items")
    if not given.valid_days and given.valid_until is None:
        _refuse(turn, "valid_days", "admin/no_end")
    for field in ("valid_from", "valid_until"):
        moment = getattr(given, field)
        if moment is not None and moment.tzinfo is None:
            _refuse(turn, field, "admin/no_zone")
    if given.valid_until is not None and given.valid_until <= turn.now:
        _refuse(turn, "valid_until", "admin/past")


def new_campaign(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """A draft, checked already: what is wrong is said before anybody publishes it."""
    given: NewCampaign = _model(turn, NewCampaign, body)
    kind = plays.campaigns.get(given.kind)
    if kind is None:
        known = turn.texts.render("common/comma").join(plays.campaigns)
        raise Refused(422, "wrong_value", turn.texts.render("admin/no_kind", known=known), "kind")
    for field in ("starts_at", "ends_at"):
        if getattr(given, field).tzinfo is None:
            _refuse(turn, field, "admin/no_zone")
    if given.ends_at <= turn.now or given.ends_at <= given.starts_at:
        _refuse(turn, "ends_at", "admin/past")
    rules = _model(turn, kind.config, given.config, "config")
    worst = _lint(turn, kind, rules)
    row = Campaign(id=turn.ids.next(), kind=given.kind, name=given.name, status="draft", starts_at=given.starts_at,
                   ends_at=given.ends_at, config=rules.model_dump_json(), worst_fen=worst, made_by=given.made_by,
                   approved_by="", created_at=turn.now)  # fmt: skip
    drives.campaigns.add(turn.db, row)
    turn.audit(given.made_by, "campaign.made", f"campaign:{row.id}", worst_fen=worst)
    return 201, {"id": row.id, "worst_fen": worst}


def _lint(turn: Turn, kind: CampaignKind, rules: Any) -> int:
    """What the campaign can cost at most in fen, -1 = without bound. Refuses what is wrong in plain words."""
    product = shop.products.one(turn.db, sku=rules.sku)
    for field, text in kind.problems(rules, product):
        _refuse(turn, f"config.{field}", text)
    assert product is not None
    if not product.counted:
        return -1
    there = stock.find(turn.db, shop.sku_stock(product.sku))
    if there is None or not there.remaining:
        _refuse(turn, "config.sku", "campaigns/no_stock")
    assert there is not None
    return max(0, product.price_fen - kind.lowest_fen(rules)) * there.remaining


def step(name: str) -> Callable[[Turn, dict[str, Any], Plays], tuple[int, dict[str, Any]]]:
    """Publish, pause or end: a step that was taken before is taken again without a change."""
    before, after = STEPS[name]

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
        given: Step = _model(turn, Step, body)
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
            _refuse(turn, "ends_at", "admin/past")
        costly = campaign.worst_fen < 0 or campaign.worst_fen > APPROVE_ABOVE_FEN
        if costly and given.by == campaign.made_by:
            raise Refused(409, "second_person", turn.texts.render("admin/second_person"), "by")
    change = {"status": after} | ({"approved_by": given.by} if after == "published" else {})
    drives.campaigns.change(turn.db, change, id=campaign.id, status=campaign.status)
    turn.audit(given.by, f"campaign.{after}", f"campaign:{campaign.id}")


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], tuple[int, dict[str, Any]]]] = {
    "products": new_product,
    "coupon-templates": new_template,
    "campaigns": new_campaign,
    **{f"campaigns/{name}": step(name) for name in STEPS},
}
