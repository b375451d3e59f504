"""Segments over HTTP: counted while they are written, kept by name, refused by the field with the remedy."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.console.conftest import Reply, Shop

LIVE: dict[str, Any] = {"channels": ["live"], "points": {"least": 1}, "exclude": [{"consent": "out"}]}


def counted(shop: Shop, rule: Any) -> Reply:
    return shop.ask(f"/api/v1/segments/count?rule={quote(json.dumps(rule))}")


def test_a_rule_is_counted_before_it_is_kept(shop: Shop) -> None:
    answer = counted(shop, LIVE).json
    assert answer["says"] == "来自渠道 live；有积分 1 以上 的会员；除去：退订了营销消息 的会员"
    assert answer["count"] == len(answer["sample"]) >= 2
    assert answer["hints"] == []

    odd = counted(shop, {"channels": ["liv"], "tags": [{"group": "渠道", "any": ["live", "茶"]}]}).json
    assert [(hint["field"], hint["message"][:5]) for hint in odd["hints"]] == [
        ("rule.tags.0.any", "「茶」现在"), ("rule.channels", "「liv」")
    ]  # fmt: skip


def test_a_segment_is_kept_changed_and_put_away(shop: Shop) -> None:
    made = shop.post("/api/v1/segments", {"name": "双11🎉", "rule": LIVE})
    assert made.status == 201
    number = made.json["id"]
    assert shop.post("/api/v1/segments", {"name": "双11🎉", "rule": {}}).json["error"]["field"] == "name"

    one = shop.ask(f"/api/v1/segments/{number}").json
    assert (one["name"], one["rule"]) == ("双11🎉", LIVE)
    page = shop.ask(f"/api/v1/segments/{number}/members?limit=1").json
    rest = shop.ask(f"/api/v1/segments/{number}/members?after={page['next']}").json
    assert [page["items"][0]["id"], *[item["id"] for item in rest["items"]]] == [m["id"] for m in one["sample"]]

    assert (
        shop.post(f"/api/v1/segments/{number}/change", {"rule": {"tiers": ["gold"]}}).json["says"]
        == "等级是 gold 的会员"
    )
    assert shop.ask(f"/api/v1/segments/{number}").json["count"] == 0
    assert shop.post(f"/api/v1/segments/{number}/archive", {}).json == {"id": number, "archived": True}
    assert shop.ask(f"/api/v1/segments/{number}").status == 404
    assert shop.post("/api/v1/segments", {"name": "双11🎉", "rule": {}}).status == 201


@pytest.mark.parametrize(
    ("rule", "where", "remedy"),
    [
        ({"tier": ["gold"]}, "rule.tier", "人群规则里没有「tier」：是想写「tiers」吗？"),
        ({"zzz": 1}, "rule.zzz", "可以写 tags、tiers"),
        ({"exclude": [{"exclude": []}]}, "rule.exclude.0.exclude", "人群规则里没有「exclude」"),
        ({"orders": {"least": 3, "most": 2}}, "rule.orders.most", "上限比下限小"),
        ({"orders": {"least": "3"}}, "rule.orders.least", "要填整数"),
        ({"stages": ["old"]}, "rule.stages.0", "只能是 new、prospect、first、repeat、sleeping、lost"),
        ({"tags": [{"group": "渠道"}]}, "rule.tags.0.any", "要填"),
        ({"tiers": []}, "rule.tiers", "至少填 1 个"),
        ({"tiers": "gold"}, "rule.tiers", "要填一个列表"),
        ({"birthday": {}}, "rule.birthday.months", "填一个，只填一个"),
        ({"joined": {"since": "2026-11-11T00:00:00"}}, "rule.joined.since", "时间要带时区"),
        ({"joined": {"since": "昨天"}}, "rule.joined.since", "时间写成"),
        ({"rfm": {"r": [6]}}, "rule.rfm.r.0", "最多是 5"),
        ({"last_order": {}}, "rule.last_order", "什么都没写"),
        ({"exclude": [{}]}, "rule.exclude", "会除去所有人"),
        ([], "rule", "要填一个 JSON 对象"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_told_the_field_and_the_remedy(shop: Shop, rule: Any, where: str, remedy: str) -> None:
    asked = counted(shop, rule)
    assert asked.status == 422
    assert asked.json["error"]["field"] == where
    assert remedy in asked.json["error"]["message"]
    if isinstance(rule, dict):
        kept = shop.post("/api/v1/segments", {"name": "不对", "rule": rule})
        assert kept.json["error"] == asked.json["error"]


def test_what_is_no_json_is_said_so(shop: Shop) -> None:
    asked = shop.ask("/api/v1/segments/count?rule=%7Btiers")
    assert (asked.status, asked.json["error"]["message"]) == (422, "不是 JSON：放在网址里时要转义")
