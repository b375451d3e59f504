"""Cards of the AI bot: questions come as buttons, a tap is the word, the card then shows what became of it, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.doors.house import House, standing

MODES = ("callback", "websocket")


@pytest.fixture(params=MODES)
async def house(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[House]:
    """A house that asks by cards; 小明 follows xiaomei and holds a coupon."""
    async with standing(database_url, request.param, cards=True) as made:
        made.coupon = await _coupon(made)
        yield made


async def _coupon(house: House) -> str:
    contact = (await house.do("customers", {"name": "小明🎉"}))["external_userid"]
    await house.do(f"customers/{contact}/scan", {"userid": "xiaomei"})
    found = await house.until(lambda: house.rows("SELECT code FROM coupon"))
    await house.until(lambda: house.rows("SELECT 1 FROM member WHERE name LIKE '小明%'"))
    return str(found[0][0])


async def card(house: House, words: str) -> dict[str, Any]:
    """The card that answers words."""
    before = len(house.answers())
    await house.say(words)
    return dict((await house.until(lambda: house.answers()[before:]))[0])


async def tap(house: House, shown: dict[str, Any], place: int, status: int = 200) -> None:
    """Press a button."""
    body = shown["body"]
    click = {"userid": "xiaomei", "task_id": body["task_id"], "key": body["button_list"][place]["key"]}
    await house.do("aibot/card_click", click, status=status)


async def test_a_coupon_is_verified_after_the_tap_and_the_card_says_when(house: House) -> None:
    asked = await card(house, f"核销 {house.coupon}")
    assert asked["msgtype"] == "template_card"
    assert "满100减20券" in asked["body"]["main_title"]["title"]
    assert house.rows("SELECT status FROM coupon") == [("active",)]

    await tap(house, asked, 0)
    await house.until(lambda: house.rows("SELECT status FROM coupon") == [("redeemed",)])
    shown = next(message for message in house.answers() if message.get("body", {}).get("task_id"))
    await house.until(lambda: shown.get("replaced"))
    assert shown["replaced"].startswith("已核销 ")
    await house.until(lambda: any("核销成功" in message["text"] for message in house.answers()))
    await tap(house, asked, 0, status=409)


async def test_a_no_changes_nothing(house: House) -> None:
    asked = await card(house, f"核销 {house.coupon}")
    await tap(house, asked, 1)
    await house.until(lambda: any("没有做任何事" in message["text"] for message in house.answers()))

    assert house.rows("SELECT status FROM coupon") == [("active",)]


async def test_the_number_does_the_same(house: House) -> None:
    await card(house, f"核销 {house.coupon}")
    await house.say("1")

    await house.until(lambda: house.rows("SELECT status FROM coupon") == [("redeemed",)])


async def test_a_wrong_code_is_told_without_a_question(house: House) -> None:
    answer = await card(house, "核销 AAAA-BBBB-CCCC-DDDD")

    assert answer["msgtype"] == "stream"
    assert house.rows("SELECT count(*) FROM card")[0][0] == 0


async def test_a_profile_has_lines_and_its_buttons_lead_on(house: House) -> None:
    shown = await card(house, "查客 小明")
    assert shown["body"]["main_title"]["title"].startswith("小明🎉")
    assert "会员" in [row["keyname"] for row in shown["body"]["horizontal_content_list"]]
    names = [button["text"] for button in shown["body"]["button_list"]]
    before = len(house.answers())
    await tap(house, shown, names.index("查券"))

    following = (await house.until(lambda: house.answers()[before:]))[0]
    assert following["msgtype"] == "template_card"
    assert following["body"]["button_list"][0]["key"] == f"核销 {house.coupon}"


async def test_a_group_does_not_read_what_is_a_members_own(house: House) -> None:
    await house.say("@运营助手 查客 小明", chatid="wrk1")
    answers = await house.until(lambda: house.answers("wrk1"))

    assert "单独回复" in answers[0]["text"]
    assert "积分" not in answers[0]["text"]
    inbox = house.sandbox.world.guides["xiaomei"].inbox
    await house.until(lambda: any("积分" in message["text"] or "小明" in message["text"] for message in inbox))
