"""Coming in by a link: scene and parameter, and a welcome once within twenty seconds."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.conftest import Desk
from tests.sandbox.kf_desk import HOUR, Chat, new_chat


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A stranger with the furnished account."""
    return await new_chat(desk)


async def entered(chat: Chat, **more: Any) -> dict[str, Any]:
    """The event of one entering."""
    await chat.do("enter", **more)
    (event,) = await chat.events()
    return event


async def test_entering_is_an_event_without_outer_names(chat: Chat) -> None:
    await chat.do("enter", scene="store", scene_param="p=1&q=二")
    (message,) = await chat.pull()

    assert set(message) == {"msgid", "send_time", "origin", "msgtype", "event"}
    assert (message["origin"], message["msgtype"]) == (4, "event")
    code = message["event"].pop("welcome_code")
    assert code
    assert message["event"] == {"event_type": "enter_session", "open_kfid": chat.kfid, "external_userid": chat.customer,
                                "scene": "store", "scene_param": "p=1&q=二"}  # fmt: skip
    assert len(await chat.bells()) == 1


async def test_a_link_brings_its_scene_and_whatever_was_put_behind_it(chat: Chat) -> None:
    way = await chat.desk.api("kf/add_contact_way", {"open_kfid": chat.kfid, "scene": "live_1-A"})
    event = await entered(chat, url=f"{way['url']}&scene_param={quote('团=7&人=小明')}")
    assert (event["scene"], event["scene_param"]) == ("live_1-A", "团=7&人=小明")

    await chat.do("enter", url="https://work.weixin.qq.com/kfid/kfc1?enc_scene=ENCnone", status=422)
    await chat.do("enter", scene_param="参" * 43, status=422)


async def test_a_welcome_is_sent_once_within_twenty_seconds(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    await chat.later(19)
    assert await chat.answer(code, msgid="w-1") == 0
    assert await chat.answer(code) == 41051
    assert [(one["from"], one["text"], one["msgid"]) for one in await chat.phone()] == [("bot", "欢迎", "w-1")]
    items = (await chat.desk.do("log?limit=5000", method="GET"))["items"]
    sent = [item["effect"] for item in items if item.get("path") == "kf/send_msg_on_event"]
    assert sent == ["delivered", "none"]


async def test_after_twenty_seconds_the_code_is_dead(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    await chat.later(21)
    assert await chat.answer(code) == 41050
    assert await chat.answer("KFCnone") == 41050
    assert await chat.answer(None) == 40058


async def test_a_welcome_may_be_a_menu_but_no_picture(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    menu = {"head_content": "欢迎", "list": [{"type": "click", "click": {"id": "points", "content": "查积分"}}]}
    assert await chat.answer(code, msgtype="image", image={"media_id": "3"}) == 95030
    assert await chat.answer(code, msgtype="msgmenu", msgmenu=menu) == 0


async def test_a_refused_welcome_leaves_its_code_good(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    assert await chat.answer(code, "长" * 700) == 45002
    assert await chat.answer(code, msgid="bad id") == 40058
    assert await chat.answer(code) == 0


async def test_the_welcomes_msgid_is_one_of_the_accounts(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    assert await chat.answer(code, msgid="w-1") == 0
    await chat.say()
    assert await chat.code(msgid="w-1") == 95033


async def test_there_is_no_second_welcome_within_48_hours(chat: Chat) -> None:
    assert await chat.answer((await entered(chat))["welcome_code"]) == 0
    assert "welcome_code" not in await entered(chat)
    await chat.later(47 * HOUR)
    assert "welcome_code" not in await entered(chat)
    await chat.later(2 * HOUR)
    assert "welcome_code" in await entered(chat)


async def test_a_welcome_that_was_never_sent_may_come_at_the_next_entering(chat: Chat) -> None:
    await entered(chat)
    assert "welcome_code" in await entered(chat)


async def test_who_has_written_is_not_welcomed(chat: Chat) -> None:
    await chat.say()
    await chat.pull()
    assert "welcome_code" not in await entered(chat)
    await chat.later(100 * HOUR)
    assert "welcome_code" not in await entered(chat)


async def test_a_welcome_needs_no_state_and_opens_no_session(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    await chat.say()
    await chat.trans(2)
    assert await chat.answer(code) == 0


async def test_a_customer_who_refuses_does_not_get_the_welcome_either(chat: Chat) -> None:
    code = (await entered(chat))["welcome_code"]
    await chat.do("refuse")
    assert await chat.answer(code, msgid="w-1") == 0
    assert [(event["fail_msgid"], event["fail_type"]) for event in await chat.events()] == [("w-1", 10)]


async def test_words_from_the_chat_list_enter_nothing(chat: Chat) -> None:
    await chat.say()
    assert await chat.events() == []
