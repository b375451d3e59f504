"""客户群 in the sandbox: ways in, who brought whom, versions, numbers, welcomes; and the app's menu and cards."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.conftest import Desk

GROUP = "externalcontact/groupchat/"
WELCOME = "externalcontact/group_welcome_template/"
DAY = 86_400


async def state(desk: Desk) -> dict[str, Any]:
    """The world as the page sees it."""
    seen: dict[str, Any] = await desk.do("state", method="GET")
    return seen


async def group_of(desk: Desk) -> str:
    """The group that is there from the start."""
    return str((await state(desk))["groups"][0]["chat_id"])


async def customers(desk: Desk) -> list[str]:
    """Everybody, by external_userid."""
    return [one["external_userid"] for one in (await state(desk))["customers"]]


def field(plain: str, name: str) -> str:
    """A field of a callback."""
    found = re.search(rf"<{name}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{name}>", plain)
    return found[1] if found else ""


async def way_of(desk: Desk, **more: Any) -> str:
    """A join way made by the API."""
    body = {"scene": 2, "remark": "海报", "state": "p-1", "chat_id_list": [await group_of(desk)], **more}
    return str((await desk.api(f"{GROUP}add_join_way", body))["config_id"])


async def test_who_scans_a_way_carries_its_state_and_the_callback_its_versions(desk: Desk) -> None:
    chat_id, (first, second, *_) = await group_of(desk), await customers(desk)
    before = (await desk.api(f"{GROUP}get", {"chat_id": chat_id}))["group_chat"]["member_version"]
    config_id = await way_of(desk)
    await desk.do(f"join_ways/{config_id}/scan", {"external_userid": first})
    await desk.settle()
    await desk.do(f"groups/{chat_id}/join", {"external_userid": second, "join_scene": 1, "invitor": first})
    await desk.settle()
    await desk.do("clock", {"advance_s": 2})

    told, by_invitation = desk.receiver.plains[-2:]
    group = (await desk.api(f"{GROUP}get", {"chat_id": chat_id}))["group_chat"]
    seats = {member["userid"]: member for member in group["member_list"]}
    assert (seats[first]["state"], seats[first]["join_scene"]) == ("p-1", 3)
    assert (seats[second]["invitor"], seats[second]["join_scene"]) == ({"userid": first}, 1)
    assert "state" not in seats[second]
    assert [field(told, name) for name in ("JoinScene", "LastMemVer", "Item")] == ["3", before, first]
    assert field(by_invitation, "LastMemVer") == field(told, "CurMemVer")
    assert (field(by_invitation, "JoinScene"), field(by_invitation, "CurMemVer")) == ("0", group["member_version"])


async def test_a_join_way_is_overwritten_as_a_whole_and_deleted_once(desk: Desk) -> None:
    config_id, chat_id = await way_of(desk, auto_create_room=1, room_base_name="群"), await group_of(desk)
    before = (await desk.api(f"{GROUP}get_join_way", {"config_id": config_id}))["join_way"]
    body = {"config_id": config_id, "scene": 2, "chat_id_list": [chat_id], "state": "p-2"}
    assert await desk.code(f"{GROUP}update_join_way", body) == 0
    after = (await desk.api(f"{GROUP}get_join_way", {"config_id": config_id}))["join_way"]

    assert before["qr_code"] == after["qr_code"]
    assert (after["state"], "remark" in after, "room_base_name" in after) == ("p-2", False, False)
    assert [await desk.code(f"{GROUP}del_join_way", {"config_id": config_id}) for _ in range(2)] == [0, 41037]
    await desk.do(f"join_ways/{config_id}/scan", {"external_userid": (await customers(desk))[0]}, status=404)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chat_id_list": []}, 40058),
        ({"chat_id_list": ["wrX"] * 6}, 41091),
        ({"chat_id_list": ["wrX"]}, 90501),
        ({"scene": 9}, 41039),
        ({"state": "长" * 31}, 40058),
        ({"remark": "长" * 31}, 40058),
        ({"room_base_name": "长" * 41}, 40058),
    ],
)
async def test_a_wrong_join_way_is_refused(desk: Desk, change: dict[str, Any], code: int) -> None:
    body = {"scene": 2, "chat_id_list": [await group_of(desk)], "state": "s", **change}
    assert await desk.code(f"{GROUP}add_join_way", body) == code


async def test_a_full_group_makes_a_new_one(desk: Desk) -> None:
    chat_id, first = await group_of(desk), (await customers(desk))[0]
    config_id = await way_of(desk, auto_create_room=1, room_base_name="会员群", room_base_id=7)
    group = desk.sandbox.world.groups[chat_id]
    group.members += [{"userid": f"wmFill{n}", "type": 2, "join_time": 0, "name": ""} for n in range(499)]
    joined = await desk.do(f"join_ways/{config_id}/scan", {"external_userid": first})

    made = desk.sandbox.world.groups[joined["chat_id"]]
    assert (made.name, made.owner) == ("会员群7", group.owner)
    assert [member["userid"] for member in made.members] == [group.owner, first]


async def test_only_callbacks_of_groups_are_lost_when_that_is_switched_on(desk: Desk) -> None:
    chat_id, (first, *_) = await group_of(desk), await customers(desk)
    await desk.do("faults", {"callback": {"lose_group": 1.0}}, method="PUT")
    await desk.do(f"groups/{chat_id}/join", {"external_userid": first})
    await desk.joined()

    assert [field(plain, "Event") for plain in desk.receiver.plains] == ["change_external_contact"]


async def test_the_numbers_are_of_owners_and_of_days_that_are_over(desk: Desk) -> None:
    chat_id, (first, second, *_) = await group_of(desk), await customers(desk)
    owner = desk.sandbox.world.groups[chat_id].owner
    for who in (first, second):
        await desk.do(f"groups/{chat_id}/join", {"external_userid": who})
    for _ in range(3):
        await desk.do(f"groups/{chat_id}/say", {"external_userid": first})
    now = datetime.fromtimestamp(desk.sandbox.clock.time(), ZoneInfo("Asia/Shanghai"))
    begin = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    asked = {"day_begin_time": begin, "day_end_time": begin, "owner_filter": {"userid_list": [owner]}}
    await desk.do("clock", {"advance_s": DAY})
    answer = await desk.api(f"{GROUP}statistic", asked)

    assert (answer["total"], answer["next_offset"], answer["items"][0]["owner"]) == (1, 1, owner)
    data = answer["items"][0]["data"]
    assert (data["member_total"], data["member_has_msg"], data["msg_total"], data["chat_has_msg"]) == (3, 1, 3, 1)
    by_day = (await desk.api(f"{GROUP}statistic_group_by_day", asked))["items"]
    assert [(item["stat_time"], item["data"]) for item in by_day] == [(begin, data)]
    old = {**asked, "day_begin_time": begin - 181 * DAY, "day_end_time": begin - 181 * DAY}
    assert await desk.code(f"{GROUP}statistic", old) == 40058
    assert await desk.code(f"{GROUP}statistic", {**asked, "owner_filter": {}}) == 40058
    assert await desk.code(f"{GROUP}statistic", {**asked, "limit": 1001}) == 40058


async def test_the_library_of_welcomes(desk: Desk) -> None:
    text = {"text": {"content": "欢迎 %NICKNAME%"}, "link": {"title": "群规", "url": "https://shop.example"}}
    template_id = (await desk.api(f"{WELCOME}add", {**text, "notify": 1}))["template_id"]
    assert (await desk.api(f"{WELCOME}get", {"template_id": template_id}))["link"]["title"] == "群规"
    assert await desk.code(f"{WELCOME}edit", {"template_id": template_id, "text": {"content": "好"}}) == 0
    assert "link" not in await desk.api(f"{WELCOME}get", {"template_id": template_id})
    assert await desk.code(f"{WELCOME}add", {"text": {"content": "好" * 1001}}) == 45002
    assert await desk.code(f"{WELCOME}add", {}) == 40063
    assert [await desk.code(f"{WELCOME}del", {"template_id": template_id}) for _ in range(2)] == [0, 41058]
    for _ in range(100):
        await desk.api(f"{WELCOME}add", {"text": {"content": "好"}})
    assert await desk.code(f"{WELCOME}add", {"text": {"content": "好"}}) == 41055


CLICK = {"type": "click", "name": "核销", "key": "核销"}


async def test_a_menu_is_made_shown_and_taken_away(desk: Desk) -> None:
    agent = str(desk.sandbox.options.agent_id)
    buttons = [CLICK, {"name": "更多", "sub_button": [CLICK] * 5}]
    assert await desk.code("menu/get", agentid=agent) == 46003
    assert await desk.code("menu/create", {"button": buttons}, agentid=agent) == 0
    assert (await desk.api("menu/get", agentid=agent))["button"] == buttons
    assert (await state(desk))["menu"] == buttons
    assert await desk.code("menu/delete", agentid=agent) == 0
    assert await desk.code("menu/get", agentid=agent) == 46003
    assert await desk.code("menu/create", {"button": buttons}, agentid="7") == 40056


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([], 40016),
        ([CLICK] * 4, 40016),
        ([{**CLICK, "name": "六个汉字太长"}], 40018),
        ([{"name": "更多", "sub_button": [CLICK] * 6}], 40023),
        ([{"name": "更多", "sub_button": [{**CLICK, "name": "长" * 14}]}], 40018),
        ([{**CLICK, "key": "长" * 43}], 40019),
        ([{"type": "view", "name": "店"}], 40020),
        ([{"type": "dance", "name": "店"}], 40017),
    ],
)
async def test_a_wrong_menu_is_refused(desk: Desk, buttons: list[Any], code: int) -> None:
    body = {"button": buttons} if buttons else {"button": [{}] * 9}
    assert await desk.code("menu/create", body, agentid=str(desk.sandbox.options.agent_id)) == code


def card(**more: Any) -> dict[str, Any]:
    """A message with a card to tap."""
    body = {
        "card_type": "button_interaction", "main_title": {"title": "确定？"}, "task_id": "ask-1",
        "button_list": [{"text": "确定", "key": "ok"}], **more,
    }  # fmt: skip
    return {"touser": "xiaomei", "msgtype": "template_card", "agentid": 1000002, "template_card": body}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"task_id": ""}, 42014),
        ({"task_id": "有汉字"}, 42014),
        ({"main_title": {}}, 42029),
        ({"button_list": []}, 42016),
        ({"button_list": [{"text": "x", "key": "k"}] * 7}, 42016),
        ({"button_list": [{"text": "x"}]}, 42017),
        ({"button_list": [{"text": "", "key": "k"}]}, 42018),
        ({"card_type": "vote_interaction"}, 42040),
    ],
)
async def test_a_card_to_tap_is_whole(desk: Desk, change: dict[str, Any], code: int) -> None:
    assert await desk.code("message/send", card(**change)) == code


async def test_every_tap_brings_a_code_of_its_own_that_works_once(desk: Desk) -> None:
    await desk.api("message/send", card())
    shown = (await state(desk))["guides"][0]["inbox"][-1]["body"]
    tap = {"key": "ok", "task_id": "ask-1", "response_code": shown["response_code"]}
    for _ in range(2):
        await desk.do("guides/xiaomei/click", tap)
    first, second = [field(plain, "ResponseCode") for plain in desk.receiver.plains]
    change = {"userids": ["xiaomei"], "agentid": 1000002, "button": {"replace_name": "已选：确定"}}
    path = "message/update_template_card"

    assert len({first, second, shown["response_code"]}) == 3
    assert [await desk.code(path, {**change, "response_code": first}) for _ in range(2)] == [0, 60140]
    assert (await state(desk))["guides"][0]["inbox"][-1]["replaced"] == "已选：确定"
    await desk.do("clock", {"advance_s": 72 * 3600 + 1})
    desk.token = ""  # the old one died with the days
    assert await desk.code(path, {**change, "response_code": second}) == 60140


async def test_what_is_picked_from_a_list_comes_with_the_tap(desk: Desk) -> None:
    options = [{"id": f"词{n}", "text": f"词{n}"} for n in range(9)]
    voted = {
        "checkbox": {"question_key": "choice", "option_list": options},
        "submit_button": {"text": "好", "key": "choice"},
    }
    await desk.api("message/send", card(card_type="vote_interaction", **voted))
    await desk.do("guides/xiaomei/click", {"key": "choice", "task_id": "ask-1", "selected": {"choice": ["词7"]}})
    (plain,) = desk.receiver.plains

    assert field(plain, "CardType") == "vote_interaction"
    assert (field(plain, "QuestionKey"), field(plain, "OptionId")) == ("choice", "词7")


async def test_nobody_invites_from_outside_and_nobody_speaks_there(desk: Desk) -> None:
    chat_id, (first, second, *_) = await group_of(desk), await customers(desk)
    await desk.do(f"groups/{chat_id}/join", {"external_userid": first, "invitor": second}, status=422)
    await desk.do(f"groups/{chat_id}/say", {"external_userid": first}, status=409)
