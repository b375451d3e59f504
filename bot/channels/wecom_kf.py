"""微信客服 KF: what `kf/sync_msg` lists, as our events.

What does not fit becomes UnknownReceived: it is kept and counted, and the cursor may go on. Source:
developer.work.weixin.qq.com document 94670.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.channels.json_fields import (
    decimal,
    inner,
    moment,
    name_of,
    number,
    objects,
    optional,
    optional_number,
    present,
    text,
)
from bot.channels.wecom_fields import CONTACT, Doc, Misfit
from bot.events import Address, Event, TextReceived, UnknownReceived
from bot.kf_events import (
    KfBareReceived,
    KfCardReceived,
    KfChannelsReceived,
    KfLinkReceived,
    KfLocationReceived,
    KfMediaReceived,
    KfMenuReceived,
    KfMergedReceived,
    KfMessage,
    KfMiniProgramReceived,
    KfProductReceived,
    KfRecalled,
    KfRejectSwitchChanged,
    KfSendFailed,
    KfServicerStatusChanged,
    KfServicerWrote,
    KfSessionChanged,
    KfSessionEntered,
    KfShopOrderReceived,
)

SOURCE = "wecom_kf"
CUSTOMER, SYSTEM, SERVICER = 3, 4, 5
_MAX_ID = 128

Own = Callable[[Doc], dict[str, Any]]


def translate(message: Any, *, received_at: datetime) -> Event:
    """One entry of `msg_list` as an event; `received_at` is used only where send_time is missing or wrong."""
    doc: Doc = message if type(message) is dict else {"message": message}
    key = _key(doc)
    try:
        return _read(doc, {"key": key, "source": SOURCE, "at": moment(doc, "send_time")})
    except (Misfit, KeyError):
        return UnknownReceived(key=key, source=SOURCE, at=_moment_or(doc, received_at), name=_name(doc), fields=doc)


def _read(doc: Doc, head: dict[str, Any]) -> Event:
    msgtype, origin = text(doc, "msgtype"), number(doc, "origin")
    if msgtype == "event":
        event = inner(doc, "event")
        return EVENTS[text(event, "event_type")](head, event)
    if origin == SERVICER:
        return _servicer_wrote(head, doc, msgtype)
    if origin != CUSTOMER:
        raise Misfit("origin")
    external_userid = text(doc, "external_userid")
    head |= {
        "sender": Address(CONTACT, external_userid), "msg_id": text(doc, "msgid"), "open_kfid": text(doc, "open_kfid")
    }  # fmt: skip
    if msgtype == "text":
        own = inner(doc, "text")
        return TextReceived(**head, text=present(own, "content"), menu_id=optional(own, "menu_id"))
    cls, read = MESSAGES[msgtype]
    body = doc.get(msgtype)
    return cls(**head, msgtype=msgtype, **read(body if type(body) is dict else {}))


def _key(doc: Doc) -> str:
    """WeCom's msgid; a message without a sound one is known by what it says."""
    msg_id = doc.get("msgid")
    if type(msg_id) is str and 0 < len(msg_id) <= _MAX_ID and msg_id.isascii() and msg_id.isprintable():
        return f"{SOURCE}:msg:{msg_id}"
    plain = json.dumps(doc, sort_keys=True, ensure_ascii=True)
    return f"{SOURCE}:sha256:{sha256(plain.encode()).hexdigest()}"


def _moment_or(doc: Doc, otherwise: datetime) -> datetime:
    try:
        return moment(doc, "send_time")
    except Misfit:
        return otherwise


def _name(doc: Doc) -> str:
    event = doc.get("event")
    kinds = [doc.get("msgtype"), event.get("event_type") if type(event) is dict else None]
    return ".".join(["kf", *[kind[:_MAX_ID] for kind in kinds if type(kind) is str]])


def _servicer_wrote(head: dict[str, Any], doc: Doc, msgtype: str) -> KfServicerWrote:
    content = doc.get(msgtype)
    return KfServicerWrote(
        **head, open_kfid=text(doc, "open_kfid"), external_userid=text(doc, "external_userid"),
        msg_id=text(doc, "msgid"), msgtype=msgtype, servicer_userid=optional(doc, "servicer_userid"),
        content=content if type(content) is dict else {},
    )  # fmt: skip


def _texts(doc: Doc, *names: str) -> dict[str, Any]:
    return {name: optional(doc, name) for name in names}


