"""The control plane's part about customer groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from sandbox.group_story import GroupStory
from sandbox.plain_json import Act, Body, acting


class GroupControl:
    """Handlers of what is done to groups."""

    def __init__(self, story: GroupStory, dirty: Callable[[], None]) -> None:
        self._story, self._dirty = story, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path about groups."""
        acts: dict[str, Act] = {
            "groups": self.open,
            "groups/{id}/join": self.join,
            "groups/{id}/leave": self.leave,
            "groups/{id}/say": self.say,
            "groups/{id}/rename": self.rename,
            "groups/{id}/dismiss": self.dismiss,
            "join_ways": self.new_way,
            "join_ways/{id}/scan": self.scan,
        }
        return [web.post("/__sandbox/" + path, acting(act, self._dirty)) for path, act in acts.items()]

    def open(self, request: web.Request, body: Body) -> Body:
        """{"name","owner"}."""
        return asdict(self._story.open(str(body.get("name") or ""), str(body.get("owner") or "")))

    def join(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","join_scene"?,"state"?,"invitor"?}."""
        scene, state = int(body.get("join_scene", 3)), str(body.get("state") or "")
        person, invitor = str(body.get("external_userid") or ""), body.get("invitor")
        return self._story.join(request.match_info["id"], person, scene, state, invitor)

    def leave(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","quit_scene"?}."""
        person = str(body.get("external_userid") or "")
        return self._story.leave(request.match_info["id"], person, int(body.get("quit_scene", 0)))

    def say(self, request: web.Request, body: Body) -> Body:
        """{"external_userid"}: says something in the group, which no API tells."""
        return self._story.say(request.match_info["id"], str(body.get("external_userid") or ""))

    def rename(self, request: web.Request, body: Body) -> Body:
        """{"name"}."""
        return self._story.rename(request.match_info["id"], str(body.get("name") or ""))

    def dismiss(self, request: web.Request, body: Body) -> Body:
        """The group is no more."""
        return self._story.dismiss(request.match_info["id"])

    def new_way(self, request: web.Request, body: Body) -> Body:
        """{"remark","state","chat_id_list","auto_create_room"?}: made in the admin's browser."""
        return self._story.new_way(body)

    def scan(self, request: web.Request, body: Body) -> Body:
        """{"external_userid"}: the customer scans the code of a join way."""
        return self._story.scan(request.match_info["id"], str(body.get("external_userid") or ""))
