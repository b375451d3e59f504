"""kf/send_msg: 48 hours, five messages, one use of a msgid, limits by type; errcode 0 is not yet delivery."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import Desk
from tests.sandbox.kf_desk import BOT, HOUR, Chat, new_chat

CLICK: dict[str, Any] = {"type": "click", "click": {"id": "points", "content": "查积分"}}
VIEW: dict[str, Any] = {"type": "view", "view": {"url": "https://a.example/", "content": "商城"}}
APP: dict[str, Any] = {
    "type": "miniprogram",
    "miniprogram": {"appid": "wx1", "pagepath": "p/i.html", "content": "签到"},
}
WORDS: dict[str, Any] = {"type": "text", "text": {"content": "直接留言", "no_newline": 0}}
LINK: dict[str, Any] = {"title": "活动", "desc": "详情", "url": "https://a.example/", "thumb_media_id": "3pic"}
MINI: dict[str, Any] = {"appid": "wx1", "title": "商城", "thumb_media_id": "3pic", "pagepath": "pages/i.html"}
PLACE: dict[str, Any] = {"name": "徐汇店", "address": "漕溪北路", "latitude": 31.2, "longitude": 121.4}


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A customer who has just written."""
    chat = await new_chat(desk)
    await chat.say()
    for kind in ("image", "voice", "video", "file"):
        media = {"type": kind, "name": "x", "made_at": desk.sandbox.clock.time(), "data": "00"}
        desk.sandbox.world.media["3pic" if kind == "image" else f"3{kind}"] = media
    return chat


async def effects(desk: Desk) -> list[str]:
    """What became of each send_msg, by the journal."""
    items = (await desk.do("log?limit=5000", method="GET"))["items"]
    return [item["effect"] for item in items if item.get("path") == "kf/send_msg"]


async def test_an_answer_is_on_the_customers_phone_and_in_the_journal(chat: Chat) -> None:
    answer = await chat.send(msgid="r-0001")

    assert (answer["errcode"], answer["msgid"]) == (0, "r-0001")
    said = (await chat.phone())[-1]
    assert {"from": "bot", "msgtype": "text", "text": "您有 120 积分", "msgid": "r-0001"}.items() <= said.items()
    assert said["body"] == {"content": "您有 120 积分"}
    assert said["at"].endswith("+00:00")
    assert await effects(chat.desk) == ["delivered"]


async def test_the_sixth_answer_is_refused_until_the_customer_writes_again(chat: Chat) -> None:
    assert [await chat.code() for _ in range(6)] == [0] * 5 + [95001]
    await chat.say("还在吗")
    assert [await chat.code() for _ in range(6)] == [0] * 5 + [95001]
    assert len(await chat.phone()) == 12


async def test_what_is_refused_is_not_counted(chat: Chat) -> None:
    for _ in range(9):
        assert await chat.code("text", {"content": "长" * 700}) == 45002
    assert await chat.code() == 0


async def test_48_hours_after_the_last_word_it_is_too_late(chat: Chat) -> None:
    await chat.later(48 * HOUR - 60)
    assert await chat.code() == 0
    await chat.later(120)
    assert await chat.code() == 95002
    await chat.say("又来了")
    assert await chat.code() == 0


async def test_who_never_wrote_cannot_be_written_to(desk: Desk) -> None:
    chat = await new_chat(desk)
    assert await chat.code() == 95031
    await chat.do("enter")
    assert await chat.code() == 95031


async def test_each_customer_has_five_of_their_own(chat: Chat) -> None:
    for _ in range(5):
        await chat.code()
    other = await new_chat(chat.desk, "王女士")
    await other.say()
    assert await other.code() == 0


async def test_a_msgid_is_good_for_one_message_of_an_account(chat: Chat) -> None:
    assert await chat.code(msgid="r-1") == 0
    assert await chat.code(msgid="r-1") == 95033
    assert await chat.code("text", {"content": "别的话"}, msgid="r-1") == 95033
    other = await new_chat(chat.desk, "王女士")
    await other.say()
    assert await other.code(msgid="r-1") == 95033
    assert await effects(chat.desk) == ["delivered", "duplicate", "duplicate", "duplicate"]
    assert len(await chat.phone()) == 2


