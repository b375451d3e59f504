"""What the API shows of a shop: goods with their stock, coupon templates, what is being bought, campaigns."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.order_events import AdminAsked
from console import reads
from tests.conftest import NOON
from tests.shop import Shop, start_shop

FLASH = {"sku": "A", "price_fen": 6_000, "total": 2}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Goods of two kinds, a coupon template and a flash sale that is running."""
    async with start_shop(database_url, {"flash_sale": {}}) as shop:
        goods = {"sku": "A", "title": "茶叶礼盒🎁", "category": "茶叶", "price_fen": 10_000, "stock": 50}
        coupon = {"name": "茶叶85折", "kind": "discount", "value": 850, "most_fen": 900, "scope": "category",
                  "scope_items": ["茶叶"], "valid_days": 30, "claimable": True, "stock": 10}  # fmt: skip
        drive = {"kind": "flash_sale", "name": "秒杀一", "starts_at": NOON.isoformat(),
                 "ends_at": (NOON + timedelta(days=1)).isoformat(), "config": FLASH}  # fmt: skip
        await ask(shop, "products", goods)
        await ask(shop, "products", {**goods, "sku": "B", "category": "", "stock": None})
        await ask(shop, "coupon-templates", coupon)
        made = await ask(shop, "campaigns", drive)
        await ask(shop, "campaigns/publish", {"id": made["id"]})
        yield shop


async def ask(mall: Shop, act: str, body: dict[str, Any]) -> Any:
    """An act of the API that must succeed."""
    event = AdminAsked(
        key=f"api:{next(mall.bot.numbers)}", source="api", at=mall.bot.clock.now(), act=act, body=body
    )  # fmt: skip
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    assert answer["status"] < 300, answer
    return answer["body"]


def shown(mall: Shop, read: Callable[..., dict[str, Any]], **query: str) -> list[dict[str, Any]]:
    """The items of a read; they must be JSON."""
    with mall.bot.database.engine.connect() as connection:
        items: list[dict[str, Any]] = json.loads(json.dumps(read(connection, query)))["items"]
    return items


async def test_goods_come_with_what_is_left_of_them(mall: Shop) -> None:
    await mall.says("wm1", "抢 1")

    assert [item["sku"] for item in shown(mall, reads.products)] == ["B", "A"]
    (counted,) = shown(mall, reads.products, sku="A")
    assert (counted["title"], counted["price_fen"], counted["counted"]) == ("茶叶礼盒🎁", 10_000, True)
    assert counted["stock"] == {"remaining": 49, "reserved": 1, "taken": 0}
    assert shown(mall, reads.products, sku="B")[0]["stock"] is None
    assert [item["sku"] for item in shown(mall, reads.products, category="茶叶")] == ["A"]
    assert shown(mall, reads.products, sku="C") == []


async def test_coupon_templates_are_shown_as_they_were_made(mall: Shop) -> None:
    (made,) = shown(mall, reads.coupon_templates)

    assert (made["name"], made["kind"], made["value"], made["liability_fen"]) == ("茶叶85折", "discount", 850, 900)
    assert (made["scope_items"], made["claimable"], made["stackable"]) == (["茶叶"], True, False)
    assert shown(mall, reads.coupon_templates, kind="cash") == []


async def test_a_checkout_is_found_by_its_code_however_it_is_typed(mall: Shop) -> None:
    await mall.says("wm1", "抢 1")
    code = mall.checkout("wm1")

    for typed in (code, code.lower(), code.replace("-", " "), f" {code} "):
        (found,) = shown(mall, reads.checkouts, code=typed)
        assert (found["code"], found["price_fen"], found["status"]) == (code, 6_000, "held")
    assert found["items"] == [{"sku": "A", "title": "茶叶礼盒🎁", "qty": 1, "price_fen": 10_000, "paid_fen": 6_000}]
    assert "holds" not in found
    assert shown(mall, reads.checkouts, code="没有") == []


async def test_checkouts_are_found_by_member_and_state(mall: Shop) -> None:
    for who in ("wm1", "wm2"):
        await mall.says(who, "抢 1")
    await mall.pays("wm1", "n1", 6_000, mall.checkout("wm1"))

    (held,), (paid,) = (shown(mall, reads.checkouts, status=status) for status in ("held", "paid"))
    assert (held["code"], paid["code"]) == (mall.checkout("wm2"), mall.checkout("wm1"))
    assert shown(mall, reads.checkouts, member_id=str(held["member_id"])) == [held]
    assert shown(mall, reads.checkouts, member_id=str(held["member_id"]), status="paid") == []


async def test_pages_of_checkouts_follow_each_other(mall: Shop) -> None:
    for who in ("wm1", "wm2"):
        await mall.says(who, "抢 1")
    whole = [item["id"] for item in shown(mall, reads.checkouts)]

    with mall.bot.database.engine.connect() as connection:
        first = reads.checkouts(connection, {"limit": "1"})
        second = reads.checkouts(connection, {"limit": "1", "after": str(first["next"])})
    assert [first["items"][0]["id"], second["items"][0]["id"]] == whole
    assert second["next"] is None


async def test_campaigns_are_listed_with_their_rules(mall: Shop) -> None:
    (running,) = shown(mall, reads.campaigns, status="published")

    assert (running["kind"], running["name"]) == ("flash_sale", "秒杀一")
    assert running["config"]["total"] == 2
    assert shown(mall, reads.campaigns, kind="flash_sale", name="秒杀一") == [running]
    assert shown(mall, reads.campaigns, status="draft") == shown(mall, reads.campaigns, kind="bargain") == []
