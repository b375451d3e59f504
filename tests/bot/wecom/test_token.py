"""access_token: fetched once for all, refreshed once, never asked for with a secret known to be wrong."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from aiohttp import web

from bot.clock import FrozenClock
from bot.errors import Action, WeComError, WeComUnreachable
from bot.wecom.client import WeCom
from bot.wecom.token import STRIKES
from tests.bot.wecom.server import Wire, client_of, plain

REFUSED = {"errcode": 40014, "errmsg": "invalid access_token"}


async def outcome_of(wecom: WeCom, path: str = "externalcontact/remark") -> WeComError | None:
    try:
        await wecom.call(path, {"userid": "lina", "external_userid": "wmAAA"})
    except WeComError as error:
        return error
    return None


async def test_500_calls_at_once_fetch_one_token(wire: Wire, wecom: WeCom) -> None:
    wire.slow_s = 0.02
    outcomes = await asyncio.gather(*[outcome_of(wecom) for _ in range(500)])
    assert outcomes == [None] * 500
    assert wire.counts == {"gettoken": 1, "externalcontact/remark": 500}


async def test_500_calls_on_a_token_that_has_just_expired_fetch_one(
    wire: Wire, wecom: WeCom, clock: FrozenClock
) -> None:
    await outcome_of(wecom)
    clock.advance(7201)
    wire.valid.clear()
    wire.counts.clear()
    outcomes = await asyncio.gather(*[outcome_of(wecom) for _ in range(500)])
    assert outcomes == [None] * 500
    assert wire.counts == {"gettoken": 1, "externalcontact/remark": 500}


@pytest.mark.parametrize("errcode", [40014, 42001])
async def test_500_calls_on_a_token_revoked_early_fetch_one(wire: Wire, wecom: WeCom, errcode: int) -> None:
    await outcome_of(wecom)
    wire.valid.clear()
    wire.counts.clear()
    wire.says("externalcontact/remark", {"errcode": errcode, "errmsg": "x"})
    outcomes = await asyncio.gather(*[outcome_of(wecom) for _ in range(500)])
    assert outcomes == [None] * 500
    assert wire.counts["gettoken"] == 1
    assert wire.counts["externalcontact/remark"] <= 1000


async def test_a_token_refused_for_ever_costs_two_calls_each(wire: Wire, wecom: WeCom) -> None:
    wire.always["externalcontact/remark"] = REFUSED
    error = await outcome_of(wecom)
    assert error is not None
    assert (error.errcode, error.permanent) == (40014, False)
    assert wire.counts == {"gettoken": 2, "externalcontact/remark": 2}


async def test_a_hundred_calls_with_useless_tokens_end_and_then_rest(
    wire: Wire, wecom: WeCom, clock: FrozenClock
) -> None:
    seen: Counter[int] = Counter()

    async def refuse(request: web.Request) -> web.StreamResponse:
        seen[int(request.query["n"])] += 1
        return web.json_response(REFUSED)

    wire.always["externalcontact/get"] = refuse
    calls = [wecom.call("externalcontact/get", params={"n": str(n)}) for n in range(100)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(error, WeComError) for error in outcomes)
    assert max(seen.values()) <= 2
    for _ in range(STRIKES):
        await asyncio.gather(wecom.call("externalcontact/get", params={"n": "-1"}), return_exceptions=True)
    spent = wire.counts.copy()
    assert spent["gettoken"] <= STRIKES + 1
    with pytest.raises(WeComError, match="new tokens are refused as well") as caught:
        await wecom.call("externalcontact/get", params={"n": "-2"})
    assert (caught.value.action, caught.value.wait_s) == (Action.WAIT, 10)
    assert wire.counts == spent
    wire.always.clear()
    clock.advance(10)
    assert await outcome_of(wecom) is None


async def test_the_second_report_of_one_stale_token_starts_no_refresh(wire: Wire, wecom: WeCom) -> None:
    first = await wecom.tokens.get()
    second = await wecom.tokens.get(stale=first)
    assert await wecom.tokens.get(stale=first) == second
    assert (first, second, wire.counts["gettoken"]) == ("TOKEN-1", "TOKEN-2", 2)


async def test_a_token_near_its_end_is_refreshed_without_making_anyone_wait(
    wire: Wire, wecom: WeCom, clock: FrozenClock
) -> None:
    await wecom.tokens.get()
    clock.advance(7200 - 299)
    assert await wecom.tokens.get() == "TOKEN-1"
    await settle(wire, 2)
    assert await wecom.tokens.get() == "TOKEN-2"


async def test_a_failed_early_refresh_leaves_the_old_token_and_is_not_repeated_at_once(
    wire: Wire, wecom: WeCom, clock: FrozenClock
) -> None:
    await wecom.tokens.get()
    clock.advance(7000)
    wire.says("gettoken", plain("<html>", 502))
    for _ in range(10):
        assert await wecom.tokens.get() == "TOKEN-1"
        await settle(wire, 2)
    clock.advance(6)
    await wecom.tokens.get()
    await settle(wire, 3)
    assert await wecom.tokens.get() == "TOKEN-3"


async def settle(wire: Wire, tokens: int) -> None:
    """Wait until the server has answered so many gettoken calls."""
    async with asyncio.timeout(5):
        while wire.counts["gettoken"] < tokens or wire.inside["gettoken"]:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    assert wire.counts["gettoken"] == tokens


async def test_a_caller_that_gives_up_does_not_end_the_refresh_of_the_others(wire: Wire, wecom: WeCom) -> None:
    wire.slow_s = 0.1
    impatient = asyncio.create_task(wecom.tokens.get())
    patient = asyncio.create_task(wecom.tokens.get())
    await asyncio.sleep(0.03)
    impatient.cancel()
    assert await patient == "TOKEN-1"
    assert wire.counts["gettoken"] == 1


@pytest.mark.parametrize("errcode", [40001, 40013])
async def test_a_wrong_secret_stops_every_call_for_an_hour(
    wire: Wire, wecom: WeCom, clock: FrozenClock, errcode: int
) -> None:
    wire.says("gettoken", {"errcode": errcode, "errmsg": "invalid credential, hint: [17_a], from ip: 1.2.3.4"})
    outcomes = await asyncio.gather(*[outcome_of(wecom) for _ in range(50)])
    assert {error.action for error in outcomes if error} == {Action.STOP}
    assert len([error for error in outcomes if error]) == 50
    clock.advance(3599)
    error = await outcome_of(wecom, "externalcontact/mark_tag_of_any_kind")
    assert error is not None
    assert (error.errcode, error.wait_s, error.hint) == (errcode, 1, "17_a from ip: 1.2.3.4")
    assert wire.counts == {"gettoken": 1}
    clock.advance(1)
    assert await outcome_of(wecom) is None


async def test_resume_ends_the_halt(wire: Wire, wecom: WeCom) -> None:
    wire.says("gettoken", {"errcode": 40001, "errmsg": "invalid credential"})
    assert await outcome_of(wecom) is not None
    wecom.resume()
    assert await outcome_of(wecom) is None


async def test_a_wrong_secret_reported_by_any_call_halts(wire: Wire, wecom: WeCom) -> None:
    wire.says("externalcontact/remark", {"errcode": 40001, "errmsg": "invalid credential"})
    assert await outcome_of(wecom) is not None
    spent = wire.counts.copy()
    assert await outcome_of(wecom, "message/recall") is not None
    assert wire.counts == spent


async def test_a_call_whose_token_could_not_be_fetched_was_not_made(wire: Wire, wecom: WeCom) -> None:
    wire.says("gettoken", plain("<html>busy</html>", 502), {"errcode": 0})
    for _ in range(2):  # no answer, and an answer without a token
        error = await outcome_of(wecom)
        assert isinstance(error, WeComUnreachable)
        assert error.ambiguous is False
    assert wire.counts["externalcontact/remark"] == 0


async def test_a_busy_gettoken_is_asked_four_times_not_sixteen(wire: Wire, wecom: WeCom) -> None:
    wire.always["gettoken"] = {"errcode": -1, "errmsg": "system error"}
    with pytest.raises(WeComError) as caught:
        await wecom.call("externalcontact/get", params={"external_userid": "wmAAA"})
    assert (caught.value.errcode, caught.value.path, wire.counts["gettoken"]) == (-1, "gettoken", 4)


async def test_a_token_of_two_seconds_is_used_more_than_once(wire: Wire, clock: FrozenClock) -> None:
    wire.expires_in = 2
    async with client_of(wire.base, clock) as wecom:
        for _ in range(5):
            assert await outcome_of(wecom) is None
    assert wire.counts["gettoken"] == 1


async def test_closing_ends_a_refresh_under_way(wire: Wire, clock: FrozenClock) -> None:
    wire.slow_s = 5
    async with client_of(wire.base, clock) as wecom:
        call = asyncio.create_task(outcome_of(wecom))
        await asyncio.sleep(0.05)
    error = await call
    assert isinstance(error, WeComUnreachable)
    assert error.ambiguous is False
