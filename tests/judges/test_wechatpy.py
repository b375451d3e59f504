"""裁判 wechatpy: a bot made of its crypto, parser and replies serves the sandbox; as WeCom it writes to our doors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import xmltodict
from aiohttp import web
from wechatpy.enterprise import create_reply, parse_message
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.channels import wecom_app
from bot.events import TextReceived
from sandbox.app import Options, Sandbox, running
from sandbox.callbacks import Raw, xml
from tests.chaos.processes import free_port
from tests.judges.wecom_crypto import AT, NEARLY, NONCE, RECEIVERS, SPOKEN, doors, plain
from tests.sealing import AES_KEY, CORP_ID, TOKEN

WORDS = [*SPOKEN[:4], *("x" * size for size in (0, 1, 31, 32, 33, 64)), SPOKEN[4]]
CDATA_END = "]]>"  # of which wechatpy's own replies make broken XML
MEDIA: dict[str, dict[str, Any]] = {
    "image": {"PicUrl": "https://example.invalid/p", "MediaId": "M1"},
    "voice": {"MediaId": "M2", "Format": "amr"},
    "video": {"MediaId": "M3", "ThumbMediaId": "M4"},
    "location": {"Location_X": Raw("23.13"), "Location_Y": Raw("113.26"), "Scale": 16, "Label": "广州🏬"},
    "link": {"Title": "标题]]>", "Description": "描述", "Url": "https://example.invalid", "PicUrl": "https://p"},
}


class Pybot:
    """What a developer would write with wechatpy alone."""

    def __init__(self) -> None:
        self.crypto, self.heard = WeChatCrypto(TOKEN, AES_KEY, CORP_ID), []  # type: ignore[var-annotated]

    async def verify(self, request: web.Request) -> web.Response:
        query = request.query
        plain = self.crypto.check_signature(
            query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"]
        )
        return web.Response(text=plain if isinstance(plain, str) else plain.decode())

    async def receive(self, request: web.Request) -> web.Response:
        query, body = request.query, await request.text()
        found = self.crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(found)
        self.heard.append(message)
        if message.type != "text" or CDATA_END in message.content:
            return web.Response()
        reply = create_reply(f"收到：{message.content}", message).render()
        return web.Response(text=self.crypto.encrypt_message(reply, query["nonce"], query["timestamp"]))


@contextlib.asynccontextmanager
async def served(pybot: Pybot) -> AsyncIterator[tuple[Sandbox, aiohttp.ClientSession]]:
    """The sandbox, with that bot where ours would be."""
    app, port = web.Application(), free_port()
    app.add_routes([web.get("/wecom/app", pybot.verify), web.post("/wecom/app", pybot.receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    options = Options(port=free_port(), bot=f"http://127.0.0.1:{port}")
    try:
        async with running(options) as sandbox, aiohttp.ClientSession() as session:
            yield sandbox, session
    finally:
        await runner.cleanup()


async def test_its_bot_is_verified_hears_and_answers_in_the_sandbox() -> None:
    pybot = Pybot()
    async with served(pybot) as (sandbox, session):
        base = f"http://127.0.0.1:{sandbox.options.port}/__sandbox"

        async def do(path: str, body: dict[str, Any]) -> Any:
            async with session.post(f"{base}/{path}", json=body) as response:
                assert response.status == 200, await response.text()
                return await response.json()

        assert (await do("verify", {}))["ok"]
        for words in WORDS:
            if words:
                await do("guides/xiaomei/say", {"text": words})
        await do("guides/xiaomei/enter", {})
        await do("guides/xiaomei/click", {"key": "K1"})
        for kind, fields in MEDIA.items():
            sent = xml(ToUserName=CORP_ID, FromUserName="xiaomei", CreateTime=int(AT), MsgType=kind, **fields,
                       MsgId=7_300_000_001, AgentID=1000002)  # fmt: skip
            await do("callback", {"plain": sent})
        await do("flush", {})
        replies = [
            entry["reply"] for entry in sandbox.journal.entries if entry["type"] == "callback" and entry["reply"]
        ]
        statuses = {entry["status"] for entry in sandbox.journal.entries if entry["type"] == "callback"}

    said = [words for words in WORDS if words]
    assert statuses == {200}
    assert [message.content for message in pybot.heard if message.type == "text"] == said
    assert [message.event for message in pybot.heard if message.type == "event"] == ["enter_agent", "click"]
    answers = [xmltodict.parse(reply)["xml"]["Content"] for reply in replies]
    assert answers == [f"收到：{words}" for words in said if CDATA_END not in words]
    media = {message.type: message for message in pybot.heard if message.type in MEDIA}
    assert set(media) == set(MEDIA)
    assert (media["image"].media_id, media["voice"].format, media["video"].thumb_media_id) == ("M1", "amr", "M4")
    assert (media["location"].label, media["link"].title) == ("广州🏬", "标题]]>")
    assert {message.source for message in pybot.heard} == {"xiaomei"}


@pytest.mark.parametrize("door", RECEIVERS)
async def test_as_wecom_it_writes_to_our_doors_and_reads_the_answers(door: str) -> None:
    crypto = WeChatCrypto(TOKEN, AES_KEY, RECEIVERS[door])
    async with doors() as made:
        for number, words in enumerate([*WORDS, NEARLY]):
            made.inlet.accepted.clear()
            made.inlet.reply = words[:600] or None
            outer = xmltodict.parse(crypto.encrypt_message(plain(door, words, number), NONCE, AT))["xml"]
            sealed = {"encrypt": outer["Encrypt"], "signature": outer["MsgSignature"]}
            status, body = await made.post(door, sealed)
            assert status == 200
            event = made.inlet.accepted[0]
            assert isinstance(event, TextReceived)
            assert event.text == words
            if made.inlet.reply is None:
                assert body == ""
            elif door == "app":
                answer = xmltodict.parse(body)["xml"]
                opened = crypto.decrypt_message(body, answer["MsgSignature"], answer["TimeStamp"], answer["Nonce"])
                assert parse_message(opened).content == words[:600]
            else:
                told = json.loads(body)
                opened = crypto.decrypt_message(
                    {"Encrypt": told["encrypt"]}, told["msgsignature"], str(told["timestamp"]), told["nonce"]
                )
                assert (opened if isinstance(opened, str) else opened.decode()) == words[:600]


async def test_what_it_signs_for_another_token_or_corp_is_refused() -> None:
    async with doors() as made:
        for token, corp_id in (("otherToken", CORP_ID), (TOKEN, "ww0sandbox000002"), (TOKEN, "")):
            outer = xmltodict.parse(
                WeChatCrypto(token, AES_KEY, corp_id).encrypt_message(plain("app", "在吗", 1), NONCE, AT)
            )
            sealed = {"encrypt": outer["xml"]["Encrypt"], "signature": outer["xml"]["MsgSignature"]}
            assert (await made.post("app", sealed))[0] == 401
        assert made.inlet.accepted == []


def test_its_parser_reads_the_bots_passive_reply() -> None:
    for words in [*SPOKEN[:4], "x" * 2048]:
        message = parse_message(wecom_app.text_reply("lina", CORP_ID, AT, words))
        assert (message.content, message.source, message.target) == (words, CORP_ID, "lina")
