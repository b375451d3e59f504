"""入群方式与入群欢迎语 join ways and welcomes: an admin asks, WeCom makes them, its answer says what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bot.events import ApiAnswered
from bot.group_senders import NOT_THERE, UNSURE, WAY, WELCOME
from bot.sizes import BYTES, size
from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from storage import group_assets, group_chats
from storage.tables import GroupAsset

Answer = tuple[int, dict[str, Any]]
MOST_GROUPS = 5  # of a join way, 92229
BY_CODE = 2  # scene: a QR code; 1 would be a button of a mini program


class Given(BaseModel):
    """A body that knows its fields."""

    model_config = ConfigDict(extra="forbid")


class JoinWay(Given):
    """入群方式. `auto_create_room`: when the groups are full a new one is made, named `room_base_name` + number."""

    name: str = Field(min_length=1, max_length=30)
    state: str = Field(min_length=1, max_length=30)
    chat_ids: list[str]
    auto_create_room: bool = True
    room_base_name: str = Field(default="", max_length=40)
    room_base_id: int = Field(default=1, ge=1, le=1_000_000)


class Link(Given):
    """图文链接 under a welcome."""

    title: str = Field(min_length=1, max_length=128)
    url: str = Field(min_length=1, max_length=2048)
    desc: str = Field(default="", max_length=512)
    picurl: str = Field(default="", max_length=2048)


class Welcome(Given):
    """入群欢迎语素材. Without `text` the one of prompts/group_chat/ is taken; `notify` tells staff of it."""

    name: str = Field(min_length=1, max_length=30)
    text: str = ""
    link: Link | None = None
    notify: bool = True


class Named(Given):
    """Which one."""

    id: int


class Kind(NamedTuple):
    """What WeCom calls an asset: its calls, the name of its id, and the body that our fields make."""

    calls: str
    edit: str
    remote: str
    key_field: str
    body: Callable[[Turn, Any], dict[str, Any]]
    model: type[Given]


def _way_body(turn: Turn, given: JoinWay) -> dict[str, Any]:
    if not 1 <= len(given.chat_ids) <= MOST_GROUPS or len(set(given.chat_ids)) < len(given.chat_ids):
        refuse(turn, "chat_ids", "admin/chat_ids")
    for chat_id in given.chat_ids:
        chat = group_chats.find(turn.db, chat_id)
        if chat is None or chat.status != group_chats.ACTIVE:
            refuse(turn, "chat_ids", "admin/no_group", chat_id=chat_id)
    body = {
        "scene": BY_CODE, "remark": given.name, "auto_create_room": int(given.auto_create_room),
        "chat_id_list": given.chat_ids, "state": given.state,
    }  # fmt: skip
    if given.auto_create_room:
        body |= {"room_base_name": given.room_base_name or given.name, "room_base_id": given.room_base_id}
    return body


def _welcome_body(turn: Turn, given: Welcome) -> dict[str, Any]:
    text = given.text or turn.texts.render("group_chat/welcome")
    if size(text) > BYTES["group_welcome"]:
        refuse(turn, "text", "admin/too_long", most=BYTES["group_welcome"], now=size(text))
    link = {"link": given.link.model_dump()} if given.link else {}
    return {"text": {"content": text}, **link, "notify": int(given.notify)}


KINDS = {
    group_assets.JOIN_WAY: Kind(WAY, "update", "config_id", "state", _way_body, JoinWay),
    group_assets.WELCOME: Kind(WELCOME, "edit", "template_id", "name", _welcome_body, Welcome),
}
CALLS = {
    kind.calls.format(verb): (name, verb)
    for name, kind in KINDS.items()
    for verb in ("add", "get", kind.edit, "del")
    if (name, verb) != (group_assets.WELCOME, "get")
}


# -- what is asked for ------------------------------------------------------------------------------------------------


def new(name: str) -> Callable[[Turn, dict[str, Any], Plays], Answer]:
    """Have one made; its QR code is there once WeCom has answered."""
    kind = KINDS[name]

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
        given = read(turn, kind.model, body)
        key = getattr(given, kind.key_field)
        if group_assets.rows.one(turn.db, kind=name, key=key) is not None:
            raise Refused(409, "exists", turn.texts.render("admin/exists", name=key), kind.key_field)
        asset = GroupAsset(
            id=turn.ids.next(), kind=name, key=key, name=given.name, state=getattr(given, "state", ""),
            body=_dumps(kind.body(turn, given)), remote_id="", qr_code="", status="making", error="",
            created_at=turn.now, changed_at=turn.now,
        )  # fmt: skip
        group_assets.rows.add(turn.db, asset)
        _owe(turn, asset, "add")
        turn.audit(turn.actor, f"{name}.made", f"asset:{asset.id}", key=key)
        return 201, _told(turn, asset)

    return act


def update(name: str) -> Callable[[Turn, dict[str, Any], Plays], Answer]:
    """Overwrite one with a whole new body; one that was refused, or of which nobody knows, is made anew."""
    kind = KINDS[name]

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
        asset = _find(turn, name, body)
        given = read(turn, kind.model, {key: value for key, value in body.items() if key != "id"})
        if asset.status not in ("made", "unsure", "refused"):
            raise Refused(409, "busy", turn.texts.render("admin/asset_busy", status=asset.status))
        key = getattr(given, kind.key_field)
        if key != asset.key and group_assets.rows.one(turn.db, kind=name, key=key) is not None:
            raise Refused(409, "exists", turn.texts.render("admin/exists", name=key), kind.key_field)
        status = "made" if asset.status == "made" else "making"
        change = {
            "key": key, "name": given.name, "state": getattr(given, "state", ""),
            "body": _dumps(kind.body(turn, given)), "status": status, "error": "",
        }  # fmt: skip
        asset = _set(turn, asset, **change)
        _owe(turn, asset, kind.edit if status == "made" else "add")
        turn.audit(turn.actor, f"{name}.changed", f"asset:{asset.id}")
        return 200, _told(turn, asset)

    return act


def delete(name: str) -> Callable[[Turn, dict[str, Any], Plays], Answer]:
    """Have one deleted; its name is free again."""

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
        asset = _find(turn, name, body)
        read(turn, Named, body)
        if asset.status == "making":
            raise Refused(409, "busy", turn.texts.render("admin/asset_busy", status=asset.status))
        if asset.status == "made":
            asset = _set(turn, asset, status="deleting")
            _owe(turn, asset, "del")
        elif asset.status in ("unsure", "refused"):
            asset = _deleted(turn, asset)
        turn.audit(turn.actor, f"{name}.deleted", f"asset:{asset.id}")
        return 200, _told(turn, asset)

    return act


def _find(turn: Turn, name: str, body: dict[str, Any]) -> GroupAsset:
    asset = group_assets.rows.one(turn.db, kind=name, id=int(body["id"]))
    if asset is None or asset.status == "deleted":
        raise Refused(404, "not_found", turn.texts.render("admin/no_asset"))
    return asset


def _told(turn: Turn, asset: GroupAsset) -> dict[str, Any]:
    """What is known right now; a welcome needs a person to be of use."""
    how = {"how": turn.texts.render("group_chat/apply")} if asset.kind == group_assets.WELCOME else {}
    return {"id": asset.id, "status": asset.status, **how}


def _owe(turn: Turn, asset: GroupAsset, verb: str) -> None:
    kind, body = KINDS[asset.kind], json.loads(asset.body)
    named = {kind.remote: asset.remote_id} if verb != "add" else {}
    if verb in ("get", "del"):
        body = {}
    if verb == "edit":
        body.pop("notify", None)  # a welcome's staff are told once
    payload = {"asset": asset.id, **named, **body}
    turn.owe(kind.calls.format(verb), payload, answers=True, subject=f"asset:{asset.id}")


# -- what WeCom answered ----------------------------------------------------------------------------------------------


def answered(turn: Turn, event: ApiAnswered) -> None:
    """Keep what became of it."""
    name, verb = CALLS[event.call]
    asset = group_assets.rows.one(turn.db, kind=name, id=int(event.request["asset"]))
    if asset is None:
        return
    if verb == "add":
        _made(turn, asset, event)
    elif verb == "get" and event.ok:
        way = event.answer.get("join_way") or {}
        _set(turn, asset, qr_code=str(way.get("qr_code") or ""))
    elif verb == "del" and (event.ok or event.errcode == NOT_THERE):
        _deleted(turn, asset)
    elif not event.ok:
        _set(turn, asset, status="made", error=str(event.errcode))


def _made(turn: Turn, asset: GroupAsset, event: ApiAnswered) -> None:
    if event.ok:
        asset = _set(turn, asset, status="made", error="", remote_id=str(event.answer[KINDS[asset.kind].remote]))
        if asset.kind == group_assets.JOIN_WAY:
            _owe(turn, asset, "get")
    elif event.errcode == UNSURE:
        _set(turn, asset, status="unsure", error=turn.texts.render("admin/asset_unsure"))
    else:
        _set(turn, asset, status="refused", error=str(event.errcode))


def _deleted(turn: Turn, asset: GroupAsset) -> GroupAsset:
    return _set(turn, asset, status="deleted", key=f"{asset.key}#{asset.id}")


def _set(turn: Turn, asset: GroupAsset, **values: Any) -> GroupAsset:
    changed = {**values, "changed_at": turn.now}
    group_assets.rows.change(turn.db, changed, id=asset.id)
    return GroupAsset(**{**asset.model_dump(), **changed})


def _dumps(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    f"{path}{step}": make(name)
    for path, name in (("join-ways", group_assets.JOIN_WAY), ("group-welcomes", group_assets.WELCOME))
    for step, make in (("", new), ("/update", update), ("/delete", delete))
}
