"""The control plane's part about broadcasts, and how the page sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.broadcast_story import BroadcastStory
from sandbox.broadcast_world import Share, Task
from sandbox.plain_json import Act, Body, acting
from sandbox.world import World

NAMED = 20  # receivers that the page shows by name


class BroadcastControl:
    """Handlers of what staff do about broadcasts."""

    def __init__(self, story: BroadcastStory, dirty: Callable[[], None]) -> None:
        self._story, self._dirty = story, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path about broadcasts."""
        acts: dict[str, Act] = {
            "broadcasts/{id}/confirm": self.confirm,
            "broadcasts/{id}/refuse": self.refuse,
            "guides/{id}/habit": self.habit,
            "broadcasts/rules": self.rules,
            "crowds": self.crowd,
        }
        return [web.post("/__sandbox/" + path, acting(act, self._dirty)) for path, act in acts.items()]

    def confirm(self, request: web.Request, body: Body) -> Body:
        """{"userid","percent"?}: the member of staff presses 发送."""
        percent = int(body.get("percent", 100))
        return self._story.press(str(body.get("userid") or ""), request.match_info["id"], percent, send=True)

    def refuse(self, request: web.Request, body: Body) -> Body:
        """{"userid"}: the member of staff will not send it."""
        return self._story.press(str(body.get("userid") or ""), request.match_info["id"], 0, send=False)

    def habit(self, request: web.Request, body: Body) -> Body:
        """{"kind","minutes"?,"percent"?,"wakes_after"?}; the id `*` means everybody."""
        return self._story.habit(request.match_info["id"], body)

    def rules(self, request: web.Request, body: Body) -> Body:
        """{"cap"?: month|week|day,"ready_s"?}."""
        return self._story.rules(body)

    def crowd(self, request: web.Request, body: Body) -> Body:
        """{"prefix","count","guides","state"?}: many customers at once, without callbacks."""
        count, guides = int(body.get("count") or 0), int(body.get("guides") or 1)
        return self._story.gather(str(body.get("prefix") or ""), count, guides, str(body.get("state") or ""))


def shown_broadcasts(world: World) -> dict[str, Any]:
    """Tasks, the newest first, and everybody's habits."""
    tasks = list(world.broadcasts.tasks.values())[:-101:-1]
    return {
        "tasks": [_shown(world, task) for task in tasks],
        "habits": {userid: vars(habit) for userid, habit in world.broadcasts.habits.items()},
        "cap": world.broadcasts.cap,
    }


def _shown(world: World, task: Task) -> dict[str, Any]:
    fields = ("msgid", "chat_type", "text", "attachments", "made_at", "cancelled", "allow_select")
    shares = [_share(world, share) for share in list(task.shares.values())[:200]]
    return {**{name: getattr(task, name) for name in fields}, "reminded": len(task.reminded), "shares": shares}


def _share(world: World, share: Share) -> dict[str, Any]:
    names = [_name(world, receiver) for receiver in share.receivers[:NAMED]]
    return {
        "userid": share.userid, "status": share.status, "refused": share.refused, "names": names,
        "count": len(share.receivers), "outcomes": Counter(share.outcomes), "send_time": share.send_time,
    }  # fmt: skip


def _name(world: World, receiver: str) -> str:
    if receiver in world.groups:
        return world.groups[receiver].name
    return world.customers[receiver].name if receiver in world.customers else receiver
