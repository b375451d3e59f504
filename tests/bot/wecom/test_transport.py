"""What goes wrong between us and WeCom becomes one typed error that says whether the call may have been made."""

from __future__ import annotations

import asyncio
import socket
import traceback
from typing import Any

import pytest
from aiohttp import web
from loguru import logger

from bot.clock import FrozenClock
from bot.errors import Action, ConfigError, WeComError, WeComUnreachable
from bot.wecom.client import WeCom
from bot.wecom.gates import WIDEST, Door
from tests.bot.wecom.server import SECRET, Scripted, Wire, client_of, plain

SEND = {"touser": "lina", "msgtype": "text", "agentid": 1, "text": {"content": "你好"}}


async def failure(wecom: WeCom, path: str = "message/send", **settings: Any) -> WeComError:
    body = SEND if path == "message/send" else None
    with pytest.raises(WeComError) as caught:
        await wecom.call(path, body, **settings)
    return caught.value


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def truncated(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "500", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"errcode":0,"errmsg"')
    assert request.transport is not None
    request.transport.close()
    return response


async def redirect(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/cgi-bin/elsewhere")


@pytest.mark.parametrize(
    ("answer", "ambiguous"),
    [
        (reset, True),
        (truncated, True),
        (redirect, True),
        (plain('{"errcode":0}', 500, "application/json"), True),
        (plain("<html>bad gateway</html>", 502), True),
        (plain("<html>please log in</html>"), True),
        (plain('{"errcode":0,"errm', content_type="application/json"), True),
        (plain("[]", content_type="application/json"), True),
        (plain('{"errcode":"many"}', content_type="application/json"), True),
        (plain(b"\xff\xfe\x00", content_type="application/json"), True),
        (plain("", content_type="application/json"), True),
        (plain("<html>too large</html>", 413), False),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_unreachable(wire: Wire, wecom: WeCom, answer: Scripted, ambiguous: bool) -> None:
    wire.says("message/send", answer)
    error = await failure(wecom)
    assert isinstance(error, WeComUnreachable)
    assert (error.errcode, error.ambiguous, error.permanent, error.action) == (None, ambiguous, False, Action.RETRY)
    assert (wire.counts["message/send"], wire.counts["elsewhere"]) == (1, 0)


async def test_no_answer_in_time_may_have_been_made(wire: Wire, wecom: WeCom) -> None:
    await wecom.tokens.get()
    wire.slow_s = 1
    error = await failure(wecom, timeout_s=0.1)
    assert isinstance(error, WeComUnreachable)
    assert error.ambiguous is True


async def test_time_over_before_the_turn_came_means_not_made(wire: Wire, wecom: WeCom) -> None:
    await wecom.tokens.get()
    wire.slow_s = 0.5
    others = [asyncio.create_task(wecom.call("message/send", SEND)) for _ in range(WIDEST)]
    await asyncio.sleep(0.05)
    error = await failure(wecom, timeout_s=0.1)
    assert isinstance(error, WeComUnreachable)
    assert error.ambiguous is False
    await asyncio.gather(*others)
    assert wire.counts["message/send"] == WIDEST


async def test_time_over_while_the_token_is_fetched_means_not_made(wire: Wire, wecom: WeCom) -> None:
    wire.slow_s = 0.5
    error = await failure(wecom, timeout_s=0.1)
    assert isinstance(error, WeComUnreachable)
    assert error.ambiguous is False


async def test_a_closed_port_is_known_not_to_have_been_reached(clock: FrozenClock) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    async with client_of(f"http://127.0.0.1:{port}", clock) as wecom:
        error = await failure(wecom)
    assert isinstance(error, WeComUnreachable)
    assert (error.ambiguous, error.errmsg) == (False, "ClientConnectorError")


async def test_an_unknown_host_is_known_not_to_have_been_reached(clock: FrozenClock) -> None:
    async with client_of("http://nobody.invalid", clock) as wecom:
        error = await failure(wecom)
    assert isinstance(error, WeComUnreachable)
    assert error.ambiguous is False


async def test_a_port_that_closes_after_the_token_is_not_ambiguous_for_a_write(wire: Wire, clock: FrozenClock) -> None:
    async with client_of(wire.base, clock) as wecom:
        await wecom.tokens.get()
        wecom._base = "http://127.0.0.1:9"
        error = await failure(wecom)
    assert isinstance(error, WeComUnreachable)
    assert error.ambiguous is False


def test_an_address_that_is_none_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match=r"wecom\.api_base"):
        WeCom(api_base="qyapi.example", corp_id="ww", secret=SECRET)


# -- who asks again ---------------------------------------------------------------------------------------------------


async def test_a_busy_server_is_asked_again_for_a_list(wire: Wire, wecom: WeCom) -> None:
    busy = {"errcode": -1, "errmsg": "system error"}
    wire.says("externalcontact/list", busy, busy, busy, {"errcode": 0, "external_userid": ["wmAAA"]})
    assert await wecom.contact.list_external_userid("lina") == ["wmAAA"]
    assert wire.counts["externalcontact/list"] == 4


async def test_a_server_busy_for_good_is_asked_four_times(wire: Wire, wecom: WeCom) -> None:
    wire.always["externalcontact/list"] = {"errcode": -1, "errmsg": "system error"}
    error = await failure(wecom, "externalcontact/list")
    assert (error.errcode, error.action, wire.counts["externalcontact/list"]) == (-1, Action.RETRY, 4)


async def test_a_write_is_left_to_the_outbox(wire: Wire, wecom: WeCom) -> None:
    wire.says("message/send", {"errcode": -1, "errmsg": "system error"})
    error = await failure(wecom)
    assert (error.errcode, error.action, wire.counts["message/send"]) == (-1, Action.RETRY, 1)


# -- too often, too many ----------------------------------------------------------------------------------------------

TOO_OFTEN = {"errcode": 45009, "errmsg": "reach max api daily quota limit"}


async def test_an_api_called_too_often_rests_for_a_minute(wire: Wire, wecom: WeCom, clock: FrozenClock) -> None:
    wire.says("message/send", TOO_OFTEN)
    error = await failure(wecom)
    assert (error.errcode, error.action, error.wait_s) == (45009, Action.WAIT, 60)
    clock.advance(20)
    error = await failure(wecom)
    assert (error.errcode, error.action, error.wait_s) == (45009, Action.WAIT, 40)
    assert wire.counts["message/send"] == 1
    await wecom.call("message/recall", {"msgid": "1"})  # other calls go on
    clock.advance(40)
    await wecom.call("message/send", SEND)


async def test_too_often_again_right_after_is_the_window_of_an_hour(
    wire: Wire, wecom: WeCom, clock: FrozenClock
) -> None:
    wire.says("message/send", TOO_OFTEN, TOO_OFTEN)
    await failure(wecom)
    clock.advance(61)
    assert (await failure(wecom)).wait_s == 3600
    clock.advance(3599)
    assert (await failure(wecom)).wait_s == 1
    clock.advance(1)
    await wecom.call("message/send", SEND)


async def test_too_often_much_later_begins_with_a_minute(wire: Wire, wecom: WeCom, clock: FrozenClock) -> None:
    wire.says("message/send", TOO_OFTEN, TOO_OFTEN)
    await failure(wecom)
    clock.advance(60 + 61)
    assert (await failure(wecom)).wait_s == 60


async def test_one_burst_of_refusals_is_one_rest(wire: Wire, wecom: WeCom) -> None:
    wire.slow_s = 0.05
    wire.always["message/send"] = TOO_OFTEN
    errors = await asyncio.gather(*[failure(wecom) for _ in range(200)])
    assert {error.wait_s for error in errors} == {60}
    assert wire.counts["message/send"] == WIDEST


async def test_no_more_than_the_door_admits_are_inside(wire: Wire, wecom: WeCom) -> None:
    wire.slow_s = 0.01
    await asyncio.gather(*[wecom.call("message/send", SEND) for _ in range(200)])
    assert wire.most_inside["message/send"] == WIDEST


async def test_too_many_in_parallel_lowers_what_is_under_way(wire: Wire, wecom: WeCom) -> None:
    wire.says("message/send", {"errcode": 45033, "errmsg": "concurrent"})
    error = await failure(wecom)
    assert (error.action, error.permanent) == (Action.SLOW, False)
    wire.slow_s = 0.01
    await asyncio.gather(*[wecom.call("message/send", SEND) for _ in range(100)])
    assert WIDEST // 2 < wire.most_inside["message/send"] < WIDEST


async def test_one_burst_halves_the_door_once(clock: FrozenClock) -> None:
    door = Door(clock, widest=32)
    for _ in range(32):
        door.narrow()
    assert door.limit == 16


async def test_the_door_never_closes_and_opens_again(clock: FrozenClock) -> None:
    door = Door(clock, widest=4)
    for _ in range(10):
        door.narrow()
        door.narrow()  # of the same burst
        clock.advance(1)
    assert door.limit == 1
    for _ in range(1 + 2 + 3):
        door.widen()
    assert door.limit == 4
    door.widen()
    assert door.limit == 4


async def test_who_leaves_the_line_does_not_keep_a_place(clock: FrozenClock) -> None:
    door, passed = Door(clock, widest=1), []

    async def go_through(name: str) -> None:
        async with door:
            passed.append(name)

    async with door:
        line = [asyncio.create_task(go_through(name)) for name in "abcd"]
        await asyncio.sleep(0)
        line[0].cancel()
        line[2].cancel()
    line[1].cancel()  # let in a moment ago, and cancelled before it knew
    await asyncio.gather(*line, return_exceptions=True)
    assert passed == ["d"]
    async with asyncio.timeout(1), door:
        passed.append("last")


# -- what is told, and what is not -------------------------------------------------------------------------------------


async def test_the_hint_is_logged_but_the_message_stays_the_same(wire: Wire, wecom: WeCom) -> None:
    for number in (1, 2):
        tail = f"hint: [170000000{number}_abc], from ip: 1.2.3.4, more info at https://open.work.weixin.qq.com"
        wire.says("message/send", {"errcode": 60011, "errmsg": f"no privilege, {tail}"})
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message.record["extra"])), level="INFO")
    errors = [await failure(wecom), await failure(wecom)]
    logger.remove(sink)
    assert [str(error) for error in errors] == ["message/send: 60011 no privilege"] * 2
    assert [error.hint for error in errors] == ["1700000001_abc from ip: 1.2.3.4", "1700000002_abc from ip: 1.2.3.4"]
    assert "1700000001_abc" in lines[0]
    assert errors[0].action is Action.CONFIG


