"""A vendor of models on a port of this machine: answers what a test scripts, keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clock import FrozenClock
from bot.ids import SeededChance
from bot.model.gateway import LLMGateway
from bot.model.ping import NAME as PING
from bot.model.prompts import answers, prompts
from bot.model.schemas import Answer
from bot.sections import Llm
from bot.texts import Texts
from tests.conftest import NOON


def completion(content: Any, finish: str = "stop", usage: Any = None, **message: Any) -> dict[str, Any]:
    """A chat completion as most vendors spell it."""
    usage = {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57} if usage is None else usage
    said = {"role": "assistant", "content": content, **message}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
            "choices": [{"index": 0, "message": said, "finish_reason": finish}]}  # fmt: skip


@dataclass
class Vendor:
    """Answers in order, the last one for ever: a dict (200), a (status, body, headers), seconds to sleep first, or what
    makes one of these of a request."""

    script: list[Any] = field(default_factory=lambda: [completion('{"ok": true}')])
    asked: list[dict[str, Any]] = field(default_factory=list)
    no_schema: bool = False
    no_object: bool = False
    url: str = ""
    doors: list[LLMGateway] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        body = json.loads(await request.text())
        self.asked.append(body)
        form = (body.get("response_format") or {}).get("type")
        if (self.no_schema and form == "json_schema") or (self.no_object and form == "json_object"):
            told = {"error": {"message": f"response_format {form} is not supported", "type": "invalid_request_error"}}
            return web.json_response(told, status=400)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(step):
            step = step(body)
        if isinstance(step, int | float):
            await asyncio.sleep(step)
            step = completion('{"ok": true}')
        if isinstance(step, dict):
            return web.json_response(step)
        status, text, headers = step
        return web.Response(status=status, text=text, headers=headers)

    @property
    def forms(self) -> list[str]:
        """The response formats that were asked for."""
        return [(body.get("response_format") or {"type": "text"})["type"] for body in self.asked]

    def sent(self) -> str:
        """Everything that ever left, as one text."""
        return json.dumps(self.asked, ensure_ascii=False)


@contextlib.asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """A vendor that listens."""
    made = Vendor()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/v1"))
        yield made
        for door in made.doors:
            await door.close()


def section(url: str, **more: Any) -> Llm:
    """[llm] as configured."""
    return Llm(**{"base_url": url, "api_key": "key-of-a-test", "model": "m1", "deadline_s": 3, **more})


def gateway(of: Vendor, clock: FrozenClock | None = None, **more: Any) -> LLMGateway:
    """A gateway to it."""
    of.doors.append(LLMGateway(section(of.url, **more), clock or FrozenClock(NOON), SeededChance(3), Texts()))
    return of.doors[-1]


__all__ = ["PING", "Answer", "Vendor", "answers", "completion", "gateway", "prompts", "section", "vendor"]
