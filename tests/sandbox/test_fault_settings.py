"""Setting faults: a group replaces itself whole, scripted ones strike as often as told, nonsense is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import API, CALLBACK, CHANCES
from tests.sandbox.conftest import Desk

SOME = {"callback": {"lose": 0.5, "late": 0.2}, "api": {"busy": 0.25}, "untrusted_ip": True}


async def shown(desk: Desk) -> dict[str, Any]:
    """The settings as they are."""
    answer: dict[str, Any] = await desk.do("faults", method="GET")
    return answer


async def test_a_named_group_is_replaced_whole_and_the_rest_stays(desk: Desk) -> None:
    await desk.do("faults", SOME, method="PUT")
    await desk.do("faults", {"callback": {"duplicate": 0.1}}, method="PUT")

    now = await shown(desk)
    assert now["callback"] == {**CALLBACK, "duplicate": 0.1}
    assert now["api"] == {**API, "busy": 0.25}
    assert now["untrusted_ip"] is True


@pytest.mark.parametrize("nothing", [{}, None])
async def test_an_empty_group_turns_its_faults_off(desk: Desk, nothing: dict[str, float] | None) -> None:
    await desk.do("faults", SOME, method="PUT")
    await desk.do("faults", {"callback": nothing}, method="PUT")

    now = await shown(desk)
    assert (now["callback"], now["api"]["busy"]) == (CALLBACK, 0.25)


async def test_what_is_shown_can_be_put_back(desk: Desk) -> None:
    before = await desk.do("faults", SOME, method="PUT")
    await desk.do("faults", {"callback": {}, "api": {}, "untrusted_ip": False}, method="PUT")

    await desk.do("faults", before, method="PUT")
    assert await shown(desk) == before
    assert (await desk.do("state", method="GET"))["faults"] == before


async def test_a_reset_turns_everything_off(desk: Desk) -> None:
    fresh = await shown(desk)
    await desk.do("faults", {**SOME, "seed": 9, "silent_after": 5}, method="PUT")
    await desk.do("faults/next", {"path": "message/send", "fault": "busy"})

    await desk.do("reset", {})
    assert await shown(desk) == fresh


@pytest.mark.parametrize("group", ["callback", "api"])
@pytest.mark.parametrize("name", ["dupe", "LOSE", "lose ", "", "__class__"])
async def test_an_unknown_fault_is_named_beside_those_there_are(desk: Desk, group: str, name: str) -> None:
    before = await shown(desk)
    error = (await desk.do("faults", {group: {name: 1}}, method="PUT", status=422))["error"]

    assert error["field"] == f"{group}.{name}"
    assert all(known in error["message"] for known in (CALLBACK if group == "callback" else API))
    assert await shown(desk) == before


@pytest.mark.parametrize("value", [-0.01, 1.01, 2, "0.5", None, [], {}])
async def test_a_chance_is_a_number_from_nought_to_one(desk: Desk, value: Any) -> None:
    error = (await desk.do("faults", {"callback": {"lose": value}}, method="PUT", status=422))["error"]

    assert (error["field"], error["message"]) == ("callback.lose", "要填 0 到 1 之间的数")
    assert (await shown(desk))["callback"] == CALLBACK


async def test_a_refusal_says_that_this_is_not_wecom(desk: Desk) -> None:
    error = (await desk.do("faults", {"api": {"slow": 9}}, method="PUT", status=422))["error"]
    assert error["notice"] == "sandbox, not WeCom"


@pytest.mark.parametrize("text", ["{", "[]", "1"])
async def test_settings_that_are_no_object_are_refused(desk: Desk, text: str) -> None:
    async with desk.client.put("/__sandbox/faults", data=text) as response:
        assert (response.status, (await response.json())["error"]["field"]) == (400, "body")


@pytest.mark.parametrize("fault", ["", "dupe", "lose", "slow_s", None])
async def test_an_unknown_scripted_fault_is_refused_with_those_there_are(desk: Desk, fault: str | None) -> None:
    error = (await desk.do("faults/next", {"path": "gettoken", "fault": fault}, status=422))["error"]

    assert error["field"] == "fault"
    assert all(known in error["message"] for known in CHANCES)
    assert (await shown(desk))["next"] == []


async def test_a_scripted_fault_strikes_as_often_as_told(desk: Desk) -> None:
    await desk.new_token()
    await desk.do("faults/next", {"path": "getcallbackip", "fault": "busy", "times": 3})

    assert (await shown(desk))["next"] == [{"path": "getcallbackip", "fault": "busy", "errcode": None, "times": 3}]
    assert [await desk.code("getcallbackip") for _ in range(5)] == [-1, -1, -1, 0, 0]
    assert (await shown(desk))["next"] == []


async def test_scripted_faults_strike_in_the_order_told(desk: Desk) -> None:
    await desk.new_token()
    for fault, errcode in (("rate", None), ("busy", None), ("rate", 45033)):
        await desk.do("faults/next", {"path": "getcallbackip", "fault": fault, "errcode": errcode})
    assert [await desk.code("getcallbackip") for _ in range(4)] == [45009, -1, 45033, 0]


async def test_a_scripted_fault_waits_for_its_path(desk: Desk) -> None:
    await desk.new_token()
    await desk.do("faults/next", {"path": "get_api_domain_ip", "fault": "busy"})
    assert [await desk.code("getcallbackip"), await desk.code("get_api_domain_ip")] == [0, -1]


async def test_a_scripted_fault_goes_before_the_dice(desk: Desk) -> None:
    await desk.new_token()
    await desk.do("faults", {"api": {"busy": 1}}, method="PUT")
    await desk.do("faults/next", {"path": "getcallbackip", "fault": "rate"})
    assert [await desk.code("getcallbackip") for _ in range(2)] == [45009, -1]


async def test_the_log_names_the_fault_that_struck(desk: Desk) -> None:
    await desk.new_token()
    await desk.do("faults/next", {"path": "getcallbackip", "fault": "busy"})
    for _ in range(2):
        await desk.code("getcallbackip")

    items = (await desk.do("log", method="GET"))["items"]
    assert [item["fault"] for item in items if item.get("path") == "getcallbackip"] == ["busy", None]


async def test_a_secret_that_went_wrong_is_40001_until_it_is_right(desk: Desk) -> None:
    for wrong in (True, False):
        await desk.do("faults", {"wrong_secret": wrong}, method="PUT")
        assert bool(await desk.new_token()) is not wrong
