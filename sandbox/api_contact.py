"""Customer contact: welcome messages, customers, contact ways, corp tags, groups."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.api import Call, route
from sandbox.api_tags import shown_tag
from sandbox.crowd import customers_of, pairs
from sandbox.world import ApiError, Customer, Group, Relation, WelcomeCode

WELCOME_S, WELCOME_BYTES, ATTACHMENTS = 20, 4000, 9


OWNERS, PEOPLE = 100, 1_000  # groupchat/list: owners a call; a larger corp must name some


@route("POST", "externalcontact/send_welcome_msg")
def send_welcome_msg(call: Call) -> dict[str, Any]:
    """Once, within twenty virtual seconds."""
    code_text = call.body.get("welcome_code")
    if not code_text:
        raise ApiError(41049, "missing welcome code")
    code = call.world.codes.get(str(code_text))
    if code is None or (not code.used and call.clock.time() - code.made_at > WELCOME_S):
        raise ApiError(41050, "invalid welcome code")
    if code.used:
        raise ApiError(41051, "external user has started chatting")
    text = (call.body.get("text") or {}).get("content") or ""
    attachments = call.body.get("attachments") or []
    if not text and not attachments:
        raise ApiError(40063, "empty welcome message")
    if len(text.encode()) > WELCOME_BYTES:
        raise ApiError(45002, "content size out of limit")
    if len(attachments) > ATTACHMENTS:
        raise ApiError(40058, "more than 9 attachments")
    for item in attachments:
        media_id = (item.get(item.get("msgtype")) or {}).get("media_id")
        if media_id and media_id not in call.world.media:
            raise ApiError(40007, "invalid media_id")
    code.used, call.effect = True, "delivered"
    chat = {"at": call.clock.iso(), "userid": code.userid, "from": "guide", "text": text, "attachments": attachments}
    call.world.customer(code.external_userid).chats.append(chat)
    return {}


def new_code(call_world: Any, external_userid: str, userid: str, now: float) -> str:
    """A welcome code for a join."""
    code: str = call_world.new_id("WC", 40)
    call_world.codes[code] = WelcomeCode(external_userid, userid, now)
    return code


# -- customers -----------------------------------------------------------------------------------------------------


@route("GET", "externalcontact/get_follow_user_list")
def get_follow_user_list(call: Call) -> dict[str, Any]:
    """Staff who may have customers."""
    return {"follow_user": list(call.world.guides)}


@route("GET", "externalcontact/list")
def list_customers(call: Call) -> dict[str, Any]:
    """A guide's customers."""
    guide = call.world.guide(call.query.get("userid"))
    ids = list(customers_of(call.world, guide.userid))
    if not ids:
        raise ApiError(84061, "not external contact")
    return {"external_userid": ids}


@route("GET", "externalcontact/get")
def get_customer(call: Call) -> dict[str, Any]:
    """A customer and everyone who follows; 84061 when nobody does."""
    customer = call.world.customer(call.query.get("external_userid"))
    if not customer.relations:
        raise ApiError(84061, "not external contact")
    follow_user = [_follower(call, relation) for relation in customer.relations.values()]
    return {"external_contact": _profile(customer), "follow_user": follow_user}


@route("POST", "externalcontact/batch/get_by_user")
def get_by_user(call: Call) -> dict[str, Any]:
    """Customers of up to 100 guides, page by page."""
    users = call.need("userid_list", list)
    if len(users) > 100:
        raise ApiError(40058, "userid_list more than 100")
    limit = min(int(call.body.get("limit") or 50), 100)
    start = _position(call.body.get("cursor") or "")
    found, more = pairs(call.world, users, start, limit)
    if not found and not start:
        raise ApiError(84061, "not external contact")
    page = [
        {"external_contact": _profile(customer), "follow_info": _follow_info(call, customer.relations[user])}
        for customer, user in found
    ]
    cursor = base64.b64encode(str(start + limit).encode()).decode() if more else ""
    return {"external_contact_list": page, "next_cursor": cursor}


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode()) if cursor else 0
    except ValueError:
        raise ApiError(50100, "invalid cursor") from None


def _profile(customer: Customer) -> dict[str, Any]:
    profile = {
        "external_userid": customer.external_userid,
        "name": customer.name,
        "type": 1,
        "gender": customer.gender,
        "avatar": f"https://wx.qlogo.cn/sandbox/{customer.external_userid}",
    }
    return {**profile, "unionid": customer.unionid} if customer.unionid else profile


def _follower(call: Call, relation: Relation) -> dict[str, Any]:
    tags = [shown_tag(call.world, tag_id) for tag_id in relation.tags]
    follower = {
        "userid": relation.userid,
        "remark": relation.remark,
        "description": "",
        "createtime": relation.createtime,
        "tags": tags,
        "remark_mobiles": list(relation.mobiles),
        "oper_userid": relation.userid,
        "add_way": relation.add_way,
    }
    return {**follower, "state": relation.state} if relation.state else follower


def _follow_info(call: Call, relation: Relation) -> dict[str, Any]:
    info = _follower(call, relation)
    info.pop("tags")
    return {**info, "tag_id": list(relation.tags)}


@route("POST", "externalcontact/remark")
def remark(call: Call) -> dict[str, Any]:
    """A guide's own note on a customer."""
    relation = call.world.relation(call.body.get("external_userid"), call.body.get("userid"))
    call.limit("remark", str(call.body.get("remark") or ""), 20)
    relation.remark, call.effect = str(call.body.get("remark") or relation.remark), "delivered"
    if isinstance(call.body.get("remark_mobiles"), list):
        relation.mobiles = [str(one) for one in call.body["remark_mobiles"] if one]
    return {}


# -- groups ----------------------------------------------------------------------------------------------------------


@route("POST", "externalcontact/groupchat/list")
def groupchat_list(call: Call) -> dict[str, Any]:
    """Customer groups, page by page."""
    limit = call.need("limit", int)
    if not 1 <= limit <= 1000:
        raise ApiError(40058, "invalid limit")
    owners = (call.body.get("owner_filter") or {}).get("userid_list") or []
    if len(owners) > OWNERS:
        raise ApiError(40058, "invalid Request Parameter: owner_filter")
    if not owners and len(call.world.guides) > PEOPLE:
        raise ApiError(81017, "owner_filter is needed")
    groups = [
        group for group in call.world.groups.values() if not group.dismissed and (not owners or group.owner in owners)
    ]
    start = _position(call.body.get("cursor") or "")
    page = [{"chat_id": group.chat_id, "status": 0} for group in groups[start : start + limit]]
    cursor = base64.b64encode(str(start + limit).encode()).decode() if start + limit < len(groups) else ""
    return {"group_chat_list": page, "next_cursor": cursor}


@route("POST", "externalcontact/groupchat/get")
def groupchat_get(call: Call) -> dict[str, Any]:
    """A group; what changed a moment ago may not be in it yet."""
    group = call.world.group(call.need("chat_id"))
    if not group.shown or call.clock.time() >= group.visible_at:
        group.shown = group_chat(group)
    return {"group_chat": group.shown}


def group_chat(group: Group) -> dict[str, Any]:
    """A group as the API shows it."""
    return {
        "chat_id": group.chat_id,
        "name": group.name,
        "owner": group.owner,
        "create_time": group.create_time,
        "notice": "",
        "member_list": [dict(member) for member in group.members],
        "admin_list": [],
        "member_version": group.member_version,
    }
