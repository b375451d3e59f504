"""The world as the page sees it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.broadcast_control import shown_broadcasts
from sandbox.broadcast_story import settle
from sandbox.kf_view import shown_accounts, shown_chats
from sandbox.onebot_world import shown_onebot
from sandbox.orders import shown_order
from sandbox.world import Group, World


def shown(world: World, now: float) -> dict[str, Any]:
    """Everyone and everything, as JSON."""
    customers = world.customers.values()
    settle(world, now)
    return {
        "guides": [
            {**asdict(guide), "customers": [c.external_userid for c in customers if guide.userid in c.relations]}
            for guide in world.guides.values()
        ],
        "customers": [{**shown_customer(world, key), "kf": shown_chats(world, key, now)} for key in world.customers],
        "kf_accounts": shown_accounts(world),
        "contact_ways": list(world.ways.values()),
        "groups": [asdict(group) for group in world.groups.values() if not group.dismissed],
        "join_ways": [
            {**way, "came": sum(_came_by(group, way) for group in world.groups.values())}
            for way in world.join_ways.values()
        ],
        "menu": world.menu,
        "tags": [
            {**group, "tag": [{**tag, "on": _on(world, tag["id"])} for tag in group["tag"]]}
            for group in world.tags.values()
        ],
        "orders": [shown_order(order) for order in world.orders.values()],
        "aibot_chats": list(world.aibot.chats.values()),
        "robots": [{"key": key, **robot} for key, robot in world.robots.items()],
        "counters": world.counters,
        "onebot": shown_onebot(world.onebot),
        "broadcasts": shown_broadcasts(world),
        "model": world.model.shown(),
    }


def _counted(world: World, group: dict[str, Any]) -> dict[str, Any]:
    """A group of tags, each with how many customers have it."""
    return {**group, "tag": [{**tag, "on": _on(world, tag["id"])} for tag in group["tag"]]}


def _on(world: World, tag_id: str) -> int:
    """How many customers have a tag, in whosever eyes."""
    return sum(1 for one in world.customers.values() if any(tag_id in pair.tags for pair in one.relations.values()))


def _came_by(group: Group, way: dict[str, Any]) -> int:
    """How many are in a group with this way's state on them."""
    return sum(1 for member in group.members if way.get("state") and member.get("state") == way["state"])


def shown_customer(world: World, external_userid: str) -> dict[str, Any]:
    """A customer with whoever follows them and what their phone shows."""
    customer = world.customers[external_userid]
    names = {tag["id"]: tag["name"] for group in world.tags.values() for tag in group["tag"]}
    return {
        "external_userid": external_userid,
        "name": customer.name,
        "unionid": customer.unionid,
        "gender": customer.gender,
        "guides": [
            {**asdict(pair), "tags": [names.get(tag, tag) for tag in pair.tags], "tag_id": pair.tags}
            for pair in customer.relations.values()
        ],
        "chats": customer.chats,
    }
