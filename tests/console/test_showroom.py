"""橱窗: everything in it passes the bot's own checks; set up a second time it changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.order_events import AdminAsked
from bot.router import load_plays
from bot.settings import load
from bot.texts import Texts
from console.showroom import APPROVED_BY, MADE_BY, Showroom, campaign_body, read
from tests.chaos.processes import API_TOKEN
from tests.conftest import NOON
from tests.console.conftest import Shop
from tests.shop import Shop as Mall
from tests.shop import start_shop

PLAYS = load(Texts(), {}).plays
NAMES = ["stores", "products", "coupon-templates", "campaigns", "inbox"]


async def ask(mall: Mall, act: str, body: dict[str, Any]) -> Any:
    """An act of the API, as the console hands it to the writer; it must succeed."""
    event = AdminAsked(
        key=f"api:{next(mall.bot.numbers)}", source="api", at=mall.bot.clock.now(), act=act, body=body
    )  # fmt: skip
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    assert answer["status"] < 300, (body, answer)
    return answer["body"]


async def test_everything_in_it_passes_the_checks_of_the_bot(database_url: str) -> None:
    tables = load(Texts(), {}).play_tables
    plays = {name: tables.get(name, {}) for name in PLAYS if name != "sign_up"}
    there = read()
    async with start_shop(database_url, plays) as mall:
        for item in there["stores"]:
            await ask(mall, "stores", item)
        for item in there["products"]:
            await ask(mall, "products", item)
        for item in there["coupon_templates"]:
            await ask(mall, "coupon-templates", item)
        for item in there["tiers"]:
            await ask(mall, "tiers", {"rules": item["rules"]})
        for item in there["campaigns"]:
            made = await ask(mall, "campaigns", campaign_body(item, NOON))
            assert made["worst_fen"] > 0
            await ask(mall, "campaigns/publish", {"id": made["id"], "by": APPROVED_BY})

        offered = await mall.says("wm1", "领券")
        assert [name in offered for name in ("满200减50券", "茶叶85折券", "免单券", "徐汇店满50减10券")] == [True] * 4
        for word, name in (("拼团", "龙井三人团"), ("砍价", "礼盒砍到149"), ("秒杀", "普洱茶饼限量20饼")):
            assert name in await mall.says("wm1", word)


def test_it_has_something_of_every_kind() -> None:
    there = read()
    with_campaigns = {play.router.name for play in load_plays(PLAYS, {}) if play.router.campaign}

    assert {item["kind"] for item in there["campaigns"]} >= with_campaigns
    assert {item["kind"] for item in there["coupon_templates"]} == {"cash", "discount", "gift", "free_order"}
    assert {item.get("scope", "all") for item in there["coupon_templates"]} >= {"all", "category", "store"}
    goods = {item["sku"]: item for item in there["products"]}
    assert 6 <= len(goods) == len(there["products"]) <= 9
    assert all(item["cost_fen"] < item["price_fen"] for item in goods.values())
    assert {item["gift_sku"] for item in there["coupon_templates"] if "gift_sku" in item} <= set(goods)
    assert MADE_BY != APPROVED_BY


def counts(shop: Shop) -> dict[str, list[int]]:
    """The ids of everything it may have made, and of every event that came in by the API."""
    return {
        name: [
            item.get("id", item.get("code"))
            for item in shop.ask(f"/api/v1/{name}?limit=200").json["items"]
            if item.get("source", "api") == "api"
        ]
        for name in NAMES
    }


@pytest.fixture
def said() -> list[str]:
    """What it told the person who started it."""
    return []


@pytest.fixture
def showroom(shop: Shop, said: list[str]) -> Showroom:
    """It, before the running bot."""
    return Showroom(f"http://127.0.0.1:{shop.world.bot_port}", API_TOKEN, PLAYS, said.append)


def test_a_second_start_changes_nothing(shop: Shop, showroom: Showroom, said: list[str]) -> None:
    now, there = datetime.now(UTC), read()
    people = ("tags", "staff", "regulars")  # console.regulars brings them in
    expected = {name: len(items) for name, items in there.items() if name not in people}
    assert showroom.furnish(now) == expected
    before = counts(shop)
    assert showroom.furnish(now + timedelta(days=3)) == expected

    assert counts(shop) == before
    assert said == []
    running = shop.ask("/api/v1/campaigns?status=published").json["items"]
    ours = [item for item in running if item["made_by"] == MADE_BY]
    assert len(ours) == expected["campaigns"]
    assert {item["approved_by"] for item in ours} == {APPROVED_BY}
    assert all(datetime.fromisoformat(item["starts_at"]) <= datetime.now(UTC) for item in ours)


def showroom_file(tmp_path: Path, campaigns: str) -> Path:
    """Goods and one campaign."""
    file = tmp_path / "showroom.toml"
    goods = '[[products]]\nsku = "X1"\ntitle = "茶"\nprice_fen = 1000\nstock = 5\n'
    file.write_text(f"coupon_templates = []\nsalons = []\nstores = []\n{goods}{campaigns}", encoding="utf-8")
    return file


def test_a_play_that_is_not_enabled_is_passed_over(showroom: Showroom, said: list[str], tmp_path: Path) -> None:
    file = showroom_file(tmp_path, '[[campaigns]]\nkind = "lottery"\nname = "抽奖"\ndays = 3\n')

    assert showroom.furnish(datetime.now(UTC), file) == {
        "stores": 0, "products": 1, "coupon_templates": 0, "campaigns": 0, "salons": 0,
    }  # fmt: skip
    assert said == []


def test_what_the_bot_refuses_is_said_and_left_out(showroom: Showroom, said: list[str], tmp_path: Path) -> None:
    wrong = 'config = { sku = "X1", price_fen = 2000, total = 1 }'
    file = showroom_file(tmp_path, f'[[campaigns]]\nkind = "flash_sale"\nname = "比原价贵"\ndays = 3\n{wrong}\n')

    assert showroom.furnish(datetime.now(UTC), file)["campaigns"] == 0
    assert len(said) == 1
    assert "比原价贵" in said[0]
