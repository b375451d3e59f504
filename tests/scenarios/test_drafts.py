"""草稿: guides read answers first, send them once, write their own; what the talk has left behind is never sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.door import Door
from bot.events import Address, CardClicked, TextReceived
from bot.hours import read_hours
from bot.turn import Work
from storage import kf, shop
from tests.kf import DESK, Desk
from tests.scenarios.replying import card_of, says, start_replies, tap, writes


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A house whose guides read every answer first."""
    async with start_replies(database_url, mode="draft") as running:
        yield running


def statuses(desk: Desk) -> list[str]:
    return [row[0] for row in desk.bot.rows("SELECT status FROM draft ORDER BY id")]


def read_by(desk: Desk, who: str = "wm1") -> list[str]:
    """What a member has read, but that it was passed on."""
    return [text for text in desk.kf.texts(who) if "已经转给你的导购" not in text]


# -- sending --------------------------------------------------------------------------------------------------------


async def test_a_guide_reads_the_answer_first_and_sends_it(desk: Desk) -> None:
    assert await says(desk, "龙井多少钱") == "收到，已经转给你的导购，看到就回复你。"
    card = card_of(desk)
    assert card["main_title"]["title"] == "小明🎉 问：龙井多少钱"
    assert "168 元，有货" in card["sub_title_text"]
    assert "来自商品库和会员资料：明前龙井 250g" in card["sub_title_text"]
    assert [button["text"] for button in card["button_list"]] == ["发送", "改一改", "不用了"]
    assert read_by(desk) == []

    assert await tap(desk, card, "发送") == ["已发给 小明🎉。"]
    (read,) = read_by(desk)
    assert read.startswith("明前龙井 250g：168 元，有货")
    assert "AI" not in read
    assert statuses(desk) == ["sent"]
    assert desk.session("wm1").sent == 2
    assert desk.bot.count("audit_log", "action = 'reply.sent' AND actor = 'lina'") == 1


async def test_small_talk_and_what_is_ones_own_need_no_guide(desk: Desk) -> None:
    assert "智能助手" in await says(desk, "你好")
    assert "0 积分可用" in await says(desk, "我有多少积分")
    assert "转接" in await says(desk, "我要投诉")
    assert statuses(desk) == []


