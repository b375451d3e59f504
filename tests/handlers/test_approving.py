"""审批: what one person may not do alone waits for another one, who is asked in the chat or over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOON
from tests.office import Office, office_of
from tests.shop import PLAYS, Shop, start_shop

GOODS = {"sku": "A", "title": "茶叶礼盒🎁", "price_fen": 10_000, "cost_fen": 4_000, "stock": 1_000}
DRIVE = {"kind": "group_buy", "name": "双十一", "starts_at": NOON.isoformat(),
         "ends_at": (NOON + timedelta(days=3)).isoformat(),
         "config": {"sku": "A", "size": 3, "price_fen": 6_000}}  # fmt: skip
MANY = 5_001


class House:
    """A shop, its API, and two admins with tokens."""

    def __init__(self, mall: Shop, office: Office) -> None:
        self.mall, self.bot, self.office = mall, mall.bot, office
        self.wang = self.chen = ""

    async def campaign(self) -> int:
        """A draft of wang's that is too dear for one person."""
        status, made = await self.office.post("campaigns", DRIVE, self.wang)
        assert status == 201, made
        return int(made["id"])

    async def points(self, amount: int = MANY, **more: Any) -> dict[str, Any]:
        """Points that wang wants to give."""
        body = {"external_id": "wm1", "amount": amount, "reason": "补偿", **more}
        status, asked = await self.office.post("points", body, self.wang)
        assert status == 202, asked
        return dict(asked)

    def told(self, userid: str) -> str:
        """All that somebody has read."""
        return "\n".join(self.bot.wecom.said_to(userid))


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with start_shop(database_url, {**PLAYS, "approvals": {}}) as mall, office_of(mall.bot) as office:
        there = House(mall, office)
        assert (await office.post("products", GOODS))[0] == 201
        there.wang, there.chen = await office.token_of("wang", "admin"), await office.token_of("chen", "admin")
        yield there


async def test_who_made_a_dear_campaign_does_not_publish_it(house: House) -> None:
    number = await house.campaign()

    status, waits = await house.office.post(f"campaigns/{number}/publish", {}, house.wang)

    assert (status, waits["status"]) == (202, "waiting")
    assert (await house.office.get(f"campaigns/{number}"))[1]["status"] == "draft"
    await house.bot.deliver()
    assert "发布「双十一」，最多可能花掉 40000 元" in house.told("chen")
    assert house.told("wang") == ""
    own = await house.office.post(f"approvals/{waits['approval']}/approve", {}, house.wang)
    assert (own[0], own[1]["error"]["code"]) == (409, "second_person")

    status, agreed = await house.office.post(f"approvals/{waits['approval']}/approve", {}, house.chen)

    assert (status, agreed["done"]) == (200, {"status": 200, "body": {"id": number, "status": "published"}})
    assert house.bot.rows("SELECT made_by, approved_by, status FROM campaign") == [("wang", "chen", "published")]
    await house.bot.deliver()
    assert "chen 同意了你的申请" in house.told("wang")
    assert (await house.office.post(f"approvals/{waits['approval']}/approve", {}, house.chen))[0] == 409


async def test_another_persons_publishing_is_the_second_signature(house: House) -> None:
    number = await house.campaign()
    assert (await house.office.post(f"campaigns/{number}/publish", {}, house.chen))[0] == 200
    assert house.bot.rows("SELECT approved_by FROM campaign") == [("chen",)]


async def test_many_points_wait_and_are_given_by_a_word_in_the_chat(house: House) -> None:
    asked = await house.points()
    assert house.bot.points("wm1") == 0
    assert "给 会员1" in await house.bot.says("待审批", "chen")
    assert "没有等你审批" in await house.bot.says("待审批", "wang")
    assert "不能自己同意" in await house.bot.says(f"同意 {asked['approval']}", "wang")
    assert "不在你的权限里" in await house.bot.says(f"同意 {asked['approval']}", "lina")

    assert "已同意" in await house.bot.says(f"同意 {asked['approval']}", "chen")

    assert house.bot.points("wm1") == MANY
    assert house.bot.rows("SELECT made_by, approved_by, status FROM points_act") == [("wang", "chen", "done")]
    assert "已经有人处理过" in await house.bot.says(f"同意 {asked['approval']}", "chen")
    again = await house.office.post(f"points/{asked['id']}/approve", {}, house.chen)
    assert (again[0], again[1]["points"], house.bot.points("wm1")) == (200, MANY, MANY)


