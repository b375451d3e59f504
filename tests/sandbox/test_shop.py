"""The stand-in for a shop: what it books, what it pays back, and what the bot hears of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.channels.order_kinds import Hmac
from tests.chaos.processes import MALL_SECRET
from tests.sandbox.shop_desk import Mall, open_mall

TEA = {"sku": "TEA", "title": "明前龙井🍵", "qty": 2, "price_fen": 12_800}


@pytest.fixture
async def mall() -> AsyncIterator[Mall]:
    """A fresh sandbox whose bot takes everything."""
    async with open_mall() as opened:
        yield opened


async def test_an_order_is_pushed_in_the_form_of_the_protocol(mall: Mall) -> None:
    order = await mall.buys(items=[TEA], store="store-001", order_no="n-1")
    await mall.settle()

    (told,) = mall.bot.got
    assert told.body == {
        "id": told.body["id"], "type": "order.paid", "occurred_at": order["at"],
        "data": {"order_no": "n-1", "buyer": {"external_userid": mall.customer}, "amount_fen": 25_600,
                 "items": [TEA], "store": "store-001"},
    }  # fmt: skip
    stamp = told.headers["X-Timestamp"]
    signed = hmac.new(MALL_SECRET.encode(), stamp.encode() + b"." + told.raw, hashlib.sha256).hexdigest()
    assert told.headers["X-Signature"] == f"sha256={signed}"


async def test_the_bot_reads_both_pushes_as_they_are_meant(mall: Mall) -> None:
    order = await mall.buys(amount_fen=9_900, unionid="oUnion", checkout="ABCD-1234")
    await mall.returns(order, amount_fen=900, refund_no="r-1")
    await mall.settle()

    kind, now = Hmac((MALL_SECRET,)), datetime.fromisoformat(order["at"])
    said = {one.paid.get("order_no", ""): one for one in (kind.read(t.headers, t.raw, now) for t in mall.bot.got)}
    paid, refunded = said[order["order_no"]].paid, said[""].refunded
    assert paid["buyer"] == {"external_userid": mall.customer, "unionid": "oUnion"}
    assert (paid["amount_fen"], paid["checkout"], paid["store"]) == (9_900, "ABCD-1234", None)
    assert refunded == {"order_no": order["order_no"], "refund_no": "r-1", "amount_fen": 900}


async def test_time_is_the_virtual_clocks(mall: Mall) -> None:
    await mall.do("clock", {"advance_s": 86_400 * 30})
    order = await mall.buys()
    await mall.settle()

    shown = datetime.fromisoformat((await mall.do("clock", method="GET"))["now"])
    assert shown - datetime.fromisoformat(order["at"]) < timedelta(seconds=30)
    assert abs(int(mall.bot.got[0].headers["X-Timestamp"]) - shown.timestamp()) < 30
    assert order["order_no"].startswith(f"E{shown + timedelta(hours=8):%Y%m%d}")


async def test_a_checkout_costs_what_the_bot_says(mall: Mall) -> None:
    mall.bot.checkouts["abcd1234"] = {"code": "ABCD-1234", "price_fen": 6_600, "items": [{**TEA, "qty": 1}]}
    order = await mall.buys(checkout="abcd1234")
    await mall.settle()

    assert (order["amount_fen"], order["checkout"]) == (6_600, "ABCD-1234")
    data = mall.bot.got[0].body["data"]
    assert (data["amount_fen"], data["checkout"], data["items"]) == (6_600, "ABCD-1234", [{**TEA, "qty": 1}])


async def test_a_buyer_may_pay_another_amount_than_the_bot_says(mall: Mall) -> None:
    mall.bot.checkouts["ABCD-1234"] = {"code": "ABCD-1234", "price_fen": 6_600, "items": []}
    order = await mall.buys(checkout="ABCD-1234", amount_fen=1)

    assert (order["amount_fen"], order["checkout"]) == (1, "ABCD-1234")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"external_userid": "wmNobody"}, 404, "external_userid"),
        ({"external_userid": ""}, 422, "external_userid"),
        ({"amount_fen": None}, 422, "amount_fen"),
        ({"amount_fen": -1}, 422, "amount_fen"),
        ({"amount_fen": 9.5}, 422, "amount_fen"),
        ({"amount_fen": True}, 422, "amount_fen"),
        ({"amount_fen": 10**12}, 422, "amount_fen"),
        ({"items": [{"sku": "A"}]}, 422, "items"),
        ({"items": [{"sku": "A", "qty": 0, "price_fen": 1}]}, 422, "items"),
        ({"items": "A"}, 422, "items"),
        ({"order_no": "x\n"}, 422, "order_no"),
        ({"order_no": "x" * 129}, 422, "order_no"),
        ({"checkout": "WRONG-CODE", "amount_fen": None}, 404, "checkout"),
    ],
)
async def test_an_impossible_order_is_named_and_nobody_hears_of_it(
    mall: Mall, body: dict[str, Any], status: int, field: str
) -> None:
    assert (await mall.buys(status, **body))["error"]["field"] == field
    assert await mall.settle() == 0
    assert mall.bot.got == []


async def test_an_order_number_is_used_once(mall: Mall) -> None:
    await mall.buys(order_no="n-1")
    assert (await mall.buys(409, order_no="n-1"))["error"]["field"] == "order_no"
    assert len({(await mall.buys())["order_no"] for _ in range(20)}) == 20


async def test_who_is_known_by_another_name_may_buy_too(mall: Mall) -> None:
    await mall.do("shop/orders", {"mobile_hash": "f" * 64, "amount_fen": 100})
    await mall.settle()
    assert mall.bot.got[0].body["data"]["buyer"] == {"mobile_hash": "f" * 64}


async def test_a_part_goes_back_then_the_rest(mall: Mall) -> None:
    order = await mall.buys()
    assert (await mall.returns(order, amount_fen=900))["refunded_fen"] == 900
    assert (await mall.returns(order))["refunded_fen"] == 9_900
    assert (await mall.returns(order, 409))["error"]["field"] == "amount_fen"
    await mall.settle()

    refunds = [told.body["data"] for told in mall.bot.got if told.body["type"] == "order.refunded"]
    assert sorted(data["amount_fen"] for data in refunds) == [900, 9_000]
    assert len({data["refund_no"] for data in refunds}) == 2


@pytest.mark.parametrize("amount", [0, 9_901, -1, 1.5])
async def test_no_more_goes_back_than_was_paid(mall: Mall, amount: float) -> None:
    order = await mall.buys()
    status = 409 if amount in (0, 9_901) else 422
    assert (await mall.returns(order, status, amount_fen=amount))["error"]["field"] == "amount_fen"
    assert (await mall.order(order["order_no"]))["refunds"] == {}


async def test_an_order_that_is_none_cannot_be_refunded(mall: Mall) -> None:
    assert (await mall.returns({"order_no": "nothing"}, 404))["error"]["field"] == "order_no"


async def test_the_state_tells_how_each_push_went(mall: Mall) -> None:
    order = await mall.buys(items=[TEA])
    await mall.settle()

    shown = await mall.order(order["order_no"])
    assert {"order_no", "external_userid", "amount_fen", "refunded_fen", "checkout", "store", "at"} <= set(shown)
    (push,) = shown["pushes"]
    assert (push["type"], push["state"], push["attempts"], push["answer"]) == ("order.paid", "stored", 1, "200")
    (entry,) = mall.entries("order.paid")
    assert (entry["key"], entry["status"]) == (f"orders:mall:{push['id']}", 200)
    assert entry["body"]["data"]["items"] == [TEA]


async def test_a_reset_forgets_the_orders(mall: Mall) -> None:
    mall.bot.answers = [503]
    await mall.buys()
    await mall.do("reset", {})

    assert (await mall.do("state", method="GET"))["orders"] == []
    assert await mall.settle() == 0
