"""The callback mode's two requests over real HTTP: the same strict gate, JSON inside, an empty receiver."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.crypto.base import WeChatCipher

from bot.aibot_events import BotDisconnected, BotEntered, FeedbackReceived, MediaLinked, MixedReceived
from bot.channels.gate import MAX_BODY, Gate, GateError
from bot.channels.wecom_aibot import PATH, find_encrypt, routes
from bot.channels.wecom_aibot_translate import Arrival, read, translate, unmentioned
from bot.clock import FrozenClock
from bot.event_base import from_json, to_json
from bot.events import Address, CardClicked, Event, TextReceived, UnknownReceived
from sandbox.crypto import Seal
from tests.recording import RecordingInlet
from tests.sealing import AES_KEY, TOKEN

AT = 1_700_000_000
NOW = datetime.fromtimestamp(AT, UTC)
TEXT = {
    "msgid": "CAIQ1", "aibotid": "aib1", "chatid": "wrkINT1", "chattype": "group", "from": {"userid": "lina"},
    "response_url": "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RC", "msgtype": "text",
    "text": {"content": "@小助 积分怎么算"}, "quote": {"msgtype": "text", "text": {"content": "原话"}},
}  # fmt: skip


class House:
    """A served channel; `seal` is the sandbox's own."""

    def __init__(self) -> None:
        self.gate = Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id="")
        self.inlet, self.clock, self.seal = RecordingInlet(), FrozenClock(NOW), Seal(TOKEN, AES_KEY, "")
        app = web.Application()
        app.add_routes(routes(self.gate, self.inlet, self.clock, name="小助"))
        self.client = TestClient(TestServer(app))

    def query(self, encrypt: str, at: int = AT) -> dict[str, str]:
        return {
            "msg_signature": self.seal.sign(str(at), "n1", encrypt), "timestamp": str(at), "nonce": "n1",
        }  # fmt: skip

    async def post(self, query: dict[str, str], body: bytes) -> tuple[int, str]:
        async with self.client.post(PATH, params=query, data=body) as response:
            return response.status, await response.text()

    async def send(self, plain: Any, at: int = AT) -> tuple[int, str]:
        text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
        encrypt = self.seal.encrypt(text)
        return await self.post(self.query(encrypt, at), json.dumps({"encrypt": encrypt}).encode())


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    async with made.client:
        yield made


async def test_a_message_becomes_its_event(house: House) -> None:
    assert await house.send(TEXT) == (200, "")
    event = house.inlet.accepted[0]

    assert isinstance(event, TextReceived)
    assert (event.key, event.sender, event.text) == (
        "wecom_aibot:msg:CAIQ1", Address("wecom_staff", "lina"), "积分怎么算",
    )  # fmt: skip
    assert event.door is not None
    assert event.door["chat"] == "wrkINT1"
    assert from_json("TextReceived", to_json(event)) == event


async def test_the_reply_is_sealed_with_the_callbacks_own_nonce(house: House) -> None:
    house.inlet.reply = '{"msgtype":"stream"}'
    status, raw = await house.send(TEXT)
    answer = json.loads(raw)

    assert status == 200
    assert (answer["timestamp"], answer["nonce"]) == (AT, "n1")
    assert house.seal.is_signed(answer["msgsignature"], str(AT), "n1", answer["encrypt"])
    assert json.loads(house.seal.decrypt(answer["encrypt"])) == {"msgtype": "stream"}


async def test_wechatpy_and_we_open_each_others_parcels(house: House) -> None:
    crypto = WeChatCrypto(TOKEN, AES_KEY, "")
    xml = crypto.encrypt_message(json.dumps(TEXT, ensure_ascii=False), "n1", str(AT))
    encrypt = xml.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    signature = xml.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {"msg_signature": signature, "timestamp": str(AT), "nonce": "n1"}
    house.inlet.reply = '{"msgtype":"stream"}'
    status, raw = await house.post(query, json.dumps({"encrypt": encrypt}).encode())

    assert status == 200
    assert isinstance(house.inlet.accepted[0], TextReceived)
    assert house.seal.decrypt(encrypt) == json.dumps(TEXT, ensure_ascii=False)  # and so does the sandbox
    answer = json.loads(raw)
    plain = WeChatCipher(base64.b64decode(AES_KEY + "=")).decrypt(base64.b64decode(answer["encrypt"]))
    assert plain[20 : 20 + int.from_bytes(plain[16:20], "big")] == b'{"msgtype":"stream"}'


async def test_the_url_is_verified(house: House) -> None:
    encrypt = house.seal.encrypt("1616140317555161061")
    async with house.client.get(PATH, params={**house.query(encrypt), "echostr": encrypt}) as response:
        assert (response.status, await response.text()) == (200, "1616140317555161061")


async def test_bad_input_is_one_bare_answer(house: House) -> None:
    encrypt = house.seal.encrypt(json.dumps(TEXT))
    good, body = house.query(encrypt), json.dumps({"encrypt": encrypt}).encode()
    corps = Seal(TOKEN, AES_KEY, "ww0sandbox000001").encrypt(json.dumps(TEXT))
    cases = [
        (good, b"", 400), (good, b"[]", 400), (good, b"{}", 400), (good, b'{"encrypt":7}', 400),
        (good, "{\"encrypt\":\"密\"}".encode(), 400), (good, b"\xff\xfe", 400), (good, b"[" * 60_000, 400),
        (good, b"x" * (MAX_BODY + 1), 413), ({}, body, 400), ({**good, "msg_signature": "0" * 40}, body, 401),
        (house.query(corps), json.dumps({"encrypt": corps}).encode(), 401),
    ]  # fmt: skip
    for query, raw, status in cases:
        assert await house.post(query, raw) == (status, ""), raw[:40]
    for plain in ("not json", "[1]", "7", "{" * 5000, '{"a":' * 300 + "1" + "}" * 300, '{"a":1e999}'):
        assert await house.send(plain) == (400, ""), plain[:40]
    assert house.inlet.accepted == []


