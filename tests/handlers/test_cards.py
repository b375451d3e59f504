"""卡片: choices come as buttons, a tap is the word, the first tap counts, value waits for a second look."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.events import Address, CardClicked
from bot.turn import Work
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

UPDATE = "message/update_template_card"


@pytest.fixture
async def bot(database_url: str) -> AsyncIterator[Bot]:
    """A bot that asks by cards; wm1 holds a coupon."""
    async with start_bot(database_url, NOON, None, {"coupons": {}, "group_chat": {}}, cards=True) as running:
        await running.joins("wm1")
        await running.deliver()
        running.wecom.calls.clear()
        yield running


async def tap(bot: Bot, card: dict[str, Any], words: str, userid: str = "lina", **more: Any) -> None:
    """A guide taps a button."""
    number = next(bot.numbers)
    await bot.writer.accept(CardClicked(**{
        "key": f"wecom_app:sha256:tap{number}", "source": "wecom_app", "at": bot.clock.now(),
        "sender": Address("wecom_staff", userid), "task_id": card["task_id"], "event_key": words,
        "response_code": f"RC{number}", **more,
    }))  # fmt: skip
    await bot.deliver()


async def card_for(bot: Bot, words: str, userid: str = "lina") -> dict[str, Any]:
    """The card that answers a guide's words."""
    await bot.says(words, userid)
    await bot.deliver()
    return bot.wecom.cards_of(userid)[-1]


def code(bot: Bot) -> str:
    return str(bot.rows("SELECT code FROM coupon ORDER BY id LIMIT 1")[0][0])


async def test_help_is_a_card_with_a_button_for_each_word(bot: Bot) -> None:
    card = await card_for(bot, "帮助")

    assert [button["key"] for button in card["button_list"]] == ["渠道统计", "核销", "群数据"]
    assert bot.wecom.said_to("lina")[-1].count("\n") >= 3  # the numbered text goes along


async def test_a_tap_is_the_word_and_shows_on_the_card(bot: Bot) -> None:
    card = await card_for(bot, "帮助")
    await tap(bot, card, "渠道统计")

    assert "live" in bot.wecom.said_to("lina")[-1]
    (update,) = bot.wecom.sent(UPDATE)
    assert update["userids"] == ["lina"]
    assert "渠道统计" in update["button"]["replace_name"]


async def test_a_second_tap_shows_the_first_and_does_nothing(bot: Bot) -> None:
    card = await card_for(bot, f"核销 {code(bot)}")
    yes, no = [button["key"] for button in card["button_list"]]
    await tap(bot, card, no)
    await tap(bot, card, yes)

    assert bot.rows("SELECT status FROM coupon ORDER BY id LIMIT 1") == [("active",)]
    assert "取消" in bot.wecom.said_to("lina")[-1]
    assert [update["button"] for update in bot.wecom.sent(UPDATE)] == [{"replace_name": "已选：取消"}] * 2


async def test_value_moves_after_the_tap_only(bot: Bot) -> None:
    card = await card_for(bot, f"核销 {code(bot)}")
    assert bot.rows("SELECT status FROM coupon ORDER BY id LIMIT 1") == [("active",)]
    assert code(bot).lower() in json.dumps(card, ensure_ascii=False).lower()

    await tap(bot, card, card["button_list"][0]["key"])
    await tap(bot, card, card["button_list"][0]["key"])
    assert bot.rows("SELECT status FROM coupon ORDER BY id LIMIT 1") == [("redeemed",)]
    assert bot.count("audit_log", "action = 'coupon.verified'") == 1


@pytest.mark.parametrize(("said", "status"), [("1", "redeemed"), ("2", "active"), ("确认 核销 $", "redeemed")])
async def test_the_numbers_of_the_text_do_the_same(bot: Bot, said: str, status: str) -> None:
    await bot.says(f"核销 {code(bot)}")
    await bot.says(said.replace("$", code(bot)))

    assert bot.rows("SELECT status FROM coupon ORDER BY id LIMIT 1") == [(status,)]


async def test_a_word_that_lacks_its_code_is_told_so_without_a_card(bot: Bot) -> None:
    assert "券码" in await bot.says("核销")
    assert bot.count("card") == 0


async def test_a_card_nobody_sent_is_answered(bot: Bot) -> None:
    await tap(bot, {"task_id": "ask-0"}, "核销 X")
    assert "帮助" in bot.wecom.said_to("lina")[-1]
    assert bot.wecom.sent(UPDATE) == []

    card = await card_for(bot, "帮助")
    await tap(bot, card, "删除一切")
    assert bot.rows("SELECT chosen FROM card WHERE task_id = :t", t=card["task_id"]) == [(None,)]


async def test_many_choices_are_picked_from_a_list(bot: Bot) -> None:
    def ask(work: Work) -> None:
        """Stands for a play with more choices than buttons."""
        from storage import cards

        cards.sent(work.db, "ask-9", "lina", [(f"词{n}", f"词{n}") for n in range(9)], work.now)

    await bot.writer.call(ask)
    await tap(bot, {"task_id": "ask-9"}, "choice", selected={"choice": ["词7"]})

    assert bot.rows("SELECT chosen, chosen_by FROM card WHERE task_id = 'ask-9'") == [("词7", "lina")]


async def test_without_the_option_words_are_done_at_once(database_url: str) -> None:
    async with start_bot(f"{database_url}", NOON, None, {"coupons": {}}) as plain:
        await plain.joins("wm1")
        await plain.says(f"核销 {code(plain)}")
        assert plain.rows("SELECT status FROM coupon ORDER BY id LIMIT 1") == [("redeemed",)]
        assert plain.count("card") == 0
