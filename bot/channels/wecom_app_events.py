"""应用事件 app events: menus, cards, scans, the directory, the app's own fate: from fields to our events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.channels.wecom_contact_events import own_fields
from bot.channels.wecom_fields import (
    Doc,
    Head,
    Misfit,
    decimal,
    entries,
    inner,
    number,
    optional,
    optional_decimal,
    optional_moment,
    optional_number,
    present,
    text,
    texts,
)
from bot.events import (
    AppActivityChanged,
    AppEntered,
    AppEvent,
    ApprovalChanged,
    AppSubscribed,
    AppUnsubscribed,
    BatchJobFinished,
    CardClicked,
    CardMenuClicked,
    CodeScanned,
    DirectoryChanged,
    Event,
    LocationPicked,
    LocationReported,
    MenuClicked,
    MenuViewed,
    MiniProgramViewed,
    PhotosSent,
    ShareChanged,
)

Read = Callable[[Head, Doc], Event]


def _event(cls: type[AppEvent], own: Callable[[Doc], dict[str, Any]], *, personal: bool = True) -> Read:
    """A reader of one event. A `personal` one is something a staff member did, so it must say who."""

    def read(head: Head, doc: Doc) -> Event:
        if personal and head.sender is None:
            raise Misfit("FromUserName")
        return cls(**head._asdict(), agent_id=optional(doc, "AgentID"), **own(doc))

    return read


def _nothing(_: Doc) -> dict[str, Any]:
    return {}


def _location(doc: Doc) -> dict[str, Any]:
    return {
        "latitude": decimal(doc, "Latitude"),
        "longitude": decimal(doc, "Longitude"),
        "precision": optional_decimal(doc, "Precision"),
    }


def _scan(doc: Doc) -> dict[str, Any]:
    info = inner(doc, "ScanCodeInfo")
    return {
        "menu_key": present(doc, "EventKey"),
        "scan_type": text(info, "ScanType"),
        "scan_result": text(info, "ScanResult"),
        "waiting": text(doc, "Event").lower() == "scancode_waitmsg",
    }


def _photos(doc: Doc) -> dict[str, Any]:
    info = inner(doc, "SendPicsInfo")
    pictures = entries(info, "PicList", "item")
    if not all(type(picture) is dict for picture in pictures):
        raise Misfit("PicList/item")
    return {
        "name": text(doc, "Event").lower(),
        "menu_key": present(doc, "EventKey"),
        "count": number(info, "Count"),
        "md5s": tuple(text(picture, "PicMd5Sum") for picture in pictures),
    }


def _picked(doc: Doc) -> dict[str, Any]:
    info = inner(doc, "SendLocationInfo")
    return {
        "menu_key": present(doc, "EventKey"),
        "latitude": decimal(info, "Location_X"),
        "longitude": decimal(info, "Location_Y"),
        "scale": optional_number(info, "Scale"),
        "label": optional(info, "Label"),
        "poi_name": optional(info, "Poiname"),
    }


def _job(doc: Doc) -> dict[str, Any]:
    job = inner(doc, "BatchJob")
    return {
        "job_id": text(job, "JobId"),
        "job_type": text(job, "JobType"),
        "errcode": number(job, "ErrCode"),
        "errmsg": optional(job, "ErrMsg"),
    }


def _card_menu(doc: Doc) -> dict[str, Any]:
    return {
        "task_id": text(doc, "TaskId"),
        "event_key": present(doc, "EventKey"),
        "card_type": optional(doc, "CardType"),
        "response_code": optional(doc, "ResponseCode"),
    }


def _card(doc: Doc) -> dict[str, Any]:
    selected: dict[str, list[str]] = {}
    for item in entries(doc, "SelectedItems", "SelectedItem"):
        if type(item) is not dict:
            raise Misfit("SelectedItems/SelectedItem")
        question = text(item, "QuestionKey")
        if question in selected:
            raise Misfit("SelectedItems/SelectedItem/QuestionKey")
        selected[question] = list(texts(item, "OptionIds", "OptionId"))
    return {**_card_menu(doc), "selected": selected}


def _activity(doc: Doc) -> dict[str, Any]:
    return {"name": text(doc, "Event").lower(), "effect_time": optional_moment(doc, "EffectTime")}


_LOW_ACTIVE = (
    "inactive_alert",
    "low_active_alert",
    "close_inactive_agent",
    "reopen_inactive_agent",
    "low_active",
    "active_restored",
)

EVENTS: Mapping[str, Read] = {
    "subscribe": _event(AppSubscribed, _nothing),
    "unsubscribe": _event(AppUnsubscribed, _nothing),
    "enter_agent": _event(AppEntered, _nothing),
    "location": _event(LocationReported, _location),
    "click": _event(MenuClicked, lambda doc: {"menu_key": text(doc, "EventKey")}),
    "view": _event(MenuViewed, lambda doc: {"url": text(doc, "EventKey")}),
    "view_miniprogram": _event(MiniProgramViewed, lambda doc: {"page": present(doc, "EventKey")}),
    **dict.fromkeys(("scancode_push", "scancode_waitmsg"), _event(CodeScanned, _scan)),
    **dict.fromkeys(("pic_sysphoto", "pic_photo_or_album", "pic_weixin"), _event(PhotosSent, _photos)),
    "location_select": _event(LocationPicked, _picked),
    "batch_job_result": _event(BatchJobFinished, _job, personal=False),
    "change_contact": _event(
        DirectoryChanged,
        lambda doc: {"change_type": text(doc, "ChangeType"), "fields": own_fields(doc)},
        personal=False,
    ),
    "open_approval_change": _event(
        ApprovalChanged, lambda doc: {"fields": {"ApprovalInfo": inner(doc, "ApprovalInfo")}}, personal=False
    ),
    **dict.fromkeys(
        ("share_agent_change", "share_chain_change"),
        _event(ShareChanged, lambda doc: {"name": text(doc, "Event").lower()}, personal=False),
    ),
    "template_card_event": _event(CardClicked, _card),
    "template_card_menu_event": _event(CardMenuClicked, _card_menu),
    **dict.fromkeys(_LOW_ACTIVE, _event(AppActivityChanged, _activity, personal=False)),
}
