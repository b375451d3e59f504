"""企业群发: tasks for staff, who confirmed, what became of each receiver (92135, 93338, 97610, 97611)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from sandbox.api import Call, route
from sandbox.api_message import MEDIA_LIFE_S
from sandbox.broadcast_story import settle
from sandbox.broadcast_world import NOT_YET, OPEN, SENT, Share, Task
from sandbox.crowd import customers_of, follows, guides_of
from sandbox.world import ApiError, World

CONTACTS, GROUPS, TEXT_BYTES, ATTACHMENTS = 10_000, 2_000, 4_000, 9
TAGS, MONTH_S, DAY_S, REMINDERS = 100, 31 * 86_400, 86_400, 3
# What an attachment of each kind must name besides what it shows.
FIELDS = {
    "image": (), "video": ("media_id",), "file": ("media_id",), "link": ("title", "url"),
    "miniprogram": ("title", "pic_media_id", "appid", "page"),
}  # fmt: skip


@route("POST", "externalcontact/add_msg_template")
def add_msg_template(call: Call) -> dict[str, Any]:
    """A task for staff; nothing is sent before they confirm. Who cannot be reached is named in fail_list."""
    chat_type = call.body.get("chat_type") or "single"
    if chat_type not in ("single", "group"):
        raise ApiError(40058, "invalid Request Parameter: chat_type")
    text, attachments = _content(call)
    shares, failed = _groups(call) if chat_type == "group" else _contacts(call)
    if not any(shares.values()):
        raise ApiError(90501 if chat_type == "group" else 84061, "nobody to send to")
    task = Task(call.world.new_id("msg", 40), chat_type, text, attachments, call.clock.time())
    task.allow_select = chat_type == "single" and bool(call.body.get("allow_select"))
    for userid, receivers in shares.items():
        if receivers:
            task.shares[userid] = Share(userid, receivers, NOT_YET * len(receivers))
    call.world.broadcasts.tasks[task.msgid] = task
    call.effect = "delivered"
    return {"fail_list": failed, "msgid": task.msgid}


def _content(call: Call) -> tuple[str, list[dict[str, Any]]]:
    text = str((call.body.get("text") or {}).get("content") or "")
    attachments = call.body.get("attachments") or []
    if not text and not attachments:
        raise ApiError(40063, "some parameters are empty")
    if len(text.encode()) > TEXT_BYTES:
        raise ApiError(45002, "content size out of limit")
    if not isinstance(attachments, list) or len(attachments) > ATTACHMENTS:
        raise ApiError(40058, "invalid Request Parameter: attachments")
    for item in attachments:
        _check_attachment(call, item)
    return text, attachments


def _check_attachment(call: Call, item: dict[str, Any]) -> None:
    kind = item.get("msgtype")
    body = item.get(str(kind))
    if kind not in FIELDS or not isinstance(body, dict) or any(not body.get(name) for name in FIELDS[kind]):
        raise ApiError(40058, "invalid Request Parameter: attachments")
    if kind == "image" and not (body.get("media_id") or body.get("pic_url")):
        raise ApiError(40058, "invalid Request Parameter: attachments.image")
    media_id = body.get("media_id") or body.get("pic_media_id")
    media = call.world.media.get(str(media_id)) if media_id else None
    if media_id and (media is None or call.clock.time() - media["made_at"] > MEDIA_LIFE_S):
        raise ApiError(40007, "invalid media_id")


def _listed(call: Call, name: str, most: int) -> list[str] | None:
    given = call.body.get(name)
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > most or not all(isinstance(one, str) for one in given):
        raise ApiError(40058, f"invalid Request Parameter: {name}")
    return list(dict.fromkeys(given))


def _contacts(call: Call) -> tuple[dict[str, list[str]], list[str]]:
    """Each customer once, under the sender or under who follows them the longest."""
    world = call.world
    sender = world.guide(call.body["sender"]).userid if call.body.get("sender") else None
    named = _listed(call, "external_userid", CONTACTS)
    groups = (call.body.get("tag_filter") or {}).get("group_list") or []
    if not named and not groups and sender is None:
        raise ApiError(40058, "external_userid, tag_filter and sender all empty")
    if not named:
        everybody = [sender] if sender else list(world.guides)
        return {userid: _tagged(world, userid, groups) for userid in everybody}, []
    shares: dict[str, list[str]] = {}
    failed = []
    for external_userid in named:
        followers = guides_of(world, external_userid) if sender is None else []
        userid = sender if sender and follows(world, sender, external_userid) else next(iter(followers), None)
        if userid is None:
            failed.append(external_userid)
        else:
            shares.setdefault(userid, []).append(external_userid)
    return shares, failed


def _tagged(world: World, userid: str, groups: list[dict[str, Any]]) -> list[str]:
    """A guide's customers with a tag of every group."""
    wanted = [set(group.get("tag_list") or []) for group in groups]
    if any(not tags or len(tags) > TAGS for tags in wanted):
        raise ApiError(40058, "invalid Request Parameter: tag_filter")
    found = []
    for external_userid in customers_of(world, userid):
        person = world.customers.get(external_userid)
        tags = set(person.relations[userid].tags) if person else set()
        if all(tags & of for of in wanted):
            found.append(external_userid)
    return found


