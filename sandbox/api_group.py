"""Customer groups beyond looking at them: join ways, welcome templates, numbers. None of it raises a callback."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.api import Call, route
from sandbox.world import ApiError, Group, Guide, World

ZONE = ZoneInfo("Asia/Shanghai")
WAY_FIELDS = ("scene", "remark", "auto_create_room", "room_base_name", "room_base_id", "chat_id_list", "state")
GROUPS_A_WAY, CHARACTERS, ROOM_NAME = 5, 30, 40
TEMPLATES, TEMPLATE_BYTES = 100, 3000
ELEMENTS = ("image", "link", "miniprogram", "file", "video")  # one of them counts, the first in this order
OLDEST, LONGEST = timedelta(days=180), timedelta(days=30)

# -- join ways ---------------------------------------------------------------------------------------------------------


def make_join_way(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    """A new way into groups, however it was asked for."""
    config_id = world.new_id("", 32)
    way = {**_way_fields(world, fields), "config_id": config_id}
    way["qr_code"] = f"https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=sandboxgroup{config_id}"
    world.join_ways[config_id] = way
    return way


def _way_fields(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    """What is given and nothing else: an update forgets what it does not name."""
    chats = fields.get("chat_id_list")
    if fields.get("scene") not in (1, 2):
        raise ApiError(41039, "invalid scene")
    if not isinstance(chats, list) or not chats:
        raise ApiError(40058, "invalid Request Parameter: chat_id_list")
    if len(chats) > GROUPS_A_WAY:
        raise ApiError(41091, "more than 5 groups of a join way")
    for chat_id in chats:
        world.group(chat_id)
    for name, most in (("remark", CHARACTERS), ("state", CHARACTERS), ("room_base_name", ROOM_NAME)):
        if len(str(fields.get(name) or "")) > most:
            raise ApiError(40058, f"{name} is longer than {most}")
    return {name: fields[name] for name in WAY_FIELDS if name in fields}


def _way(call: Call) -> dict[str, Any]:
    way = call.world.join_ways.get(call.need("config_id"))
    if way is None:
        raise ApiError(41037, "config_id not found")
    return way


@route("POST", "externalcontact/groupchat/add_join_way")
def add_join_way(call: Call) -> dict[str, Any]:
    """A QR code into up to five groups; its state is seen on whoever comes by it."""
    way = make_join_way(call.world, call.body)
    call.effect = "delivered"
    return {"config_id": way["config_id"]}


@route("POST", "externalcontact/groupchat/get_join_way")
def get_join_way(call: Call) -> dict[str, Any]:
    """One way. There is no list of them."""
    return {"join_way": _way(call)}


@route("POST", "externalcontact/groupchat/update_join_way")
def update_join_way(call: Call) -> dict[str, Any]:
    """Overwrites all of it."""
    way = _way(call)
    fields = _way_fields(call.world, call.body)
    kept = {name: way[name] for name in ("config_id", "qr_code")}
    call.world.join_ways[way["config_id"]] = {**fields, **kept}
    call.effect = "delivered"
    return {}


@route("POST", "externalcontact/groupchat/del_join_way")
def del_join_way(call: Call) -> dict[str, Any]:
    """The code works no more."""
    del call.world.join_ways[_way(call)["config_id"]]
    call.effect = "delivered"
    return {}


# -- the library of welcomes -------------------------------------------------------------------------------------------


def _template(call: Call) -> dict[str, Any]:
    content = str((call.body.get("text") or {}).get("content") or "")
    element = next((name for name in ELEMENTS if call.body.get(name)), None)
    if not content and element is None:
        raise ApiError(40063, "empty welcome template")
    if len(content.encode()) > TEMPLATE_BYTES:
        raise ApiError(45002, "content size out of limit")
    if element == "link" and not (call.body["link"].get("title") and call.body["link"].get("url")):
        raise ApiError(40058, "invalid Request Parameter: link")
    return {"text": {"content": content}, **({element: call.body[element]} if element else {})}


def _known_template(call: Call) -> str:
    template_id = str(call.need("template_id"))
    if template_id not in call.world.welcomes:
        raise ApiError(41058, "invalid template_id")
    return template_id


@route("POST", "externalcontact/group_welcome_template/add")
def add_welcome(call: Call) -> dict[str, Any]:
    """Into the library; staff apply it in their client, group by group."""
    if len(call.world.welcomes) >= TEMPLATES:
        raise ApiError(41055, "more than 100 welcome templates")
    template, template_id = _template(call), call.world.new_id("msg", 32)
    call.world.welcomes[template_id] = template
    call.effect = "delivered"
    return {"template_id": template_id}


@route("POST", "externalcontact/group_welcome_template/get")
def get_welcome(call: Call) -> dict[str, Any]:
    """One template."""
    return dict(call.world.welcomes[_known_template(call)])


@route("POST", "externalcontact/group_welcome_template/edit")
def edit_welcome(call: Call) -> dict[str, Any]:
    """Another text for one."""
    call.world.welcomes[_known_template(call)], call.effect = _template(call), "delivered"
    return {}


@route("POST", "externalcontact/group_welcome_template/del")
def del_welcome(call: Call) -> dict[str, Any]:
    """Out of the library."""
    del call.world.welcomes[_known_template(call)]
    call.effect = "delivered"
    return {}


# -- numbers -----------------------------------------------------------------------------------------------------------


def _window(call: Call) -> tuple[float, float]:
    """From the beginning of the first day to the end of the last; today is not counted yet."""
    begin = float(call.need("day_begin_time", int))
    end = float(call.body.get("day_end_time") or begin)
    today = datetime.fromtimestamp(call.clock.time(), ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    if begin < (today - OLDEST).timestamp() or end < begin or end - begin > LONGEST.total_seconds():
        raise ApiError(40058, "invalid Request Parameter: day_begin_time, day_end_time")
    return begin, min(end + 86_400, today.timestamp())


def _owners(call: Call) -> list[Guide]:
    names = (call.body.get("owner_filter") or {}).get("userid_list")
    if not isinstance(names, list) or not 1 <= len(names) <= 100:
        raise ApiError(40058, "invalid Request Parameter: owner_filter.userid_list")
    return [call.world.guide(name) for name in names]


def counted(groups: Iterable[Group], begin: float, end: float) -> dict[str, int]:
    """What WeCom tells of some groups together between two moments."""
    data = dict.fromkeys(
        ("new_chat_cnt", "chat_total", "chat_has_msg", "new_member_cnt", "member_total", "member_has_msg", "msg_total"),
        0,
    )
    for group in groups:
        said = [person for at, person in group.said if begin <= at < end]
        data["new_chat_cnt"] += begin <= group.create_time < end
        data["chat_total"] += group.create_time < end
        data["chat_has_msg"] += bool(said)
        data["new_member_cnt"] += sum(begin <= member["join_time"] < end for member in group.members)
        data["member_total"] += sum(member["join_time"] < end for member in group.members)
        data["member_has_msg"] += len(set(said))
        data["msg_total"] += len(said)
    return data


def _of(call: Call, owners: Iterable[Guide]) -> list[Group]:
    names = {owner.userid for owner in owners}
    return [group for group in call.world.groups.values() if group.owner in names and not group.dismissed]


@route("POST", "externalcontact/groupchat/statistic")
def statistic(call: Call) -> dict[str, Any]:
    """Per owner, page by page."""
    begin, end = _window(call)
    owners = [owner for owner in _owners(call) if _of(call, [owner])]
    offset, limit = int(call.body.get("offset") or 0), int(call.body.get("limit") or 500)
    if not 1 <= limit <= 1000 or offset < 0:
        raise ApiError(40058, "invalid Request Parameter: limit")
    page = owners[offset : offset + limit]
    items = [{"owner": owner.userid, "data": counted(_of(call, [owner]), begin, end)} for owner in page]
    return {"total": len(owners), "next_offset": offset + len(page), "items": items}


@route("POST", "externalcontact/groupchat/statistic_group_by_day")
def statistic_group_by_day(call: Call) -> dict[str, Any]:
    """All these owners together, a row a day."""
    begin, end = _window(call)
    groups, items = _of(call, _owners(call)), []
    while begin < end:
        items.append({"stat_time": int(begin), "data": counted(groups, begin, begin + 86_400)})
        begin += 86_400
    return {"items": items}
