"""券模板 coupon templates: made once, and refused when they could give goods away by mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Problem
from bot.texts import yuan
from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read
from handlers.signing import Override, baited, money, settle
from storage import shop
from storage.tables import CouponTemplate

YUAN = 100
DEEP = 300  # permille: below 3 折 somebody probably wrote what is taken off
LONGEST = timedelta(days=731)


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
    scope_items: list[str] = Field(default=[], max_length=1000)
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
    for_guides: bool = False
    made_by: str = Field(default="api", max_length=64)
    override: Override | None = None

    @property
    def liability_fen(self) -> int:
        """The most that one coupon can cost."""
        return {"cash": self.value, "free_order": self.value, "discount": self.most_fen, "gift": 0}[self.kind]

    @property
    def worst_fen(self) -> int:
        """The most that all of them can cost, -1 = without bound."""
        bounds = [self.stock * self.liability_fen] if self.stock else []
        bounds += [self.budget_fen] if self.budget_fen else []
        return min(bounds) if bounds else -1 if self.liability_fen else 0


def new_template(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Make a coupon template; one that could give goods away by mistake is refused."""
    given: NewTemplate = read(turn, NewTemplate, body)
    if shop.templates.one(turn.db, name=given.name) is not None:
        raise Refused(409, "exists", turn.texts.render("admin/exists", name=given.name), "name")
    problems = [*_values(given), *_limits(given), *_dates(given, turn.now), *_scope(turn, given)]
    problems += baited(turn, {"name": given.name})
    warnings = settle(turn, problems, given.override, given.made_by, given.valid_until)
    values = given.model_dump(
        exclude={"most_fen", "scope_items", "stackable", "claimable", "for_guides", "made_by", "override"}
    )
    row = CouponTemplate(
        id=turn.ids.next(), liability_fen=given.liability_fen, created_at=turn.now, stackable=int(given.stackable),
        claimable=int(given.claimable), for_guides=int(given.for_guides),
        scope_items=json.dumps(given.scope_items, ensure_ascii=False), **values,
    )  # fmt: skip
    shop.templates.add(turn.db, row)
    turn.audit(given.made_by, "coupon_template.made", given.name, worst_fen=given.worst_fen)
    return 201, {"id": row.id, **money(given.worst_fen), "warnings": warnings}


def _values(given: NewTemplate) -> Iterator[Problem]:
    """What it is worth."""
    if given.kind == "discount":
        yield from _discount(given)
    if given.kind == "free_order" and not given.value:
        yield Problem("value", "coupon_templates/free_cap")
    if given.kind == "cash":
        yield from _cash(given)
    for field in ("value", "threshold_fen", "most_fen", "budget_fen"):
        if not (field == "value" and given.kind == "discount") and 0 < getattr(given, field) < YUAN:
            yield Problem(field, "coupon_templates/fen")


def _cash(given: NewTemplate) -> Iterator[Problem]:
    values: dict[str, object] = {"threshold": yuan(given.threshold_fen), "value": yuan(given.value)}
    if not given.value:
        yield Problem("value", "admin/no_value")
    elif not given.threshold_fen:
        yield Problem("threshold_fen", "coupon_templates/no_threshold")
    elif given.threshold_fen == given.value:
        yield Problem("threshold_fen", "coupon_templates/equal_threshold", values)
    elif given.threshold_fen < given.value:
        yield Problem("threshold_fen", "admin/threshold")
    elif given.threshold_fen < given.value * 2:
        yield Problem("threshold_fen", "coupon_templates/half_off", values, "hint")