def _groups(call: Call) -> tuple[dict[str, list[str]], list[str]]:
    """Customer groups that the sender owns; without a list all of them."""
    if not call.body.get("sender"):
        raise ApiError(40058, "invalid Request Parameter: sender")
    userid = call.world.guide(call.body["sender"]).userid
    own = [group.chat_id for group in call.world.groups.values() if group.owner == userid and not group.dismissed]
    named = _listed(call, "chat_id_list", GROUPS)
    if named is None:
        return {userid: own[:GROUPS]}, []
    return {userid: [one for one in named if one in own]}, [one for one in named if one not in own]


# -- what became of it -------------------------------------------------------------------------------------------------


def _task(call: Call) -> Task:
    task = call.world.broadcasts.tasks.get(call.need("msgid"))
    if task is None:
        raise ApiError(40058, "invalid Request Parameter: msgid")
    settle(call.world, call.clock.time())
    return task


def _page(call: Call, rows: list[Any], most: int, usual: int) -> tuple[list[Any], str]:
    limit = call.body.get("limit", usual)
    if not isinstance(limit, int) or not 1 <= limit <= most:
        raise ApiError(40058, "invalid Request Parameter: limit")
    cursor = str(call.body.get("cursor") or "")
    try:
        start = int(base64.b64decode(cursor).decode()) if cursor else 0
    except ValueError:
        raise ApiError(50100, "invalid cursor") from None
    more = start + limit < len(rows)
    return rows[start : start + limit], base64.b64encode(str(start + limit).encode()).decode() if more else ""


@route("POST", "externalcontact/get_groupmsg_list_v2")
def get_groupmsg_list_v2(call: Call) -> dict[str, Any]:
    """Tasks of a month at most, the newest first. What the API made has no creator and is the corp's."""
    chat_type = call.need("chat_type")
    start, end = call.need("start_time", int), call.need("end_time", int)
    if end < start or end - start > MONTH_S:
        raise ApiError(40058, "invalid Request Parameter: end_time")
    personal = call.body.get("filter_type", 2) == 1 or call.body.get("creator")
    tasks = [] if personal else [*call.world.broadcasts.tasks.values()]
    found = [task for task in tasks if task.chat_type == chat_type and start <= task.made_at < end + 1]
    page, cursor = _page(call, found[::-1], 100, 50)
    return {"group_msg_list": [_shown(task) for task in page], "next_cursor": cursor}


def _shown(task: Task) -> dict[str, Any]:
    made = {"msgid": task.msgid, "create_time": str(int(task.made_at)), "create_type": 0}
    return {**made, "text": {"content": task.text}, "attachments": task.attachments}


@route("POST", "externalcontact/get_groupmsg_task")
def get_groupmsg_task(call: Call) -> dict[str, Any]:
    """Who has confirmed."""
    shares = list(_task(call).shares.values())
    page, cursor = _page(call, shares, 1000, 500)
    return {"task_list": [_confirmed(share) for share in page], "next_cursor": cursor}


def _confirmed(share: Share) -> dict[str, Any]:
    row: dict[str, Any] = {"userid": share.userid, "status": share.status}
    return {**row, "send_time": share.send_time} if share.status == SENT else row


@route("POST", "externalcontact/get_groupmsg_send_result")
def get_groupmsg_send_result(call: Call) -> dict[str, Any]:
    """What became of each receiver of a sender; not right after the task was made. Of groups only those that got it."""
    task = _task(call)
    share = task.shares.get(call.world.guide(call.body.get("userid")).userid)
    if share is None:
        raise ApiError(40058, "invalid Request Parameter: userid")
    if call.clock.time() - task.made_at < call.world.broadcasts.ready_s:
        raise ApiError(41063, "group msg result is not ready")
    page, cursor = _page(call, _rows(task, share), 1000, 500)
    name = "chat_id" if task.chat_type == "group" else "external_userid"
    rows: Iterable[dict[str, Any]] = (
        {name: receiver, "userid": share.userid, "status": int(outcome)} for receiver, outcome in page
    )
    sent = [{**row, "send_time": share.send_time} if row["status"] == 1 else row for row in rows]
    return {"send_list": sent, "next_cursor": cursor}


def _rows(task: Task, share: Share) -> list[tuple[str, str]]:
    pairs = zip(share.receivers, share.outcomes, strict=True)
    return [pair for pair in pairs if task.chat_type == "single" or pair[1] == "1"]


@route("POST", "externalcontact/remind_groupmsg_send")
def remind_groupmsg_send(call: Call) -> dict[str, Any]:
    """Staff who have not confirmed are reminded, three times within 24 hours at most."""
    task, now = _task(call), call.clock.time()
    if sum(1 for moment in task.reminded if now - moment < DAY_S) >= REMINDERS:
        raise ApiError(41094, "remind too often")
    task.reminded.append(now)
    for share in task.shares.values():
        if share.status == OPEN and not task.cancelled:
            told = {"at": call.clock.iso(), "msgtype": "reminded", "body": {}, "msgid": task.msgid}
            call.world.guides[share.userid].inbox.append({**told, "text": "提醒：有一条群发待发送"})
    call.effect = "delivered"
    settle(call.world, now)
    return {}


@route("POST", "externalcontact/cancel_groupmsg_send")
def cancel_groupmsg_send(call: Call) -> dict[str, Any]:
    """Nobody can confirm it any more; what was sent stays sent."""
    task = _task(call)
    task.cancelled, call.effect = True, "delivered"
    return {}
