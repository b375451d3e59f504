"""The control plane of the community group: /__sandbox/onebot/… Not part of OneBot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.onebot_story import OneBotStory
from sandbox.plain_json import Act, Body, acting


class OneBotControl:
    """Handlers under /__sandbox/onebot/."""

    def __init__(self, story: OneBotStory, dirty: Callable[[], None]) -> None:
        self._story, self._dirty = story, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path of it, and the implementation's own HTTP API."""
        acts: dict[str, Act] = {
            "group_say": self.group_say,
            "private_say": self.private_say,
            "join": self.join,
            "leave": self.leave,
            "raw": self.raw,
            "cut": self.cut,
            "settings": self.settings,
            "flush": self.flush,
        }
        served = [web.post(f"/__sandbox/onebot/{name}", acting(act, self._dirty)) for name, act in acts.items()]
        return [*served, web.post("/onebot/{action}", self._story.wire.api)]

    def group_say(self, request: web.Request, body: Body) -> Body:
        """{"user_id","text" or "message": segments,"at"?: true|false,"reply"?: message_id}."""
        said = body.get("message") or body.get("text")
        mention = bool(body.get("at"))
        return self._story.group_say(body.get("user_id"), said, mention=mention, reply=body.get("reply"))

    def private_say(self, request: web.Request, body: Body) -> Body:
        """{"user_id","text" or "message": segments}."""
        return self._story.private_say(body.get("user_id"), body.get("message") or body.get("text"))

    def join(self, request: web.Request, body: Body) -> Body:
        """{"user_id"} of somebody who left, or {"nickname"?} of somebody new."""
        return self._story.join(body.get("user_id"), str(body.get("nickname") or ""))

    def leave(self, request: web.Request, body: Body) -> Body:
        """{"user_id","kick"?}."""
        return self._story.leave(body.get("user_id"), kick=bool(body.get("kick")))

    def raw(self, request: web.Request, body: Body) -> Body:
        """{"frame"}: tell the bot any event; its common fields are filled in."""
        given: dict[str, Any] = dict(body["frame"])
        frame = self._story.wire.frame(str(given.pop("post_type", "notice")), **given)
        return {"key": self._story.wire.emit(frame)}

    async def cut(self, request: web.Request, body: Body) -> None:
        """The connection is lost."""
        await self._story.wire.cut()

    def settings(self, request: web.Request, body: Body) -> Awaitable[Body]:
        """{"mode"?: "ws" | "post" | "","format"?: "array" | "string"}."""
        return self._story.settle(body.get("mode"), body.get("format"))

    async def flush(self, request: web.Request, body: Body) -> None:
        """Let go of what is held back; wait until nothing is in the air."""
        await self._story.wire.flush()
