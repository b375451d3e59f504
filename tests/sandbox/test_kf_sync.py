"""kf/sync_msg: a bell that says nothing, a token of ten minutes, a cursor of one account, a log of three days."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Desk
from tests.sandbox.kf_desk import DAY, Chat, new_chat

MB = 1024 * 1024


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A stranger with the furnished account."""
    return await new_chat(desk)


def texts(messages: list[dict[str, Any]]) -> list[str]:
    """What customers said."""
    return [message["text"]["content"] for message in messages]


async def test_the_bell_has_these_parts_and_no_other(chat: Chat) -> None:
    await chat.say("查积分")
    (bell,) = await chat.bells()

    assert list(bell) == ["ToUserName", "CreateTime", "MsgType", "Event", "Token", "OpenKfId"]
    assert (bell["MsgType"], bell["Event"], bell["OpenKfId"]) == ("event", "kf_msg_or_event", chat.kfid)
    assert bell["ToUserName"] == chat.desk.sandbox.options.corp_id
    assert abs(int(bell["CreateTime"]) - chat.desk.sandbox.clock.time()) < 5
    (plain,) = chat.desk.receiver.plains
    assert "查积分" not in plain
    assert chat.customer not in plain


async def test_a_message_is_read_once_with_all_its_fields(chat: Chat) -> None:
    msgid = await chat.say("查积分", menu_id="101")
    (message,) = await chat.pull()

    assert message["text"] == {"content": "查积分", "menu_id": "101"}
    assert message["msgid"] == msgid
    expected = {"open_kfid": chat.kfid, "external_userid": chat.customer, "origin": 3, "msgtype": "text"}
    assert expected.items() <= message.items()
    assert isinstance(message["send_time"], int)
    assert await chat.pull() == []


async def test_words_without_a_menu_have_no_menu_id(chat: Chat) -> None:
    await chat.say("你好")
    assert (await chat.pull())[0]["text"] == {"content": "你好"}


async def test_what_the_api_sent_is_never_read(chat: Chat) -> None:
    await chat.say("一")
    assert await chat.code() == 0
    await chat.say("二")

    assert texts(await chat.pull()) == ["一", "二"]
    assert [message["from"] for message in await chat.phone()] == ["customer", "bot", "customer"]


async def test_a_bells_token_lives_ten_minutes(chat: Chat) -> None:
    await chat.say()
    token = (await chat.bells())[0]["Token"]
    await chat.later(590)
    assert (await chat.sync(token=token))["errcode"] == 0
    assert (await chat.sync(token=token))["errcode"] == 0
    await chat.later(20)
    assert (await chat.sync(token=token))["errcode"] == 95007


@pytest.mark.parametrize("token", ["", None])
async def test_a_reader_may_come_without_a_token_but_not_often(chat: Chat, token: str | None) -> None:
    await chat.say()
    bell = (await chat.bells())[0]["Token"]
    codes = [(await chat.sync(token=token))["errcode"] for _ in range(61)]

    assert codes == [0] * 60 + [45009]
    assert (await chat.sync(token=bell))["errcode"] == 0
    await chat.later(61)
    assert (await chat.sync())["errcode"] == 0


async def test_a_token_of_another_account_or_of_nobody_is_refused(chat: Chat) -> None:
    await chat.say()
    token = (await chat.bells())[0]["Token"]
    other = await new_account(chat.desk)

    assert (await chat.sync(token="ENCnone"))["errcode"] == 95007
    assert await chat.desk.code("kf/sync_msg", {"open_kfid": other, "token": token}) == 95007


