"""The API's writes and the order webhook, over HTTP, against the bot as a program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.console.conftest import Shop


def campaign(**config: Any) -> dict[str, Any]:
    """A group-buy of the next three days."""
    now = datetime.now(UTC)
    return {
        "kind": "group_buy", "name": "双十一🎉", "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=3)).isoformat(),
        "config": {"sku": "TEA", "size": 2, "price_fen": 6_000, **config},
    }  # fmt: skip


@pytest.fixture(scope="module")
def product(shop: Shop) -> dict[str, Any]:
    """Goods on the shelf, put there once however often it is asked."""
    body = {"sku": "TEA", "title": "茶叶礼盒", "price_fen": 10_000, "stock": 10}
    first = shop.post("/api/v1/products", body, **{"Idempotency-Key": "tea"})
    again = shop.post("/api/v1/products", body, **{"Idempotency-Key": "tea"})
    assert (first.status, first.text) == (201, again.text)
    made: dict[str, Any] = first.json
    return made


def test_a_campaign_is_made_published_and_counted(shop: Shop, product: dict[str, Any]) -> None:
    made = shop.post("/api/v1/campaigns", campaign())
    assert made.status == 201
    number = made.json["id"]
    assert shop.ask(f"/api/v1/campaigns/{number}").json["status"] == "draft"
    assert shop.post(f"/api/v1/campaigns/{number}/publish", {}).json == {"id": number, "status": "published"}

    stats = shop.ask(f"/api/v1/campaigns/{number}/stats").json

    assert stats == {"id": number, "kind": "group_buy", "status": "published", "instances": {}, "checkouts": {},
                     "paid_fen": 0, "refunded_fen": 0}  # fmt: skip
    assert shop.post(f"/api/v1/campaigns/{number}/end", {}).status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("campaigns", campaign(price_fen=60), 422, "config.price_fen"),
        ("campaigns", campaign(size=1), 422, "config.size"),
        ("campaigns", [], 400, "body"),
        ("campaigns/0/publish", {}, 404, ""),
        ("campaigns/x/publish", {}, 404, "id"),
        ("products", {"sku": ""}, 422, "sku"),
        ("coupon-templates", {"name": "x", "kind": "cash", "value": 1, "valid_days": 1}, 422, "threshold_fen"),
    ],
)
def test_what_is_wrong_is_named(
    shop: Shop, product: dict[str, Any], path: str, body: Any, status: int, field: str
) -> None:
    reply = shop.post(f"/api/v1/{path}", body)
    assert reply.status == status, reply.text
    assert reply.json["error"].get("field", "") == field
    assert reply.json["error"]["message"]


def test_points_are_given_once_and_much_waits_for_a_second_person(shop: Shop) -> None:
    member = shop.ask("/api/v1/members").json["items"][0]
    body = {"member_id": member["id"], "amount": 5, "reason": "补发", "by": "小王"}
    first, again = [shop.post("/api/v1/points", body, **{"Idempotency-Key": "five"}) for _ in range(2)]
    assert (first.status, first.json["points"], again.text) == (201, member["points"] + 5, first.text)

    waiting = shop.post("/api/v1/points", {**body, "amount": 6_000})
    path = f"/api/v1/points/{waiting.json['id']}/approve"

    assert waiting.status == 202
    assert shop.post(path, {"by": "小王"}).status == 409
    assert shop.post(path, {"by": "小李"}).json["points"] == member["points"] + 6_005
    for undoing in ("checkouts/undo", "redemptions/undo"):
        assert shop.post(f"/api/v1/{undoing}", {"code": "AAAA-BBBB"}).status == 404


def test_nobody_writes_without_the_token(shop: Shop) -> None:
    for path in ("products", "coupon-templates", "campaigns", "campaigns/1/publish", "points", "redemptions/undo"):
        assert shop.post(f"/api/v1/{path}", {}, Authorization="Bearer wrong").status == 401


def test_an_order_is_entered_once_and_its_points_wait(shop: Shop) -> None:
    buyer, external_userid = next(
        (member, identity["external_id"])
        for member in shop.ask("/api/v1/members?limit=200").json["items"]
        for identity in member["identities"]
        if identity["channel"] == "wecom"
    )
    told = {"id": "evt_1", "type": "order.paid", "occurred_at": datetime.now(UTC).isoformat(),
            "data": {"order_no": "n1", "buyer": {"external_userid": external_userid}, "amount_fen": 9_900}}  # fmt: skip
    assert [shop.order(told).status for _ in range(3)] == [200, 200, 200]
    assert shop.order(told, "wrong").status == 401

    moves = shop.ask("/api/v1/inbox?key=orders:mall:evt_1").json["items"]

    assert len(moves) == 1
    assert moves[0]["status"] == "done"
    assert moves[0]["changes"]["shop_order"] == moves[0]["changes"]["reward"] == 1
    after = shop.ask(f"/api/v1/members?id={buyer['id']}").json["items"][0]
    assert after["points"] == buyer["points"]  # not before the refund window is over