async def test_a_code_nobody_has_read_about_is_told_louder(wire: Wire, wecom: WeCom) -> None:
    wire.says("message/send", {"errcode": 987654, "errmsg": "new"}, {"errcode": 60011, "errmsg": "known"})
    levels: list[str] = []
    sink = logger.add(lambda message: levels.append(message.record["level"].name), level="INFO")
    await failure(wecom)
    await failure(wecom)
    logger.remove(sink)
    assert levels == ["WARNING", "INFO"]


async def test_neither_token_nor_secret_is_told(wire: Wire, wecom: WeCom) -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message) + str(message.record["extra"])), level=0)
    told = []
    wire.says("message/send", {"errcode": 40058, "errmsg": f"TOKEN-1 and {SECRET} are wrong"})
    wire.says("message/send", reset, truncated, redirect, plain("<html>TOKEN-1</html>"))
    for _ in range(5):
        told.append(await failure(wecom))
    wecom._base = "http://127.0.0.1:9"
    told.append(await failure(wecom))
    wecom.tokens._forget()
    told.append(await failure(wecom))
    logger.remove(sink)
    texts = [*lines, *["".join(traceback.format_exception(error)) for error in told]]
    texts += [repr(error) + str(vars(error)) for error in told]
    assert [text for text in texts if "TOKEN-1" in text or SECRET in text] == []
    assert "*** and *** are wrong" in str(told[0])
    assert len(lines) >= len(told)


