"""商品与券 catalogue: what a shop sells and the coupon templates it gives out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from storage import shop, stock
from storage.tables import CouponTemplate, Product


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


def new_product(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Put goods on the shelf."""
    given: NewProduct = read(turn, NewProduct, body)
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
    given: NewTemplate = read(turn, NewTemplate, body)
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
        refuse(turn, "value", "admin/no_value")
    if given.kind == "cash" and given.threshold_fen <= given.value:
        refuse(turn, "threshold_fen", "admin/threshold")
    if given.kind == "discount" and not 100 <= given.value <= 999:
        refuse(turn, "value", "admin/permille")
    if given.kind == "discount" and not given.most_fen:
        refuse(turn, "most_fen", "admin/most_fen")
    if (given.scope != "all") != bool(given.scope_items):
        refuse(turn, "scope_items", "admin/scope_items")
    if not given.valid_days and given.valid_until is None:
        refuse(turn, "valid_days", "admin/no_end")
    for field in ("valid_from", "valid_until"):
        moment = getattr(given, field)
        if moment is not None and moment.tzinfo is None:
            refuse(turn, field, "admin/no_zone")
    if given.valid_until is not None and given.valid_until <= turn.now:
        refuse(turn, "valid_until", "admin/past")