async def new_account(desk: Desk) -> str:
    """A second account."""
    desk.sandbox.world.media["3pic"] = {
        "type": "image", "name": "a.png", "made_at": desk.sandbox.clock.time(), "data": "00",
    }  # fmt: skip
    return str((await desk.api("kf/account/add", {"name": "售后", "media_id": "3pic"}))["open_kfid"])


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"open_kfid": None}, 95000),
        ({"open_kfid": 7}, 95000),
        ({"open_kfid": "wknone"}, 95004),
        ({"limit": 1001}, 40058),
        ({"limit": -1}, 40058),
        ({"limit": "10"}, 40058),
        ({"voice_format": 2}, 40058),
        ({"cursor": "c" * 65}, 40058),
        ({"cursor": "nonsense"}, 50100),
        ({"cursor": "%%%"}, 50100),
        ({"cursor": "OTk5OTkuMS4w"}, 50100),
    ],
)
async def test_a_wrong_parameter_has_its_code(chat: Chat, body: dict[str, Any], errcode: int) -> None:
    await chat.say()
    assert await chat.desk.code("kf/sync_msg", {"open_kfid": chat.kfid, "voice_format": 0, **body}) == errcode


async def test_a_cursor_goes_on_where_it_ended_and_repeats_what_it_stood_before(chat: Chat) -> None:
    for number in range(5):
        await chat.say(f"第{number}句")
    first = await chat.sync(limit=2)
    assert (texts(first["msg_list"]), first["has_more"]) == (["第0句", "第1句"], 1)
    held = chat.cursor

    assert texts(await chat.pull(limit=2)) == ["第2句", "第3句", "第4句"]
    chat.cursor = held
    assert texts(await chat.pull()) == ["第2句", "第3句", "第4句"]
    await chat.say("新的")
    assert texts(await chat.pull()) == ["新的"]
    assert len(chat.cursor.encode()) <= 64


async def test_a_page_holds_a_thousand(chat: Chat) -> None:
    for number in range(1001):
        chat.desk.sandbox.kf.say(chat.kfid, chat.customer, f"{number}", None)
    page = await chat.sync(limit=1000)

    assert (len(page["msg_list"]), page["has_more"]) == (1000, 1)
    assert (len((await chat.sync())["msg_list"]), (await chat.sync())["has_more"]) == (1, 0)


async def test_each_account_has_a_cursor_of_its_own(chat: Chat) -> None:
    other = await new_account(chat.desk)
    await chat.say("给甲")
    await chat.desk.do(f"kf/{other}/say", {"external_userid": chat.customer, "text": "给乙"})
    await chat.pull()

    assert await chat.desk.code("kf/sync_msg", {"open_kfid": other, "cursor": chat.cursor}) == 50100
    answer = await chat.desk.api("kf/sync_msg", {"open_kfid": other})
    assert texts(answer["msg_list"]) == ["给乙"]


async def test_the_log_holds_three_days(chat: Chat) -> None:
    await chat.say("第一天")
    await chat.sync()
    held = chat.cursor
    await chat.later(DAY)
    await chat.say("第二天")
    await chat.later(2 * DAY + 60)
    await chat.say("第四天")

    chat.cursor = ""
    assert texts(await chat.pull()) == ["第二天", "第四天"]
    await chat.later(DAY)
    chat.cursor = held
    assert texts(await chat.pull()) == ["第四天"]
    await chat.later(3 * DAY)
    chat.cursor = held
    assert (await chat.sync())["msg_list"] == []


async def test_an_empty_page_may_say_there_is_more_and_nothing_is_lost(chat: Chat) -> None:
    await chat.desk.do("faults", {"api": {"kf_empty_page": 1}}, method="PUT")
    for word in ("一", "二", "三"):
        await chat.say(word)
    pages = [await chat.sync(limit=2) for _ in range(4)]

    assert [(texts(page["msg_list"]), page["has_more"]) for page in pages] == [
        ([], 1), (["一", "二"], 1), ([], 1), (["三"], 0),
    ]  # fmt: skip
    assert (await chat.sync())["has_more"] == 0


async def test_empty_pages_come_from_time_to_time_without_being_asked_for(chat: Chat) -> None:
    await chat.desk.do("faults", {"api": {}, "seed": 7}, method="PUT")
    for number in range(200):
        chat.desk.sandbox.kf.say(chat.kfid, chat.customer, f"{number}", None)
    token = (await chat.bells())[-1]["Token"]
    pages: list[dict[str, Any]] = []
    while not pages or pages[-1]["has_more"]:
        pages.append(await chat.sync(limit=1, token=token))

    assert texts(chat.seen) == [f"{number}" for number in range(200)]
    assert 0 < len([page for page in pages if not page["msg_list"]]) < 40