async def test_two_taps_and_two_processes_send_once(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    card = card_of(desk)
    await asyncio.gather(tap(desk, card, "发送"), tap(desk, card, "发送"))
    which = card["button_list"][0]["key"]
    (again,) = await writes(desk, which)
    assert again == "这条已经发过了，是 lina 在 11-11 12:01 发的。"
    assert len(read_by(desk)) == 1


async def test_words_do_what_buttons_do_where_there_are_none(database_url: str) -> None:
    async with start_replies(database_url, mode="draft") as desk:
        dispatch: Any = desk.bot.writer._batch._dispatch
        dispatch._plays.cards = False
        await says(desk, "龙井多少钱")
        text = desk.bot.wecom.said_to("lina")[-1]
        number = desk.bot.rows("SELECT id FROM draft")[0][0]
        assert f"· 发送：回复「发草稿 {number}-1」" in text
        assert await writes(desk, f"发草稿 {number}") == ["已发给 小明🎉。"]
        assert len(read_by(desk)) == 1


async def test_what_waits_is_listed_and_others_drafts_are_not_mine(desk: Desk) -> None:
    assert await writes(desk, "待回复") == ["没有等你回的草稿。"]
    await says(desk, "龙井多少钱")
    await says(desk, "普洱多少钱", "wmNEW")  # nobody follows them: answered at once
    assert len(await writes(desk, "待回复")) == 1
    number = desk.bot.rows("SELECT id FROM draft")[0][0]
    assert await writes(desk, f"发草稿 {number}", "meng") == ["这位会员不归你跟，草稿只给跟进的导购。"]
    assert await writes(desk, "发草稿 999999") == ["没有编号 999999 的草稿。回复「待回复」看还有哪些。"]
    assert statuses(desk) == ["open"]
    assert "128 元" in desk.kf.texts("wmNEW")[-1]


async def test_a_draft_without_words_is_written_by_the_guide(desk: Desk) -> None:
    await says(desk, "送妈妈喝什么茶好")
    card = card_of(desk)
    assert "没有现成的答案" in card["sub_title_text"]
    assert [button["text"] for button in card["button_list"]] == ["改一改", "不用了"]
    number = desk.bot.rows("SELECT id FROM draft")[0][0]
    assert "还没有话可发" in (await writes(desk, f"发草稿 {number}"))[0]


# -- editing --------------------------------------------------------------------------------------------------------


async def test_the_guides_own_words_take_its_place_after_a_second_look(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    first = card_of(desk)
    assert "一条写完" in (await tap(desk, first, "改一改"))[0]
    await writes(desk, "亲，龙井 168，今天下单送茶样～ Tea")
    second = card_of(desk)
    assert second["main_title"]["title"] == "要发给 小明🎉："
    assert read_by(desk) == []

    assert "已发" not in "".join(await writes(desk, first["button_list"][0]["key"]))  # a button of the older words
    await tap(desk, second, "发送")
    assert read_by(desk) == ["亲，龙井 168，今天下单送茶样～ Tea"]
    assert desk.bot.rows("SELECT status, made_by, rev FROM draft") == [("sent", "guide", 2)]


async def test_editing_can_be_given_up_and_commands_stay_commands(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await tap(desk, card_of(desk), "改一改")
    assert (await writes(desk, "算了"))[0] == "好，没有改。"
    assert card_of(desk)["button_list"][0]["text"] == "发送"
    assert "可以对我说" in "".join(await writes(desk, "帮助"))

    await writes(desk, f"改草稿 {desk.bot.rows('SELECT id FROM draft')[0][0]}")
    await writes(desk, "待回复")
    card = card_of(desk)
    assert [button["text"] for button in card["button_list"]] == ["发送", "改一改", "不用了", "当指令执行"]
    assert read_by(desk) == []


async def test_who_writes_too_late_or_too_much_changes_nothing(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await tap(desk, card_of(desk), "改一改")
    assert "太长了" in (await writes(desk, "长" * 700))[0]
    await desk.passes(minutes=9)
    await desk.bot.deliver()
    desk.bot.clock.advance(120)
    assert "不认识" in (await writes(desk, "亲，龙井 168"))[0]
    assert read_by(desk) == []


# -- stale ----------------------------------------------------------------------------------------------------------


async def test_when_the_member_writes_again_the_old_draft_is_not_sent_and_the_newest_is_shown(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    old = card_of(desk)
    await says(desk, "普洱呢多少钱")
    said = await tap(desk, old, "发送")
    assert said[0] == "这条草稿已经不能用了（聊天往前走了）。"
    newest = card_of(desk)
    assert newest["main_title"]["title"] == "最新的：小明🎉 问 普洱呢多少钱"
    assert read_by(desk) == []
    await tap(desk, newest, "发送")
    assert "128 元" in read_by(desk)[0]
    assert statuses(desk) == ["stale", "sent"]


async def test_thanks_after_a_question_moves_the_talk_too(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await says(desk, "谢谢")
    said = await tap(desk, card_of(desk), "发送")
    assert said[0] == "没有发出：聊天往前走了，小明🎉 又说过话，或者已经有人回过。"
    await tap(desk, card_of(desk), "发送")
    assert "168 元" in read_by(desk)[-1]


async def test_a_price_that_changed_stops_the_draft_and_the_new_one_has_the_new_price(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await desk.bot.writer.call(_dearer)
    said = await tap(desk, card_of(desk), "发送")
    assert said[0] == "没有发出：「明前龙井 250g」的价格变了，现在是 178 元。"
    assert read_by(desk) == []
    await tap(desk, card_of(desk), "发送")
    assert "178 元" in read_by(desk)[0]


def _dearer(work: Work) -> None:
    shop.products.change(work.db, {"price_fen": 17_800}, sku="LONGJING")


async def test_ones_own_words_are_stopped_by_a_change_after_they_were_written_and_not_lost(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await desk.bot.writer.call(_dearer)
    await tap(desk, card_of(desk), "改一改")
    await writes(desk, "178 一盒哦")
    await desk.bot.writer.call(lambda work: shop.products.change(work.db, {"price_fen": 1}, sku="LONGJING"))
    said = await tap(desk, card_of(desk), "发送")
    assert said[1] == "你写的没有发出：178 一盒哦"
    assert read_by(desk) == []


async def test_an_old_draft_is_not_sent(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    card = card_of(desk)
    desk.bot.clock.advance(31 * 60)  # and no timer ran meanwhile
    assert (await tap(desk, card, "发送"))[0] == "没有发出：这条草稿超过 30 分钟了。"
    assert read_by(desk) == []


async def test_where_a_servicer_wrote_nothing_is_sent(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    desk.kf.put({"open_kfid": DESK, "external_userid": "wm1", "origin": 5, "servicer_userid": "lina",
                 "msgtype": "text", "text": {"content": "168"}})  # fmt: skip
    await desk.settles()
    await tap(desk, card_of(desk), "发送")
    await desk.passes(minutes=11)
    await desk.bot.deliver()
    assert read_by(desk) == []
    assert statuses(desk) == ["stale"]


async def test_a_shut_window_is_said_with_the_words_to_send_by_hand(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await desk.bot.writer.call(_fill)
    (said,) = await tap(desk, card_of(desk), "发送")
    assert "窗口已经关了" in said
    assert "168 元" in said
    assert statuses(desk) == ["stale"]


def _fill(work: Work) -> None:
    """The member has got five messages."""
    kf.shut(work.db, kf.session(work.db, DESK, "wm1"))


# -- time -----------------------------------------------------------------------------------------------------------


async def test_a_guide_is_reminded_once_then_the_member_goes_to_people(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    await desk.passes(minutes=3)
    await desk.bot.deliver()
    assert card_of(desk)["main_title"]["title"] == "还没回：小明🎉 问 龙井多少钱"
    assert len(desk.bot.wecom.cards_of("lina")) == 2
    await desk.passes(minutes=7)
    await desk.bot.deliver()
    assert read_by(desk) == ["让你久等了，正在为你转接人工，请稍候。"]
    assert desk.kf.state[(DESK, "wm1")] == 3
    assert statuses(desk) == ["handed"]
    assert await tap(desk, card_of(desk), "发送") == ["这条草稿已经不能用了（超时没人回，已转人工）。"]
    assert len(read_by(desk)) == 1


async def test_what_was_answered_or_left_to_the_guide_is_not_asked_for_again(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    assert "请你自己回" in (await tap(desk, card_of(desk), "不用了"))[0]
    await desk.passes(minutes=20)
    await desk.bot.deliver()
    assert len(desk.bot.wecom.cards_of("lina")) == 1
    assert statuses(desk) == ["dismissed"]
    assert read_by(desk) == []


async def test_at_night_what_the_shop_has_written_is_said_and_the_rest_is_noted(desk: Desk) -> None:
    dispatch: Any = desk.bot.writer._batch._dispatch
    dispatch._plays.hours = read_hours("09:00-11:00")
    assert "168 元" in await says(desk, "龙井多少钱")
    assert "换个说法" in await says(desk, "送妈妈喝什么茶好")
    assert "11-12 09:00 回来" in await says(desk, "那你觉得呢")
    assert statuses(desk) == []


async def test_a_guide_who_left_reads_nothing(desk: Desk) -> None:
    await desk.bot.employs("lina", role="guide", status="disabled")
    assert "168 元" in await says(desk, "龙井多少钱")
    assert statuses(desk) == []


async def test_who_was_not_reached_by_people_is_not_promised_them_again(desk: Desk) -> None:
    desk.kf.pool_open, desk.kf.servicers = False, {}
    await says(desk, "你们都是骗子")
    await says(desk, "龙井多少钱")
    await desk.passes(minutes=10)
    await desk.bot.deliver()
    assert read_by(desk)[-1] == "已经请人来了，请稍等；着急可以再回复「转人工」。"
    assert statuses(desk) == ["handed"]


async def test_at_the_ai_bot_what_waits_comes_as_cards_too(desk: Desk) -> None:
    await says(desk, "龙井多少钱")
    door: Door = {"via": "websocket", "kind": "message", "userid": "lina", "chat": "lina", "group": False,
                  "req_id": "R1", "url": ""}  # fmt: skip
    await desk.bot.writer.accept(TextReceived(
        key="wecom_aibot:msg:1", source="wecom_aibot", at=desk.bot.clock.now(), sender=Address("wecom_staff", "lina"),
        text="待回复", msg_id="1", door=door,
    ))  # fmt: skip
    ((payload,),) = desk.bot.rows("SELECT payload FROM outbox WHERE call = 'aibot/reply'")
    card = json.loads(payload)["body"]["template_card"]
    assert card["main_title"]["title"] == "小明🎉 问：龙井多少钱"
    tapped: Door = {**door, "kind": "card", "req_id": "R2"}
    await desk.bot.writer.accept(CardClicked(
        key="wecom_aibot:tap:1", source="wecom_aibot", at=desk.bot.clock.now(), sender=Address("wecom_staff", "lina"),
        task_id=card["task_id"], event_key=card["button_list"][0]["key"], door=tapped,
    ))  # fmt: skip
    assert statuses(desk) == ["sent"]