_MEDIA: tuple[type[KfMessage], Own] = (KfMediaReceived, lambda doc: {"media_id": text(doc, "media_id")})
_BARE: tuple[type[KfMessage], Own] = (KfBareReceived, lambda _: {})

MESSAGES: Mapping[str, tuple[type[KfMessage], Own]] = {
    **dict.fromkeys(("image", "voice", "video", "file"), _MEDIA),
    "location": (
        KfLocationReceived,
        lambda doc: {
            "latitude": decimal(doc, "latitude"),
            "longitude": decimal(doc, "longitude"),
            **_texts(doc, "name", "address"),
        },
    ),
    "link": (KfLinkReceived, lambda doc: {"url": text(doc, "url"), **_texts(doc, "title", "desc", "pic_url")}),
    "business_card": (KfCardReceived, lambda doc: {"userid": text(doc, "userid")}),
    "miniprogram": (
        KfMiniProgramReceived,
        lambda doc: {"appid": text(doc, "appid"), **_texts(doc, "pagepath", "title", "thumb_media_id")},
    ),
    "msgmenu": (
        KfMenuReceived,
        lambda doc: {"entries": objects(doc, "list"), **_texts(doc, "head_content", "tail_content")},
    ),
    "channels_shop_product": (
        KfProductReceived,
        lambda doc: {
            "product_id": name_of(doc, "product_id"),
            "sales_price": optional_number(doc, "sales_price"),
            **_texts(doc, "title", "head_image", "shop_nickname", "shop_head_image"),
        },
    ),
    "channels_shop_order": (
        KfShopOrderReceived,
        lambda doc: {
            "order_id": name_of(doc, "order_id"),
            **_texts(doc, "product_titles", "price_wording", "state", "image_url", "shop_nickname"),
        },
    ),
    "merged_msg": (KfMergedReceived, lambda doc: {"items": objects(doc, "item"), **_texts(doc, "title")}),
    "channels": (
        KfChannelsReceived,
        lambda doc: {"sub_type": number(doc, "sub_type"), **_texts(doc, "nickname", "title")},
    ),
    **dict.fromkeys(("meeting", "calendar", "note"), _BARE),
}


def _pair(head: dict[str, Any], doc: Doc) -> dict[str, Any]:
    """Whose conversation an event is about. For events the names stand inside, not in the envelope."""
    external_userid = text(doc, "external_userid")
    return {
        **head,
        "sender": Address(CONTACT, external_userid),
        "open_kfid": text(doc, "open_kfid"),
        "external_userid": external_userid,
    }


def _entered(head: dict[str, Any], doc: Doc) -> Event:
    channels = doc.get("wechat_channels")
    return KfSessionEntered(
        **_pair(head, doc),
        **_texts(doc, "scene", "scene_param", "welcome_code"),
        wechat_channels=channels if type(channels) is dict else {},
    )


def _failed(head: dict[str, Any], doc: Doc) -> Event:
    return KfSendFailed(**_pair(head, doc), fail_msgid=text(doc, "fail_msgid"), fail_type=number(doc, "fail_type"))


def _changed(head: dict[str, Any], doc: Doc) -> Event:
    more = _texts(doc, "old_servicer_userid", "new_servicer_userid", "msg_code")
    return KfSessionChanged(**_pair(head, doc), change_type=number(doc, "change_type"), **more)


def _servicer_status(head: dict[str, Any], doc: Doc) -> Event:
    return KfServicerStatusChanged(
        **head, open_kfid=text(doc, "open_kfid"), servicer_userid=text(doc, "servicer_userid"),
        status=number(doc, "status"), stop_type=optional_number(doc, "stop_type"),
    )  # fmt: skip


def _recalled(head: dict[str, Any], doc: Doc) -> Event:
    return KfRecalled(**_pair(head, doc), recall_msgid=text(doc, "recall_msgid"), **_texts(doc, "servicer_userid"))


def _reject_switch(head: dict[str, Any], doc: Doc) -> Event:
    return KfRejectSwitchChanged(
        **head, servicer_userid=text(doc, "servicer_userid"), reject_switch=number(doc, "reject_switch"),
        **_texts(doc, "open_kfid", "external_userid"),
    )  # fmt: skip


EVENTS: Mapping[str, Callable[[dict[str, Any], Doc], Event]] = {
    "enter_session": _entered,
    "msg_send_fail": _failed,
    "session_status_change": _changed,
    "servicer_status_change": _servicer_status,
    "user_recall_msg": _recalled,
    "servicer_recall_msg": _recalled,
    "reject_customer_msg_switch_change": _reject_switch,
}
