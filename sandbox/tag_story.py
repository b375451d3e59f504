"""What people do about tags in WeCom's own client: guides put them on customers, an admin keeps the library. Each is
told by a callback, as nothing that the API does is."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.api_tags import LONGEST, all_tags, drop_tags, new_group, new_tags
from sandbox.plain_json import Act, Body, acting
from sandbox.story import Impossible, Story


class TagStory:
    """The library and who has its tags, as the page changes them."""

    def __init__(self, story: Story) -> None:
        self._story, self._world = story, story.world

    def mark(self, userid: str, external_userid: str, add: list[str], remove: list[str]) -> dict[str, Any]:
        """A guide puts tags on a customer and takes some off, by id."""
        customer, guide = self._story.find_customer(external_userid), self._story.find_guide(userid)
        relation = customer.relations.get(guide.userid)
        if relation is None:
            raise Impossible("userid", "他们不是好友", 409)
        known = {tag["id"] for _, tag in all_tags(self._world)}
        if (not add and not remove) or not {*add, *remove} <= known:
            raise Impossible("add_tag", "要填标签库里有的标签 id", 404)
        relation.tags = [one for one in relation.tags if one not in remove and one not in add] + list(add)
        plain = self._story.event("change_external_contact", ChangeType="edit_external_contact", UserID=guide.userid,
                                  ExternalUserID=customer.external_userid)  # fmt: skip
        return {"callback_id": self._story.pusher.emit(plain), "tags": relation.tags}

    def make(self, group_name: str, name: str) -> dict[str, Any]:
        """An admin makes a tag, and its group with it."""
        self._check(group_name, name)
        group = next((one for one in self._world.tags.values() if one["group_name"] == group_name), None)
        now, told = int(self._story.clock.time()), []
        if group is None:
            group = new_group(self._world, group_name, now)
            told.append(self._tell("create", group["group_id"], "tag_group"))
        new_tags(self._world, group, [name], now, app=False)
        tag = next(one for one in group["tag"] if one["name"] == name)
        return {"id": tag["id"], "group_id": group["group_id"], "callbacks": [*told, self._tell("create", tag["id"])]}

    def rename(self, wanted: str, name: str) -> dict[str, Any]:
        """An admin calls a tag or a group otherwise."""
        self._check(name)
        group = self._world.tags.get(wanted)
        if group is not None:
            group["group_name"] = name
            return {"callback_id": self._tell("update", wanted, "tag_group")}
        self._find(wanted)["name"] = name
        return {"callback_id": self._tell("update", wanted)}

    def delete(self, wanted: str) -> dict[str, Any]:
        """An admin deletes a tag or a group: it is on nobody any more."""
        group = self._world.tags.get(wanted)
        gone = {tag["id"] for tag in group["tag"]} if group else {self._find(wanted)["id"]}
        drop_tags(self._world, gone)
        return {"callback_id": self._tell("delete", wanted, "tag_group" if group else "tag")}

    def _find(self, tag_id: str) -> dict[str, Any]:
        found = next((tag for _, tag in all_tags(self._world) if tag["id"] == tag_id), None)
        if found is None:
            raise Impossible("id", "没有这个标签", 404)
        return found

    def _check(self, *names: str) -> None:
        if not all(0 < len(name.strip()) <= LONGEST for name in names):
            raise Impossible("name", "组和标签各 1 到 30 个字")

    def _tell(self, change: str, wanted: str, kind: str = "tag") -> str:
        plain = self._story.event("change_external_tag", Id=wanted, TagType=kind, ChangeType=change)
        return self._story.pusher.emit(plain)


class TagControl:
    """Handlers of what is done about tags."""

    def __init__(self, story: TagStory, dirty: Any) -> None:
        self._story, self._dirty = story, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path about tags."""
        acts: dict[str, Act] = {
            "guides/{id}/mark_customer": self.mark, "tags": self.make, "tags/{id}/rename": self.rename,
            "tags/{id}/delete": self.delete,
        }  # fmt: skip
        return [web.post("/__sandbox/" + path, acting(act, self._dirty)) for path, act in acts.items()]

    def mark(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","add_tag"?: [id],"remove_tag"?: [id]}."""
        add, remove = ([str(one) for one in body.get(key) or []] for key in ("add_tag", "remove_tag"))
        return self._story.mark(request.match_info["id"], str(body.get("external_userid") or ""), add, remove)

    def make(self, request: web.Request, body: Body) -> Body:
        """{"group_name","name"}."""
        return self._story.make(str(body.get("group_name") or ""), str(body.get("name") or ""))

    def rename(self, request: web.Request, body: Body) -> Body:
        """{"name"}."""
        return self._story.rename(request.match_info["id"], str(body.get("name") or ""))

    def delete(self, request: web.Request, body: Body) -> Body:
        """The tag or the group is no more."""
        return self._story.delete(request.match_info["id"])
