"""体检: every bad configuration is refused by its own field and for its own reason; good ones are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOON
from tests.handlers.test_admin import ask
from tests.shop import PLAYS, Shop, start_shop

GOODS = [
    {"sku": "A", "title": "茶叶礼盒🎁", "category": "茶", "price_fen": 10_000, "cost_fen": 4_000, "stock": 50},
    {"sku": "YUAN", "title": "标价写成了元", "price_fen": 100, "stock": 50},
    {"sku": "GONE", "title": "卖完了", "price_fen": 10_000, "stock": 0},
    {"sku": "OFF", "title": "下架了", "price_fen": 10_000, "stock": 9},
    {"sku": "FREE", "title": "没有成本", "price_fen": 10_000, "stock": 9},
    {"sku": "EVER", "title": "不计库存", "price_fen": 10_000},
]
TEAM = {"sku": "A", "size": 3, "price_fen": 6_000}
BARGAIN = {"sku": "A", "start_fen": 10_000, "floor_fen": 5_000, "cuts": 5}
FLASH = {"sku": "A", "price_fen": 6_000, "total": 20}
CONFIGS = {"group_buy": TEAM, "bargain": BARGAIN, "flash_sale": FLASH}
CASH = {"name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 100}
FOLD = {"name": "八五折", "kind": "discount", "value": 850, "most_fen": 5_000, "valid_days": 30, "stock": 100}
FREE = {"name": "免单", "kind": "free_order", "value": 5_000, "valid_days": 30, "stock": 10}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with goods of every kind, and one franchised store."""
    async with start_shop(database_url, {**PLAYS, "flash_sale": {}}) as shop:
        for goods in GOODS:
            assert (await ask(shop, "products", goods))[0] == 201
        assert (await ask(shop, "products/change", {"sku": "OFF", "status": "off"}))[0] == 200
        assert (await ask(shop, "stores", {"code": "S1", "name": "一店", "franchise": "老王"}))[0] == 201
        yield shop


def drive(kind: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A campaign's body."""
    return {"kind": kind, "name": "双十一", "starts_at": NOON.isoformat(), "ends_at": at(days=3),
            "config": {**CONFIGS[kind], **config}, **more}  # fmt: skip


def at(**ahead: float) -> str:
    """A moment from now, as JSON has it."""
    return (NOON + timedelta(**ahead)).isoformat()


T, B, F = "group_buy", "bargain", "flash_sale"
# (kind, change of its config, change of the campaign, field, a word of the reason)
BAD_CAMPAIGNS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    (T, {"price_fen": 60}, {}, "config.price_fen", "写成了元"),
    (T, {"sku": "YUAN", "price_fen": 6_000}, {}, "config.price_fen", "原价是不是写成了元"),
    (T, {"price_fen": 10_001}, {}, "config.price_fen", "还高"),
    (T, {"price_fen": 3_999}, {}, "config.price_fen", "39.99 元，低于成本 40 元"),
    (T, {"size": 2, "price_fen": 6_000, "leader_free": True}, {}, "config.leader_free", "平均每件 30 元"),
    (T, {"size": 1}, {}, "config.size", "2"),
    (T, {"size": 101}, {}, "config.size", "100"),
    (T, {"price_fen": 0}, {}, "config.price_fen", "1"),
    (T, {"price_fen": 59.9}, {}, "config.price_fen", "integer"),
    (T, {"hours": 1, "hold_minutes": 60}, {}, "config.hold_minutes", "longer"),
    (T, {"virtual": True}, {}, "config.virtual", "not permitted"),
    (T, {"sku": "Z"}, {}, "config.sku", "没有这个商品"),
    (T, {"sku": "GONE"}, {}, "config.sku", "没有库存"),
    (T, {"sku": "OFF"}, {}, "config.sku", "下架"),
    (T, {}, {"starts_at": at(days=-2)}, "starts_at", "过去一天以上"),
    (T, {}, {"starts_at": at(days=-9), "ends_at": at(days=-8)}, "ends_at", "晚于现在"),
    (T, {}, {"starts_at": at(days=5)}, "ends_at", "写反"),
    (T, {}, {"ends_at": NOON.isoformat()}, "ends_at", "写反"),
    (T, {}, {"ends_at": at(days=367)}, "ends_at", "一年"),
    (T, {}, {"ends_at": "2026-12-01T00:00:00"}, "ends_at", "时区"),
    (T, {}, {"starts_at": "2026-11-11 12:00:00"}, "starts_at", "时区"),
    (T, {}, {"ends_at": "下周五"}, "ends_at", "值不对"),
    (T, {}, {"kind": "lottery"}, "kind", "没有这种活动"),
    (T, {}, {"name": "转发朋友圈领红包"}, "name", "诱导分享"),
    (T, {}, {"name": "分享到3个群得券 https://t.cn/x"}, "name", "不能发布"),
    (T, {}, {"name": "三级分销，躺赚"}, "name", "传销"),
    (T, {}, {"name": "双十一" * 30}, "name", "值不对"),
    (B, {"floor_fen": 0, "sku": "FREE"}, {}, "config.floor_fen", "白送"),
    (B, {"floor_fen": 0}, {}, "config.floor_fen", "白送"),
    (B, {"floor_fen": 3_999}, {}, "config.floor_fen", "低于成本"),
    (B, {"start_fen": 20_000}, {}, "config.start_fen", "还高"),
    (B, {"floor_fen": 10_000}, {}, "config.cuts", "less than"),
    (B, {"low_permille": 900}, {}, "config.low_permille", "greater"),
    (B, {"cuts": 0}, {}, "config.cuts", "1"),
    (B, {"start_fen": 150, "floor_fen": 100, "below_cost": True}, {}, "config.start_fen", "写成了元"),
    (F, {"total": 51}, {}, "config.total", "最多写 50"),
    (F, {"per_member": 21}, {}, "config.per_member", "总名额 20"),
    (F, {"total": 0}, {}, "config.total", "1"),
    (F, {"price_fen": 3_000}, {}, "config.price_fen", "低于成本"),
    (F, {"price_fen": 100, "below_cost": True}, {}, "config.price_fen", "五十分之一"),
]  # fmt: skip


