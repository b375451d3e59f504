"""导购 1V1: members' own words are understood, answered from the database, or handed to people; nothing is made up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.hours import read_hours
from bot.order_events import OrderPaid
from storage import kf
from tests.kf import DESK, Desk
from tests.scenarios.replying import says, start_replies, utterances


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A shop whose members write freely."""
    async with start_replies(database_url) as running:
        yield running


def told(desk: Desk, userid: str = "lina") -> list[str]:
    return desk.bot.wecom.said_to(userid)


# -- what is meant --------------------------------------------------------------------------------------------------


async def test_real_utterances_are_answered_as_the_table_says(desk: Desk) -> None:
    table = utterances()
    for number, one in enumerate(table):
        desk.kf.writes(f"wmU{number}", "text", {"content": one.said})
    await desk.settles()

    assert len(table) >= 80
    found = {one.said: _became(desk, number) for number, one in enumerate(table)}
    assert [f"{said},{how}" for said, how in found.items() if how != dict(table)[said]] == []


def _became(desk: Desk, number: int) -> str:
    """How an utterance was answered, by its route and by what was read."""
    (row,) = desk.bot.rows(
        "SELECT route FROM inbox WHERE kind = 'TextReceived' AND payload LIKE :who", who=f'%"wmU{number}"%'
    )
    steps = row[0].split(",")
    said = "".join(desk.kf.texts(f"wmU{number}"))
    if "没有这个说法" in said:
        return "near"
    last = next((step for step in reversed(steps) if step.startswith("replies:")), "")
    return last.removeprefix("replies:") if last else "play"


async def test_prices_and_stock_are_those_of_this_moment(desk: Desk) -> None:
    assert await says(desk, "龙井多少钱") == "明前龙井 250g：168 元，有货\n想要的话，回复「买 明前龙井 250g」就能下单。"
    assert await says(desk, "普洱还有货吗") == (
        "熟普洱茶饼 357g：128 元，只剩 3 件\n想要的话，回复「买 熟普洱茶饼 357g」就能下单。"
    )
    assert await says(desk, "有紫砂壶吗") == "紫砂壶·西施：399 元，暂时卖完了"
    assert (await says(desk, "茶具都有什么")).count("\n") == 1


async def test_what_was_asked_about_before_is_meant(desk: Desk) -> None:
    await says(desk, "龙井有货吗")
    assert "168 元" in await says(desk, "多少钱呀")
    await desk.passes(minutes=10)
    assert await says(desk, "多少钱呀") == "你问的是哪一样？告诉我名字我帮你查，或回复「商城」看全部。"


async def test_nobody_is_told_of_others(desk: Desk) -> None:
    assert "我没有查到你的订单" in await says(desk, "我的订单到哪了", "wmNEW")
    assert "0 积分可用" in await says(desk, "查查我有多少积分")


async def test_the_shops_own_words_are_said_unchanged(desk: Desk) -> None:
    assert await says(desk, "请问怎么退货呀？") == "签收七天内、没拆封可以退，回复「转人工」安排上门取件。"
    assert "10:00 到 22:00" in await says(desk, "你们几点关门")
    assert "只给导购看" not in await says(desk, "跟客人怎么介绍龙井")


async def test_what_may_be_meant_is_asked_and_a_tap_answers(desk: Desk) -> None:
    read = await says(desk, "邮寄")
    assert "你想问的是哪一个" in read
    assert "1. 运费怎么算" in read
    assert "99 元包邮" in await says(desk, "1")
    assert desk.bot.count("question", "text = '邮寄'") == 1


async def test_orders_of_ones_own_come_before_what_is_written_of_orders(desk: Desk) -> None:
    assert "48 小时" in await says(desk, "买的茶什么时候到")
    await desk.bot.writer.accept(OrderPaid(
        key="o1", source="orders", at=desk.bot.clock.now(), shop="mall", order_no="O1", amount_fen=16_800,
        buyer={"external_userid": "wm1"}, items=[{"title": "明前龙井 250g", "qty": 1}], checkout=None,
    ))  # fmt: skip
    await desk.bot.deliver()
    read = await says(desk, "买的茶什么时候到")
    assert "明前龙井 250g" in read
    assert "168 元" in read


