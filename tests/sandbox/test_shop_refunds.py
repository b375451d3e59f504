"""Refunds that the bot asks for: signed, once per number, never more than was paid, told back by the shop's push."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.channels.order_fields import sign
from tests.chaos.processes import MALL_SECRET
from tests.sandbox.shop_desk import Mall, open_mall


@pytest.fixture
async def mall() -> AsyncIterator[Mall]:
    """A fresh sandbox whose bot takes everything."""
    async with open_mall() as opened:
        yield opened


@pytest.fixture
async def order(mall: Mall) -> dict[str, Any]:
    """99 yuan, paid."""
    made: dict[str, Any] = await mall.buys()
    return made


def ask(order: dict[str, Any], fen: int = 9_900, refund_no: str = "team:1:seat:2") -> dict[str, Any]:
    """A refund request."""
    return {"order_no": order["order_no"], "refund_no": refund_no, "amount_fen": fen}


async def refunds(mall: Mall) -> list[dict[str, Any]]:
    """What the bot was told of refunds, each push once."""
    assert await mall.settle() == 0
    told = {told.body["id"]: told.body["data"] for told in mall.bot.got if told.body["type"] == "order.refunded"}
    return list(told.values())


async def test_a_refund_is_told_back_under_the_bots_own_number(mall: Mall, order: dict[str, Any]) -> None:
    status, answer = await mall.asked(ask(order))

    assert (status, answer) == (200, {"ok": True, "refund_no": "team:1:seat:2"})
    (told,) = await refunds(mall)
    assert (told["order_no"], told["refund_no"], told["amount_fen"]) == (order["order_no"], "team:1:seat:2", 9_900)
    assert (await mall.order(order["order_no"]))["asked"] == {"team:1:seat:2": "late"}
    (entry,) = mall.entries("refund.asked")
    assert (entry["status"], entry["body"]["reason"], entry["order_no"]) == (200, "late", order["order_no"])


async def test_asked_many_times_it_is_done_once(mall: Mall, order: dict[str, Any]) -> None:
    assert [(await mall.asked(ask(order, 900)))[0] for _ in range(4)] == [200] * 4

    assert len(await refunds(mall)) == 1
    assert (await mall.order(order["order_no"]))["refunded_fen"] == 900


async def test_the_number_of_one_refund_is_no_other(mall: Mall, order: dict[str, Any]) -> None:
    other = await mall.buys()
    await mall.asked(ask(order, 900))

    for again in (ask(order, 901), ask(other, 900)):
        status, answer = await mall.asked(again)
        assert (status, answer["error"]["field"]) == (409, "refund_no")
    assert len(await refunds(mall)) == 1


async def test_more_than_was_paid_is_refused(mall: Mall, order: dict[str, Any]) -> None:
    assert (await mall.asked(ask(order, 9_901)))[0] == 409
    assert (await mall.asked(ask(order, 9_000, "a")))[0] == 200
    assert (await mall.asked(ask(order, 901, "b")))[0] == 409
    assert (await mall.asked(ask(order, 900, "c")))[0] == 200
    assert (await mall.asked(ask(order, 1, "d")))[0] == 409
    assert sum(told["amount_fen"] for told in await refunds(mall)) == 9_900


@pytest.mark.parametrize("lag", [301, -305])
async def test_an_old_or_early_signature_is_refused(mall: Mall, order: dict[str, Any], lag: int) -> None:
    status, answer = await mall.asked(ask(order), ago_s=lag)
    assert (status, answer["error"]["field"]) == (401, "X-Timestamp")
    assert (await mall.asked(ask(order), ago_s=290))[0] == 200


async def test_a_wrong_signature_is_refused(mall: Mall, order: dict[str, Any]) -> None:
    status, answer = await mall.asked(ask(order), "another secret")
    assert (status, answer["error"]["field"]) == (401, "X-Signature")
    async with mall.client.post("/shop/refunds", json=ask(order)) as response:
        assert response.status == 401
    assert await refunds(mall) == []


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"order_no": "nothing"}, 404, "order_no"),
        ({"refund_no": ""}, 422, "refund_no"),
        ({"amount_fen": 0}, 422, "amount_fen"),
        ({"amount_fen": "9900"}, 422, "amount_fen"),
        ({"amount_fen": None}, 422, "amount_fen"),
    ],
)
async def test_what_cannot_be_done_is_named(
    mall: Mall, order: dict[str, Any], change: dict[str, Any], status: int, field: str
) -> None:
    got, answer = await mall.asked({**ask(order), **change})
    assert (got, answer["error"]["field"]) == (status, field)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff"])
async def test_what_is_no_object_is_refused(mall: Mall, raw: bytes) -> None:
    assert (await mall.asked(raw))[0] == 400


async def test_the_bots_own_signature_fits(mall: Mall, order: dict[str, Any]) -> None:
    raw, stamp = b'{"order_no":"nothing"}', str(int(mall.sandbox.clock.time()))
    headers = {"X-Timestamp": stamp, "X-Signature": sign(MALL_SECRET, stamp, raw)}
    async with mall.client.post("/shop/refunds", data=raw, headers=headers) as response:
        assert response.status == 404  # past the signature


async def test_a_shop_in_trouble_refunds_nothing(mall: Mall, order: dict[str, Any]) -> None:
    await mall.do("faults", {"shop": {"refund_500": 1}}, method="PUT")
    assert (await mall.asked(ask(order)))[0] == 500
    assert await refunds(mall) == []


async def test_a_refund_whose_answer_is_lost_is_done_once_all_the_same(mall: Mall, order: dict[str, Any]) -> None:
    await mall.do("faults", {"shop": {"refund_drop": 1}}, method="PUT")
    with pytest.raises(aiohttp.ClientError):
        await mall.asked(ask(order))
    await mall.do("faults", {"shop": {}}, method="PUT")
    assert (await mall.asked(ask(order)))[0] == 200
    assert len(await refunds(mall)) == 1
