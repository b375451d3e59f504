"""Customer contact: the corp's tags, and who has them."""

from __future__ import annotations

from typing import Any

from sandbox.api import Call, route
from sandbox.world import ApiError, World

MOST_TAGS, MOST_OF_A_PAIR, LONGEST = 10_000, 3_000, 30
NOT_OURS = 301_002  # a tag that the app did not make
APP = "by_app"  # kept with a tag, told to nobody


def shown_tag(world: World, tag_id: str) -> dict[str, Any]:
    """A tag on a pair as `externalcontact/get` shows it."""
    for group, tag in all_tags(world):
        if tag["id"] == tag_id:
            return {"group_name": group["group_name"], "tag_name": tag["name"], "tag_id": tag_id, "type": 1}
    return {"group_name": "", "tag_name": "", "tag_id": tag_id, "type": 1}


def all_tags(world: World) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(group, tag) of the whole library."""
    return [(group, tag) for group in world.tags.values() for tag in group["tag"]]


def new_tags(world: World, group: dict[str, Any], names: list[str], now: int, *, app: bool) -> None:
    """Tags in a group; a name that is there already stays one tag."""
    for name in names:
        if all(tag["name"] != name for tag in group["tag"]):
            if len(all_tags(world)) >= MOST_TAGS:
                raise ApiError(40058, "more than 10000 tags")  # the documents name the limit, not its code
            group["tag"].append({"id": world.new_id("et"), "name": name, "create_time": now, "order": 0, APP: app})


def new_group(world: World, name: str, now: int) -> dict[str, Any]:
    """A group without tags, to be filled at once."""
    group_id = world.new_id("et")
    made: dict[str, Any] = {"group_id": group_id, "group_name": name, "create_time": now, "order": 0, "tag": []}
    world.tags[group_id] = made
    return made


def drop_tags(world: World, gone: set[str]) -> None:
    """Tags are no more, on nobody; a group left empty goes too."""
    for group_id, group in list(world.tags.items()):
        group["tag"] = [tag for tag in group["tag"] if tag["id"] not in gone]
        if not group["tag"]:
            del world.tags[group_id]
    for customer in world.customers.values():
        for relation in customer.relations.values():
            relation.tags = [tag_id for tag_id in relation.tags if tag_id not in gone]


def _told(group: dict[str, Any], tags: list[dict[str, Any]]) -> dict[str, Any]:
    return {**group, "tag": [{key: value for key, value in tag.items() if key != APP} for tag in tags]}


@route("POST", "externalcontact/get_corp_tag_list")
def get_corp_tag_list(call: Call) -> dict[str, Any]:
    """All tags, or some by id; the group's id wins."""
    tag_ids, group_ids = call.body.get("tag_id") or [], call.body.get("group_id") or []
    groups = []
    for group in call.world.tags.values():
        if group_ids:
            tags = group["tag"] if group["group_id"] in group_ids else []
        else:
            tags = [tag for tag in group["tag"] if not tag_ids or tag["id"] in tag_ids]
        if tags:
            groups.append(_told(group, tags))
    return {"tag_group": groups}


@route("POST", "externalcontact/add_corp_tag")
def add_corp_tag(call: Call) -> dict[str, Any]:
    """Tags into a group by id or name; a name that is there already stays one tag."""
    names = [str(tag.get("name") or "") for tag in call.need("tag", list)]
    if not names or not all(names):
        raise ApiError(40058, "empty tag name")
    for name in names:
        call.limit("tag.name", name, LONGEST)
    group, now = _tag_group(call), int(call.clock.time())
    new_tags(call.world, group, names, now, app=True)
    call.effect = "delivered"
    return {"tag_group": _told(group, [tag for tag in group["tag"] if tag["name"] in names])}


def _tag_group(call: Call) -> dict[str, Any]:
    group_id, name = call.body.get("group_id"), str(call.body.get("group_name") or "")
    for group in call.world.tags.values():
        if group["group_id"] == group_id or (not group_id and name and group["group_name"] == name):
            return group
    if group_id or not name:
        raise ApiError(40068, "invalid tag group")
    call.limit("group_name", name, LONGEST)
    return new_group(call.world, name, int(call.clock.time()))


@route("POST", "externalcontact/edit_corp_tag")
def edit_corp_tag(call: Call) -> dict[str, Any]:
    """Rename a tag or a group; no two groups, no two tags of a group are called alike."""
    wanted, name = call.need("id"), str(call.body.get("name") or "")
    call.limit("name", name, LONGEST)
    for group in call.world.tags.values():
        if group["group_id"] == wanted:
            _must_be_ours(group["tag"])
            _free(name, [one["group_name"] for one in call.world.tags.values() if one is not group])
            group["group_name"], call.effect = name or group["group_name"], "delivered"
            return {}
        for tag in group["tag"]:
            if tag["id"] == wanted:
                _must_be_ours([tag])
                _free(name, [one["name"] for one in group["tag"] if one is not tag])
                tag["name"], call.effect = name or tag["name"], "delivered"
                return {}
    raise ApiError(40068, "invalid tagid")


def _free(name: str, others: list[str]) -> None:
    if name in others:
        raise ApiError(40071, "tag name already exist")


def _must_be_ours(tags: list[dict[str, Any]]) -> None:
    if not all(tag.get(APP, True) for tag in tags):
        raise ApiError(NOT_OURS, "no privilege to operate the tag")


@route("POST", "externalcontact/del_corp_tag")
def del_corp_tag(call: Call) -> dict[str, Any]:
    """Delete tags of our own, or whole groups."""
    ids, groups = set(call.body.get("tag_id") or []), set(call.body.get("group_id") or [])
    gone = [tag for group, tag in all_tags(call.world) if tag["id"] in ids or group["group_id"] in groups]
    _must_be_ours(gone)
    drop_tags(call.world, {tag["id"] for tag in gone})
    call.effect = "delivered"
    return {}


@route("POST", "externalcontact/mark_tag")
def mark_tag(call: Call) -> dict[str, Any]:
    """Put tags on a pair that is related, or take them off."""
    relation = call.world.relation(call.body.get("external_userid"), call.body.get("userid"))
    known = {tag["id"] for _, tag in all_tags(call.world)}
    add, remove = call.body.get("add_tag") or [], call.body.get("remove_tag") or []
    if not add and not remove:
        raise ApiError(40058, "add_tag and remove_tag both empty")
    if any(tag_id not in known for tag_id in add):
        raise ApiError(40068, "invalid tagid")
    left = [tag_id for tag_id in relation.tags if tag_id not in remove]
    left += [tag_id for tag_id in dict.fromkeys(add) if tag_id not in left]
    if len(left) > MOST_OF_A_PAIR:
        raise ApiError(40058, "more than 3000 tags")
    relation.tags, call.effect = left, "delivered"
    return {}
