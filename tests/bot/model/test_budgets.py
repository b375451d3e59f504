"""预算: whatever happens at once, and however a vendor counts, a day uses no more tokens than its cap."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.model.failures import Failure
from storage import stock
from storage.engine import Database
from tests.bot.model.road import start_road
from tests.bot.model.vendor import Vendor, completion, vendor

DAY = "model:2026-11-11"
CAP = 6_000


@pytest.fixture
async def shop() -> AsyncIterator[Vendor]:
    """Somebody who sells answers."""
    async with vendor() as made:
        yield made


def greedy(body: dict[str, Any]) -> dict[str, Any]:
    """A vendor whose every byte is a token, and who always answers as long as it may."""
    sent = sum(len(message["content"].encode()) for message in body["messages"])
    form = len(json.dumps(body.get("response_format", {}), ensure_ascii=False).encode())
    return completion('{"ok": true}', usage={"total_tokens": sent + form + body["max_tokens"]})


async def test_a_day_is_never_overrun_by_many_at_once(database_url: str, shop: Vendor) -> None:
    shop.script, told = [greedy], []
    cap = {"daily_tokens": CAP, "deadline_s": 30}
    async with start_road(database_url, shop, **cap) as one, start_road(database_url, shop, **cap) as two:
        for road in (one, two):
            road.numbers = iter(range(road is two, 10_000, 2))
        for round_ in range(3):
            said = [
                road.says(f"㊗️第{round_}问", who=f"wm{who}", deliver=False) for road in (one, two) for who in range(8)
            ]
            await asyncio.gather(*said)
            await asyncio.gather(one.delivery.drain(), two.delivery.drain())
        told = [greedy(body)["usage"]["total_tokens"] for body in shop.asked]
        total, _, reserved, taken = one.budget(DAY)

    assert len(told) >= 5
    assert sum(told) <= CAP
    assert (total, reserved, taken) == (CAP, 0, sum(told))
    assert {*one.refused, *two.refused} == {Failure.DAY}


async def test_the_last_call_of_a_day_fits_too(database_url: str, shop: Vendor) -> None:
    shop.script = [lambda body: greedy(body) if len(shop.asked) % 3 else completion("no object", usage={})]
    async with start_road(database_url, shop, daily_tokens=CAP) as road:
        for number in range(30):
            await road.says("问" * (number * 7), who=f"wm{number}")
        used = road.rows("SELECT sum(tokens), sum(charged) FROM model_call")[0]

    assert used[0] == used[1] <= CAP


async def test_an_answer_nobody_waited_for_is_charged(database_url: str, shop: Vendor) -> None:
    shop.script = [20]
    async with start_road(database_url, shop, daily_tokens=CAP, deadline_s=0.3) as road:
        await road.says("在吗")
        assert road.budget(DAY)[3] > 100


def test_of_two_who_saw_the_same_cap_one_changes_it(database_url: str) -> None:
    database = Database(database_url)
    with contextlib.closing(database), contextlib.closing(database.writer_db()) as db:
        db.begin()
        stock.open_stock(db, DAY, 50)
        assert [stock.resize(db, DAY, 50, 50), stock.resize(db, DAY, 50, 50)] == [True, False]
        there = stock.find(db, DAY)
        db.rollback()
    assert there is not None
    assert (there.total, there.remaining) == (100, 100)
