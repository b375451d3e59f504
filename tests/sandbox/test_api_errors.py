"""Every refusal of the API carries WeCom's own code, as HTTP 200 with a hint, and changes nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.sandbox.conftest import Desk

GUIDE, STRANGER, GHOST = "xiaomei", "aqiang", "ghost"
TEXT = {"touser": GUIDE, "msgtype": "text", "agentid": 1000002, "text": {"content": "你好"}}
WAY = {"type": 1, "scene": 2, "user": [GUIDE]}


async def test_a_wrong_secret_is_40001_and_gives_no_token(desk: Desk) -> None:
    query = {"corpid": desk.sandbox.options.corp_id, "corpsecret": "wrong"}
    async with desk.client.get("/cgi-bin/gettoken", params=query) as response:
        answer = await response.json()

    assert (response.status, answer["errcode"], "access_token" in answer) == (200, 40001, False)
    assert desk.sandbox.world.tokens == {}


async def test_a_refusal_is_http_200_with_a_hint_and_a_page_to_read_on(desk: Desk) -> None:
    answer = await desk.api("externalcontact/get", external_userid="wmnobody")

    assert answer["errcode"] == 40096
    for part in (", hint: [", ", from ip: ", "https://open.work.weixin.qq.com/devtool/query?e=40096"):
        assert part in answer["errmsg"]


async def test_the_token_counts_in_the_query_alone(desk: Desk) -> None:
    token = await desk.new_token()
    async with desk.client.post("/cgi-bin/message/send", json={**TEXT, "access_token": token}) as response:
        assert (await response.json())["errcode"] == 41001
    assert await desk.code("message/send", TEXT, access_token=token[:-1]) == 40014
    assert await desk.code("message/send", TEXT, access_token=token) == 0


async def test_a_token_past_its_two_hours_is_42001_and_a_new_one_works(desk: Desk) -> None:
    old = await desk.new_token()
    await desk.do("clock", {"advance_s": 7201})

    assert await desk.code("getcallbackip", access_token=old) == 42001
    assert await desk.code("getcallbackip", access_token=await desk.new_token()) == 0


async def test_an_untrusted_address_is_60020_until_it_is_trusted(desk: Desk) -> None:
    for untrusted, errcode in ((True, 60020), (False, 0)):
        await desk.do("faults", {"untrusted_ip": untrusted}, method="PUT")
        assert await desk.code("getcallbackip") == errcode


async def test_too_often_is_45009_and_busy_is_minus_one(desk: Desk) -> None:
    for fault, errcode in (("rate", 45009), ("busy", -1)):
        await desk.do("faults/next", {"path": "message/send", "fault": fault})
        assert await desk.code("message/send", TEXT) == errcode
    assert desk.sandbox.world.guides[GUIDE].inbox == []


async def test_a_scripted_code_replaces_the_faults_own(desk: Desk) -> None:
    await desk.do("faults/next", {"path": "message/send", "fault": "rate", "errcode": 45033})
    assert await desk.code("message/send", TEXT) == 45033


@pytest.mark.parametrize("text", ["{", "[1]", "null", '"text"'])
async def test_a_body_that_is_no_object_is_40058(desk: Desk, text: str) -> None:
    query = {"access_token": await desk.new_token()}
    async with desk.client.post("/cgi-bin/message/send", params=query, data=text) as response:
        answer = await response.json()

    assert (response.status, answer["errcode"]) == (200, 40058)
    assert "wrong json format" in answer["errmsg"]


@pytest.mark.parametrize(
    ("path", "body", "errcode"),
    [
        ("message/send", {**TEXT, "touser": ""}, 82001),
        ("message/send", {**TEXT, "touser": GHOST}, 81013),
        ("message/send", {**TEXT, "touser": "|".join([GUIDE] * 1001)}, 40058),
        ("message/send", {**TEXT, "agentid": 1}, 40056),
        ("message/send", {**TEXT, "msgtype": "song"}, 40008),
        ("message/send", {**TEXT, "text": {"content": ""}}, 44004),
        ("message/update_template_card", {"userids": [GUIDE]}, 40058),
        ("message/update_template_card", {"userids": [GUIDE], "response_code": "rcnone"}, 60140),
        ("externalcontact/batch/get_by_user", {}, 40058),
        ("externalcontact/batch/get_by_user", {"userid_list": [GUIDE] * 101}, 40058),
        ("externalcontact/batch/get_by_user", {"userid_list": [STRANGER]}, 84061),
        ("externalcontact/add_corp_tag", {"group_name": "渠道"}, 40058),
        ("externalcontact/add_corp_tag", {"group_name": "渠道", "tag": [{"name": ""}]}, 40058),
        ("externalcontact/add_corp_tag", {"group_name": "渠道", "tag": [{"name": "长" * 31}]}, 40058),
        ("externalcontact/add_corp_tag", {"group_id": "etnone", "tag": [{"name": "直播"}]}, 40068),
        ("externalcontact/edit_corp_tag", {"name": "直播"}, 40058),
        ("externalcontact/edit_corp_tag", {"id": "etnone", "name": "直播"}, 40068),
        ("externalcontact/add_contact_way", {**WAY, "type": 3}, 41038),
        ("externalcontact/add_contact_way", {**WAY, "scene": 0}, 41039),
        ("externalcontact/add_contact_way", {**WAY, "user": []}, 41040),
        ("externalcontact/add_contact_way", {**WAY, "user": [GHOST]}, 40003),
        ("externalcontact/add_contact_way", {**WAY, "state": "s" * 31}, 41044),
        ("externalcontact/add_contact_way", {**WAY, "remark": "备" * 31}, 41043),
        ("externalcontact/get_contact_way", {"config_id": "none"}, 41037),
        ("externalcontact/groupchat/list", {}, 40058),
        ("externalcontact/groupchat/list", {"limit": 1001}, 40058),
        ("externalcontact/groupchat/list", {"limit": 10, "cursor": "%%%"}, 50100),
        ("externalcontact/groupchat/get", {"chat_id": "wrnone"}, 90501),
        ("externalcontact/send_welcome_msg", {"text": {"content": "欢迎"}}, 41049),
        ("externalcontact/send_welcome_msg", {"welcome_code": "WCnone", "text": {"content": "欢迎"}}, 41050),
    ],
)
async def test_a_wrong_parameter_has_its_own_code(desk: Desk, path: str, body: dict[str, Any], errcode: int) -> None:
    assert await desk.code(path, body) == errcode


async def test_each_kind_of_unknown_person_has_its_own_code(desk: Desk) -> None:
    customer, _ = await desk.joined()
    for userid, person, errcode in ((GUIDE, "wmnobody", 40096), (GHOST, customer, 40003), (STRANGER, customer, 84061)):
        note = {"userid": userid, "external_userid": person, "remark": "老客"}
        assert await desk.code("externalcontact/remark", note) == errcode
        marks = {"userid": userid, "external_userid": person, "add_tag": ["et1"]}
        assert await desk.code("externalcontact/mark_tag", marks) == errcode
    assert await desk.code("externalcontact/list", userid=STRANGER) == 84061
    assert await desk.code("user/get", userid=GHOST) in (40003, 60111)


async def test_a_customer_who_left_is_no_contact_any_more(desk: Desk) -> None:
    customer, _ = await desk.joined()
    await desk.do(f"customers/{customer}/delete_guide", {"userid": GUIDE})

    assert await desk.code("externalcontact/get", external_userid=customer) == 84061


async def test_a_pairs_tags_and_remark_have_rules(desk: Desk) -> None:
    customer, _ = await desk.joined()
    pair = {"userid": GUIDE, "external_userid": customer}

    assert await desk.code("externalcontact/mark_tag", pair) == 40058
    assert await desk.code("externalcontact/mark_tag", {**pair, "add_tag": ["etnone"]}) == 40068
    assert await desk.code("externalcontact/remark", {**pair, "remark": "备" * 21}) == 40058


async def test_a_refused_welcome_leaves_its_code_good(desk: Desk) -> None:
    customer, code = await desk.joined()
    path, text, image = "externalcontact/send_welcome_msg", {"content": "欢迎"}, {"msgtype": "image"}
    for wrong, errcode in (
        ({}, 40063),
        ({"text": {"content": "好" * 1334}}, 45002),
        ({"text": text, "attachments": [image] * 10}, 40058),
        ({"attachments": [{**image, "image": {"media_id": "none"}}]}, 40007),
    ):
        assert await desk.code(path, {"welcome_code": code, **wrong}) == errcode
    assert desk.sandbox.world.customers[customer].chats == []

    assert await desk.code(path, {"welcome_code": code, "text": text}) == 0
    assert await desk.code(path, {"welcome_code": code, "text": text}) == 41051
    assert [chat["text"] for chat in desk.sandbox.world.customers[customer].chats] == ["欢迎"]


async def test_a_dismissed_group_is_told_from_one_that_never_was(desk: Desk) -> None:
    chat_id = (await desk.do("groups", {"name": "福利群", "owner": GUIDE}))["chat_id"]
    await desk.do(f"groups/{chat_id}/dismiss", {})

    assert await desk.code("externalcontact/groupchat/get", {"chat_id": chat_id}) == 49008


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(("kind", "data", "errcode"), [
    ("song", PNG, 40004), ("image", PNG[:5], 44001), ("image", b"GIF89a..", 40005), ("image", PNG, 0),
    ("image", PNG.ljust((10 << 20) + 1, b"x"), 40006), ("file", b"a,b,c,", 0),
])  # fmt: skip
async def test_an_upload_has_rules(desk: Desk, kind: str, data: bytes, errcode: int) -> None:
    query = {"access_token": await desk.new_token(), "type": kind}
    async with desk.client.post("/cgi-bin/media/upload", params=query, data={"media": io.BytesIO(data)}) as response:
        assert (await response.json())["errcode"] == errcode