async def test_a_retry_is_known_even_where_a_new_message_would_be_refused(chat: Chat) -> None:
    for number in range(5):
        await chat.code(msgid=f"r-{number}")
    assert await chat.code(msgid="r-4") == 95033
    await chat.later(49 * HOUR)
    assert await chat.code(msgid="r-4") == 95033


async def test_a_msgid_that_was_refused_is_still_good(chat: Chat) -> None:
    assert await chat.code("text", {"content": ""}, msgid="r-1") == 44004
    assert await chat.code(msgid="r-1") == 0


@pytest.mark.parametrize("msgid", ["a" * 33, "有字", "a b", "a.b", 7, "a\n"])
async def test_a_msgid_has_a_form(chat: Chat, msgid: object) -> None:
    assert await chat.code(msgid=msgid) == 40058


async def test_a_msgid_of_32_and_none_at_all_are_good(chat: Chat) -> None:
    assert await chat.code(msgid="a" * 30 + "_-") == 0
    first, second = await chat.send(), await chat.send(msgid="")
    assert len({first["msgid"], second["msgid"]}) == 2


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"open_kfid": None}, 95000),
        ({"open_kfid": "wknone"}, 95004),
        ({"touser": "wmnobody"}, 40096),
        ({"touser": None}, 40096),
        ({"msgtype": None}, 40008),
        ({"msgtype": "markdown"}, 95030),
        ({"msgtype": "textcard"}, 95030),
        ({"msgtype": "song"}, 95030),
        ({"text": "words"}, 40058),
        ({"text": {"content": 7}}, 40058),
    ],
)
async def test_a_wrong_parameter_has_its_code(chat: Chat, body: dict[str, Any], errcode: int) -> None:
    assert await chat.code(**body) == errcode


@pytest.mark.parametrize(
    ("msgtype", "content"),
    [
        ("text", {"content": "a" * 2048}),
        ("text", {"content": "好" * 682}),
        ("image", {"media_id": "3pic"}),
        ("voice", {"media_id": "3voice"}),
        ("video", {"media_id": "3video"}),
        ("file", {"media_id": "3file"}),
        ("link", LINK),
        ("link", {**LINK, "title": "题" * 42, "desc": "述" * 170}),
        ("miniprogram", MINI),
        ("location", PLACE),
        ("ca_link", {"link_url": "https://work.weixin.qq.com/ca/x"}),
        ("msgmenu", {"head_content": "要办什么？", "list": [CLICK, VIEW, APP, WORDS], "tail_content": "尾"}),
        ("msgmenu", {"list": [CLICK] * 10 + [WORDS] * 40}),
        ("msgmenu", {"head_content": "a" * 1024, "tail_content": "a" * 1024}),
        ("msgmenu", {"list": [{"type": "click", "click": {"id": "a" * 128, "content": "a" * 128}}]}),
    ],
)
async def test_what_fits_arrives(chat: Chat, msgtype: str, content: dict[str, Any]) -> None:
    assert await chat.code(msgtype, content) == 0
    assert (await chat.phone())[-1]["body"] == content


