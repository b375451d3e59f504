"""网关: whatever a vendor does, one valid answer or one named failure comes out, in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.clock import FrozenClock
from bot.ids import SeededChance
from bot.model.failures import Failure, ModelFailed
from bot.model.gateway import LLMGateway
from bot.model.ping import ping
from bot.model.prompts import prompts
from bot.sections import Llm
from bot.texts import Texts
from tests.bot.model.vendor import Vendor, completion, gateway, vendor
from tests.conftest import NOON

GOOD = completion('{"ok": true}')
PAGE = (200, "<html>Sign in</html>", {"Content-Type": "text/html"})
BROKEN_JSON = (200, "{", {"Content-Type": "application/json"})
AT_ONCE = {"retry-after": "0.01"}


@pytest.fixture
async def shop() -> AsyncIterator[Vendor]:
    """Somebody who sells answers."""
    async with vendor() as made:
        yield made


async def fails(door: LLMGateway) -> ModelFailed:
    """The failure that comes out."""
    with pytest.raises(ModelFailed) as caught:
        await ping(door)
    return caught.value


async def test_the_surest_rung_is_asked_first_and_no_tools_are_sent(shop: Vendor) -> None:
    reply = await ping(gateway(shop))

    assert reply.value.model_dump() == {"ok": True}
    assert (reply.rung.value, reply.tokens) == ("json_schema", 57)
    assert shop.forms == ["json_schema"]
    schema = shop.asked[0]["response_format"]["json_schema"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["ok"], False)
    assert not {"tools", "functions", "tool_choice"} & set(shop.asked[0])


@pytest.mark.parametrize(
    ("without", "rungs"),
    [
        ({"no_schema": True}, ["json_schema", "json_object"]),
        ({"no_schema": True, "no_object": True}, ["json_schema", "json_object", "text"]),
    ],
)
async def test_a_vendor_without_a_rung_is_asked_one_lower_and_remembered(
    shop: Vendor, without: dict[str, bool], rungs: list[str]
) -> None:
    vars(shop).update(without)
    clock = FrozenClock(NOON)
    door = gateway(shop, clock)

    assert (await ping(door)).rung.value == rungs[-1]
    assert (await ping(door)).rung.value == rungs[-1]
    assert shop.forms == [*rungs, rungs[-1]]  # the second question began where the first one ended
    assert "JSON Schema" in shop.asked[-1]["messages"][0]["content"]
    clock.advance(7 * 3_600)
    await ping(door)
    assert shop.forms[len(rungs) + 1] == "json_schema"  # what it could not do this morning it may have learned


@pytest.mark.parametrize(
    "content",
    [
        '{"ok": true}',
        '```json\n{"ok": true}\n```',
        '好的，这是结果：{"ok": true} 希望有帮助！',
        '<think>{"ok": false} 先想想</think>{"ok": true}',
        'no, {"no": 1}\n</think>\n{"ok": true}',
        '{"ok": "x"} {"ok": true}',
        '{"ok": true, "tool_calls": [{"name": "grant"}], "more": {}}',
    ],
)
async def test_a_valid_object_is_found_wherever_it_stands(shop: Vendor, content: str) -> None:
    shop.script = [completion(content)]

    assert (await ping(gateway(shop))).value.model_dump() == {"ok": True}


async def test_what_does_not_fit_is_told_so_and_asked_again(shop: Vendor) -> None:
    shop.script = [completion('{"ok": "maybe"}'), GOOD]

    reply = await ping(gateway(shop))

    assert (reply.rung.value, reply.tokens) == ("json_object", 114)
    assert [message["role"] for message in shop.asked[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert "ok" in shop.asked[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("step", "failure", "says"),
    [
        (PAGE, Failure.WRONG_URL, "page"),
        (BROKEN_JSON, Failure.GARBAGE, ""),
        ((502, "<html>Bad gateway</html>", AT_ONCE), Failure.DOWN, ""),
        ((429, "{}", AT_ONCE), Failure.LIMITED, ""),
        ((401, '{"error": {"message": "bad key"}}', {}), Failure.REFUSED_KEY, "bad key"),
        ((404, "not here", {}), Failure.WRONG_URL, ""),
        ((400, '{"error": {"message": "Model Not Exist"}}', {}), Failure.REFUSED, "Model Not Exist"),
        ({"choices": None, "error": {"message": "欠费"}}, Failure.NO_CHOICES, "欠费"),
        ({"choices": []}, Failure.NO_CHOICES, ""),
        ({}, Failure.NO_CHOICES, ""),
        (completion(""), Failure.EMPTY, ""),
        (completion(None), Failure.EMPTY, ""),
        (completion(None, tool_calls=[{"id": "1", "type": "function", "function": {"name": "g", "arguments": "{}"}}]),
         Failure.EMPTY, ""),
        (completion([{"type": "text", "text": "x"}]), Failure.EMPTY, ""),
        (completion("<think>endless"), Failure.EMPTY, ""),
        (completion('{"ok": tr', "length"), Failure.CUT, ""),
        (completion("x" * 50_000), Failure.CUT, ""),
        (completion("", "content_filter"), Failure.FILTERED, ""),
        (completion(None, refusal="I will not"), Failure.FILTERED, ""),
        (completion("我不知道"), Failure.GARBAGE, "no object"),
        (completion("[" * 5_000 + '{"a":' * 5_000), Failure.GARBAGE, ""),
        (completion('{"ok": ' + "9" * 5_000 + "}"), Failure.GARBAGE, ""),
    ],
)  # fmt: skip
async def test_every_kind_of_nonsense_has_a_name(shop: Vendor, step: Any, failure: Failure, says: str) -> None:
    shop.script = [step]
    error = await fails(gateway(shop))

    assert error.failure is failure
    assert says in error.why
    assert len(shop.asked) <= 4


async def test_a_busy_vendor_is_asked_again_within_the_deadline(shop: Vendor) -> None:
    shop.script = [(429, "{}", AT_ONCE), (429, "{}", AT_ONCE), GOOD]

    assert (await ping(gateway(shop))).value.model_dump() == {"ok": True}


async def test_the_deadline_is_ours_whatever_the_retries(shop: Vendor) -> None:
    shop.script = [30]
    began = time.monotonic()

    assert (await fails(gateway(shop, deadline_s=0.4))).failure is Failure.TIMEOUT
    assert time.monotonic() - began < 2.5  # the SDK is imported within


async def test_nobody_there_is_unreachable() -> None:
    async with vendor() as gone:
        door = gateway(gone, deadline_s=8)
    assert (await fails(door)).failure is Failure.UNREACHABLE


async def test_a_missing_usage_is_guessed_and_a_mad_one_is_not_believed(shop: Vendor) -> None:
    for usage in ({}, {"total_tokens": -5}, {"total_tokens": 10**12}, {"total_tokens": "many"}, "no"):
        shop.script = [completion('{"ok": true}', usage=usage)]
        assert 50 < (await ping(gateway(shop))).tokens < 400


async def test_no_try_begins_that_the_allowance_cannot_pay(shop: Vendor) -> None:
    shop.script = [completion("garbage")]
    prompt, inputs = prompts()["model/ping"], {"question": "ping"}
    tries = []
    for allowance in (prompt.estimate(inputs), 100):
        with pytest.raises(ModelFailed) as caught:
            await gateway(shop).chat(prompt, inputs, allowance)
        tries.append((len(shop.asked), caught.value.failure, caught.value.tokens))

    assert tries == [(1, Failure.GARBAGE, 57), (1, Failure.DAY, 0)]


async def test_what_is_reserved_is_enough_for_every_rung(shop: Vendor) -> None:
    for more in ({}, {"no_schema": True}, {"no_object": True}):
        shop.no_schema, shop.no_object, shop.script = bool(more), "no_object" in more, [GOOD]
        for question in ("", "ping", "㊗️🎉" * 400, "\u200b<<>>\n" * 300):
            prompt, door = prompts()["model/ping"], gateway(shop)
            inputs = prompt.cleaned({"question": question})
            assert (await door.chat(prompt, inputs, prompt.estimate(inputs))).value.model_dump() == {"ok": True}


async def test_an_answer_that_came_too_late_was_paid_for_all_the_same(shop: Vendor) -> None:
    shop.script = [30]
    late = await fails(gateway(shop, deadline_s=0.4))
    shop.script = [completion("", usage={})]
    empty = await fails(gateway(shop))

    assert late.tokens > 100
    assert empty.tokens > 100


async def test_the_breaker_opens_lets_one_try_through_and_closes(shop: Vendor) -> None:
    clock = FrozenClock(NOON)
    door = gateway(shop, clock, breaker_failures=3, breaker_open_s=30)
    shop.script = [(401, "{}", {})]
    for _ in range(3):
        await fails(door)
    assert door.breaker.state == "open"
    asked = len(shop.asked)
    assert (await fails(door)).failure is Failure.OPEN
    assert len(shop.asked) == asked  # it is left alone

    clock.advance(31)
    states = [door.breaker.state]
    await fails(door)
    clock.advance(31)
    states.append(door.breaker.state)  # twice as long now
    clock.advance(31)
    shop.script = [0.2]
    outcomes = await asyncio.gather(*[ping(door) for _ in range(5)], return_exceptions=True)
    assert sum(isinstance(outcome, ModelFailed) for outcome in outcomes) == 4
    assert [*states, door.breaker.state] == ["half-open", "open", "closed"]


async def test_a_declined_question_says_nothing_about_the_service(shop: Vendor) -> None:
    door = gateway(shop, breaker_failures=1)
    shop.script = [completion("", "content_filter")]
    await fails(door)

    assert door.breaker.state == "closed"


async def test_without_a_model_nothing_is_asked(shop: Vendor) -> None:
    door = LLMGateway(Llm(), FrozenClock(NOON), SeededChance(1), Texts())
    assert (await fails(door)).failure is Failure.OFF


async def test_inputs_stand_between_marks_that_change_with_every_call(shop: Vendor) -> None:
    door = gateway(shop)
    await ping(door)
    await ping(door)
    systems = [body["messages"][0]["content"] for body in shop.asked]
    users = [body["messages"][1]["content"] for body in shop.asked]

    assert users[0] != users[1]
    for system, user in zip(systems, users, strict=True):
        mark = user.splitlines()[0].removeprefix("<<question ").removesuffix(">>")
        assert len(mark) == 16
        assert mark in system
        assert user == f"<<question {mark}>>\nping\n<</question {mark}>>"
    assert json.dumps(shop.asked).count("key-of-a-test") == 0
