"""Virtual time: it moves on demand, and everything that has an end ends by it."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.clock import VirtualClock
from tests.sandbox.conftest import Desk

HOUR, DAY, DATA = 3600, 86_400, b"\x89PNG456789"
BUTTONS = {
    "card_type": "button_interaction",
    "main_title": {"title": "退款审核"},
    "task_id": "refund-1",
    "button_list": [{"text": "同意", "key": "ok"}],
}
CARD = {"touser": "xiaomei", "msgtype": "template_card", "agentid": 1000002, "template_card": BUTTONS}


async def moved(desk: Desk, seconds: float) -> dict[str, Any]:
    """Let virtual time pass."""
    answer: dict[str, Any] = await desk.do("clock", {"advance_s": seconds})
    return answer


async def virtual(desk: Desk) -> float:
    """What the sandbox takes for now."""
    return datetime.fromisoformat((await desk.do("clock", method="GET"))["now"]).timestamp()


async def welcomed(desk: Desk, code: str) -> int:
    """The errcode of a welcome by this code."""
    return await desk.code("externalcontact/send_welcome_msg", {"welcome_code": code, "text": {"content": "欢迎"}})


def test_a_clock_that_nobody_moved_is_the_machines() -> None:
    clock = VirtualClock()
    assert clock.time() == pytest.approx(time.time(), abs=1)
    assert datetime.fromisoformat(clock.iso()).tzinfo is not None


async def test_steps_add_up_and_may_go_back(desk: Desk) -> None:
    assert (await moved(desk, HOUR))["offset_s"] == HOUR
    assert (await moved(desk, 0.5))["offset_s"] == HOUR + 0.5
    assert await virtual(desk) == pytest.approx(time.time() + HOUR, abs=2)
    assert (await moved(desk, -HOUR - 0.5))["offset_s"] == 0


@pytest.mark.parametrize("moment", ["2026-11-11T10:00:00+08:00", "2026-11-11T02:00:00Z", "2031-01-01T00:00:00+00:00"])
async def test_a_moment_can_be_jumped_to(desk: Desk, moment: str) -> None:
    await desk.do("clock", {"now": moment})
    assert await virtual(desk) == pytest.approx(datetime.fromisoformat(moment).timestamp(), abs=2)


@pytest.mark.parametrize("wrong", [{"now": "昨天"}, {"now": "2026-13-01"}, {"advance_s": "soon"}])
async def test_what_is_no_time_is_refused_and_moves_nothing(desk: Desk, wrong: dict[str, Any]) -> None:
    answer = await desk.do("clock", wrong, status=422)

    assert answer["error"]["field"] == "now"
    assert (await desk.do("clock", method="GET"))["offset_s"] == 0


async def test_a_move_is_in_the_log_and_in_the_state(desk: Desk) -> None:
    await moved(desk, DAY)

    (entry,) = [item for item in (await desk.do("log", method="GET"))["items"] if item["type"] == "clock"]
    assert entry["offset_s"] == DAY
    assert (await desk.do("state", method="GET"))["clock"]["offset_s"] == DAY


async def test_a_reset_brings_the_machines_time_back(desk: Desk) -> None:
    await moved(desk, DAY)
    await desk.do("reset", {})
    assert (await desk.do("clock", method="GET"))["offset_s"] == 0


async def test_a_token_lives_its_seconds_and_no_longer(desk: Desk) -> None:
    desk.sandbox.world.expires_in = 100
    assert await desk.code("getcallbackip") == 0
    await moved(desk, 95)
    assert await desk.code("getcallbackip") == 0
    await moved(desk, 6)
    assert await desk.code("getcallbackip") == 42001


async def test_a_living_token_is_given_again_and_a_dead_one_is_not(desk: Desk) -> None:
    first = await desk.new_token()
    await moved(desk, HOUR)
    assert await desk.new_token() == first
    await moved(desk, HOUR + 1)
    assert await desk.new_token() not in ("", first)


@pytest.mark.parametrize(("seconds", "errcode"), [(0, 0), (18, 0), (20.5, 41050), (DAY, 41050)])
async def test_a_welcome_code_lives_twenty_seconds(desk: Desk, seconds: float, errcode: int) -> None:
    _, code = await desk.joined()
    await moved(desk, seconds)
    assert await welcomed(desk, code) == errcode


async def test_a_used_code_stays_used_when_it_is_late_as_well(desk: Desk) -> None:
    _, code = await desk.joined()
    assert await welcomed(desk, code) == 0
    await moved(desk, HOUR)
    assert await welcomed(desk, code) == 41051


async def test_each_customers_twenty_seconds_are_their_own(desk: Desk) -> None:
    _, early = await desk.joined(name="先来")
    await moved(desk, 15)
    _, late = await desk.joined(name="后到")
    await moved(desk, 10)
    assert [await welcomed(desk, early), await welcomed(desk, late)] == [41050, 0]


async def test_a_card_can_be_changed_once_within_72_hours(desk: Desk) -> None:
    first, second = [(await desk.api("message/send", CARD))["response_code"] for _ in range(2)]
    change: dict[str, Any] = {"userids": ["xiaomei"], "agentid": 1000002, "button": {"replace_name": "已同意"}}
    path = "message/update_template_card"

    await moved(desk, HOUR)
    assert [await desk.code(path, {**change, "response_code": first}) for _ in range(2)] == [0, 60140]
    await moved(desk, 72 * HOUR)
    desk.token = ""
    assert await desk.code(path, {**change, "response_code": second}) == 60140


@pytest.mark.parametrize(("days", "errcode"), [(2.9, 0), (3.1, 40007)])
async def test_an_upload_is_there_for_three_days(desk: Desk, days: float, errcode: int) -> None:
    query = {"access_token": await desk.new_token(), "type": "image"}
    async with desk.client.post("/cgi-bin/media/upload", params=query, data={"media": io.BytesIO(DATA)}) as response:
        media_id = (await response.json())["media_id"]
    await moved(desk, days * DAY)

    query = {"access_token": await desk.new_token(), "media_id": media_id}
    async with desk.client.get("/cgi-bin/media/get", params=query) as response:
        got = await response.read()
    assert got == DATA if errcode == 0 else f'"errcode": {errcode}'.encode() in got


async def test_a_group_shows_a_newcomer_only_a_moment_later(desk: Desk) -> None:
    customer, _ = await desk.joined()
    chat_id = (await desk.do("groups", {"name": "福利群", "owner": "xiaomei"}))["chat_id"]
    await desk.do(f"groups/{chat_id}/join", {"external_userid": customer})

    seen = []
    for seconds in (0, 2):
        await moved(desk, seconds)
        group = (await desk.api("externalcontact/groupchat/get", {"chat_id": chat_id}))["group_chat"]
        seen.append(customer in [member["userid"] for member in group["member_list"]])
    assert seen == [False, True]


async def test_callbacks_carry_virtual_time_inside_and_outside(desk: Desk) -> None:
    await desk.do("clock", {"now": "2030-01-01T00:00:00+00:00"})
    await desk.joined()

    query, plain = desk.receiver.got[-1]
    found = re.search(r"<CreateTime>(\d+)<", plain)
    assert found is not None
    new_year = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    assert int(found[1]) == pytest.approx(new_year, abs=5)
    assert int(query["timestamp"]) == pytest.approx(new_year, abs=5)
