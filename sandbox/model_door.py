"""A vendor's endpoint: OpenAI's chat completions under /__sandbox/model/v1, with the vendors' ways of failing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.clock import VirtualClock
from sandbox.model_minds import garbage, hostile, normal
from sandbox.model_reading import Asked, read, tokens
from sandbox.model_world import MODES, WAYS
from sandbox.plain_json import Body, acting, dumps
from sandbox.story import Impossible
from sandbox.world import World

BASE = "/__sandbox/model"
KEY, MODEL = "sandbox-model-key", "sandbox-chat"
PAGE = "<!doctype html><html><title>Sign in</title><body>请登录 / Please sign in</body></html>"
SWITCHES = ("no_schema", "no_object")


class ModelDoor:
    """The vendor's endpoint, and the control plane's word for how it behaves."""

    def __init__(self, world: World, clock: VirtualClock, dirty: Callable[[], None]) -> None:
        self._world, self._clock, self._dirty = world, clock, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        return [
            web.post(f"{BASE}/v1/chat/completions", self.complete),
            web.get(f"{BASE}/v1/models", self.models),
            web.post(BASE, acting(self.change, self._dirty)),
        ]

    def change(self, request: web.Request, body: Body) -> Body:
        """{"mode"?,"way"?,"slow_s"?,"no_schema"?,"no_object"?,"forget"?}: how it behaves from now on."""
        model = self._world.model
        for name, allowed in (("mode", MODES), ("way", WAYS)):
            if name in body and body[name] not in allowed:
                raise Impossible(name, f"{name} 只能是 {'、'.join(allowed)}")
        if "slow_s" in body and not 0 <= float(body["slow_s"]) <= 120:
            raise Impossible("slow_s", "slow_s 是 0 到 120 秒")
        unknown = set(body) - {"mode", "way", "slow_s", "forget", *SWITCHES}
        if unknown:
            raise Impossible(sorted(unknown)[0], "没有这一项")
        model.mode, model.way = str(body.get("mode", model.mode)), str(body.get("way", model.way))
        model.slow_s = float(body.get("slow_s", model.slow_s))
        model.no_schema = bool(body.get("no_schema", model.no_schema))
        model.no_object = bool(body.get("no_object", model.no_object))
        if body.get("forget"):
            model.seen, model.talks = [], []
        return model.shown()

    async def models(self, request: web.Request) -> web.Response:
        """What it sells."""
        return _json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "sandbox"}]})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        model = self._world.model
        model.requests += 1
        try:
            body = json.loads(await request.text())
        except ValueError:
            body = None
        refused = self._refused(request, body)
        if refused is not None:
            model.refused += 1
            return refused
        asked = read(body, model.requests)
        if model.mode == "slow":
            await asyncio.sleep(model.slow_s)
        response, content = self._answer(asked)
        model.keep({
            "at": self._clock.iso(), "mode": model.mode, "system": asked.system, "user": asked.user, "answer": content,
            "form": (body.get("response_format") or {}).get("type", "text"), "status": response.status,
        })  # fmt: skip
        self._dirty()
        return response

    def _refused(self, request: web.Request, body: Any) -> web.Response | None:
        """What any vendor refuses before it thinks."""
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "Incorrect API key provided", "invalid_request_error", "invalid_api_key")
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
            return _error(400, "messages: a list with at least one message is required", "invalid_request_error")
        if body.get("model") != MODEL:
            return _error(
                404, f"The model `{body.get('model')}` does not exist", "invalid_request_error", "model_not_found"
            )
        if body.get("stream"):
            return _error(400, "stream is not supported here", "invalid_request_error")
        form = (body.get("response_format") or {}).get("type")
        model = self._world.model
        if (form == "json_schema" and model.no_schema) or (form == "json_object" and model.no_object):
            return _error(400, f"This response_format type is unavailable now: {form}", "invalid_request_error")
        return None

    def _answer(self, asked: Asked) -> tuple[web.Response, str]:
        mode = self._world.model.mode
        if mode == "limited":
            return _error(429, "Rate limit reached", "rate_limit_error", headers={"retry-after": "1"}), "429"
        if mode == "bad_gateway":
            return web.Response(
                status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html"
            ), "502"
        if mode == "page":
            return web.Response(text=PAGE, content_type="text/html"), PAGE
        if mode == "no_choices":
            return _json({"choices": None, "error": {"message": "账户余额不足", "code": "arrears"}}), "choices: null"
        content, more = self._thought(asked)
        finish = {"cut": "length", "filtered": "content_filter"}.get(mode, "stop")
        return self._completion(asked, content, finish, more), content

    def _thought(self, asked: Asked) -> tuple[str, dict[str, Any]]:
        """(content, what else the message holds)."""
        model = self._world.model
        if model.mode == "hostile":
            return hostile(asked, model.way, model.seen)
        if model.mode == "garbage":
            return garbage(asked), {}
        content = normal(asked)
        if model.mode == "thinking":
            return f"<think>先看资料。{asked.known[:60]}</think>\n{content}", {"reasoning_content": "先看资料。"}
        by_mode = {"empty": "", "filtered": "", "cut": content[: len(content) // 2]}
        return by_mode.get(model.mode, content), {}

    def _completion(self, asked: Asked, content: str, finish: str, more: dict[str, Any]) -> web.Response:
        model = self._world.model
        put_in, put_out = tokens(asked.system + asked.user), tokens(content)
        model.tokens_in, model.tokens_out = model.tokens_in + put_in, model.tokens_out + put_out
        message = {"role": "assistant", "content": content, **more}
        usage = {"prompt_tokens": put_in, "completion_tokens": put_out, "total_tokens": put_in + put_out}
        return _json({
            "id": f"chatcmpl-{model.requests}", "object": "chat.completion", "created": int(self._clock.time()),
            "model": MODEL, "usage": usage, "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        })  # fmt: skip


def _json(body: dict[str, Any]) -> web.Response:
    return web.json_response(body, dumps=dumps)


def _error(
    status: int, message: str, kind: str, code: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    error = {"error": {"message": message, "type": kind, "code": code, "param": None}}
    return web.json_response(error, status=status, headers=headers, dumps=dumps)
