"""The two requests of WeCom, over real HTTP, from the socket to the inlet and back."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xmltodict
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from loguru import logger
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.channels.gate import Gate
from bot.channels.wecom_app import MAX_REPLY_BYTES, PATH, routes, text_reply
from bot.clock import FrozenClock
from bot.events import MenuClicked, TextReceived, UnknownReceived
from tests.mutations import CALLBACKS
from tests.recording import RecordingInlet
from tests.sealing import AES_KEY, CORP_ID, TOKEN, Sealed, Sealer

AT = 1_700_000_000
CLICK = (CALLBACKS / "click.xml").read_bytes()
DAY = 86_400


class House:
    """A served channel and everything around it."""

    def __init__(self, *, window_s: int = 600, body_timeout_s: float = 10) -> None:
        self.gate = Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id=CORP_ID, replay_window_s=window_s)
        self.inlet, self.clock, self.sealer = RecordingInlet(), FrozenClock(datetime.fromtimestamp(AT, UTC)), Sealer()
        app = web.Application()
        app.add_routes(routes(self.gate, self.inlet, self.clock, body_timeout_s=body_timeout_s))
        self.client = TestClient(TestServer(app))

    async def post(self, sealed: Sealed, headers: dict[str, str] | None = None) -> tuple[int, str]:
        async with self.client.post(PATH, params=sealed.query, data=sealed.body, headers=headers) as response:
            return response.status, await response.text()

    async def send(self, plain: bytes, at: int = AT) -> tuple[int, str]:
        return await self.post(self.sealer.seal(plain, str(at)))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    async with made.client:
        yield made


async def test_a_callback_is_accepted_once_it_is_durable(house: House) -> None:
    assert await house.send(CLICK) == (200, "")
    assert [type(event) for event in house.inlet.accepted] == [MenuClicked]
    assert house.gate.stats == {"accepted": 1}


@pytest.mark.parametrize("path", sorted(CALLBACKS.glob("*.xml")), ids=lambda path: path.stem)
async def test_every_kind_is_accepted(house: House, path: Path) -> None:
    assert await house.send(path.read_bytes()) == (200, "")
    assert len(house.inlet.accepted) == 1


async def test_an_unknown_kind_is_accepted_and_counted(house: House) -> None:
    assert await house.send(CLICK.replace(b"[click]", b"[new]")) == (200, "")
    assert isinstance(house.inlet.accepted[0], UnknownReceived)
    assert house.gate.stats == {"accepted": 1, "unknown": 1}


async def test_what_could_not_be_stored_is_not_acknowledged(house: House) -> None:
    house.inlet.refusing = True
    assert await house.send(CLICK) == (503, "")
    assert await house.send(CLICK, AT - DAY) == (503, "")
    house.inlet.refusing = False
    assert await house.send(CLICK) == (200, "")
    assert house.gate.stats == {"not_stored": 2, "accepted": 1}


# --- freshness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away_s", [11 * 60, DAY, 365 * DAY, -11 * 60])
async def test_old_callbacks_are_all_kept_aside_and_none_is_acted_on(house: House, away_s: int) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING")
    captured = [house.sealer.seal(CLICK.replace(b"my_day", b"key%d" % number)) for number in range(100)]
    house.clock.advance(away_s)
    answers = {await house.post(sealed) for sealed in captured}
    logger.remove(sink)
    assert answers == {(200, "")}
    assert house.inlet.accepted == []
    assert len({event.key for event, reason in house.inlet.quarantined if reason == "stale"}) == 100
    assert house.gate.stats == {"stale": 100}
    assert len(lines) == 100


@pytest.mark.parametrize("away_s", [0, 599, 600, -600])
async def test_inside_the_window_is_fresh(house: House, away_s: int) -> None:
    house.clock.advance(away_s)
    assert await house.send(CLICK) == (200, "")
    assert len(house.inlet.accepted) == 1


async def test_a_window_of_zero_is_no_window() -> None:
    house = House(window_s=0)
    async with house.client:
        house.clock.advance(365 * DAY)
        assert await house.send(CLICK) == (200, "")
    assert len(house.inlet.accepted) == 1


async def test_a_fresh_timestamp_under_an_old_signature_is_forged(house: House) -> None:
    old = house.sealer.seal(CLICK, str(AT - DAY))
    forged = old._replace(query={**old.query, "timestamp": str(AT)})
    assert await house.post(forged) == (401, "")
    assert (house.inlet.accepted, house.inlet.quarantined) == ([], [])


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "9" * 13, "１７００００００００", "now"])
async def test_a_signed_timestamp_that_is_no_number_is_refused(house: House, timestamp: str) -> None:
    assert await house.post(house.sealer.seal(CLICK, timestamp)) == (400, "")
    assert house.gate.stats["refused.timestamp"] == 1


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
async def test_a_wrong_query_has_a_bare_answer(house: House, name: str) -> None:
    sealed = house.sealer.seal(CLICK)
    assert await house.post(sealed._replace(query={**sealed.query, name: "签名"})) == (401, "")
    without = {key: value for key, value in sealed.query.items() if key != name}
    assert await house.post(sealed._replace(query=without)) == (400, "")


async def test_percent_noise_in_the_query_has_a_bare_answer(house: House) -> None:
    async with house.client.post(
        f"{PATH}?msg_signature=%ff%fe&timestamp=%80&nonce=%", data=b"<Encrypt>QUJD</Encrypt>"
    ) as response:
        assert response.status in (400, 401)


async def test_a_body_above_the_cap_is_refused_by_its_length(house: House) -> None:
    sealed = house.sealer.seal(CLICK)
    assert await house.post(sealed._replace(body=sealed.body.ljust(65_537))) == (413, "")
    assert await house.post(sealed._replace(body=sealed.body.ljust(65_536))) == (200, "")


async def test_a_chunked_body_above_the_cap_is_refused_while_reading(house: House) -> None:
    sealed = house.sealer.seal(CLICK)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(2_000):
            sent += 4_096
            yield b" " * 4_096
            await asyncio.sleep(0)

    async def small() -> AsyncIterator[bytes]:
        yield sealed.body[:50]
        await asyncio.sleep(0.01)
        yield sealed.body[50:]

    async with house.client.post(PATH, params=sealed.query, data=endless()) as response:
        assert response.status == 413
    async with house.client.post(PATH, params=sealed.query, data=small()) as response:
        assert response.status == 200


async def test_a_slow_body_is_given_up() -> None:
    house = House(body_timeout_s=0.1)
    async with house.client:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.client.port)
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n<xml>".encode())
        started = time.perf_counter()
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        assert time.perf_counter() - started < 5
        writer.close()
    assert house.gate.stats == {"refused.slow_body": 1}


async def test_a_compressed_body_is_refused(house: House) -> None:
    sealed = house.sealer.seal(CLICK)
    packed = sealed._replace(body=gzip.compress(b" " * 30_000_000))
    assert (await house.post(packed, {"Content-Encoding": "gzip"}))[0] in (400, 413)
    assert house.inlet.accepted == []


@pytest.mark.parametrize("plain", [b"", b"{}", b"<xml/>", b"\xff", b"<!DOCTYPE x><xml><a>1</a></xml>"])
async def test_a_sealed_body_that_is_no_callback_is_refused(house: House, plain: bytes) -> None:
    assert await house.send(plain) == (400, "")


async def test_a_flood_of_refusals_leaves_few_lines(house: House) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="DEBUG")
    for _ in range(120):
        await house.post(Sealed({}, b"<Encrypt>QUJD</Encrypt>"))
    logger.remove(sink)
    assert house.gate.stats == {"refused.query": 120}
    assert len(lines) == 3


# --- URL verification -------------------------------------------------------------------------------------------------


async def verify(house: House, echo: bytes, **changed: str) -> tuple[int, bytes]:
    sealed = house.sealer.seal(echo)
    async with house.client.get(PATH, params={**sealed.query, "echostr": sealed.encrypted, **changed}) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("echo", [b"1616140317555161061", "回声 + / =\n".encode(), b"x" * 500])
async def test_the_url_is_verified_by_the_exact_plaintext(house: House, echo: bytes) -> None:
    started = time.perf_counter()
    assert await verify(house, echo) == (200, echo)
    assert time.perf_counter() - started < 1


async def test_the_url_is_verified_at_any_time(house: House) -> None:
    house.clock.advance(365 * DAY)
    assert await verify(house, b"123") == (200, b"123")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"msg_signature": "0" * 40}, 401),
        ({"msg_signature": "签名"}, 401),
        ({"nonce": "other"}, 401),
        ({"echostr": "QUJD"}, 401),
        ({"echostr": "回声"}, 400),
    ],
)
async def test_a_bad_verification_is_refused(house: House, changed: dict[str, str], status: int) -> None:
    assert await verify(house, b"123", **changed) == (status, b"")


async def test_a_visit_without_a_query_is_refused(house: House) -> None:
    async with house.client.get(PATH) as response:
        assert (response.status, await response.read()) == (400, b"")


# --- passive replies --------------------------------------------------------------------------------------------------


def opened(answer: str) -> dict[str, str]:
    outer = xmltodict.parse(answer)["xml"]
    crypto = WeChatCrypto(TOKEN, AES_KEY, CORP_ID)
    inner = crypto.decrypt_message(answer, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
    return dict(xmltodict.parse(inner, strip_whitespace=False)["xml"])


async def test_the_reply_is_sealed_for_the_sender(house: House) -> None:
    house.inlet.reply = "你好\n1. 积分"
    status, answer = await house.send((CALLBACKS / "text.xml").read_bytes())
    assert status == 200
    assert isinstance(house.inlet.accepted[0], TextReceived)
    assert opened(answer) == {
        "ToUserName": "lina",
        "FromUserName": CORP_ID,
        "CreateTime": str(AT),
        "MsgType": "text",
        "Content": "你好\n1. 积分",
    }


async def test_two_replies_never_share_a_nonce(house: House) -> None:
    house.inlet.reply = "ok"
    answers = [xmltodict.parse((await house.send(CLICK))[1])["xml"] for _ in range(20)]
    assert len({answer["Nonce"] for answer in answers}) == len({answer["Encrypt"] for answer in answers}) == 20


async def test_nobody_is_answered_where_nobody_spoke(house: House) -> None:
    house.inlet.reply = "ok"
    assert await house.send((CALLBACKS / "chat_create.xml").read_bytes()) == (200, "")
    assert await house.send((CALLBACKS / "add_external_contact.xml").read_bytes()) == (200, "")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "a]]></Content><MsgType>evil</MsgType><Content><![CDATA[b",
            "a]]></Content><MsgType>evil</MsgType><Content><![CDATA[b",
        ),
        ("]]]]>>", "]]]]>>"),
        ("a\x00b\x08c\x1fd\x7fe\ufffef\ud800g", "abcdefg"),
        ("tab\tline\n<b>&amp;", "tab\tline\n<b>&amp;"),
    ],
)
async def test_a_reply_cannot_leave_its_field(house: House, text: str, read: str) -> None:
    house.inlet.reply = text
    reply = opened((await house.send(CLICK))[1])
    assert reply["Content"] == read
    assert reply["MsgType"] == "text"
    assert len(reply) == 5


@pytest.mark.parametrize("text", ["好" * 2_000, "a" * 2_047 + "好", "😀" * 513, "a" * 2_049])
def test_a_long_reply_is_cut_on_a_characters_border(text: str) -> None:
    content = xmltodict.parse(text_reply("lina", CORP_ID, "1", text))["xml"]["Content"]
    assert text.startswith(content)
    assert MAX_REPLY_BYTES - 4 < len(content.encode()) <= MAX_REPLY_BYTES
