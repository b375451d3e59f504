"""The JSON API as programs see it: who may ask, what comes, what a wrong question is told."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.console.conftest import Shop

READS = ["members", "inbox", "outbox", "ledger?member_id=1", "channels", "products", "coupon-templates", "checkouts",
         "campaigns"]  # fmt: skip


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("token", [None, "", "wrong", "sandbox-api-toke", "sandbox-api-token "])
def test_nothing_is_read_without_the_token(shop: Shop, path: str, token: str | None) -> None:
    reply = shop.ask(f"/api/v1/{path}", token=token)

    if token == "sandbox-api-token ":  # blanks at the end of a header are no part of its value
        assert reply.status == 200
    else:
        assert reply.status == 401
        assert reply.json["error"]["field"] == "Authorization"


@pytest.mark.parametrize("path", READS)
def test_every_route_answers_whoever_holds_it(shop: Shop, path: str) -> None:
    reply = shop.ask(f"/api/v1/{path}")

    assert reply.status == 200
    assert isinstance(reply.json["items"], list)


def test_a_member_is_found_by_the_name_a_channel_has_for_them(shop: Shop) -> None:
    everyone = shop.ask("/api/v1/members").json["items"]
    ken = next(item for item in everyone if item["name"] == "阿Ken")
    external_id = ken["identities"][0]["external_id"]

    found = shop.ask(f"/api/v1/members?external_id={external_id}").json["items"]

    assert [item["id"] for item in found] == [ken["id"]]
    assert set(ken) >= {"id", "name", "identities", "points", "tier", "tags", "coupons", "referrer"}
    assert ken["points"] == 100
    assert {coupon["status"] for coupon in ken["coupons"]} == {"active"}
    assert ken["tags"] == ["渠道/live"]


def test_a_part_of_the_name_finds_an_emoji(shop: Shop) -> None:
    found = shop.ask("/api/v1/members?name=%F0%9F%8E%89").json["items"]

    assert [item["name"] for item in found] == ["小明🎉"]


def test_the_ledger_sums_to_the_balance(shop: Shop) -> None:
    member = shop.ask("/api/v1/members?limit=1").json["items"][0]["id"]

    ledger = shop.ask(f"/api/v1/ledger?member_id={member}").json

    earned = sum(item["amount"] for item in ledger["items"] if item["credit"] == f"member:{member}")
    spent = sum(item["amount"] for item in ledger["items"] if item["debit"] == f"member:{member}")
    assert ledger["balances"] == {"points": earned - spent} == {"points": 100}


def test_pages_follow_each_other_without_a_gap_or_an_overlap(shop: Shop) -> None:
    whole = [item["id"] for item in shop.ask("/api/v1/inbox?limit=200").json["items"]]
    seen, after = [], ""
    while True:
        page = shop.ask(f"/api/v1/inbox?limit=2{after}").json
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == whole
    assert len(whole) == len(set(whole)) >= 3


@pytest.mark.parametrize(
    ("path", "field", "hint"),
    [
        ("members?extrenal_id=x", "extrenal_id", "external_id"),
        ("members?limit=0", "limit", "1 到 200"),
        ("members?limit=201", "limit", "1 到 200"),
        ("members?limit=二", "limit", "整数"),
        ("members?id=99999999999999999999999", "id", "太大"),
        ("inbox?status=lost", "status", "quarantined"),
        ("outbox?status=lost", "status", "suppressed"),
        ("ledger", "member_id", "必填"),
        ("channels?x=1", "x", "不带参数"),
        ("products?cost=1", "cost", "sku"),
        ("checkouts?status=open", "status", "held"),
        ("checkouts?member_id=x", "member_id", "整数"),
        ("campaigns?status=running", "status", "published"),
    ],
)
def test_a_wrong_question_is_told_which_word_is_wrong(shop: Shop, path: str, field: str, hint: str) -> None:
    reply = shop.ask(f"/api/v1/{quote(path, safe='?=&_')}")

    assert reply.status == 400
    assert reply.json["error"]["field"] == field
    assert hint in reply.json["error"]["message"]


def test_the_channels_are_counted(shop: Shop) -> None:
    (live,) = [item for item in shop.ask("/api/v1/channels").json["items"] if item["state"] == "live"]

    assert live == {"state": "live", "joined": 3, "active": 3, "left": 0, "gifts": 3}


def test_the_inbox_shows_what_became_of_an_event(shop: Shop) -> None:
    joined = shop.ask("/api/v1/inbox?kind=ContactAdded&limit=1").json["items"][0]

    assert joined["status"] == "done"
    assert joined["route"] == ["contact.added", "sign_up.contact_joined", "referral.contact_came", "journey.joined"]
    assert joined["changes"]["member"] == joined["changes"]["grant"] == 1
    again = shop.ask(f"/api/v1/inbox?key={joined['key']}").json["items"]
    assert [item["id"] for item in again] == [joined["id"]]
