"""The stand-in answers as WeCom does: its codes, its limits, its clock."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Desk

TEXT = {"touser": "xiaomei", "msgtype": "text", "agentid": 1000002, "text": {"content": "你好"}}


async def test_a_wrong_secret_and_a_wrong_corp_have_their_own_codes(desk: Desk) -> None:
    for query, errcode in (
        ({"corpid": "ww0sandbox000001", "corpsecret": "wrong"}, 40001),
        ({"corpid": "ww1", "corpsecret": "sandbox-secret"}, 40013),
    ):
        async with desk.client.get("/cgi-bin/gettoken", params=query) as response:
            assert (await response.json())["errcode"] == errcode, query


async def test_tokens_that_are_wrong_old_or_missing(desk: Desk) -> None:
    assert await desk.code("getcallbackip") == 0
    assert await desk.code("getcallbackip", access_token="nonsense") == 40014
    assert await desk.code("getcallbackip", access_token="") == 41001
    await desk.do("clock", {"advance_s": 7201})
    assert await desk.code("getcallbackip") == 42001


async def test_an_address_that_is_not_trusted_is_named(desk: Desk) -> None:
    await desk.api("getcallbackip")
    await desk.do("faults", {"untrusted_ip": True}, method="PUT")

    answer = await desk.api("getcallbackip")

    assert answer["errcode"] == 60020
    assert "from ip: 127.0.0.1" in answer["errmsg"]


async def test_an_unknown_path_is_refused_as_wecom_would(desk: Desk) -> None:
    async with desk.client.get("/cgi-bin/no/such", params={"access_token": await desk.new_token()}) as response:
        assert response.status == 404 or (await response.json())["errcode"] != 0


async def test_people_who_are_not_there(desk: Desk) -> None:
    customer, _ = await desk.joined()
    assert await desk.code("externalcontact/get", external_userid=customer) == 0
    assert await desk.code("externalcontact/get", external_userid="wmnobody") in (40096, 84061)
    assert await desk.code("externalcontact/list", userid="xiaomei") == 0
    assert await desk.code("externalcontact/list", userid="nobody") != 0


async def test_a_welcome_code_works_once(desk: Desk) -> None:
    _, code = await desk.joined()
    body = {"welcome_code": code, "text": {"content": "欢迎"}}

    assert await desk.code("externalcontact/send_welcome_msg", body) == 0
    assert await desk.code("externalcontact/send_welcome_msg", body) == 41051
    assert await desk.code("externalcontact/send_welcome_msg", {**body, "welcome_code": "WCnone"}) == 41050


async def test_a_welcome_code_lives_twenty_seconds_of_the_virtual_clock(desk: Desk) -> None:
    _, code = await desk.joined()
    await desk.do("clock", {"advance_s": 21})

    assert (
        await desk.code("externalcontact/send_welcome_msg", {"welcome_code": code, "text": {"content": "晚了"}})
        == 41050
    )


async def test_a_message_to_nobody_and_an_empty_one(desk: Desk) -> None:
    assert (await desk.api("message/send", TEXT))["errcode"] == 0
    answer = await desk.api("message/send", {**TEXT, "touser": "xiaomei|ghost"})
    assert (answer["errcode"], answer["invaliduser"]) == (0, "ghost")
    assert await desk.code("message/send", {**TEXT, "touser": "ghost"}) == 81013
    assert await desk.code("message/send", {**TEXT, "agentid": 1}) in (40056, 301002)
    assert await desk.code("message/send", {**TEXT, "text": {"content": ""}}) != 0


async def test_what_is_beyond_the_minute_is_dropped_without_a_word(desk: Desk) -> None:
    for number in range(35):
        assert await desk.code("message/send", {**TEXT, "text": {"content": f"第{number}条"}}) == 0

    state = await desk.do("state", method="GET")
    (guide,) = [guide for guide in state["guides"] if guide["userid"] == "xiaomei"]
    assert len(guide["inbox"]) == 30


async def test_the_same_message_twice_within_the_check_arrives_once(desk: Desk) -> None:
    checked = {**TEXT, "enable_duplicate_check": 1, "duplicate_check_interval": 600}
    for _ in range(2):
        assert await desk.code("message/send", checked) == 0

    state = await desk.do("state", method="GET")
    (guide,) = [guide for guide in state["guides"] if guide["userid"] == "xiaomei"]
    assert len(guide["inbox"]) == 1


async def test_a_long_text_is_cut_at_2048_bytes_as_wecom_does(desk: Desk) -> None:
    assert await desk.code("message/send", {**TEXT, "text": {"content": "好" * 1000}}) == 0

    state = await desk.do("state", method="GET")
    (guide,) = [guide for guide in state["guides"] if guide["userid"] == "xiaomei"]
    assert len(guide["inbox"][0]["text"].encode()) <= 2048


@pytest.mark.parametrize("path", ["externalcontact/mark_tag", "externalcontact/add_contact_way"])
async def test_what_the_api_does_is_told_to_nobody(desk: Desk, path: str) -> None:
    customer, _ = await desk.joined()
    told = len(desk.receiver.got)
    tag = await desk.api("externalcontact/add_corp_tag", {"group_name": "渠道", "tag": [{"name": "live"}]})
    tag_id = tag["tag_group"]["tag"][0]["id"]
    bodies = {
        "externalcontact/mark_tag": {"userid": "xiaomei", "external_userid": customer, "add_tag": [tag_id]},
        "externalcontact/add_contact_way": {"type": 1, "scene": 2, "state": "live", "user": ["xiaomei"]},
    }
    assert await desk.code(path, bodies[path]) == 0
    await desk.settle()

    assert len(desk.receiver.got) == told
