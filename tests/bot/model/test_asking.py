"""提问: through the outbox and back, within budgets that cannot be overdrawn, without an open end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.errors import RequestRefused
from bot.model.failures import Failure, name_of
from storage import outbox
from storage.outbox import Call
from tests.bot.model.road import Road, start_road
from tests.bot.model.vendor import PING, Vendor, completion, vendor

DAY = "model:2026-11-11"


@pytest.fixture
async def shop() -> AsyncIterator[Vendor]:
    async with vendor() as made:
        yield made


@pytest.fixture
async def road(database_url: str, shop: Vendor) -> AsyncIterator[Road]:
    async with start_road(database_url, shop) as made:
        yield made


async def test_a_question_comes_back_as_an_event_and_is_charged_what_it_used(road: Road) -> None:
    answer, *_ = await road.says("有货吗")

    assert (answer.ok, answer.call, answer.request["prompt"]) == (True, "model/chat", PING)
    assert answer.request["about"] == {"said": "有货吗"}
    assert answer.answer == {"value": {"ok": True}, "rung": "json_schema", "tokens": 57}
    assert road.budget(DAY) == (2_000_000, 1_999_943, 0, 57)
    assert road.budget(f"{DAY}:{road.rows('SELECT id FROM member')[0][0]}") == (60_000, 59_943, 0, 57)
    assert road.rows("SELECT prompt, version, tokens, charged, tries, rung, outcome FROM model_call") == [
        (PING, 1, 57, 57, 1, "json_schema", "ok")
    ]


async def test_while_it_is_under_way_its_tokens_are_held(road: Road) -> None:
    await road.says("有货吗", deliver=False)

    total, remaining, reserved, taken = road.budget(DAY)
    assert (reserved > 57, taken, remaining) == (True, 0, total - reserved)


async def test_a_failure_is_an_answer_too_and_pays_for_what_it_used(road: Road, shop: Vendor) -> None:
    shop.script = [completion("garbage")]
    answer, *_ = await road.says("有货吗")

    assert (answer.ok, name_of(answer.errcode)) == (False, "garbage")
    assert road.budget(DAY)[2:] == (0, 57 * len(shop.asked))
    assert road.rows("SELECT status FROM outbox") == [("suppressed",)]


async def test_what_nobody_waits_for_any_more_is_not_asked_and_costs_nothing(road: Road, shop: Vendor) -> None:
    await road.says("有货吗", deliver=False)
    road.clock.advance(61)
    await road.delivery.drain()

    assert [(answer.ok, name_of(answer.errcode)) for answer in road.answers] == [(False, "late")]
    assert shop.asked == []
    assert road.budget(DAY)[1:] == (2_000_000, 0, 0)


async def test_one_member_with_ten_thousand_words_stays_within_the_cap(database_url: str, shop: Vendor) -> None:
    shop.script = [completion('{"ok": true}', usage={"total_tokens": 900})]  # far more than was reserved
    async with start_road(database_url, shop, member_daily_tokens=3_000) as road:
        for number in range(8):
            await road.says(f"第{number}问")
            road.clock.advance(50)  # slow enough not to look like two bots
        member = road.rows("SELECT id FROM member")[0][0]

        assert set(road.refused) == {Failure.MEMBER}
        total, remaining, reserved, taken = road.budget(f"{DAY}:{member}")
        assert (total, reserved, taken) == (3_000, 0, 2_700)
        assert remaining < road.rows("SELECT min(reserved) FROM model_call")[0][0]  # no further one fits
        assert len(shop.asked) == 3
        await road.says("我呢", who="wm2")
        assert road.answers[-1].ok


async def test_the_day_has_a_cap_for_everybody_and_a_new_day_begins_anew(database_url: str, shop: Vendor) -> None:
    shop.script = [completion('{"ok": true}', usage={"total_tokens": 300})]
    async with start_road(database_url, shop, daily_tokens=1_000) as road:
        for number in range(8):
            await road.says("在吗", who=f"wm{number}")
        assert set(road.refused) == {Failure.DAY}
        assert road.budget(DAY)[3] <= 1_000

        road.clock.advance(24 * 3_600)
        assert (await road.says("在吗"))[0].ok


async def test_a_changed_cap_holds_at_once(database_url: str, shop: Vendor) -> None:
    async with start_road(database_url, shop) as road:
        await road.says("一")
        road.llm.daily_tokens = 50
        await road.says("二")
        assert road.refused == [Failure.DAY]
        road.llm.daily_tokens = 5_000
        await road.says("三")
        assert road.budget(DAY) == (5_000, 4_886, 0, 114)


async def test_the_same_question_again_and_again_is_not_asked(road: Road) -> None:
    await road.says("有货吗", "有货吗？", "有 货 吗！", "有货吗。。。", "有货嘛")

    assert road.refused == [Failure.REPEATED]
    assert len(road.answers) == 4
    road.clock.advance(601)
    assert (await road.says("有货吗"))[0].ok


async def test_two_bots_that_talk_to_each_other_are_stopped(road: Road, shop: Vendor) -> None:
    await road.says(*[f"第{number}句" for number in range(40)])

    assert road.refused == [Failure.OFTEN] * 10
    assert len(shop.asked) == 30


async def test_without_a_model_there_is_nothing_to_wait_for(database_url: str, shop: Vendor) -> None:
    async with start_road(database_url, shop) as road:
        road.llm.base_url = ""
        await road.says("有货吗")
        assert road.refused == [Failure.OFF]
        assert road.rows("SELECT count(*) FROM outbox")[0][0] == 0


async def test_a_call_owed_past_the_door_takes_its_budget_all_the_same(database_url: str, shop: Vendor) -> None:
    async with start_road(database_url, shop, daily_tokens=2_000) as road:
        payload = {"prompt": PING, "inputs": {"question": "x"}}
        for _ in range(3):
            await road.writer.call(lambda work: work.owe("model/chat", payload, lane="model", answers=True))
        await road.delivery.drain()

        assert [name_of(answer.errcode) if not answer.ok else "ok" for answer in road.answers].count("ok") >= 1
        assert road.budget(DAY)[2] == 0
        await road.writer.call(lambda work: work.owe("model/chat", payload, lane="model"))  # nobody would settle it
        for _ in range(6):
            await road.delivery.drain()
            road.clock.advance(10)
        assert "answers" in road.rows("SELECT error FROM outbox ORDER BY id")[-1][0]


async def test_a_process_that_died_while_it_asked_asks_again(road: Road) -> None:
    await road.says("有货吗", deliver=False)
    leased = await road.writer.call(lambda work: outbox.lease(work.db, "model", work.now, work.now, 10))
    sender = road.delivery._senders["model/chat"]
    await sender({"prompt": PING, "inputs": {"question": "有货吗"}}, leased[0])  # answered, then the process died
    await road.writer.call(lambda work: outbox.free_orphans(work.db, work.now))
    await road.delivery.drain()

    assert [answer.ok for answer in road.answers] == [True]
    assert road.rows("SELECT tokens, charged, tries FROM model_call") == [(114, 114, 2)]


async def test_a_slow_model_holds_up_nobody_else(database_url: str, shop: Vendor) -> None:
    shop.script = [1.5]
    told: list[float] = []

    async def other(payload: dict[str, Any], row: Call) -> dict[str, Any]:
        told.append(time.monotonic())
        return {}

    async with start_road(database_url, shop) as road:
        road.delivery._senders["message/send"] = other
        await road.says(*[f"第{number}句" for number in range(12)], deliver=False)
        await road.delivery.start()
        try:
            while not shop.asked:
                await asyncio.sleep(0.01)
            began = time.monotonic()
            for _ in range(20):
                await road.writer.call(lambda work: work.owe("message/send", {}, subject="staff:a"))
            while len(told) < 20:
                await asyncio.sleep(0.01)
            assert road.answers == []  # the model still thinks
            assert told[-1] - began < 1.4
        finally:
            await road.delivery.stop()


async def test_an_unknown_prompt_is_refused_with_its_name(road: Road) -> None:
    await road.writer.call(lambda work: work.owe(
        "model/chat", {"prompt": "no/such", "inputs": {}}, lane="model", answers=True
    ))  # fmt: skip
    await road.delivery.drain()

    assert name_of(road.answers[-1].errcode) == "off"


async def test_a_refusal_names_what_is_wrong() -> None:
    assert "answers" in str(RequestRefused("model/chat", "answers", "True"))
