"""What WeCom would refuse, or cut silently, is not sent."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import RequestRefused
from bot.wecom.checks import check
from bot.wecom.client import WeCom
from tests.bot.wecom.server import Wire

TEXT = {"touser": "lina", "msgtype": "text", "text": {"content": "x"}}
WAY = {"type": 1, "scene": 2, "user": ["lina"]}
PAIR = {"userid": "lina", "external_userid": "wmAAA"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("message/send", {**TEXT, "touser": "|".join(["u"] * 1001)}, "touser"),
        ("message/send", {**TEXT, "toparty": "|".join(["1"] * 101)}, "toparty"),
        ("message/send", {**TEXT, "text": {"content": "满" * 683}}, "text.content"),
        ("message/send", {**TEXT, "text": {"content": ""}}, "text.content"),
        ("message/send", {"msgtype": "text", "touser": "", "text": {"content": "x"}}, "touser | toparty | totag"),
        ("message/send", {**TEXT, "duplicate_check_interval": 14_401}, "duplicate_check_interval"),
        ("message/send", {**TEXT, "news": {"articles": [{"title": "t"}] * 9}}, "news.articles"),
        ("message/send", {**TEXT, "news": {"articles": [{"title": "题" * 43}]}}, "news.articles.*.title"),
        ("message/send", {**TEXT, "template_card": {"task_id": "t" * 129}}, "template_card.task_id"),
        ("message/send", {**TEXT, "template_card": {"button_list": [{}] * 7}}, "template_card.button_list"),
        ("message/update_template_card", {"userids": ["lina"], "response_code": ""}, "response_code"),
        ("externalcontact/send_welcome_msg", {"welcome_code": "W"}, "text | attachments"),
        ("externalcontact/send_welcome_msg", {"welcome_code": "W", "text": {"content": "x" * 4001}}, "text.content"),
        ("externalcontact/send_welcome_msg", {"welcome_code": "W", "attachments": [{}] * 10}, "attachments"),
        ("externalcontact/add_contact_way", {**WAY, "state": "渠" * 31}, "state"),
        ("externalcontact/add_contact_way", {**WAY, "remark": "r" * 31}, "remark"),
        ("externalcontact/add_contact_way", {**WAY, "user": ["u"] * 101}, "user"),
        ("externalcontact/add_corp_tag", {"group_name": "g", "tag": [{"name": "n"}, {"name": "n" * 31}]}, "tag.*.name"),
        ("externalcontact/add_corp_tag", {"group_name": "g", "tag": []}, "tag"),
        ("externalcontact/mark_tag", PAIR, "add_tag | remove_tag"),
        ("externalcontact/remark", {**PAIR, "remark": "r" * 21}, "remark"),
        ("externalcontact/remark", {**PAIR, "description": "d" * 151}, "description"),
        ("externalcontact/batch/get_by_user", {"userid_list": ["u"] * 101}, "userid_list"),
        ("externalcontact/batch/get_by_user", {"userid_list": ["u"], "limit": "all"}, "limit"),
        ("externalcontact/groupchat/list", {"limit": 1001}, "limit"),
        ("externalcontact/groupchat/list", {}, "limit"),
        ("externalcontact/groupchat/get", {}, "chat_id"),
    ],
)  # fmt: skip
def test_the_field_that_breaks_a_limit_is_named(path: str, body: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        check(path, body)
    assert (caught.value.field, caught.value.path, caught.value.permanent) == (field, path, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("message/send", TEXT),
        ("message/send", {**TEXT, "touser": "|".join(["u"] * 1000), "text": {"content": "满" * 682 + "ab"}}),
        ("message/send", {**TEXT, "touser": "@all", "duplicate_check_interval": 14_400}),
        ("message/send", {"totag": "1", "msgtype": "news", "news": {"articles": [{"title": "t" * 128}] * 8}}),
        ("externalcontact/send_welcome_msg", {"welcome_code": "W", "text": {"content": "x" * 4000}}),
        ("externalcontact/add_contact_way", {**WAY, "state": "渠" * 30, "remark": None}),
        ("externalcontact/remark", {**PAIR, "remark": "备" * 20, "remark_mobiles": [""]}),
        ("externalcontact/groupchat/list", {"status_filter": 0, "cursor": "", "limit": 1000}),
        ("externalcontact/get_corp_tag_list", {}),
        ("path/we/know/nothing/about", {"text": {"content": "x" * 10_000}}),
    ],
)
def test_what_just_fits_may_go(path: str, body: dict[str, Any]) -> None:
    check(path, body)


async def test_nothing_is_sent_not_even_for_a_token(wire: Wire, wecom: WeCom) -> None:
    with pytest.raises(RequestRefused, match=r"message/send: None text\.content: 1 to 2048 bytes"):
        await wecom.message.send("text", {"content": "x" * 2049}, touser=["lina"])
    assert wire.counts == {}


@pytest.mark.parametrize(
    ("kind", "size", "field"), [("picture", 10, "type"), ("image", 5, "media"), ("voice", (2 << 20) + 1, "media")]
)
async def test_a_file_of_the_wrong_size_stays_here(wire: Wire, wecom: WeCom, kind: str, size: int, field: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        await wecom.media.upload(kind, "a.bin", b"x" * size)
    assert (caught.value.field, wire.counts) == (field, {})