async def refusals(mall: Shop, act: str, rows: list[tuple[dict[str, Any], str, str]]) -> dict[str, Any]:
    """What was not refused as its row says: by its field and for its reason."""
    wrong = {}
    for number, (body, field, why) in enumerate(rows):
        status, refused = await ask(mall, act, body)
        error = refused.get("error", {"field": "", "message": "made"})
        if (status, error["field"]) != (422, field) or why not in error["message"]:
            wrong[f"{number}: {body}"] = (status, error)
    return wrong


async def test_every_bad_campaign_is_refused(mall: Shop) -> None:
    rows = [({**drive(kind, config), **more}, field, why) for kind, config, more, field, why in BAD_CAMPAIGNS]
    assert await refusals(mall, "campaigns", rows) == {}
    assert mall.bot.count("campaign") == 0


# (template, field, a word of the reason)
BAD_TEMPLATES: list[tuple[dict[str, Any], str, str]] = [
    ({**CASH, "value": 0}, "value", "大于 0"),
    ({**CASH, "threshold_fen": 0}, "threshold_fen", "没有门槛"),
    ({**CASH, "value": 10_000}, "threshold_fen", "满 100 减 100"),
    ({**CASH, "value": 20_000}, "threshold_fen", "高于面额"),
    ({**CASH, "value": 20, "threshold_fen": 100}, "value", "写成了元"),
    ({**CASH, "value": 20, "threshold_fen": 99}, "value", "写成了元"),
    ({**FOLD, "value": 85}, "value", "850"),
    ({**FOLD, "value": 8}, "value", "100 到 999"),
    ({**FOLD, "value": 8.5}, "value", "integer"),
    ({**FOLD, "value": 1000}, "value", "100 到 999"),
    ({**FOLD, "value": 150}, "value", "是不是想写 850"),
    ({**FOLD, "most_fen": 0}, "most_fen", "成本没有上限"),
    ({**FOLD, "most_fen": 50}, "most_fen", "写成了元"),
    ({**FREE, "value": 0}, "value", "封顶"),
    ({**FREE, "stock": 0}, "stock", "总预算"),
    ({**CASH, "valid_days": 0}, "valid_days", "有效期"),
    ({**CASH, "valid_days": 3_000}, "valid_days", "两年"),
    ({**CASH, "valid_days": 0, "valid_until": "9999-12-31T00:00:00+08:00"}, "valid_until", "两年"),
    ({**CASH, "valid_until": "2020-01-01T00:00:00+08:00"}, "valid_until", "晚于现在"),
    ({**CASH, "valid_until": "2027-01-01T00:00:00"}, "valid_until", "时区"),
    ({**CASH, "valid_from": "2027-01-01T00:00:00"}, "valid_from", "时区"),
    ({**CASH, "valid_from": at(days=9), "valid_until": at(days=8)}, "valid_from", "写反"),
    ({**CASH, "budget_fen": 1_999}, "budget_fen", "一张也发不出去"),
    ({**CASH, "per_day": 3, "per_member": 2}, "per_day", "还多"),
    ({**CASH, "remind_days": 30}, "remind_days", "没有这么久"),
    ({**CASH, "valid_until": at(days=2), "remind_days": 3}, "remind_days", "没有这么久"),
    ({**CASH, "claimable": True, "stock": 0}, "stock", "不限"),
    ({**CASH, "scope": "store"}, "scope_items", "列出对象"),
    ({**CASH, "scope_items": ["A"]}, "scope_items", "列出对象"),
    ({**CASH, "scope": "store", "scope_items": ["S1", "S9"]}, "scope_items.1", "没有这个门店：S9"),
    ({**CASH, "scope": "franchise", "scope_items": ["老李"]}, "scope_items.0", "加盟商：老李"),
    ({**CASH, "scope": "franchise", "scope_items": [""]}, "scope_items.0", "加盟商"),
    ({**CASH, "scope": "product", "scope_items": ["Z"]}, "scope_items.0", "没有这个商品：Z"),
    ({**CASH, "kind": "gift", "value": 0}, "gift_sku", "赠品"),
    ({**CASH, "kind": "lottery"}, "kind", "值不对"),
    ({**CASH, "name": "集满38个赞减20"}, "name", "诱导分享"),
]  # fmt: skip


