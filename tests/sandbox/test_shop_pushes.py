"""Pushes of the stand-in shop: again until they are stored, under every fault, across a restart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.faults import SHOP
from tests.sandbox.shop_desk import Bot, Mall, open_mall, within


@pytest.fixture
async def mall() -> AsyncIterator[Mall]:
    """A fresh sandbox whose bot takes everything."""
    async with open_mall() as opened:
        yield opened


async def switch(mall: Mall, **faults: float) -> None:
    """Faults of the shop."""
    await mall.do("faults", {"shop": faults}, method="PUT")


async def test_a_push_comes_again_until_it_is_stored(mall: Mall) -> None:
    mall.bot.answers = [503, 401, 302, 404]
    order = await mall.buys()
    while await mall.settle():
        pass

    assert len(mall.bot.got) == 5
    assert len(set(mall.bot.ids)) == 1
    assert len({told.raw for told in mall.bot.got}) == 1
    (push,) = (await mall.order(order["order_no"]))["pushes"]
    assert (push["state"], push["attempts"], push["answer"]) == ("stored", 5, "200")
    assert [entry["status"] for entry in mall.entries()] == [503, 401, 302, 404, 200]


async def test_the_pauses_are_virtual_and_grow(mall: Mall) -> None:
    mall.bot.answers = [503] * 8
    order = await mall.buys()
    await within(5, lambda: len(mall.bot.got) == 1)
    waits = []
    for number in range(2, 10):
        push = (await mall.order(order["order_no"]))["pushes"][0]
        waits.append(round(push["due"] - mall.sandbox.clock.time()))
        await mall.do("clock", {"advance_s": 301})
        await within(5, lambda number=number: len(mall.bot.got) == number)
        await within(5, lambda number=number: len(mall.entries()) == number)

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 300)
    assert (await mall.order(order["order_no"]))["pushes"][0]["state"] == "stored"


async def test_without_anybodys_doing_the_next_attempt_follows(mall: Mall) -> None:
    mall.bot.answers = [503]
    await mall.buys()
    await within(5, lambda: len(mall.bot.got) == 2)


async def test_a_clock_set_back_does_not_make_a_push_wait_for_days(mall: Mall) -> None:
    await mall.do("clock", {"advance_s": 86_400})
    mall.bot.answers = [503]
    await mall.buys()
    await within(5, lambda: len(mall.entries()) == 1)
    await mall.do("clock", {"advance_s": -86_400})
    await within(5, lambda: len(mall.bot.got) == 2)


async def test_a_duplicate_is_the_same_push(mall: Mall) -> None:
    await switch(mall, duplicate=1.0, copies=4)
    await mall.buys()
    assert await mall.settle() == 0

    assert 2 <= len(mall.bot.got) <= 4
    assert len({told.raw for told in mall.bot.got}) == 1


async def test_a_lost_push_never_arrives_and_is_told_again(mall: Mall) -> None:
    await switch(mall, lose=1.0)
    await mall.buys()
    assert await mall.settle() == 1
    assert mall.bot.got == []
    assert {entry["fault"] for entry in mall.entries()} == {"lose"}

    await switch(mall)
    assert await mall.settle() == 0
    assert len(mall.bot.got) == 1


async def test_an_answer_that_is_not_heard_makes_the_shop_say_it_again(mall: Mall) -> None:
    await switch(mall, unheard=1.0)
    await mall.buys()
    assert await mall.settle() == 1
    await switch(mall)
    assert await mall.settle() == 0

    assert len(mall.bot.got) >= 2
    assert len(set(mall.bot.ids)) == 1


async def test_reordered_pushes_are_held_until_there_are_enough(mall: Mall) -> None:
    await switch(mall, reorder=3)
    order = await mall.buys()
    await mall.returns(order, amount_fen=1)
    assert mall.bot.got == []
    await mall.returns(order, amount_fen=2)
    await within(5, lambda: len(mall.bot.got) == 3)

    await mall.returns(order)
    assert (await mall.do("state", method="GET"))["in_flight"] == 1
    assert await mall.settle() == 0  # flush lets go of what is held
    assert len(set(mall.bot.ids)) == 4


async def test_a_late_push_waits_for_virtual_time(mall: Mall) -> None:
    await switch(mall, late=1.0, late_s=120)
    await mall.buys()
    assert (await mall.do("state", method="GET"))["in_flight"] == 1
    assert mall.bot.got == []
    await mall.do("clock", {"advance_s": 121})
    await within(5, lambda: len(mall.bot.got) == 1)


async def test_a_forged_copy_carries_another_signature(mall: Mall) -> None:
    await switch(mall, bad_signature=1.0)
    await mall.buys()
    await mall.settle()

    assert len(mall.bot.got) == 2
    assert len({told.headers["X-Signature"] for told in mall.bot.got}) == 2
    assert sorted(entry["forged"] for entry in mall.entries()) == [False, True]


async def test_the_faults_are_shown_and_refused_by_name(mall: Mall) -> None:
    assert (await mall.do("faults", method="GET"))["shop"] == SHOP
    error = (await mall.do("faults", {"shop": {"dupe": 1}}, method="PUT", status=422))["error"]
    assert error["field"] == "shop.dupe"
    assert "unheard" in error["message"]


async def test_orders_and_what_was_not_stored_survive_a_restart(tmp_path: Path) -> None:
    state, bot = tmp_path / "world.json", Bot(answers=[503, 503])
    async with open_mall(state, bot) as mall:
        await mall.do("faults", {"shop": {"lose": 1.0}}, method="PUT")
        order = await mall.buys(store="store-001")
        await mall.returns(order, amount_fen=100, refund_no="r-1")
        await mall.settle()
        before = await mall.order(order["order_no"])
    assert [push["state"] for push in before["pushes"]] == ["waiting", "waiting"]
    bot.answers.clear()
    async with open_mall(state, bot) as mall:
        await within(10, lambda: len(bot.got) == 2)
        assert await mall.settle() == 0
        after = await mall.order(order["order_no"])
        assert (await mall.returns(order, refund_no="r-1"))["refunded_fen"] == 100  # the number is still known

    assert {push["id"] for push in before["pushes"]} == set(bot.ids)
    assert [push["state"] for push in after["pushes"]] == ["stored", "stored"]
    for name in ("order_no", "amount_fen", "refunds", "store", "at", "buyer"):
        assert after[name] == before[name]


async def test_a_state_file_from_before_there_were_orders_is_read(tmp_path: Path) -> None:
    state = tmp_path / "world.json"
    async with open_mall(state) as mall:
        await mall.buys()
    saved = json.loads(state.read_text(encoding="utf-8"))
    del saved["world"]["orders"]
    state.write_text(json.dumps(saved), encoding="utf-8")

    async with open_mall(state) as mall:
        assert (await mall.do("state", method="GET"))["orders"] == []
        await mall.buys()
