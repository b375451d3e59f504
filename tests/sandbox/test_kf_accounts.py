"""微信客服 accounts, links, servicers and customers: WeCom's limits and codes."""

from __future__ import annotations

import io
from typing import Any

import pytest

from sandbox.kf_world import Account
from tests.sandbox.conftest import Desk
from tests.sandbox.kf_desk import HOUR, Chat, new_chat


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A stranger with the furnished account."""
    return await new_chat(desk)


async def picture(desk: Desk, kind: str = "image") -> str:
    """An upload."""
    query = {"access_token": await desk.new_token(), "type": kind}
    form = {"media": io.BytesIO(b"\x89PNG\x00\xff")}
    async with desk.client.post("/cgi-bin/media/upload", params=query, data=form) as response:
        return str((await response.json())["media_id"])


async def accounts(desk: Desk, **body: Any) -> list[dict[str, Any]]:
    """What account/list tells."""
    answer = await desk.api("kf/account/list", {"offset": 0, "limit": 100, **body})
    listed: list[dict[str, Any]] = answer["account_list"]
    return listed


async def test_one_account_is_there_and_both_guides_answer_for_it(chat: Chat) -> None:
    (account,) = await accounts(chat.desk)
    assert set(account) == {"open_kfid", "name", "avatar", "manage_privilege"}
    assert (account["open_kfid"][:2], account["name"], account["manage_privilege"]) == ("wk", "品牌客服", True)

    answer = await chat.desk.api("kf/servicer/list", open_kfid=chat.kfid)
    assert answer["servicer_list"] == [{"userid": "xiaomei", "status": 0}, {"userid": "aqiang", "status": 0}]
    shown = (await chat.desk.do("state", method="GET"))["kf_accounts"]
    assert [(one["open_kfid"], one["name"]) for one in shown] == [(chat.kfid, "品牌客服")]


async def test_an_account_is_added_renamed_and_deleted(chat: Chat) -> None:
    desk, media_id = chat.desk, await picture(chat.desk)
    made = await desk.api("kf/account/add", {"name": "售后", "media_id": media_id})
    assert made["errcode"] == 0
    assert await desk.code("kf/account/update", {"open_kfid": made["open_kfid"], "name": "售后客服"}) == 0
    assert [one["name"] for one in await accounts(desk)] == ["品牌客服", "售后客服"]
    assert [one["name"] for one in await accounts(desk, offset=1, limit=1)] == ["售后客服"]

    assert await desk.code("kf/account/del", {"open_kfid": made["open_kfid"]}) == 0
    assert await desk.code("kf/account/del", {"open_kfid": made["open_kfid"]}) == 95004
    assert await desk.code("kf/sync_msg", {"open_kfid": made["open_kfid"]}) == 95004
    assert len(await accounts(desk)) == 1


async def test_an_account_has_rules(chat: Chat) -> None:
    desk, media_id, voice = chat.desk, await picture(chat.desk), await picture(chat.desk, "voice")
    for body, errcode in (
        ({"name": "", "media_id": media_id}, 95006),
        ({"name": "名" * 17, "media_id": media_id}, 95006),
        ({"media_id": media_id}, 95006),
        ({"name": "名" * 16, "media_id": "3none"}, 40007),
        ({"name": "名" * 16, "media_id": voice}, 40007),
        ({"name": "名" * 16}, 40007),
        ({"name": "名" * 16, "media_id": media_id}, 0),
    ):
        assert await desk.code("kf/account/add", body) == errcode
    for change, errcode in (({"name": "名" * 17}, 95006), ({"media_id": "3none"}, 40007), ({}, 0)):
        assert await desk.code("kf/account/update", {"open_kfid": chat.kfid, **change}) == errcode
    for page in ({"limit": 101}, {"limit": -1}, {"offset": -1}):
        assert await desk.code("kf/account/list", page) == 40058


@pytest.mark.parametrize(("there", "unverified", "errcode"), [(9, True, 0), (10, True, 95027), (10, False, 0),
                                                              (4999, False, 0), (5000, False, 95005)])  # fmt: skip
async def test_accounts_are_limited(chat: Chat, there: int, unverified: bool, errcode: int) -> None:
    await chat.desk.do("faults", {"kf_unverified": unverified}, method="PUT")
    known = chat.desk.sandbox.world.kf.accounts
    known |= {f"wk{number}": Account(f"wk{number}", "x") for number in range(there - len(known))}
    body = {"name": "新的", "media_id": await picture(chat.desk)}
    assert await chat.desk.code("kf/account/add", body) == errcode


@pytest.mark.parametrize(
    ("scene", "errcode"), [("", 0), ("a" * 32, 0), ("live_1-A", 0), ("a" * 33, 40058), ("店", 40058), ("a b", 40058)]
)
async def test_a_link_has_a_scene(chat: Chat, scene: str, errcode: int) -> None:
    answer = await chat.desk.api("kf/add_contact_way", {"open_kfid": chat.kfid, "scene": scene})
    assert answer["errcode"] == errcode
    if not errcode:
        assert answer["url"].startswith("https://work.weixin.qq.com/kfid/kfc")
        assert "?" in answer["url"]
    assert await chat.desk.code("kf/add_contact_way", {"scene": "a"}) == 95000


# -- servicers -------------------------------------------------------------------------------------------------------


async def test_servicers_come_and_go_each_with_a_result(chat: Chat) -> None:
    desk = chat.desk
    await desk.do("guides", {"userid": "lina", "name": "丽娜"})
    body = {"open_kfid": chat.kfid, "userid_list": ["Lina", "ghost"], "department_id_list": [2]}
    added = (await desk.api("kf/servicer/add", body))["result_list"]
    assert [(one.get("userid", one.get("department_id")), one["errcode"]) for one in added] == [
        ("lina", 0), ("ghost", 40003), (2, 0),
    ]  # fmt: skip
    listed = (await desk.api("kf/servicer/list", open_kfid=chat.kfid))["servicer_list"]
    assert listed[2:] == [{"userid": "lina", "status": 0}, {"department_id": 2}]

    removed = (await desk.api("kf/servicer/del", body))["result_list"]
    assert [one["errcode"] for one in removed] == [0, 95014, 0]
    assert len((await desk.api("kf/servicer/list", open_kfid=chat.kfid))["servicer_list"]) == 2


async def test_who_stopped_is_listed_as_off(chat: Chat) -> None:
    await chat.desk.do(f"kf/{chat.kfid}/servicer", {"userid": "xiaomei", "status": 1, "stop_type": 1})
    listed = (await chat.desk.api("kf/servicer/list", open_kfid=chat.kfid))["servicer_list"]
    assert listed[0] == {"userid": "xiaomei", "status": 1, "stop_type": 1}


async def test_servicers_are_limited(chat: Chat) -> None:
    desk, account = chat.desk, chat.desk.sandbox.world.kf.accounts[chat.kfid]
    for body, errcode in (
        ({}, 40058),
        ({"userid_list": ["a"] * 101}, 40058),
        ({"userid_list": [7]}, 40058),
        ({"department_id_list": ["x"]}, 40058),
        ({"department_id_list": list(range(21))}, 95020),
        ({"department_id_list": list(range(20))}, 0),
        ({"department_id_list": [99]}, 95020),
    ):
        assert await desk.code("kf/servicer/add", {"open_kfid": chat.kfid, **body}) == errcode
    await desk.do("guides", {"userid": "lina", "name": "丽娜"})
    account.servicers |= {f"u{number}": {"status": 0, "stop_type": 0} for number in range(1998)}
    assert await desk.code("kf/servicer/add", {"open_kfid": chat.kfid, "userid_list": ["lina"]}) == 95020
    assert await desk.code("kf/servicer/add", {"open_kfid": chat.kfid, "userid_list": ["xiaomei"]}) == 0
    assert await desk.code("kf/servicer/list", open_kfid="wknone") == 95004


# -- customers -------------------------------------------------------------------------------------------------------


async def test_only_customers_of_the_last_48_hours_are_told(chat: Chat) -> None:
    other = await new_chat(chat.desk, "王女士")
    await chat.say()
    body = {"external_userid_list": [chat.customer, other.customer, "wmnobody"]}
    answer = await chat.desk.api("kf/customer/batchget", body)

    (customer,) = answer["customer_list"]
    assert (customer["external_userid"], customer["nickname"], customer["gender"]) == (chat.customer, "小明🎉", 0)
    assert "unionid" not in customer
    assert "enter_session_context" not in customer
    assert answer["invalid_external_userid"] == [other.customer, "wmnobody"]
    await chat.later(49 * HOUR)
    assert (await chat.desk.api("kf/customer/batchget", body))["customer_list"] == []


async def test_the_way_a_customer_came_is_told_on_request(chat: Chat) -> None:
    await chat.do("enter", scene="store", scene_param="x=1")
    body = {"external_userid_list": [chat.customer], "need_enter_session_context": 1}
    (customer,) = (await chat.desk.api("kf/customer/batchget", body))["customer_list"]
    assert customer["enter_session_context"] == {"scene": "store", "scene_param": "x=1"}


@pytest.mark.parametrize("body", [{}, {"external_userid_list": []}, {"external_userid_list": ["wm"] * 101}])
async def test_customers_are_asked_for_by_the_hundred(chat: Chat, body: dict[str, Any]) -> None:
    errcode = await chat.desk.code("kf/customer/batchget", body)
    assert errcode == (0 if body.get("external_userid_list") == [] else 40058)


async def test_a_known_unionid_is_told(chat: Chat) -> None:
    made = await chat.desk.do("customers", {"name": "李雷", "unionid": "o1", "gender": 1})
    await chat.desk.do(f"kf/{chat.kfid}/say", {"external_userid": made["external_userid"], "text": "你好"})
    body = {"external_userid_list": [made["external_userid"]]}
    (customer,) = (await chat.desk.api("kf/customer/batchget", body))["customer_list"]
    assert (customer["unionid"], customer["gender"]) == ("o1", 1)
