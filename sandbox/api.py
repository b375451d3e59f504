"""The qyapi side: every call passes token, faults and journal, then its handler."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.clock import VirtualClock
from sandbox.faults import Faults, Scripted
from sandbox.journal import Journal
from sandbox.world import ApiError, World

TOKENLESS = ("webhook/send", "aibot/response")  # the address itself is the secret
LONGEST_LIST, SHOWN = 200, 20  # of a list in the journal
MARK = "externalcontact/mark_tag"
MAX_BODY = 21 * 1024 * 1024


@dataclass
class Call:
    """One API call as its handler sees it: query without the token, JSON body, and the upload if there is one.

    `bells` are callbacks to push once the call is journalled: only 微信客服 tells of what the API did (msg_send_fail).
    """

    world: World
    clock: VirtualClock
    query: dict[str, str]
    body: dict[str, Any]
    token: str | None = None
    upload: tuple[str, bytes] | None = None
    effect: str = "none"
    faults: Faults = field(default_factory=Faults)
    bells: list[str] = field(default_factory=list)
    raw: bytes | None = None

    def need(self, name: str, kind: type | tuple[type, ...] = str) -> Any:
        """A parameter that must be there and of a kind; 40058 as WeCom answers otherwise."""
        value = self.body.get(name)
        if not isinstance(value, kind) or value in ("", None):
            raise ApiError(40058, f"invalid Request Parameter: {name}")
        return value

    def limit(self, name: str, value: str, most: int, *, code: int = 40058) -> None:
        """A limit in characters."""
        if len(value) > most:
            raise ApiError(code, f"{name} is longer than {most}")


Handler = Callable[[Call], dict[str, Any]]
ROUTES: dict[str, tuple[str, Handler]] = {}


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler under /cgi-bin/."""

    def register(handler: Handler) -> Handler:
        ROUTES[path] = (method, handler)
        return handler

    return register


def _busy(call: Call) -> dict[str, Any]:
    """The same record is being changed by another call."""
    raise ApiError(45035, "concurrent operation on the same external contact")