@pytest.mark.parametrize("fault", ["duplicate", "lose", "late", "bad_signature"])
async def test_the_bell_suffers_the_faults_of_callbacks(chat: Chat, fault: str) -> None:
    await chat.desk.do("faults", {"callback": {fault: 1, "copies": 2, "late_s": 60}}, method="PUT")
    await chat.say()
    rung = len(await chat.bells())

    assert rung == {"duplicate": 2, "lose": 0, "late": 1, "bad_signature": 2}[fault]
    assert texts(await chat.pull()) == ["查积分"]


@pytest.mark.parametrize(
    ("msgtype", "content"),
    [
        ("location", {"latitude": 31.2, "longitude": 121.4, "name": "徐汇店", "address": "漕溪北路"}),
        ("link", {"title": "活动", "url": "https://a.example/"}),
        ("business_card", {"userid": "xiaomei"}),
        ("miniprogram", {"title": "商城", "appid": "wx1", "pagepath": "a.html"}),
        ("channels_shop_product", {"product_id": "1", "title": "裙子", "sales_price": 100}),
        ("channels_shop_order", {"order_id": "1", "product_titles": "裙子", "state": "已付款"}),
        ("merged_msg", {"title": "记录", "item": []}),
        ("channels", {"sub_type": 1, "nickname": "号", "title": "视频"}),
    ],
)
async def test_other_types_of_message_are_read_as_they_are(chat: Chat, msgtype: str, content: dict[str, Any]) -> None:
    body: dict[str, Any] = {"msgtype": msgtype, msgtype: content}
    await chat.do("send", **body)
    (message,) = await chat.pull()

    assert (message["msgtype"], message[msgtype], message["origin"]) == (msgtype, content, 3)


@pytest.mark.parametrize("msgtype", ["meeting", "calendar", "note"])
async def test_these_types_have_no_body(chat: Chat, msgtype: str) -> None:
    await chat.do("send", msgtype=msgtype)
    (message,) = await chat.pull()
    assert message["msgtype"] == msgtype
    assert msgtype not in message


@pytest.mark.parametrize("msgtype", ["image", "voice", "video", "file"])
async def test_media_can_be_fetched_and_too_big_media_is_a_note(chat: Chat, msgtype: str) -> None:
    await chat.do("send", msgtype=msgtype)
    (message,) = await chat.pull()
    query = {"access_token": chat.desk.token, "media_id": message[msgtype]["media_id"]}
    async with chat.desk.client.get("/cgi-bin/media/get", params=query) as response:
        assert await response.read() == f"sandbox {msgtype}".encode()

    media = {"type": msgtype, "name": "x", "made_at": chat.desk.sandbox.clock.time(), "data": "00" * (21 * MB)}
    chat.desk.sandbox.world.media["3big"] = media
    body: dict[str, Any] = {"msgtype": msgtype, msgtype: {"media_id": "3big"}}
    await chat.do("send", **body)
    (message,) = await chat.pull()
    assert message["msgtype"] == "text"
    assert "MB" in message["text"]["content"]


@pytest.mark.parametrize(
    ("act", "body", "status", "named"),
    [
        ("say", {"text": " "}, 422, "text"),
        ("send", {"msgtype": "song"}, 422, "msgtype"),
        ("send", {"msgtype": "link", "link": {"title": "无址"}}, 422, "link"),
        ("send", {"msgtype": "image", "image": {"media_id": "3none"}}, 404, "media_id"),
        ("recall", {"msgid": "none"}, 404, "msgid"),
        ("say", {"text": "你好", "external_userid": "wmnobody"}, 404, "external_userid"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(
    chat: Chat, act: str, body: dict[str, Any], status: int, named: str
) -> None:
    error = (await chat.do(act, status=status, **body))["error"]
    assert (error["field"], bool(error["message"])) == (named, True)


async def test_an_account_that_is_none_is_not_found(chat: Chat) -> None:
    await chat.desk.do("kf/wknone/say", {"external_userid": chat.customer, "text": "你好"}, status=404)
