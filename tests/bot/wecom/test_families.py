"""The typed methods: what goes over the wire, and what is made of the answer."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from bot.errors import WeComError, WeComUnreachable
from bot.wecom.client import WeCom
from tests.bot.wecom.server import Wire, plain


async def test_a_text_to_two_people(wire: Wire, wecom: WeCom) -> None:
    wire.says("message/send", {"errcode": 0, "msgid": "M1", "invaliduser": "x"})
    told = await wecom.message.send("text", {"content": "你好"}, touser=["lina", "wangwu"])
    assert told["msgid"] == "M1"
    assert wire.bodies["message/send"] == [{
        "touser": "lina|wangwu", "toparty": "", "totag": "", "msgtype": "text", "agentid": 1000002,
        "text": {"content": "你好"}, "safe": 0, "enable_duplicate_check": 1, "duplicate_check_interval": 1800,
    }]  # fmt: skip


async def test_a_message_without_duplicate_check(wire: Wire, wecom: WeCom) -> None:
    await wecom.message.send("markdown", {"content": "# x"}, touser=["lina"], duplicate_check_s=0)
    assert "enable_duplicate_check" not in wire.bodies["message/send"][0]


async def test_a_card_is_updated(wire: Wire, wecom: WeCom) -> None:
    await wecom.message.update_template_card("RC", ["lina"], replace_name="已同意")
    await wecom.message.update_template_card("RC2", ["lina"], template_card={"card_type": "text_notice"})
    common = {"userids": ["lina"], "agentid": 1000002}
    assert wire.bodies["message/update_template_card"] == [
        {**common, "response_code": "RC", "button": {"replace_name": "已同意"}},
        {**common, "response_code": "RC2", "template_card": {"card_type": "text_notice"}},
    ]


async def test_a_welcome_message(wire: Wire, wecom: WeCom) -> None:
    link = {"msgtype": "link", "link": {"title": "新人礼", "url": "https://shop.example"}}
    await wecom.contact.send_welcome_msg("WC", "你好", [link])
    await wecom.contact.send_welcome_msg("WC2", attachments=[link])
    assert wire.bodies["externalcontact/send_welcome_msg"] == [
        {"welcome_code": "WC", "text": {"content": "你好"}, "attachments": [link]},
        {"welcome_code": "WC2", "attachments": [link]},
    ]


async def test_followers_on_several_pages_are_joined(wire: Wire, wecom: WeCom) -> None:
    contact = {"external_userid": "wmAAA", "name": "小明"}
    wire.says(
        "externalcontact/get",
        {"errcode": 0, "external_contact": contact, "follow_user": [{"userid": "a"}], "next_cursor": "C1"},
        {"errcode": 0, "external_contact": contact, "follow_user": [{"userid": "b"}], "next_cursor": ""},
    )
    told = await wecom.contact.get("wmAAA")
    assert [follower["userid"] for follower in told["follow_user"]] == ["a", "b"]
    assert told["external_contact"] == contact
    assert [query.get("cursor") for query in wire.queries["externalcontact/get"]] == [None, "C1"]


async def test_nobody_follows_is_an_empty_list(wire: Wire, wecom: WeCom) -> None:
    wire.says("externalcontact/list", {"errcode": 84061, "errmsg": "not external contact"}, {"errcode": 60011})
    assert await wecom.contact.list_external_userid("lina") == []
    with pytest.raises(WeComError):
        await wecom.contact.list_external_userid("lina")


async def test_contacts_are_read_page_by_page_and_hundred_by_hundred(wire: Wire, wecom: WeCom) -> None:
    path = "externalcontact/batch/get_by_user"
    wire.says(
        path,
        {"errcode": 0, "external_contact_list": [{"n": 1}], "next_cursor": "C1"},
        {"errcode": 0, "external_contact_list": [], "next_cursor": "C2"},  # an empty page is not the end
        {"errcode": 0, "external_contact_list": [{"n": 2}], "next_cursor": ""},
        {"errcode": 0, "external_contact_list": [{"n": 3}]},
    )
    users = [f"u{n}" for n in range(101)]
    assert [entry["n"] async for entry in wecom.contact.get_by_user(users)] == [1, 2, 3]
    asked = wire.bodies[path]
    assert [(len(body["userid_list"]), body["cursor"]) for body in asked] == [
        (100, ""),
        (100, "C1"),
        (100, "C2"),
        (1, ""),
    ]


async def test_a_cursor_that_turns_in_a_circle_ends(wire: Wire, wecom: WeCom) -> None:
    wire.always["externalcontact/groupchat/list"] = {
        "errcode": 0, "group_chat_list": [{"chat_id": "wrA", "status": 0}], "next_cursor": "C1",
    }  # fmt: skip
    with pytest.raises(WeComUnreachable, match="the same cursor again"):
        async for _ in wecom.group_chat.list_groupchat():
            pass
    assert wire.counts["externalcontact/groupchat/list"] == 2


async def test_groups_of_some_owners(wire: Wire, wecom: WeCom) -> None:
    wire.says("externalcontact/groupchat/list", {"errcode": 0, "group_chat_list": [{"chat_id": "wrA", "status": 0}]})
    wire.says("externalcontact/groupchat/get", {"errcode": 0, "group_chat": {"chat_id": "wrA", "owner": "lina"}})
    assert [group["chat_id"] async for group in wecom.group_chat.list_groupchat(["lina"])] == ["wrA"]
    assert (await wecom.group_chat.get("wrA"))["owner"] == "lina"
    assert wire.bodies["externalcontact/groupchat/list"][0]["owner_filter"] == {"userid_list": ["lina"]}
    assert wire.bodies["externalcontact/groupchat/get"] == [{"chat_id": "wrA", "need_name": 1}]


async def test_remark_and_tags(wire: Wire, wecom: WeCom) -> None:
    group = {"group_id": "et1", "group_name": "渠道", "tag": [{"id": "et2", "name": "直播"}]}
    wire.says("externalcontact/add_corp_tag", {"errcode": 0, "tag_group": group})
    wire.says("externalcontact/get_corp_tag_list", {"errcode": 0, "tag_group": [group]})
    await wecom.contact.remark("lina", "wmAAA", remark="小明", remark_mobiles=[""])
    assert await wecom.tags.add_corp_tag(["直播"], group_name="渠道") == group
    assert await wecom.tags.get_corp_tag_list() == [group]
    await wecom.tags.edit_corp_tag("et2", "直播间", order=1)
    await wecom.tags.mark_tag("lina", "wmAAA", ["et2"])
    await wecom.tags.del_corp_tag(["et2"])
    pair = {"userid": "lina", "external_userid": "wmAAA"}
    assert sent(wire, "remark") == {**pair, "remark": "小明", "remark_mobiles": [""]}
    assert sent(wire, "add_corp_tag") == {"group_name": "渠道", "tag": [{"name": "直播"}]}
    assert sent(wire, "edit_corp_tag") == {"id": "et2", "name": "直播间", "order": 1}
    assert sent(wire, "mark_tag") == {**pair, "add_tag": ["et2"]}
    assert sent(wire, "del_corp_tag") == {"tag_id": ["et2"], "group_id": []}


def sent(wire: Wire, path: str) -> Any:
    """The body of the first call."""
    return wire.bodies[f"externalcontact/{path}"][0]


async def test_contact_ways(wire: Wire, wecom: WeCom) -> None:
    wire.says("externalcontact/add_contact_way", {"errcode": 0, "config_id": "CFG", "qr_code": "https://x.example/q"})
    wire.says("externalcontact/get_contact_way", {"errcode": 0, "contact_way": {"config_id": "CFG"}})
    wire.says("externalcontact/list_contact_way", {"errcode": 0, "contact_way": [{"config_id": "CFG"}]})
    assert await wecom.contact_way.add_contact_way(["a", "b"], state="live") == ("CFG", "https://x.example/q")
    assert await wecom.contact_way.get_contact_way("CFG") == {"config_id": "CFG"}
    assert [way async for way in wecom.contact_way.list_contact_way(start_time=1)] == ["CFG"]
    await wecom.contact_way.update_contact_way("CFG", state="live2")
    await wecom.contact_way.del_contact_way("CFG")
    assert (sent(wire, "add_contact_way")["type"], sent(wire, "add_contact_way")["state"]) == (2, "live")
    assert sent(wire, "list_contact_way") == {"limit": 1000, "start_time": 1, "cursor": ""}
    assert sent(wire, "update_contact_way") == {"config_id": "CFG", "state": "live2"}
    assert sent(wire, "del_contact_way") == {"config_id": "CFG"}


async def test_a_file_goes_up_with_its_name_even_after_a_refused_token(wire: Wire, wecom: WeCom) -> None:
    seen = []

    async def take(request: web.Request) -> web.StreamResponse:
        seen.append((request.query["type"], (await request.read())))
        return web.json_response({"errcode": 0, "type": "image", "media_id": "MID", "created_at": "1"})

    wire.says("media/upload", {"errcode": 42001, "errmsg": "expired"}, take)
    assert (await wecom.upload_media("image", "海报.png", b"\x89PNG bytes"))["media_id"] == "MID"
    kind, raw = seen[0]
    assert kind == "image"
    assert b'name="media"' in raw
    assert 'filename="海报.png"'.encode() in raw
    assert b"\x89PNG bytes" in raw


@pytest.mark.parametrize("content_type", ["image/png", "text/plain", "application/json"])
async def test_a_file_comes_down_whatever_it_is_called(wire: Wire, wecom: WeCom, content_type: str) -> None:
    wire.says("media/get", plain(b"\x89 any bytes", content_type=content_type))
    assert await wecom.media.get("MID") == b"\x89 any bytes"


async def test_json_in_place_of_a_file_is_the_error_it_tells_of(wire: Wire, wecom: WeCom) -> None:
    wire.says("media/get", plain('{"errcode":40007,"errmsg":"invalid media_id"}', content_type="text/plain"))
    with pytest.raises(WeComError) as caught:
        await wecom.media.get("MID")
    assert caught.value.errcode == 40007


async def test_part_of_a_big_file(wire: Wire, wecom: WeCom) -> None:
    async def part(request: web.Request) -> web.StreamResponse:
        assert request.headers["Range"] == "bytes=2-3"
        return web.Response(body=b"cd", status=206)

    wire.says("media/get", part)
    assert await wecom.media.get("MID", byte_range=(2, 3)) == b"cd"


async def test_an_answer_without_end_is_cut_off(wire: Wire, wecom: WeCom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.wecom.transport.LARGEST_ANSWER", 1000)
    wire.says("externalcontact/get", plain(b"{" + b" " * 1000, content_type="application/json"))
    with pytest.raises(WeComUnreachable, match="without end"):
        await wecom.contact.get("wmAAA")


async def test_addresses_of_the_api(wire: Wire, wecom: WeCom) -> None:
    wire.says("get_api_domain_ip", {"errcode": 0, "ip_list": ["1.2.3.4"]})
    assert await wecom.network.get_api_domain_ip() == ["1.2.3.4"]


async def test_staff_with_the_right_to_have_contacts(wire: Wire, wecom: WeCom) -> None:
    wire.says("externalcontact/get_follow_user_list", {"errcode": 0, "follow_user": ["lina"]})
    assert await wecom.contact.get_follow_user_list() == ["lina"]