class Api:
    """Dispatches calls with faults."""

    def __init__(
        self,
        world: World,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        dirty: Callable[[], None],
        emit: Callable[[str], object],
    ) -> None:
        self.world, self._clock, self._faults, self._journal, self._dirty = world, clock, faults, journal, dirty
        self._emit = emit
        self._marking: set[tuple[Any, Any]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request under /cgi-bin/."""
        path = request.match_info["path"]
        known = ROUTES.get(path)
        if known is None or request.method != known[0]:
            self._journal.add(
                "call", path=path, query={}, body={}, status=404, reply={}, ms=0, fault=None, effect="none"
            )
            return web.Response(status=404, text="not found")
        call = await self._read(request)
        began = time.perf_counter()
        strike = self._faults.strikes(path)
        with self._changing(path, call) as free:
            status, reply, dropped = await self._answer(path, known[1] if free else _busy, call, strike)
        self._note(path, call, strike, status, reply, began)
        if call.effect != "none":
            self._dirty()
        for plain in call.bells:
            self._emit(plain)
        if dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if call.raw is not None:
            return web.Response(body=call.raw, content_type="application/octet-stream")
        if isinstance(reply, str):
            return web.Response(
                status=status, text=reply, content_type="text/html" if reply.startswith("<") else "application/json"
            )
        return web.json_response(reply, status=status, dumps=_dumps)

    @contextlib.contextmanager
    def _changing(self, path: str, call: Call) -> Iterator[bool]:
        """Two changes of one pair's tags at a time are refused: whether this one is alone."""
        pair = (call.body.get("userid"), call.body.get("external_userid")) if path == MARK else None
        free = pair is None or pair not in self._marking
        if pair is not None and free:
            self._marking.add(pair)
        try:
            yield free
        finally:
            if pair is not None and free:
                self._marking.discard(pair)

    def _note(
        self, path: str, call: Call, strike: Scripted | None, status: int, reply: dict[str, Any] | str, began: float
    ) -> None:
        """Into the journal before anyone is answered; tokens and secrets stay out of it."""
        query = {**call.query, **({"access_token": call.token[:6] + "…"} if call.token else {})}
        query |= {secret: "…" for secret in ("corpsecret", "key", "response_code") if secret in query}
        self._journal.add(
            "call",
            path=path,
            query=query,
            body=brief(call.body),
            status=status,
            reply=brief(_masked(reply)),
            ms=round((time.perf_counter() - began) * 1000, 2),
            fault=strike.fault if strike else None,
            effect=call.effect,
        )

    async def _read(self, request: web.Request) -> Call:
        query = {key: value for key, value in request.query.items() if key != "access_token"}
        call = Call(self.world, self._clock, query, {}, request.query.get("access_token"), faults=self._faults)
        if request.content_type.startswith("multipart/"):
            part = await (await request.multipart()).next()
            if isinstance(part, BodyPartReader):
                call.upload = (part.filename or "file", bytes(await part.read()))
        elif request.can_read_body:
            try:
                body = json.loads(await request.read())
            except ValueError:
                body = None
            call.body = body if isinstance(body, dict) else {"__wrong_json__": True}
        return call

    async def _answer(
        self, path: str, handler: Handler, call: Call, strike: Scripted | None
    ) -> tuple[int, dict[str, Any] | str, bool]:
        """Status, reply, and whether the connection is torn down."""
        fault = strike.fault if strike else ""
        if fault == "slow":
            await asyncio.sleep(self._faults.api["slow_s"])
        if fault == "timeout_before":
            await asyncio.sleep(self._faults.api["timeout_s"])
            return 0, {}, True
        if fault == "http_500":
            return 502, "<html><body>502 Bad Gateway</body></html>", False
        if fault == "html":
            return 200, "<html><body>please log in</body></html>", False
        if fault in ("busy", "rate"):
            code = (strike.errcode if strike else None) or (-1 if fault == "busy" else 45009)
            return 200, self._error(ApiError(code, "system busy" if code == -1 else "api freq out of limit")), False
        reply = self._run(path, handler, call, revoke=fault == "revoke")
        if fault == "commit_then_drop":
            return 0, reply, True
        if fault == "malformed":
            return 200, _dumps(reply)[:-7], False
        return 200, reply, False

    def _run(self, path: str, handler: Handler, call: Call, *, revoke: bool) -> dict[str, Any]:
        try:
            self._admit(path, call, revoke=revoke)
            return {"errcode": 0, "errmsg": "ok", **handler(call)}
        except ApiError as error:
            return self._error(error)
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # a parameter of a kind WeCom would refuse
            return self._error(ApiError(40058, f"invalid Request Parameter: {error}"))

    def _admit(self, path: str, call: Call, *, revoke: bool) -> None:
        if "__wrong_json__" in call.body:
            raise ApiError(40058, "Warning: wrong json format.")
        if path == "gettoken":
            if self._faults.wrong_secret:
                raise ApiError(40001, "invalid credential")
            return
        if path in TOKENLESS:
            return
        token = call.token
        if not token:
            raise ApiError(41001, "access_token missing")
        expires = self.world.tokens.get(token)
        if revoke and expires is not None:
            del self.world.tokens[token]
            expires = None
        if expires is None:
            raise ApiError(40014, "invalid access_token")
        if expires <= self._clock.time():
            raise ApiError(42001, "access_token expired")
        if self._faults.untrusted_ip:
            raise ApiError(60020, "not allow to access from your ip")

    def _error(self, error: ApiError) -> dict[str, Any]:
        hint = f"[{int(self._clock.time())}_{len(self._journal.entries)}_sandbox]"
        more = f"more info at https://open.work.weixin.qq.com/devtool/query?e={error.errcode}"
        return {"errcode": error.errcode, "errmsg": f"{error.errmsg}, hint: {hint}, from ip: 127.0.0.1, {more}"}


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def brief(value: Any) -> Any:
    """Long lists by their first entries: a task names ten thousand customers."""
    if isinstance(value, dict):
        return {key: brief(inner) for key, inner in value.items()}
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return [*value[:SHOWN], f"… {len(value)} in all"]
    return value


def _masked(reply: dict[str, Any] | str) -> dict[str, Any] | str:
    if isinstance(reply, dict) and "access_token" in reply:
        return {**reply, "access_token": str(reply["access_token"])[:6] + "…"}
    return reply