async def test_json_goes_out_as_plain_utf8_with_the_token_in_the_query(wire: Wire, wecom: WeCom) -> None:
    await wecom.call("message/send", {**SEND, "text": {"content": "满100减20 🎉"}})
    assert "满100减20 🎉".encode() in wire.raw["message/send"][0]
    assert wire.queries["message/send"] == [{"access_token": "TOKEN-1"}]
    assert wire.queries["gettoken"] == [{"corpid": "ww0sandbox000001", "corpsecret": SECRET}]


async def test_a_name_cut_in_half_does_not_hide_the_contact(wire: Wire, wecom: WeCom) -> None:
    answer = b'{"errcode":0,"external_contact":{"name":"A\\ud83d","note":"x\x01","full":"\\ud83c\\udf89"}}'
    wire.says("externalcontact/get", plain(answer, content_type="application/json"))
    contact = (await wecom.contact.get("wmAAA"))["external_contact"]
    assert contact == {"name": "A\ufffd", "note": "x\x01", "full": "🎉"}
    await wecom.call("message/send", {**SEND, "text": {"content": "A\ud83d"}})
    assert wire.bodies["message/send"][0]["text"]["content"] == "A?"


async def test_an_answer_without_errcode_is_a_success(wire: Wire, wecom: WeCom) -> None:
    wire.says("getcallbackip", {"ip_list": ["101.226.103.*"]})
    assert await wecom.network.getcallbackip() == ["101.226.103.*"]


async def test_what_happened_is_counted(wire: Wire, wecom: WeCom) -> None:
    wire.says("message/send", reset, {"errcode": 60011, "errmsg": ""})
    await failure(wecom)
    await failure(wecom)
    await wecom.call("message/send", SEND)
    counted = {outcome: count for (path, outcome), count in wecom.stats.items() if path == "message/send"}
    assert counted == {"unreachable": 1, "60011": 1, "ok": 1}
