"""The control plane's words for 微信客服: what the page and the tests let customers and servicers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.kf_story import KfStory
from sandbox.plain_json import Act, Body, acting


class KfControl:
    """Handlers under /__sandbox/kf/{open_kfid}/."""

    def __init__(self, story: KfStory, dirty: Callable[[], None]) -> None:
        self._story, self._dirty = story, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        acts: dict[str, Act] = {
            "enter": self.enter,
            "say": self.say,
            "send": self.send,
            "recall": self.recall,
            "refuse": self.refuse,
            "servicer_say": self.servicer_say,
            "take": self.take,
            "end": self.end,
            "servicer": self.servicer,
        }
        return [web.post(f"/__sandbox/kf/{{id}}/{name}", acting(act, self._dirty)) for name, act in acts.items()]

    def enter(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","scene"?,"scene_param"?} or {"external_userid","url"}."""
        scene, param, url = (str(body.get(name) or "") for name in ("scene", "scene_param", "url"))
        return self._story.enter(*_who(request, body), scene, param, url)

    def say(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","text","menu_id"?}."""
        menu_id = body.get("menu_id")
        return self._story.say(
            *_who(request, body), str(body.get("text") or ""), None if menu_id is None else str(menu_id)
        )

    def send(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","msgtype", and under the type's name what it holds}."""
        msgtype: Any = str(body.get("msgtype") or "")
        return self._story.send(*_who(request, body), msgtype, body.get(msgtype))

    def recall(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","msgid"}."""
        return self._story.recall(*_who(request, body), str(body.get("msgid") or ""))

    def refuse(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","on"?}."""
        return self._story.refuse(*_who(request, body), on=bool(body.get("on", True)))

    def servicer_say(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","userid","text"}."""
        return self._story.servicer_say(*_who(request, body), _userid(body), str(body.get("text") or ""))

    def take(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","userid"}."""
        return self._story.take(*_who(request, body), _userid(body))

    def end(self, request: web.Request, body: Body) -> Body:
        """{"external_userid"}."""
        return self._story.end(*_who(request, body))

    def servicer(self, request: web.Request, body: Body) -> Body:
        """{"userid","status": 0 on | 1 off,"stop_type"?}."""
        status, stop_type = int(body.get("status") or 0), int(body.get("stop_type") or 0)
        return self._story.duty(request.match_info["id"], _userid(body), status, stop_type)


def _who(request: web.Request, body: Body) -> tuple[str, str]:
    return request.match_info["id"], str(body.get("external_userid") or "")


def _userid(body: Body) -> str:
    return str(body.get("userid") or body.get("servicer_userid") or "")
