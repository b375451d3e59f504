"""What kf/sync_msg lists becomes its typed event; whatever does not fit is kept as UnknownReceived, never an error."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom_kf import EVENTS, MESSAGES, translate
from bot.events import Address, Event, TextReceived, UnknownReceived, from_json, to_json

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WK, WM, LINA = "wkCCCsandbox0001", "wmAAAsandbox0001", "lina"
CHAT = {"send_time": 1700000000, "msgtype": "text", "sender_name": "小明", "msg_content": '{"text":{"content":"hi"}}'}
CLICK = {"type": "click", "click": {"id": "101", "content": "满意"}}

# msgtype -> (its object, the event, what must be read)
SAMPLES: dict[str, tuple[dict[str, Any] | None, str, dict[str, Any]]] = {
    "text": ({"content": "查积分", "menu_id": "101"}, "TextReceived", {"text": "查积分", "menu_id": "101"}),
    "image": ({"media_id": "MID1"}, "KfMediaReceived", {"media_id": "MID1", "msgtype": "image"}),
    "voice": ({"media_id": "MID2"}, "KfMediaReceived", {"msgtype": "voice"}),
    "video": ({"media_id": "MID3"}, "KfMediaReceived", {"msgtype": "video"}),
    "file": ({"media_id": "MID4"}, "KfMediaReceived", {"msgtype": "file"}),
    "location": (
        {"latitude": 23.106021881103501, "longitude": 113.320503234863, "name": "广州国际媒体港", "address": "海珠区"},
        "KfLocationReceived",
        {"latitude": 23.106021881103501, "name": "广州国际媒体港", "address": "海珠区"},
    ),
    "link": (
        {"title": "新品", "desc": "周五", "url": "https://shop.example/n?a=1", "pic_url": "https://p.example/1.jpg"},
        "KfLinkReceived",
        {"url": "https://shop.example/n?a=1", "desc": "周五"},
    ),
    "business_card": ({"userid": "lina"}, "KfCardReceived", {"userid": "lina"}),
    "miniprogram": (
        {"title": "商城", "appid": "wx0000000000000001", "pagepath": "pages/i.html", "thumb_media_id": "T"},
        "KfMiniProgramReceived",
        {"appid": "wx0000000000000001", "pagepath": "pages/i.html"},
    ),
    "msgmenu": (
        {"head_content": "满意吗？", "list": [CLICK], "tail_content": "谢谢"},
        "KfMenuReceived",
        {"head_content": "满意吗？", "entries": [CLICK], "tail_content": "谢谢"},
    ),
    "channels_shop_product": (
        {"product_id": "P1", "head_image": "h", "title": "杯子", "sales_price": "1990", "shop_nickname": "店",
         "shop_head_image": "s"},
        "KfProductReceived",
        {"product_id": "P1", "sales_price": 1990, "title": "杯子"},
    ),
    "channels_shop_order": (
        {"order_id": "O1", "product_titles": "杯子等2件", "price_wording": "￥39.8", "state": "待发货",
         "image_url": "i", "shop_nickname": "店"},
        "KfShopOrderReceived",
        {"order_id": "O1", "state": "待发货", "price_wording": "￥39.8"},
    ),
    "merged_msg": ({"title": "聊天记录", "item": [CHAT]}, "KfMergedReceived", {"title": "聊天记录", "items": [CHAT]}),
    "channels": (
        {"sub_type": 1, "nickname": "号", "title": "动态"}, "KfChannelsReceived", {"sub_type": 1, "nickname": "号"}
    ),
    "meeting": (None, "KfBareReceived", {"msgtype": "meeting"}),
    "calendar": (None, "KfBareReceived", {"msgtype": "calendar"}),
    "note": (None, "KfBareReceived", {"msgtype": "note"}),
}  # fmt: skip

PAIR = {"open_kfid": WK, "external_userid": WM}
HAPPENED: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "enter_session": (
        {**PAIR, "scene": "poster", "scene_param": "INV-1", "welcome_code": "WC",
         "wechat_channels": {"nickname": "进店", "scene": 1}},
        "KfSessionEntered",
        {"scene": "poster", "scene_param": "INV-1", "welcome_code": "WC",
         "wechat_channels": {"nickname": "进店", "scene": 1}},
    ),
    "msg_send_fail": (
        {**PAIR, "fail_msgid": "r-1", "fail_type": 4}, "KfSendFailed", {"fail_msgid": "r-1", "fail_type": 4}
    ),
    "session_status_change": (
        {**PAIR, "change_type": 1, "old_servicer_userid": "", "new_servicer_userid": LINA, "msg_code": "MC"},
        "KfSessionChanged",
        {"change_type": 1, "old_servicer_userid": None, "new_servicer_userid": LINA, "msg_code": "MC"},
    ),
    "servicer_status_change": (
        {"servicer_userid": LINA, "status": 2, "stop_type": 1, "open_kfid": WK},
        "KfServicerStatusChanged",
        {"servicer_userid": LINA, "status": 2, "stop_type": 1, "sender": None},
    ),
    "user_recall_msg": ({**PAIR, "recall_msgid": "m1"}, "KfRecalled", {"recall_msgid": "m1", "servicer_userid": None}),
    "servicer_recall_msg": (
        {**PAIR, "recall_msgid": "m1", "servicer_userid": LINA}, "KfRecalled", {"servicer_userid": LINA}
    ),
    "reject_customer_msg_switch_change": (
        {**PAIR, "servicer_userid": LINA, "reject_switch": 1}, "KfRejectSwitchChanged", {"reject_switch": 1}
    ),
}  # fmt: skip


def message(msgtype: str, origin: int = 3) -> dict[str, Any]:
    body = SAMPLES[msgtype][0]
    envelope = {"msgid": "m1", **PAIR, "send_time": 1700000000, "origin": origin, "msgtype": msgtype}
    return envelope if body is None else {**envelope, msgtype: copy.deepcopy(body)}


def happened(event_type: str) -> dict[str, Any]:
    event = {"event_type": event_type, **copy.deepcopy(HAPPENED[event_type][0])}
    return {"msgid": "e1", "send_time": 1700000000, "origin": 4, "msgtype": "event", "event": event}


def read(entry: Any) -> Event:
    event = translate(entry, received_at=NOW)
    assert from_json(event.kind, to_json(event)) == event
    return event


def test_every_kind_has_a_sample() -> None:
    assert set(SAMPLES) == {"text", *MESSAGES}
    assert set(HAPPENED) == set(EVENTS)


@pytest.mark.parametrize("msgtype", SAMPLES)
def test_a_message_becomes_its_event(msgtype: str) -> None:
    event = read(message(msgtype))
    _, kind, own = SAMPLES[msgtype]
    assert event.kind == kind
    assert {name: getattr(event, name) for name in own} == own
    assert (event.key, event.source, event.at) == ("wecom_kf:msg:m1", "wecom_kf", AT)
    assert event.sender == Address("wecom", WM)
    assert event.open_kfid == WK  # type: ignore[attr-defined]


@pytest.mark.parametrize("event_type", HAPPENED)
def test_what_happened_becomes_its_event(event_type: str) -> None:
    event = read(happened(event_type))
    _, kind, own = HAPPENED[event_type]
    assert event.kind == kind
    assert {name: getattr(event, name) for name in own} == own
    assert (event.key, event.at) == ("wecom_kf:msg:e1", AT)


@pytest.mark.parametrize("msgtype", SAMPLES)
def test_a_servicers_message_is_no_members(msgtype: str) -> None:
    event = read({**message(msgtype, origin=5), "servicer_userid": LINA})
    assert event.kind == "KfServicerWrote"
    assert event.sender is None
    assert (event.servicer_userid, event.msgtype) == (LINA, msgtype)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "entry",
    [
        {**message("text"), "msgtype": "hologram"},
        {**message("text"), "origin": 9},
        {**message("text"), "text": "not an object"},
        {**message("text"), "external_userid": ""},
        {name: value for name, value in message("image").items() if name != "image"},
        {**message("location"), "location": {"latitude": float("inf"), "longitude": 1}},
        {**happened("enter_session"), "event": {"event_type": "brand_new", **PAIR}},
        {**happened("enter_session"), "event": {"event_type": "enter_session"}},
        {**happened("msg_send_fail"), "event": {"event_type": "msg_send_fail", **PAIR, "fail_type": "x"}},
        {},
        [],
        "text",
        None,
    ],
)
def test_what_does_not_fit_is_kept(entry: Any) -> None:
    event = translate(entry, received_at=NOW)
    assert isinstance(event, UnknownReceived)
    assert event.name.startswith("kf")
    assert json.dumps(event.fields)


@pytest.mark.parametrize("msgid", ["", "x" * 129, "m\n1", "消息", 7, None])
def test_a_message_id_of_another_form_is_no_key(msgid: Any) -> None:
    assert translate({**message("note"), "msgid": msgid}, received_at=NOW).key.startswith("wecom_kf:sha256:")


@pytest.mark.parametrize("seconds", [0, -1, "soon", None, 10**20, True])
def test_a_wrong_time_is_replaced_by_the_time_of_the_pull(seconds: Any) -> None:
    event = translate({**message("text"), "send_time": seconds}, received_at=NOW)
    assert isinstance(event, UnknownReceived)
    assert event.at == NOW


def test_an_empty_text_is_a_text() -> None:
    event = read({**message("text"), "text": {"content": ""}})
    assert isinstance(event, TextReceived)
    assert event.text == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from([*SAMPLES, *HAPPENED]), st.data())
def test_no_spoiled_field_raises(kind: str, data: st.DataObject) -> None:
    entry = message(kind) if kind in SAMPLES else happened(kind)
    place = data.draw(st.sampled_from(sorted(entry)))
    inner = entry.get(kind) or entry.get("event")
    if isinstance(inner, dict) and inner and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(VALUES)
    else:
        entry[place] = data.draw(VALUES)
    event = translate(entry, received_at=NOW)
    assert from_json(event.kind, to_json(event)) == event
