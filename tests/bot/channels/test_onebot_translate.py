"""翻译: OneBot's frames become our events; what nobody needs is a word, what nobody knows is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.onebot_frame import load
from bot.channels.onebot_translate import Ear, translate
from bot.events import Address, Event, UnknownReceived, from_json, to_json
from bot.onebot_events import OneBotJoined, OneBotLeft, OneBotSaid

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
EAR = Ear()
MENTION = {"type": "at", "data": {"qq": "10001"}}


def words(content: str) -> dict[str, Any]:
    return {"type": "text", "data": {"text": content}}


def message(**more: Any) -> dict[str, Any]:
    return {
        "time": 1_700_000_000, "self_id": 10001, "post_type": "message", "message_type": "group", "sub_type": "normal",
        "message_id": 42, "group_id": 777, "user_id": 888, "anonymous": None, "message": [MENTION, words(" 签到")],
        "raw_message": "", "font": 0, "sender": {"user_id": 888, "nickname": "小明", "card": "", "role": "member"},
        **more,
    }  # fmt: skip


def said(told: dict[str, Any], ear: Ear = EAR) -> OneBotSaid:
    event = translate(told, ear, NOW)
    assert isinstance(event, OneBotSaid), event
    return event


def test_a_group_message_to_us() -> None:
    event = said(message())

    assert (event.sender, event.chat) == (Address("onebot", "10001:888"), Address("onebot_group", "10001:777"))
    assert (event.text, event.nickname, event.addressed, event.via_group) == ("签到", "小明", True, "777")
    assert event.key == "onebot:msg:10001:1700000000:42"
    assert event.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[CQ:at,qq=10001]签到", "签到"),
        ("[CQ:at,qq=10001,name=小助手]　签到　 3 ", "签到 3"),
        ("签到[CQ:at,qq=10001]", "签到"),
        ("[CQ:reply,id=5][CQ:at,qq=10001] 签到", "签到"),
        ("[CQ:at,qq=10001] 你好&#91;CQ:at,qq=all&#93;", "你好[CQ:at,qq=all]"),
        ("[CQ:at,qq=10001][CQ:image,file=x.png]", ""),
    ],
)
def test_strings_are_read_like_arrays(content: str, text: str) -> None:
    assert said(message(message=content)).text == text


@pytest.mark.parametrize(
    ("ear", "content", "expected"),
    [
        (EAR, "签到", "unaddressed"),
        (EAR, "[CQ:at,qq=all] 签到", "unaddressed"),
        (EAR, "[CQ:at,qq=999] 签到", "unaddressed"),
        (EAR, "[CQ:reply,id=7] 签到", "unaddressed"),
        (replace(EAR, ours=lambda self_id, message_id: (self_id, message_id) == ("10001", "7")), "[CQ:reply,id=7] 签到",
         ("签到", True)),
        (replace(EAR, name="小助手"), "＠小助手　签到", ("签到", True)),
        (replace(EAR, name="小助手"), "@小助手签到", ("签到", True)),
        (replace(EAR, name="小助手"), "小助手 签到", "unaddressed"),
        (replace(EAR, at_required=False), "签到", ("签到", False)),
    ],
)  # fmt: skip
def test_group_talk_is_for_us_when_we_are_called(ear: Ear, content: str, expected: Any) -> None:
    event = translate(message(message=content), ear, NOW)
    assert (event if isinstance(event, str) else (event.text, event.addressed)) == expected  # type: ignore[attr-defined]


def test_private_messages_are_always_for_us() -> None:
    event = said(message(message_type="private", sub_type="friend", message="帮助", group_id=None))
    assert (event.chat, event.addressed, event.via_group) == (None, True, None)

    sender = {"user_id": 888, "nickname": "小明", "group_id": 777}
    assert said(message(message_type="private", sub_type="group", message="帮助", sender=sender)).via_group == "777"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (message(sub_type="anonymous", anonymous={"id": 1, "name": "匿名", "flag": "x"}), "nobody"),
        (message(sub_type="notice"), "nobody"),
        (message(user_id=10001), "own"),
        (message(post_type="message_sent"), "own"),
        (message(post_type="meta_event", meta_event_type="heartbeat", interval=15000), "meta.heartbeat"),
        (message(post_type="meta_event", meta_event_type="lifecycle", sub_type="connect"), "meta.lifecycle"),
        (message(post_type="meta_event", meta_event_type="A\nB"), "meta.unknown"),
    ],
)
def test_what_nobody_needs_is_counted_not_kept(told: dict[str, Any], why: str) -> None:
    assert translate(told, EAR, NOW) == why


def test_other_accounts_and_groups_are_not_listened_to() -> None:
    assert translate(message(), Ear(self_id="10002"), NOW) == "other_self"
    assert translate(message(), Ear(groups=frozenset({"778"})), NOW) == "other_group"
    notice = {"post_type": "notice", "notice_type": "group_increase", "self_id": 10001, "group_id": 777, "user_id": 1}
    assert translate(notice, Ear(groups=frozenset({"778"})), NOW) == "other_group"
    assert said(message(), Ear(groups=frozenset({"777"}))).text == "签到"


@pytest.mark.parametrize(("name", "kind"), [("group_increase", OneBotJoined), ("group_decrease", OneBotLeft)])
def test_coming_and_going(name: str, kind: type[OneBotJoined]) -> None:
    told = {"time": 1_700_000_000, "self_id": 10001, "post_type": "notice", "notice_type": name, "sub_type": "approve",
            "group_id": 777, "operator_id": 0, "user_id": 889}  # fmt: skip
    event = translate(told, EAR, NOW)

    assert type(event) is kind
    assert (event.sender, event.chat) == (Address("onebot", "10001:889"), Address("onebot_group", "10001:777"))
    assert (event.sub_type, event.operator_id) == ("approve", None)
    assert event.key.startswith("onebot:sha256:")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"post_type": "notice", "notice_type": "group_recall", "self_id": 1}, "onebot.notice.group_recall"),
        ({"post_type": "request", "request_type": "friend", "self_id": 1}, "onebot.request.friend"),
        ({"post_type": "message", "message_type": "guild", "self_id": 1, "user_id": 2}, "onebot.message.guild"),
        (message(self_id=None), "onebot.message.group"),
        (message(user_id={"x": 1}), "onebot.message.group"),
        (message(user_id=True), "onebot.message.group"),
        ({}, "onebot.unknown.unknown"),
    ],
)
def test_what_nobody_knows_is_kept(told: dict[str, Any], name: str) -> None:
    event = translate(told, EAR, NOW)
    assert isinstance(event, UnknownReceived)
    assert (event.name, event.fields) == (name, told)


def test_keys_are_the_platforms_or_made_of_what_is_told() -> None:
    assert said(message(message_id="abc")).key == "onebot:msg:10001:1700000000:abc"
    without = [said(message(message_id=value)).key for value in (None, 0, "", True, 1.5)]
    assert all(key.startswith("onebot:sha256:") for key in without)
    assert said(message()).key != said(message(self_id=10002, message=[words("@")], message_type="private")).key
    # a client that counts anew after a restart speaks of another message
    assert said(message()).key != said(message(time=1_700_000_060)).key
    told = message(message_id=None)
    assert said(told).key == said(dict(reversed(told.items()))).key


@pytest.mark.parametrize("moment", [None, "1700000000", 1_700_000_000_000, -1, True, 1e99])
def test_a_time_that_makes_no_sense_is_now(moment: Any) -> None:
    assert said(message(time=moment)).at == NOW


@pytest.mark.parametrize("told", [
    message(),
    {"post_type": "notice", "notice_type": "group_increase", "self_id": 1, "group_id": 7, "user_id": 2},
])  # fmt: skip
def test_events_can_be_kept_and_read_again(told: dict[str, Any]) -> None:
    event = translate(told, EAR, NOW)
    assert isinstance(event, Event)
    assert from_json(event.kind, to_json(event)) == event


FIELDS = st.sampled_from(["post_type", "message_type", "notice_type", "sub_type", "self_id", "group_id", "user_id",
                          "message_id", "time", "message", "sender", "anonymous", "operator_id"])  # fmt: skip
NONSENSE: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just([]) | st.just({"type": "at"})
)


@given(st.dictionaries(FIELDS, NONSENSE, max_size=4), st.booleans())
def test_nothing_that_comes_in_raises(more: dict[str, Any], at_required: bool) -> None:
    event = translate(message(**more), Ear(at_required=at_required, name="小助手"), NOW)
    assert event if isinstance(event, str) else from_json(event.kind, to_json(event)) == event


def test_what_no_database_keeps_is_replaced_on_the_way_in() -> None:
    told = load(json.dumps(message(message=[MENTION, words("a\x00b\ud800c")], sender={"nickname": "\udfff"})))
    event = said(told)
    assert (event.text, event.nickname) == ("a\ufffdb\ufffdc", "\ufffd")
    to_json(event).encode()
