"""The AI bot in both modes: what staff say there is heard as in the app, and answered where it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from bot.aibot_events import FeedbackReceived
from tests.doors.house import House, standing

MODES = ("callback", "websocket")


@pytest.fixture(params=MODES)
async def house(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[House]:
    async with standing(database_url, request.param) as made:
        yield made


async def test_a_guide_is_answered_in_the_chat_where_she_asked(house: House) -> None:
    await house.say("帮助")
    answer = await house.until(house.answers)

    assert answer[0]["msgtype"] == "stream"
    assert answer[0]["finish"]
    assert "1. 今日任务" in answer[0]["text"]
    assert house.sandbox.world.guides["xiaomei"].inbox == []  # the app's chat stays quiet


async def test_in_a_group_the_mention_is_no_part_of_the_words(house: House) -> None:
    for number, said in enumerate(("@运营助手 渠道统计", "渠道统计 @运营助手", "@运营助手  ？")):
        await house.say(said, chatid=f"wrk{number}")
        answer = await house.until(partial(house.answers, f"wrk{number}"))
        assert "没听懂" not in answer[0]["text"]
    assert house.answers() == []


async def test_a_voice_is_its_words_and_a_number_means_what_was_shown(house: House) -> None:
    await house.say("帮助")
    await house.until(house.answers)
    await house.say("1", msgtype="voice")
    answers = await house.until(lambda: len(house.answers()) == 2 and house.answers())

    assert "今天" in answers[1]["text"]
    assert answers[1]["text"] != answers[0]["text"]


async def test_entering_shows_the_menu_as_buttons_and_a_button_is_a_word(house: House) -> None:
    await house.do("aibot/enter", {"userid": "xiaomei"})
    card = (await house.until(house.answers))[0]
    assert [button["key"] for button in card["body"]["button_list"]] == [
        "今日任务", "查客", "备注", "发券", "打标签", "帮助"
    ]  # fmt: skip

    task_id = card["body"]["task_id"]
    await house.do("aibot/card_click", {"userid": "xiaomei", "task_id": task_id, "key": "今日任务"})
    await house.until(lambda: card.get("replaced"))
    said = await house.until(lambda: house.answers()[1:] or house.sandbox.world.guides["xiaomei"].inbox)

    assert card["replaced"] == "已选：今日任务"
    assert "今天" in said[0]["text"]
    await house.do("aibot/card_click", {"userid": "xiaomei", "task_id": task_id, "key": "今日任务"}, status=409)


async def test_a_rating_is_kept(house: House) -> None:
    await house.say("帮助")
    await house.until(house.answers)
    await house.do(
        "aibot/feedback", {"userid": "xiaomei", "id": "f1", "type": 2, "content": "答非所问", "reasons": [2]}
    )
    rows = await house.until(lambda: house.rows("SELECT data FROM audit_log WHERE action = 'aibot.rated_bad'"))

    assert "答非所问" in rows[0][0]
    assert house.rows("SELECT count(*) FROM inbox WHERE kind = :kind", kind=FeedbackReceived.__name__)[0][0] == 1


async def test_what_is_not_known_is_kept(house: House) -> None:
    await house.say("", msgtype="hologram")
    rows = await house.until(lambda: house.rows("SELECT status FROM inbox WHERE kind = 'UnknownReceived'"))

    assert rows == [("done",)]


async def test_a_quote_is_kept_beside_the_words(house: House) -> None:
    await house.say("帮助", quote={"msgtype": "text", "text": {"content": "原话"}})
    await house.until(house.answers)

    assert '"原话"' in house.rows("SELECT payload FROM inbox WHERE kind = 'TextReceived'")[0][0]


async def test_the_app_still_answers_in_the_app(house: House) -> None:
    await house.do("guides/xiaomei/say", {"text": "帮助"})
    inbox = house.sandbox.world.guides["xiaomei"].inbox
    await house.until(lambda: len(inbox) > 1)

    assert "渠道统计" in inbox[-1]["text"]
    assert house.answers() == []