@pytest.mark.parametrize(
    ("msgtype", "content", "errcode"),
    [
        ("text", {"content": "a" * 2049}, 45002),
        ("text", {"content": "好" * 683}, 45002),
        ("text", {}, 44004),
        ("image", {"media_id": "3none"}, 40007),
        ("image", {"media_id": "3voice"}, 40007),
        ("file", {}, 40007),
        ("link", {**LINK, "title": "题" * 43}, 40058),
        ("link", {**LINK, "desc": "述" * 171}, 40058),
        ("link", {**LINK, "url": "u" * 2049}, 40058),
        ("link", {**LINK, "thumb_media_id": "3none"}, 40007),
        ("miniprogram", {**MINI, "title": "题" * 22}, 40058),
        ("miniprogram", {**MINI, "pagepath": "pages/i"}, 40058),
        ("miniprogram", {**MINI, "thumb_media_id": ""}, 40007),
        ("location", {**PLACE, "latitude": 91}, 40058),
        ("location", {**PLACE, "longitude": "121"}, 40058),
        ("ca_link", {}, 40058),
        ("msgmenu", {}, 40063),
        ("msgmenu", {"head_content": "a" * 1025}, 40058),
        ("msgmenu", {"tail_content": "尾" * 342}, 40058),
        ("msgmenu", {"list": [CLICK] * 11}, 95008),
        ("msgmenu", {"list": [CLICK, VIEW, APP] * 4}, 95008),
        ("msgmenu", {"list": [WORDS] * 51}, 95008),
        ("msgmenu", {"list": [{"type": "button", "button": {"content": "x"}}]}, 95009),
        ("msgmenu", {"list": ["查积分"]}, 95009),
        ("msgmenu", {"list": [{"type": "click", "click": {"id": "a#b", "content": "x"}}]}, 40058),
        ("msgmenu", {"list": [{"type": "click", "click": {"id": "a" * 129, "content": "x"}}]}, 40058),
        ("msgmenu", {"list": [{"type": "click", "click": {"id": "a", "content": "字" * 43}}]}, 40058),
        ("msgmenu", {"list": [{"type": "view", "view": {"content": "x"}}]}, 40058),
        ("msgmenu", {"list": [{"type": "miniprogram", "miniprogram": {**MINI, "content": "x", "pagepath": "p"}}]},
         40058),
    ],
)  # fmt: skip
async def test_what_is_over_a_limit_is_refused_and_does_not_arrive(
    chat: Chat, msgtype: str, content: dict[str, Any], errcode: int
) -> None:
    assert await chat.code(msgtype, content) == errcode
    assert len(await chat.phone()) == 1


async def test_media_older_than_three_days_is_gone(chat: Chat) -> None:
    await chat.later(3 * 24 * HOUR + 60)
    await chat.say()
    assert await chat.code("image", {"media_id": "3pic"}) == 40007


async def test_a_tap_comes_back_as_words_with_the_entrys_id(chat: Chat) -> None:
    assert await chat.code("msgmenu", {"head_content": "要办什么？", "list": [CLICK]}) == 0
    assert (await chat.phone())[-1]["text"] == "要办什么？"
    await chat.say("查积分", menu_id="points")

    assert (await chat.pull())[-1]["text"] == {"content": "查积分", "menu_id": "points"}


async def test_an_answer_leaves_the_state_and_the_bot_may_take_the_session(chat: Chat) -> None:
    await chat.code()
    assert await chat.state() == 0
    assert (await chat.trans(BOT))["errcode"] == 0
    assert await chat.code() == 0


# -- accepted, yet not delivered -------------------------------------------------------------------------------------


async def test_a_customer_who_refuses_is_told_of_by_an_event(chat: Chat) -> None:
    await chat.do("refuse", on=True)
    await chat.pull()
    rung = len(await chat.bells())
    assert await chat.code(msgid="r-1") == 0

    assert await chat.events() == [
        {"event_type": "msg_send_fail", "open_kfid": chat.kfid, "external_userid": chat.customer,
         "fail_msgid": "r-1", "fail_type": 10}
    ]  # fmt: skip
    assert len(await chat.bells()) == rung + 1
    assert len(await chat.phone()) == 1
    assert await effects(chat.desk) == ["undelivered"]
    assert await chat.code(msgid="r-1") == 95033

    await chat.do("refuse", on=False)
    assert await chat.code() == 0
    assert len(await chat.phone()) == 2


async def test_a_fault_makes_messages_fail_with_the_type_it_names(chat: Chat) -> None:
    await chat.desk.do("faults", {"api": {"kf_undelivered": 1, "kf_fail_type": 13}}, method="PUT")
    await chat.pull()
    assert await chat.code(msgid="r-1") == 0
    assert [event["fail_type"] for event in await chat.events()] == [13]


async def test_what_did_not_arrive_counts_all_the_same(chat: Chat) -> None:
    await chat.do("refuse")
    assert [await chat.code() for _ in range(6)] == [0] * 5 + [95001]


async def test_done_but_not_answered_is_done(chat: Chat) -> None:
    await chat.desk.do("faults/next", {"path": "kf/send_msg", "fault": "malformed"})
    with pytest.raises(json.JSONDecodeError):
        await chat.send(msgid="r-1")
    assert await chat.code(msgid="r-1") == 95033
    assert len(await chat.phone()) == 2