def _discount(given: NewTemplate) -> Iterator[Problem]:
    """`value` 850 is 85 折: 85 was meant as 850, 150 perhaps too."""
    if 10 <= given.value < 100:
        yield Problem("value", "coupon_templates/tenth", {"value": given.value})
    elif not 100 <= given.value <= 999:
        yield Problem("value", "admin/permille")
    elif given.value < DEEP:
        values = {"value": given.value, "fold": given.value / 100, "meant": 1000 - given.value}
        yield Problem("value", "coupon_templates/deep_discount", values, "sign")
    if not given.most_fen:
        yield Problem("most_fen", "admin/most_fen")
    elif given.threshold_fen and given.most_fen >= given.threshold_fen and given.value < 500:
        shown = {"most": yuan(given.most_fen), "threshold": yuan(given.threshold_fen)}
        yield Problem("most_fen", "coupon_templates/takes_all", shown, "hint")


def _limits(given: NewTemplate) -> Iterator[Problem]:
    """How many there are."""
    if 0 < given.budget_fen < given.liability_fen:
        values = {"budget": yuan(given.budget_fen), "liability": yuan(given.liability_fen)}
        yield Problem("budget_fen", "coupon_templates/small_budget", values)
    if given.per_member and given.per_day > given.per_member:
        limits: dict[str, object] = {"per_day": given.per_day, "per_member": given.per_member}
        yield Problem("per_day", "coupon_templates/per_day", limits)
    if given.stock or given.budget_fen:
        return
    if given.kind == "free_order":
        yield Problem("stock", "coupon_templates/free_count")
    elif given.claimable and not given.per_member:
        yield Problem("stock", "coupon_templates/no_bound")
    else:
        yield Problem("stock", "coupon_templates/unbounded", level="hint")


def _dates(given: NewTemplate, now: datetime) -> Iterator[Problem]:
    """From when until when."""
    if any(moment is not None and moment.tzinfo is None for moment in (given.valid_from, given.valid_until)):
        first = given.valid_from is not None and given.valid_from.tzinfo is None
        yield Problem("valid_from" if first else "valid_until", "admin/no_zone")
        return
    if not given.valid_days and given.valid_until is None:
        yield Problem("valid_days", "admin/no_end")
        return
    if given.valid_until is not None and given.valid_until <= now:
        yield Problem("valid_until", "admin/past")
    if given.valid_from and given.valid_until and given.valid_from >= given.valid_until:
        yield Problem("valid_from", "coupon_templates/from_after_until")
    spans = [("valid_days", timedelta(days=given.valid_days))] if given.valid_days else []
    spans += [("valid_until", given.valid_until - now)] if given.valid_until else []
    field, shortest = min(spans, key=lambda span: span[1])
    if shortest > LONGEST:
        yield Problem(field, "coupon_templates/never_ends")
    if given.remind_days and timedelta(days=given.remind_days) >= shortest:
        yield Problem("remind_days", "coupon_templates/remind", {"days": given.remind_days})


def _scope(turn: Turn, given: NewTemplate) -> Iterator[Problem]:
    """Where it can be used, and who pays."""
    if (given.scope != "all") != bool(given.scope_items):
        yield Problem("scope_items", "admin/scope_items")
    for place, name in enumerate(given.scope_items):
        yield from _named(turn, given.scope, name, f"scope_items.{place}")
    if given.kind == "gift" and shop.products.one(turn.db, sku=given.gift_sku) is None:
        yield Problem("gift_sku", "coupon_templates/no_gift")
    if given.bearer != "brand" and given.scope not in ("store", "franchise"):
        yield Problem("bearer", "coupon_templates/bearer", level="hint")


def _named(turn: Turn, scope: str, name: str, field: str) -> Iterator[Problem]:
    if scope == "store" and shop.stores.one(turn.db, code=name) is None:
        yield Problem(field, "coupon_templates/no_store", {"name": name})
    if scope == "franchise" and (not name or not shop.stores.all(turn.db, order="code", limit=1, franchise=name)):
        yield Problem(field, "coupon_templates/no_franchise", {"name": name})
    if scope == "product" and shop.products.one(turn.db, sku=name) is None:
        yield Problem(field, "coupon_templates/no_product", {"name": name})
    if scope == "category" and not shop.products.all(turn.db, limit=1, category=name):
        yield Problem(field, "coupon_templates/no_category", {"name": name}, "hint")