async def test_an_old_callback_is_kept_aside(house: House) -> None:
    house.clock.advance(3600)
    assert await house.send(TEXT) == (200, "")
    assert house.inlet.accepted == []
    assert house.inlet.quarantined[0][1] == "stale"


async def test_what_could_not_be_stored_comes_again(house: House) -> None:
    house.inlet.refusing = True
    assert await house.send(TEXT) == (503, "")


def told(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"msgid": "E1", "create_time": AT, "from": {"userid": "lina"}, "chattype": "single", "msgtype": "event",
            "event": event, **more}  # fmt: skip


def message(**content: Any) -> dict[str, Any]:
    return {"msgid": "M1", "chattype": "single", "from": {"userid": "lina"}, "msgtype": next(iter(content)), **content}


def become(doc: dict[str, Any]) -> Event:
    return translate(doc, Arrival("websocket", NOW, req_id="r1", name="小助"))


def test_every_kind_has_its_event() -> None:
    chosen = {"selected_item": [{"question_key": "q", "option_ids": {"option_id": ["1", "2"]}}]}
    card = {"card_type": "vote_interaction", "event_key": "k", "task_id": "t", "selected_items": chosen}
    kinds: list[tuple[dict[str, Any], type[Event]]] = [
        (message(voice={"content": "帮助"}), TextReceived),
        (message(mixed={"msg_item": [{"msgtype": "text", "text": {"content": "看"}}]}), MixedReceived),
        (message(image={"url": "https://x/1", "aeskey": "k"}), MediaLinked),
        (message(file={"url": "https://x/1"}), MediaLinked),
        (message(video={"url": "https://x/1"}), MediaLinked),
        (told({"eventtype": "enter_chat"}), BotEntered),
        (told({"eventtype": "template_card_event", "template_card_event": card}), CardClicked),
        (told({"eventtype": "feedback_event", "feedback_event": {"id": "f", "type": 1}}), FeedbackReceived),
        ({"msgtype": "event", "event": {"eventtype": "disconnected_event"}}, BotDisconnected),
    ]  # fmt: skip
    for doc, kind in kinds:
        event = become(doc)
        assert type(event) is kind, doc
        assert from_json(event.kind, to_json(event)) == event
    clicked = become(kinds[6][0])
    assert isinstance(clicked, CardClicked)
    assert clicked.selected == {"q": ["1", "2"]}


@pytest.mark.parametrize(
    "doc",
    [
        {}, {"msgtype": 7}, message(text={"content": 7}), message(text="x"), message(mixed={"msg_item": "x"}),
        message(mixed={"msg_item": ["x"]}), message(image={}), message(hologram={}), told({}), told({"eventtype": []}),
        told({"eventtype": "new_event"}), told({"eventtype": "template_card_event"}), {**TEXT, "from": {}},
        {**TEXT, "from": "lina"}, {**TEXT, "chatid": ""}, {**TEXT, "msgid": None}, {**TEXT, "msgid": ["x"]},
        told({"eventtype": "enter_chat"}, **{"from": None}),
        told({"eventtype": "feedback_event", "feedback_event": {"id": "f", "type": "1"}}),
        told({"eventtype": "template_card_event",
              "template_card_event": {"task_id": "t", "event_key": "", "selected_items": {"selected_item": [1]}}}),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_kept_as_unknown(doc: dict[str, Any]) -> None:
    event = become(doc)

    assert type(event) is UnknownReceived
    assert from_json("UnknownReceived", to_json(event)) == event


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("@小助 积分", "积分"), ("积分 @小助", "积分"), ("@小助\u2005积分 明细", "积分 明细"), ("@小助", ""),
        ("问@小助 积分", "问 积分"), ("@别人 积分", "积分"), ("价格 9@6 折", "价格 9@6 折"),
    ],
)  # fmt: skip
def test_a_mention_is_no_part_of_the_words(said: str, heard: str) -> None:
    assert unmentioned(said, "小助") == heard


def test_what_no_database_stores_is_left_out() -> None:
    doc = read('{"a\\u0000":["x\\u0000\\ud83d",{"b":"😀"}]}')

    assert doc == {"a": ["x", {"b": "😀"}]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = "msgid chatid chattype from msgtype text quote response_url event mixed image create_time userid content"
NAMES = st.sampled_from(WORDS.split())


@given(st.dictionaries(NAMES, VALUES), st.sampled_from([TEXT, told({"eventtype": "enter_chat"}), {}]))
def test_whatever_is_signed_becomes_an_event_that_can_be_stored(spoiled: dict[str, Any], doc: dict[str, Any]) -> None:
    try:
        clean = read(json.dumps({**doc, **spoiled}))
    except ValueError:
        return  # NaN and infinity are no JSON
    event = become(clean)

    stored = to_json(event)
    assert "\x00" not in stored.encode().decode()
    assert from_json(event.kind, stored) == event


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_what_nobody_signed_is_refused_in_one_way(body: bytes) -> None:
    with contextlib.suppress(GateError):
        assert find_encrypt(body).isascii()