async def test_every_bad_template_is_refused(mall: Shop) -> None:
    assert await refusals(mall, "coupon-templates", BAD_TEMPLATES) == {}
    assert mall.bot.count("coupon_template") == 0
    assert len(BAD_CAMPAIGNS) + len(BAD_TEMPLATES) >= 70


@pytest.mark.parametrize(
    ("kind", "config", "worst_fen", "worst_yuan"),
    [
        (T, {}, 4_000 * 50, "2000"),
        (T, {"sku": "EVER"}, -1, None),
        (B, {"floor_fen": 3_999, "below_cost": True}, 6_001 * 50, "3000.5"),
        (F, {}, 4_000 * 20, "800"),
        (F, {"sku": "EVER"}, 4_000 * 20, "800"),
    ],
)
async def test_a_good_campaign_says_what_it_can_cost(
    mall: Shop, kind: str, config: dict[str, Any], worst_fen: int, worst_yuan: str | None
) -> None:
    status, made = await ask(mall, "campaigns", drive(kind, config))
    assert (status, made["worst_fen"], made["worst_yuan"]) == (201, worst_fen, worst_yuan)
    assert [w["message"][:4] for w in made["warnings"]] == (["商品没有"] if worst_fen < 0 else [])


GOOD_TEMPLATES: list[dict[str, Any]] = [
    CASH, FOLD, FREE, {**CASH, "claimable": True, "per_member": 1, "per_day": 1, "remind_days": 29},
    {**CASH, "scope": "store", "scope_items": ["S1"], "bearer": "store"},
    {**CASH, "scope": "franchise", "scope_items": ["老王"], "bearer": "franchisee"},
    {**CASH, "scope": "product", "scope_items": ["A", "EVER"]},
    {**CASH, "scope": "category", "scope_items": ["茶"]},
    {**CASH, "kind": "gift", "value": 0, "gift_sku": "A"},
    {**CASH, "valid_days": 0, "valid_until": at(days=10), "budget_fen": 2_000},
]  # fmt: skip


