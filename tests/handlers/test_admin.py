"""管理: products, templates and campaigns are set up once, and what would give goods away by mistake is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.order_events import AdminAsked
from tests.conftest import NOON
from tests.shop import Shop, start_shop

PRODUCT = {"sku": "A", "title": "茶叶礼盒🎁", "price_fen": 10_000, "cost_fen": 4_000, "stock": 50}
TEAM = {"sku": "A", "size": 3, "price_fen": 6_000}
BARGAIN = {"sku": "A", "start_fen": 10_000, "floor_fen": 5_000, "cuts": 5}
SOON, LATER = NOON + timedelta(hours=1), NOON + timedelta(days=3)


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with one product."""
    async with start_shop(database_url) as shop:
        assert (await ask(shop, "products", PRODUCT))[0] == 201
        yield shop


async def ask(mall: Shop, act: str, body: dict[str, Any], key: str = "") -> tuple[int, dict[str, Any]]:
    """An act of the API, as the console hands it to the writer."""
    name = key or f"api:{next(mall.bot.numbers)}"
    event = AdminAsked(key=name, source="api", at=mall.bot.clock.now(), act=act, body=body)
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    return answer["status"], answer["body"]


def drive(kind: str = "group_buy", **more: Any) -> dict[str, Any]:
    """A campaign's body."""
    config = {"group_buy": TEAM, "bargain": BARGAIN}[kind] if kind in ("group_buy", "bargain") else {}
    return {"kind": kind, "name": "双十一", "starts_at": NOON.isoformat(), "ends_at": LATER.isoformat(),
            "config": config, **more}  # fmt: skip


async def test_a_campaign_from_draft_to_a_sale(mall: Shop) -> None:
    status, made = await ask(mall, "campaigns", drive())
    assert (status, made["worst_fen"]) == (201, 4_000 * 50)
    assert "没有拼团活动" in await mall.says("wm1", "拼团")  # a draft sells nothing

    assert await ask(mall, "campaigns/publish", {"id": made["id"]}) == (200, {"id": made["id"], "status": "published"})
    assert "开团成功" in await mall.says("wm1", "开团")
    assert (await ask(mall, "campaigns/pause", {"id": made["id"]}))[0] == 200
    assert "没有拼团活动" in await mall.says("wm2", "拼团")
    assert (await ask(mall, "campaigns/end", {"id": made["id"]}))[0] == 200
    status, refused = await ask(mall, "campaigns/publish", {"id": made["id"]})
    assert (status, refused["error"]["code"]) == (409, "wrong_state")


async def test_the_same_key_gives_the_first_answer(mall: Shop) -> None:
    first = await ask(mall, "campaigns", drive(), "api:once")
    assert await ask(mall, "campaigns", drive(), "api:once") == first
    assert mall.bot.count("campaign") == 1


async def test_a_product_is_made_once(mall: Shop) -> None:
    status, refused = await ask(mall, "products", PRODUCT)
    assert (status, refused["error"]["field"]) == (409, "sku")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "lottery"}, "kind"),
        ({"ends_at": (NOON - timedelta(days=1)).isoformat()}, "ends_at"),
        ({"ends_at": SOON.isoformat(), "starts_at": LATER.isoformat()}, "ends_at"),
        ({"ends_at": "2026-12-01T00:00:00"}, "ends_at"),
        ({"ends_at": "soon"}, "ends_at"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
        ({"config": {**TEAM, "sku": "Z"}}, "config.sku"),
        ({"config": {**TEAM, "price_fen": 60}}, "config.price_fen"),
        ({"config": {**TEAM, "price_fen": 3_999}}, "config.price_fen"),
        ({"config": {**TEAM, "price_fen": 10_001}}, "config.price_fen"),
        ({"config": {**TEAM, "price_fen": 60.5}}, "config.price_fen"),
        ({"config": {**TEAM, "size": 1}}, "config.size"),
        ({"config": {**TEAM, "hours": 1, "hold_minutes": 60}}, "config.hold_minutes"),
        ({"config": {**TEAM, "virtual": True}}, "config.virtual"),
        ({"kind": "bargain", "config": {**BARGAIN, "floor_fen": 3_999}}, "config.floor_fen"),
        ({"kind": "bargain", "config": {**BARGAIN, "floor_fen": 10_000}}, "config.cuts"),
        ({"kind": "bargain", "config": {**BARGAIN, "low_permille": 900}}, "config.low_permille"),
        ({"kind": "bargain", "config": {**BARGAIN, "start_fen": 20_000}}, "config.start_fen"),
    ],
)
async def test_a_wrong_campaign_is_refused_by_its_field(mall: Shop, change: dict[str, Any], field: str) -> None:
    status, refused = await ask(mall, "campaigns", {**drive(), **change})
    assert (status, refused["error"]["field"]) == (422, field)
    assert refused["error"]["message"]
    assert mall.bot.count("campaign") == 0


async def test_below_cost_goes_with_a_word(mall: Shop) -> None:
    assert (await ask(mall, "campaigns", drive(config={**TEAM, "price_fen": 3_999, "below_cost": True})))[0] == 201


async def test_what_costs_much_needs_a_second_person(mall: Shop) -> None:
    await ask(mall, "products", {"sku": "B", "title": "机", "price_fen": 500_000})  # never runs out: no bound
    body = drive(config={"sku": "B", "size": 2, "price_fen": 400_000}, made_by="小王")
    status, made = await ask(mall, "campaigns", body)
    assert (status, made["worst_fen"]) == (201, -1)
    assert (await ask(mall, "campaigns/publish", {"id": made["id"], "by": "小王"}))[1]["error"][
        "code"
    ] == "second_person"
    assert (await ask(mall, "campaigns/publish", {"id": made["id"], "by": "小李"}))[0] == 200


CASH = {"name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"threshold_fen": 2_000}, "threshold_fen"),
        ({"threshold_fen": 0}, "threshold_fen"),
        ({"value": 0}, "value"),
        ({"kind": "discount", "value": 85, "most_fen": 1}, "value"),
        ({"kind": "discount", "value": 850}, "most_fen"),
        ({"scope": "store"}, "scope_items"),
        ({"scope_items": ["A"]}, "scope_items"),
        ({"valid_days": 0}, "valid_days"),
        ({"valid_until": "2020-01-01T00:00:00+08:00"}, "valid_until"),
        ({"valid_until": "2027-01-01T00:00:00"}, "valid_until"),
        ({"kind": "lottery"}, "kind"),
        ({"name": "x" * 41}, "name"),
    ],
)
async def test_a_wrong_coupon_is_refused_by_its_field(mall: Shop, change: dict[str, Any], field: str) -> None:
    status, refused = await ask(mall, "coupon-templates", {**CASH, **change})
    assert (status, refused["error"]["field"]) == (422, field)


async def test_a_coupon_template_says_what_it_can_cost(mall: Shop) -> None:
    assert (await ask(mall, "coupon-templates", {**CASH, "stock": 100}))[1]["worst_fen"] == 200_000
    assert (await ask(mall, "coupon-templates", CASH))[0] == 409


async def test_nobody_publishes_what_is_not_there(mall: Shop) -> None:
    assert (await ask(mall, "campaigns/publish", {"id": 5}))[0] == 404
