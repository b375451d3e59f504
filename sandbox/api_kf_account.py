"""微信客服 accounts: the accounts themselves, their links, their servicers, and the customers who came."""

from __future__ import annotations

import re
from typing import Any

from sandbox.api import Call, route
from sandbox.api_kf import account_of
from sandbox.kf_content import usable_media
from sandbox.kf_world import OFF, SESSION_S, Account, Session
from sandbox.world import ApiError

ACCOUNTS, UNVERIFIED, NAME = 5000, 10, 16
SERVICERS, DEPARTMENTS, AT_ONCE = 2000, 20, 100
SCENE = re.compile(r"[0-9a-zA-Z_-]{0,32}")


def _name(call: Call) -> str:
    name = call.body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > NAME:
        raise ApiError(95006, f"name is not 1 to {NAME} characters")
    return name


@route("POST", "kf/account/add")
def add(call: Call) -> dict[str, Any]:
    """A new account; ten at most for a corp that is not verified."""
    accounts, name = call.world.kf.accounts, _name(call)
    if call.faults.kf_unverified and len(accounts) >= UNVERIFIED:
        raise ApiError(95027, "corp is not verified")
    if len(accounts) >= ACCOUNTS:
        raise ApiError(95005, "too many accounts")
    usable_media(call, call.body.get("media_id"), "image")
    account = Account(call.world.new_id("wk"), name, call.body["media_id"])
    accounts[account.open_kfid] = account
    call.effect = "delivered"
    return {"open_kfid": account.open_kfid}


@route("POST", "kf/account/update")
def update(call: Call) -> dict[str, Any]:
    """Change what is given."""
    account = account_of(call)
    name = _name(call) if "name" in call.body else account.name
    if "media_id" in call.body:
        usable_media(call, call.body["media_id"], "image")
        account.media_id = call.body["media_id"]
    account.name, call.effect = name, "delivered"
    return {}


@route("POST", "kf/account/del")
def delete(call: Call) -> dict[str, Any]:
    """The account is gone, and its sessions with it."""
    del call.world.kf.accounts[account_of(call).open_kfid]
    call.effect = "delivered"
    return {}


@route("POST", "kf/account/list")
def list_accounts(call: Call) -> dict[str, Any]:
    """A hundred at most."""
    offset, limit = call.body.get("offset") or 0, call.body.get("limit") or AT_ONCE
    if offset < 0 or not 1 <= limit <= AT_ONCE:
        raise ApiError(40058, f"limit is not 1 to {AT_ONCE}")
    page = list(call.world.kf.accounts.values())[offset : offset + limit]
    return {
        "account_list": [
            {"open_kfid": one.open_kfid, "name": one.name, "avatar": one.avatar, "manage_privilege": True}
            for one in page
        ]
    }


@route("POST", "kf/add_contact_way")
def add_contact_way(call: Call) -> dict[str, Any]:
    """A link into the account; `&scene_param=` may be put behind it."""
    account, scene = account_of(call), call.body.get("scene") or ""
    if not isinstance(scene, str) or not SCENE.fullmatch(scene):
        raise ApiError(40058, "invalid Request Parameter: scene")
    mark = call.world.new_id("ENC", 32)
    account.ways[mark] = scene
    call.effect = "delivered"
    return {"url": f"https://work.weixin.qq.com/kfid/kfc{account.open_kfid[2:19]}?enc_scene={mark}"}


# -- servicers -------------------------------------------------------------------------------------------------------


@route("POST", "kf/servicer/add")
def add_servicers(call: Call) -> dict[str, Any]:
    """People and departments who may answer; each has a result of its own."""
    account, people, departments = _named(call)
    known = {userid for userid in people if userid in call.world.guides}
    if len(known | set(account.servicers)) > SERVICERS or len({*departments, *account.departments}) > DEPARTMENTS:
        raise ApiError(95020, "too many servicers")
    for userid in known - set(account.servicers):
        account.servicers[userid] = {"status": 0, "stop_type": 0}
    account.departments = list(dict.fromkeys([*account.departments, *departments]))
    call.effect = "delivered"
    results = [_result("userid", userid, 0 if userid in known else 40003) for userid in people]
    return {"result_list": [*results, *[_result("department_id", number, 0) for number in departments]]}


