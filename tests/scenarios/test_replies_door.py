"""导购 1V1 from the front door: an encrypted bell, a page of messages, a reply; a draft on a card, an encrypted tap."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.gate import Gate
from bot.channels.wecom_app import PATH, routes
from tests.kf import DESK, Desk
from tests.scenarios.replying import card_of, start_replies
from tests.sealing import AES_KEY, CORP_ID, TOKEN, Sealer

BELL = (
    "<xml><ToUserName><![CDATA[{corp}]]></ToUserName><CreateTime>{at}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    "<Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[ENC{number}]]></Token>"
    "<OpenKfId><![CDATA[{account}]]></OpenKfId></xml>"
)
TAP = (
    "<xml><ToUserName><![CDATA[{corp}]]></ToUserName><FromUserName><![CDATA[lina]]></FromUserName>"
    "<CreateTime>{at}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[template_card_event]]></Event>"
    "<EventKey><![CDATA[{key}]]></EventKey><TaskId><![CDATA[{task}]]></TaskId>"
    "<CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[RC{number}]]></ResponseCode>"
    "<AgentID>1000002</AgentID></xml>"
)


async def send(desk: Desk, plain: str, **values: object) -> None:
    """WeCom posts an encrypted callback; everything that follows happens."""
    at, number = int(desk.bot.clock.now().timestamp()), next(desk.bot.numbers)
    gate = Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id=CORP_ID, replay_window_s=600)
    app = web.Application()
    app.add_routes(routes(gate, desk.bot.writer, desk.bot.clock))
    body = plain.format(corp=CORP_ID, at=at, number=number, **values)
    sealed = Sealer().seal(body.encode(), str(at))
    async with (
        TestClient(TestServer(app)) as client,
        client.post(PATH, params=sealed.query, data=sealed.body) as response,
    ):
        assert response.status == 200
    await desk.bot.deliver()


async def test_a_bell_becomes_a_draft_and_a_tap_the_reply(database_url: str) -> None:
    async with start_replies(database_url, mode="draft") as desk:
        desk.kf.writes("wm1", "text", {"content": "你好"})
        desk.kf.writes("wm1", "text", {"content": "龙井多少钱"})
        await send(desk, BELL, account=DESK)
        assert desk.kf.texts("wm1")[0].startswith("你好，我是智能助手")

        card = card_of(desk)
        await send(desk, TAP, key=card["button_list"][0]["key"], task=card["task_id"])
        assert desk.kf.texts("wm1")[-1].startswith("明前龙井 250g：168 元，有货")
        assert desk.bot.rows("SELECT status, closed_by FROM draft") == [("sent", "lina")]
