"""The app's menu."""

from __future__ import annotations

from typing import Any

from sandbox.api import Call, route
from sandbox.world import ApiError

TOP, SUB = 3, 5
TOP_BYTES, SUB_BYTES, KEY_BYTES, URL_BYTES = 16, 40, 128, 1024
KEYED = (
    "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select",
)  # fmt: skip


def _agent(call: Call) -> None:
    if call.query.get("agentid") != str(call.world.agent_id):
        raise ApiError(40056, "invalid agentid")


def _bytes(value: object) -> int:
    return len(str(value or "").encode())


def _check(button: Any, name_bytes: int, *, sub: bool) -> None:
    """One button, and what is under it."""
    if not isinstance(button, dict) or not 1 <= _bytes(button.get("name")) <= name_bytes:
        raise ApiError(40018, "invalid button name size")
    below = button.get("sub_button")
    if below:
        if sub or not isinstance(below, list) or len(below) > SUB:
            raise ApiError(40023, "invalid sub button size")
        for one in below:
            _check(one, SUB_BYTES, sub=True)
        return
    kind = button.get("type")
    if kind in KEYED and not 1 <= _bytes(button.get("key")) <= KEY_BYTES:
        raise ApiError(40019, "invalid button key size")
    if kind == "view" and not 1 <= _bytes(button.get("url")) <= URL_BYTES:
        raise ApiError(40020, "invalid button url size")
    if kind not in (*KEYED, "view", "view_miniprogram"):
        raise ApiError(40017, "invalid button type")


@route("POST", "menu/create")
def create(call: Call) -> dict[str, Any]:
    """The whole menu at once; the one before is forgotten."""
    _agent(call)
    buttons = call.need("button", list)
    if not 1 <= len(buttons) <= TOP:
        raise ApiError(40016, "invalid button size")
    for button in buttons:
        _check(button, TOP_BYTES, sub=False)
    call.world.menu, call.effect = [dict(button) for button in buttons], "delivered"
    return {}


@route("GET", "menu/get")
def get(call: Call) -> dict[str, Any]:
    """The menu as it was made; 46003 when there is none."""
    _agent(call)
    if not call.world.menu:
        raise ApiError(46003, "menu no exist")
    return {"button": call.world.menu}


@route("GET", "menu/delete")
def delete(call: Call) -> dict[str, Any]:
    """No menu any more."""
    _agent(call)
    call.world.menu, call.effect = [], "delivered"
    return {}