async def test_good_templates_are_made_without_a_word(mall: Shop) -> None:
    for number, template in enumerate(GOOD_TEMPLATES):
        status, made = await ask(mall, "coupon-templates", {**template, "name": f"券{number}"})
        assert (status, made.get("warnings")) == (201, []), template


async def test_hints_do_not_stop_anybody(mall: Shop) -> None:
    _, made = await ask(mall, "coupon-templates", {**CASH, "value": 6_000, "stock": 0, "bearer": "store"})
    assert [(w["level"], w["field"]) for w in made["warnings"]] == [
        ("hint", "threshold_fen"), ("hint", "stock"), ("hint", "bearer")]  # fmt: skip
    assert (made["worst_fen"], made["worst_yuan"]) == (-1, None)
    _, made = await ask(mall, "campaigns", drive(F, {"price_fen": 10_000}))
    assert [w["field"] for w in made["warnings"]] == ["config.price_fen"]


SIGNED = {"by": "小李", "reason": "老客内部福利，不对外传播", "until": at(days=4)}


ALONE: list[tuple[dict[str, str], str]] = [
    ({**SIGNED, "by": "小王"}, "override.by"),
    ({**SIGNED, "by": " 小 王\u200b "}, "override.by"),
    ({**SIGNED, "reason": "要 做"}, "override.reason"),
    ({**SIGNED, "until": at(days=2)}, "override.until"),
    ({**SIGNED, "until": at(days=-1)}, "override.until"),
    ({**SIGNED, "until": at(days=91)}, "override.until"),
    ({**SIGNED, "until": "2026-11-13T00:00:00"}, "override.until"),
]


async def test_one_person_alone_allows_nothing(mall: Shop) -> None:
    body = drive(T, {}, name="转发有礼", made_by="小王")
    assert (
        await refusals(mall, "campaigns", [({**body, "override": o}, field, "override") for o, field in ALONE[:-1]])
        == {}
    )
    assert await refusals(mall, "campaigns", [({**body, "override": ALONE[-1][0]}, "override.until", "时区")]) == {}


async def test_two_persons_sign_for_a_while(mall: Shop) -> None:
    body = drive(T, {}, name="转发有礼", made_by="小王")
    assert (await ask(mall, "campaigns", body))[1]["error"]["code"] == "needs_override"

    status, made = await ask(mall, "campaigns", {**body, "override": SIGNED})

    assert (status, made["warnings"][0]["level"]) == (201, "sign")
    actor, data = mall.bot.rows("SELECT actor, data FROM audit_log WHERE action = 'override.signed'")[0]
    assert actor == "小李"
    assert "老客内部福利" in data
    linked = {**body, "name": "转发有礼 t.cn/abc", "override": SIGNED}
    assert (await ask(mall, "campaigns", linked))[1]["error"]["code"] == "wrong_value"  # nobody can sign for this


async def test_one_person_under_two_spellings_is_one(mall: Shop) -> None:
    _, made = await ask(mall, "campaigns", drive(T, {"sku": "EVER"}, made_by="Alice 王"))
    for by in ("alice 王", "ＡＬＩＣＥ王", " Al ice\u200b 王 "):
        assert (await ask(mall, "campaigns/publish", {"id": made["id"], "by": by}))[0] == 409, by
    assert (await ask(mall, "campaigns/publish", {"id": made["id"], "by": "Bob"}))[0] == 200


async def test_what_changed_since_the_draft_is_looked_at_again(mall: Shop) -> None:
    _, made = await ask(mall, "campaigns", drive(T, {}))
    await ask(mall, "products/change", {"sku": "A", "cost_fen": 7_000})
    status, refused = await ask(mall, "campaigns/publish", {"id": made["id"]})
    assert (status, refused["error"]["field"]) == (422, "config.price_fen")

    await ask(mall, "products/change", {"sku": "A", "cost_fen": 4_000, "restock": 250})
    status, refused = await ask(mall, "campaigns/publish", {"id": made["id"]})
    assert (status, refused["error"]["code"]) == (409, "second_person")  # 300 pieces can cost 12,000 yuan
    assert (await ask(mall, "campaigns/publish", {"id": made["id"], "by": "小李"}))[0] == 200
    assert mall.one("SELECT worst_fen FROM campaign") == 4_000 * 300
