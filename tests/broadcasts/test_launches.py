"""新品上市: what a launch says goes out at its moments, to those alone who may be reached; what it sold is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.broadcasts.office import QUICK, Office, opened

TEA = {"sku": "TEA", "title": "秋茶🍂", "price_fen": 12_800, "stock": 50}


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """With the sandbox for WeCom."""
    async with opened(database_url, QUICK) as there:
        yield there


async def test_a_launch_goes_out_at_its_moments_to_those_who_may_be_reached(office: Office) -> None:
    people = await office.customers(2)
    assert "error" not in await office.asks("products", **TEA)
    segment = (await office.asks("segments", name="老客", rule={"tiers": ["basic"]}))["id"]
    now = office.bot.clock.now()
    moments = [
        {"at": (now + timedelta(hours=1)).isoformat(), "text": "预告：$product 明天到，$price 元"},
        {"at": (now + timedelta(hours=26)).isoformat(), "text": "$product 到了"},
    ]
    made = await office.asks("launches", name="上市", sku="TEA", segment_id=segment, moments=moments)
    assert (await office.asks("launches/approve", id=made["id"]))["status"] == "approved"
    assert (await office.asks("launches/approve", id=made["id"]))["status"] == "approved"
    assert office.tasks() == []
    await office.passes(hours=1)
    first, second = made["broadcasts"]
    assert (office.standing(first)["status"], office.standing(second)["status"]) == ("sending", "approved")
    office.press("xiaomei")
    assert office.got(people[0]) == ["预告：秋茶🍂 明天到，128 元"]
    assert (await office.asks("launches/stop", id=made["id"]))["status"] == "stopped"
    await office.passes(hours=30)
    assert office.standing(second)["status"] == "stopped"
    assert office.got(people[1]) == ["预告：秋茶🍂 明天到，128 元"]
    assert (await office.asks("launches/approve", id=made["id"]))["status_code"] == 409