# -- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["你们就是骗子", "帮我转真人", "杯子碎了", "孕妇能喝吗"])
async def test_people_get_what_is_theirs(desk: Desk, said: str) -> None:
    (read,) = await desk.hears("wm1", said)
    assert "转接" in read
    assert desk.kf.state[(DESK, "wm1")] == kf.HUMAN
    assert await says(desk, "龙井多少钱") == ""


async def test_two_misses_in_a_row_are_handed_over_one_is_not(desk: Desk) -> None:
    assert "换个说法" in await says(desk, "送妈妈喝什么茶好")
    assert "168 元" in await says(desk, "龙井多少钱")
    assert "换个说法" in await says(desk, "那你觉得她会喜欢吗")
    assert "换个说法" in await says(desk, "她会喜欢吗", hours=1)
    assert await says(desk, "随便说一个嘛") == "这个问题我答不上来，正在为你转接人工，请稍候。"
    assert desk.kf.state[(DESK, "wm1")] == kf.HUMAN


async def test_who_asks_by_doubt_while_nobody_comes_is_not_handed_over_again_and_again(desk: Desk) -> None:
    desk.kf.pool_open, desk.kf.servicers = False, {}
    read = await says(desk, "你们都是骗子")
    assert "已经告诉你的导购" in read
    assert await says(desk, "你们都是骗子！") == "已经请人来了，请稍等；着急可以再回复「转人工」。"
    assert len([text for text in told(desk) if "找人工" in text]) == 1
    assert "正在为你转接" in await says(desk, "找人工客服")
    assert len([text for text in told(desk) if "找人工" in text]) == 2


@pytest.mark.parametrize("said", ["转人工", "找人工客服", "你们这群骗子", "杯子碎了"])
async def test_out_of_hours_they_hear_when_people_are_back_and_the_guide_has_it_then(desk: Desk, said: str) -> None:
    closes(desk)
    await desk.passes(hours=9)  # 21:00 of the shops
    read = await says(desk, said)
    assert "人工 11-12 09:00 回来" in read
    assert "转接" not in read
    assert "168 元" in await says(desk, "龙井多少钱")
    assert "记" in await says(desk, said)
    assert desk.bot.rows("SELECT userid, status, text FROM guide_task") == [("lina", "open", f"小明🎉 问：「{said}」")]

    await desk.passes(hours=12)
    await desk.bot.deliver()
    (waiting,) = [text for text in told(desk) if "现在上班了" in text]
    assert said in waiting


async def test_what_a_servicer_took_care_of_by_then_is_not_asked_for(desk: Desk) -> None:
    closes(desk)
    await desk.passes(hours=9)
    await says(desk, "转人工")
    desk.kf.put({"open_kfid": DESK, "external_userid": "wm1", "origin": 5, "servicer_userid": "lina",
                 "msgtype": "text", "text": {"content": "我在"}})  # fmt: skip
    await desk.settles()
    await desk.passes(hours=12)
    await desk.bot.deliver()
    assert not any("现在上班了" in text for text in told(desk))
    assert desk.bot.rows("SELECT status FROM guide_task") == [("dropped",)]


def closes(desk: Desk) -> None:
    """People answer from nine to nine."""
    dispatch: Any = desk.bot.writer._batch._dispatch
    dispatch._plays.hours = read_hours("09:00-21:00")


async def test_with_mode_off_nothing_is_answered_here(database_url: str) -> None:
    async with start_replies(database_url, mode="off") as desk:
        assert "听不懂" in await says(desk, "龙井多少钱")


async def test_a_flood_is_answered_the_newest_question(desk: Desk) -> None:
    for number in range(50):
        desk.kf.writes("wm1", "text", {"content": "龙井多少钱" if number == 49 else f"你猜猜看{number}"})
    await desk.settles()
    await desk.passes(seconds=4)
    await desk.bot.deliver()

    read = desk.kf.texts("wm1")
    assert len(read) <= 4
    assert "168 元" in read[-1]
    assert not any(text.startswith("请转告") for text in told(desk))
