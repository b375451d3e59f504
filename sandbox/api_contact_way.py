"""联系我 contact ways."""

from __future__ import annotations

from typing import Any

from sandbox.api import Call, route
from sandbox.world import ApiError, World

FIELDS = ("type", "scene", "style", "remark", "skip_verify", "state", "user", "party", "is_temp", "is_exclusive")
CHARACTERS, STAFF = 30, 100


def make_way(world: World, now: float, fields: dict[str, Any]) -> dict[str, Any]:
    """A new way, however it was asked for."""
    _check(world, fields)
    config_id = world.new_id("", 32)
    way = {"config_id": config_id, "type": 2, "scene": 2, "skip_verify": True, "party": [], "create_time": int(now)}
    way |= {name: fields[name] for name in FIELDS if name in fields}
    way["qr_code"] = f"https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=sandbox{config_id}"
    world.ways[config_id] = way
    return way


def _check(world: World, fields: dict[str, Any]) -> None:
    """Refuse what WeCom refuses, at making and at changing alike."""
    users = fields.get("user") or []
    if not isinstance(users, list) or not users or len(users) > STAFF:
        raise ApiError(41040, "invalid user list of contact way")
    for userid in users:
        if userid not in world.guides:
            raise ApiError(40003, "invalid UserID")
    for name in ("state", "remark"):
        if len(str(fields.get(name) or "")) > CHARACTERS:
            raise ApiError(41044 if name == "state" else 41043, f"{name} is longer than {CHARACTERS}")


def _way(call: Call) -> dict[str, Any]:
    way = call.world.ways.get(call.need("config_id"))
    if way is None:
        raise ApiError(41037, "config_id not found")
    return way


@route("POST", "externalcontact/add_contact_way")
def add_contact_way(call: Call) -> dict[str, Any]:
    """A QR code whose state names the channel."""
    if call.body.get("type") not in (1, 2):
        raise ApiError(41038, "invalid contact way type")
    if call.body.get("scene") not in (1, 2):
        raise ApiError(41039, "invalid contact way scene")
    way = make_way(call.world, call.clock.time(), call.body)
    call.effect = "delivered"
    return {"config_id": way["config_id"], "qr_code": way["qr_code"]}


@route("POST", "externalcontact/get_contact_way")
def get_contact_way(call: Call) -> dict[str, Any]:
    """One way."""
    return {"contact_way": _way(call)}


@route("POST", "externalcontact/list_contact_way")
def list_contact_way(call: Call) -> dict[str, Any]:
    """The ids of all ways."""
    return {"contact_way": [{"config_id": config_id} for config_id in call.world.ways], "next_cursor": ""}


@route("POST", "externalcontact/update_contact_way")
def update_contact_way(call: Call) -> dict[str, Any]:
    """Change what is given."""
    way = _way(call)
    _check(call.world, {**way, **call.body})
    way |= {name: call.body[name] for name in FIELDS if name in call.body}
    call.effect = "delivered"
    return {}


@route("POST", "externalcontact/del_contact_way")
def del_contact_way(call: Call) -> dict[str, Any]:
    """The code works no more."""
    del call.world.ways[_way(call)["config_id"]]
    call.effect = "delivered"
    return {}


@route("POST", "externalcontact/close_temp_chat")
def close_temp_chat(call: Call) -> dict[str, Any]:
    """End a temporary chat."""
    call.world.relation(call.body.get("external_userid"), call.body.get("userid"))
    return {}