async def test_what_is_refused_is_not_done(house: House) -> None:
    asked = await house.points()
    assert "已拒绝" in await house.bot.says(f"拒绝 {asked['approval']} 证据不够", "chen")
    await house.bot.deliver()

    assert "证据不够" in house.told("wang")
    assert (house.bot.points("wm1"), house.bot.count("points_act", "status = 'rejected'")) == (0, 1)
    assert (await house.office.post(f"points/{asked['id']}/approve", {}, house.chen))[0] == 409
    assert "没有 9999999 这个审批号" in await house.bot.says("拒绝 9999999", "chen")


async def test_who_asked_may_take_it_back(house: House) -> None:
    asked = await house.points()
    assert (await house.office.post(f"approvals/{asked['approval']}/reject", {}, house.wang))[0] == 200
    assert (await house.office.post(f"approvals/{asked['approval']}/approve", {}, house.chen))[0] == 409


async def test_nobody_answers_in_time(house: House) -> None:
    asked = await house.points()
    await house.mall.passes(days=3, minutes=1)
    await house.bot.deliver()

    assert "已失效" in house.told("wang")
    assert (await house.office.post(f"approvals/{asked['approval']}/approve", {}, house.chen))[0] == 409
    assert (house.bot.points("wm1"), house.bot.count("points_act", "status = 'rejected'")) == (0, 1)


async def test_an_exception_is_signed_by_somebody_who_really_signs(house: House) -> None:
    until = (NOON + timedelta(days=4)).isoformat()
    override = {"by": "chen", "reason": "老客内部福利", "until": until}
    body = {**DRIVE, "name": "转发有礼", "override": override}

    status, waits = await house.office.post("campaigns", body, house.wang)

    assert (status, house.bot.count("campaign")) == (202, 0)  # a name that wang wrote down is no signature
    _, agreed = await house.office.post(f"approvals/{waits['approval']}/approve", {}, house.chen)
    assert (agreed["done"]["status"], house.bot.rows("SELECT made_by FROM campaign")) == (201, [("wang",)])
    assert house.bot.rows("SELECT actor FROM audit_log WHERE action = 'override.signed'") == [("chen",)]


async def test_what_can_no_longer_be_done_is_said(house: House) -> None:
    number = await house.campaign()
    _, waits = await house.office.post(f"campaigns/{number}/publish", {}, house.wang)
    assert (await house.office.post(f"campaigns/{number}/end", {}, house.chen))[0] == 200

    _, agreed = await house.office.post(f"approvals/{waits['approval']}/approve", {}, house.chen)

    assert (agreed["done"]["status"], agreed["done"]["body"]["error"]["code"]) == (409, "wrong_state")
    ((status, reason),) = house.bot.rows("SELECT status, reason FROM approval")
    assert (status, "没有做成" in reason) == ("rejected", True)


async def test_who_was_disabled_meanwhile_gets_nothing_done(house: House) -> None:
    number = await house.campaign()
    _, waits = await house.office.post(f"campaigns/{number}/publish", {}, house.wang)
    await house.bot.employs("wang", "admin", status="disabled")

    _, agreed = await house.office.post(f"approvals/{waits['approval']}/approve", {}, house.chen)

    assert agreed["done"]["status"] == 403
    assert (await house.office.get(f"campaigns/{number}"))[1]["status"] == "draft"


async def test_the_list_shows_what_waits(house: House) -> None:
    asked = await house.points()
    _, listed = await house.office.get("approvals?status=waiting", house.chen)
    assert [(row["id"], row["kind"], row["made_by"]) for row in listed["items"]] == [
        (asked["approval"], "points", "wang")
    ]
    assert (await house.office.get("approvals?status=open", house.chen))[0] == 400


async def test_one_admin_alone_moves_no_more_than_the_limits(house: House) -> None:
    """Two hundred ways to get a lot of points with one token."""
    names = ["chen", "wang", "WANG", " wang", "api", "boss", "", "wang\u200b"]
    for number in range(200):
        amount = (MANY, 5_000, 50_000, 1_000_000, -MANY)[number % 5]
        body: dict[str, Any] = {"external_id": "wm1", "amount": amount, "reason": f"第{number}次"}
        if number % 3:
            body["by"] = names[number % len(names)]
        status, answer = await house.office.post("points", body, house.wang, key=f"k{number % 90}")
        if status == 202:
            name = {"by": names[number % len(names)]} if number % 2 else {}
            way = (f"points/{answer['id']}", f"approvals/{answer['approval']}")[number % 2]
            assert (await house.office.post(f"{way}/approve", name, house.wang))[0] in (403, 409, 422)
            assert "已同意" not in await house.bot.says(f"同意 {answer['approval']}", "wang")

    assert 0 < house.bot.points("wm1") <= 50_000  # the day's cap, in pieces that need no second person
    assert house.bot.count("points_act", "status = 'done' AND abs(amount) > 5000") == 0