@route("POST", "kf/servicer/del")
def del_servicers(call: Call) -> dict[str, Any]:
    """They answer no more."""
    account, people, departments = _named(call)
    call.effect = "delivered"
    results = [
        _result("userid", userid, 95014 if account.servicers.pop(userid, None) is None else 0) for userid in people
    ]
    account.departments = [number for number in account.departments if number not in departments]
    return {"result_list": [*results, *[_result("department_id", number, 0) for number in departments]]}


@route("GET", "kf/servicer/list")
def list_servicers(call: Call) -> dict[str, Any]:
    """Everyone who answers, on or off, and the departments."""
    account = account_of(call)
    people = [_shown(userid, duty) for userid, duty in account.servicers.items()]
    return {"servicer_list": [*people, *[{"department_id": number} for number in account.departments]]}


def _shown(userid: str, duty: dict[str, int]) -> dict[str, Any]:
    shown = {"userid": userid, "status": duty["status"]}
    return {**shown, "stop_type": duty["stop_type"]} if duty["status"] == OFF else shown


def _named(call: Call) -> tuple[Account, list[str], list[int]]:
    account = account_of(call)
    people, departments = call.body.get("userid_list") or [], call.body.get("department_id_list") or []
    if len(people) > AT_ONCE or len(departments) > AT_ONCE or not (people or departments):
        raise ApiError(40058, f"userid_list and department_id_list are not 1 to {AT_ONCE}")
    if not all(isinstance(one, str) for one in people) or not all(isinstance(one, int) for one in departments):
        raise ApiError(40058, "invalid Request Parameter: userid_list")
    return account, [userid.lower() for userid in people], departments


def _result(name: str, value: str | int, errcode: int) -> dict[str, Any]:
    errmsg = {0: "success", 40003: "invalid UserID", 95014: "user is not a servicer"}[errcode]
    return {name: value, "errcode": errcode, "errmsg": errmsg}


# -- customers -------------------------------------------------------------------------------------------------------


@route("POST", "kf/customer/batchget")
def batchget(call: Call) -> dict[str, Any]:
    """Customers who wrote or came within 48 hours; the others are invalid."""
    wanted = call.need("external_userid_list", list)
    if len(wanted) > AT_ONCE:
        raise ApiError(40058, f"external_userid_list is more than {AT_ONCE}")
    found = {key: _recent(call, key) for key in dict.fromkeys(wanted) if isinstance(key, str)}
    return {
        "customer_list": [_customer(call, key, sessions) for key, sessions in found.items() if sessions],
        "invalid_external_userid": [key for key, sessions in found.items() if not sessions],
    }


def _recent(call: Call, external_userid: str) -> list[Session]:
    accounts, now = call.world.kf.accounts.values(), call.clock.time()
    sessions = [one.sessions[external_userid] for one in accounts if external_userid in one.sessions]
    return [one for one in sessions if now - max(one.spoke_at or 0.0, one.entered_at or 0.0) <= SESSION_S]


def _customer(call: Call, external_userid: str, sessions: list[Session]) -> dict[str, Any]:
    customer = call.world.customers[external_userid]
    shown: dict[str, Any] = {
        "external_userid": external_userid,
        "nickname": customer.name,
        "avatar": f"https://wx.qlogo.cn/sandbox/{external_userid}",
        "gender": customer.gender,
    }
    if customer.unionid:
        shown["unionid"] = customer.unionid
    last = max(sessions, key=lambda one: one.entered_at or 0.0)
    now = call.clock.time()
    if call.body.get("need_enter_session_context") == 1 and now - (last.entered_at or 0.0) <= SESSION_S:
        shown["enter_session_context"] = {"scene": last.scene, "scene_param": last.scene_param}
    return shown
