"""传输 transport: one call to WeCom's API over HTTP: token, limits, time, and a typed error for whatever goes wrong.

Who repeats what: a refused token is refreshed and the call made once more; a busy server (-1) is asked again here only
for calls that read. Every other call is repeated by the outbox alone, which knows whether repeating it is safe.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from loguru import logger

from bot.clock import Clock, SystemClock
from bot.errors import ConfigError, WeComError, WeComUnreachable
from bot.ids import Chance, SystemChance
from bot.wecom.answers import JSON, Answer
from bot.wecom.checks import check
from bot.wecom.codes import BUSY, CODES, HALTING, STALE_TOKEN, TOO_MANY_AT_ONCE, TOO_OFTEN
from bot.wecom.gates import Door, Rests
from bot.wecom.token import Tokens

T = TypeVar("T")

CONNECT_S, TOTAL_S = 3.0, 10.0
BUSY_RETRIES, BUSY_BACKOFF_S = 3, 0.2
LARGEST_ANSWER = 32 << 20  # bytes; the largest file of WeCom has 20 MB
READS = frozenset({
    "gettoken", "getcallbackip", "get_api_domain_ip", "media/get",
    "externalcontact/get_follow_user_list", "externalcontact/list", "externalcontact/get",
    "externalcontact/batch/get_by_user", "externalcontact/get_corp_tag_list", "externalcontact/get_contact_way",
    "externalcontact/list_contact_way", "externalcontact/groupchat/list", "externalcontact/groupchat/get",
    "externalcontact/get_groupmsg_list_v2", "externalcontact/get_groupmsg_task",
    "externalcontact/get_groupmsg_send_result",
})  # fmt: skip

# What aiohttp raises before a byte of the request has left. (Its texts may hold the URL and with it the token, so only
# the name of the error is told.)
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


@dataclass
class Request:
    """A call about to be made; `form` builds a multipart body, anew for each try. `in_air`: sent, not answered."""

    path: str
    method: str
    params: Mapping[str, str]
    data: bytes | None = None
    form: Callable[[], aiohttp.FormData] | None = None
    headers: Mapping[str, str] | None = None
    in_air: bool = False


class Transport:
    """Speaks to `api_base` as one app of one corp."""

    def __init__(
        self,
        *,
        api_base: str,
        corp_id: str,
        secret: str,
        agent_id: int = 0,
        session: aiohttp.ClientSession | None = None,
        clock: Clock | None = None,
        token_margin_s: float = 300,
        chance: Chance | None = None,
    ) -> None:
        if not api_base.startswith(("https://", "http://")):
            raise ConfigError("wecom.api_base", "must begin with https:// (http:// for the sandbox)")
        self._base, self._corp_id, self._secret, self.agent_id = api_base.rstrip("/"), corp_id, secret, agent_id
        self._session, self._owns_session = session, session is None
        self._clock, self._chance = clock or SystemClock(), chance or SystemChance()
        self._doors: dict[str, Door] = {}
        self._rests = Rests(self._clock)
        self.tokens = Tokens(self.gettoken, self._clock, token_margin_s)
        self.stats: Counter[tuple[str, str]] = Counter()  # (path, "ok" | errcode | "unreachable")

    async def call(
        self,
        path: str,
        body: JSON | None = None,
        *,
        params: Mapping[str, str] | None = None,
        timeout_s: float = TOTAL_S,
    ) -> JSON:
        """POST `body`, or GET when there is none, to /cgi-bin/`path`; the answer's object.

        `timeout_s` bounds everything: waiting for a turn, the token, the call itself. Raises WeComError.
        """
        data = None
        if body is not None:
            check(path, body)
            data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        request = Request(path, "GET" if body is None else "POST", params or {}, data)
        return await self.perform(request, Answer.json, timeout_s)

    async def perform(self, request: Request, read: Callable[[Answer], T], timeout_s: float = TOTAL_S) -> T:
        """Make the call within `timeout_s`, with a token; `read` takes the answer apart and raises."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._patiently(request.path, lambda: self._with_token(request, read))
        except TimeoutError:
            error = WeComUnreachable(request.path, f"no answer within {timeout_s:g} s", ambiguous=request.in_air)
            self._note(error)
            raise error from None

    async def gettoken(self) -> tuple[str, float]:
        """A new access_token and the seconds it lives (7200): document 91039. Calls do this by themselves."""
        request = Request("gettoken", "GET", {"corpid": self._corp_id, "corpsecret": self._secret})
        try:
            async with asyncio.timeout(TOTAL_S):
                told = await self._patiently("gettoken", lambda: self._once(request, Answer.json))
                return str(told["access_token"]), float(told["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise WeComUnreachable("gettoken", "an answer without a token", ambiguous=False) from None
        except TimeoutError:
            raise WeComUnreachable("gettoken", f"no answer within {TOTAL_S:g} s", ambiguous=False) from None
        except WeComUnreachable as error:  # the call that wants the token has not been sent
            raise WeComUnreachable("gettoken", error.errmsg, ambiguous=False) from None

    def resume(self) -> None:
        """The secret or the corp id was set right: end a halt before its hour is over."""
        self.tokens.resume()

    async def close(self) -> None:
        """End what is under way; a session that was handed in stays open."""
        await self.tokens.close()
        if self._session is not None and self._owns_session:
            await self._session.close()
            self._session = None

    # -- one call, layer by layer ---------------------------------------------------------------------------------

    async def _patiently(self, path: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask a busy server again, three times, when the call only reads."""
        for attempt in range(BUSY_RETRIES if path in READS else 0):
            try:
                return await ask()
            except WeComError as error:
                if error.errcode != BUSY or error.path != path:  # a busy gettoken was asked again already
                    raise
            await asyncio.sleep(BUSY_BACKOFF_S * 2**attempt * (0.5 + self._chance.fraction() / 2))
        return await ask()

    async def _with_token(self, request: Request, read: Callable[[Answer], T]) -> T:
        token = await self.tokens.get()
        try:
            return await self._once(request, read, token)
        except WeComError as error:
            if error.errcode not in STALE_TOKEN:
                raise
        return await self._once(request, read, await self.tokens.get(stale=token))

    async def _once(self, request: Request, read: Callable[[Answer], T], token: str | None = None) -> T:
        path = request.path
        door = self._doors.setdefault(path, Door(self._clock))
        self._rests.check(path)
        async with door:
            self._rests.check(path)  # both may have changed while we stood in line
            self.tokens.check()
            try:
                told = read(await self._exchange(request, token))
            except WeComError as error:
                self._learn(error, door)
                raise
        door.widen()
        self.stats[path, "ok"] += 1
        if token is not None:
            self.tokens.accepted(token)
        return told

    def _learn(self, error: WeComError, door: Door) -> None:
        error.errmsg = self._masked(error.errmsg)
        error.args = (f"{error.path}: {error.errcode} {error.errmsg}",)
        if error.errcode == TOO_OFTEN:
            error.wait_s = self._rests.begin(error.path)
        elif error.errcode == TOO_MANY_AT_ONCE:
            door.narrow()
        elif error.errcode in HALTING:
            self.tokens.halt(error)
        self._note(error)

    def _note(self, error: WeComError) -> None:
        outcome = "unreachable" if error.errcode is None else str(error.errcode)
        self.stats[error.path, outcome] += 1
        line = logger.bind(action="wecom_refused", path=error.path, errcode=error.errcode, hint=error.hint)
        known = error.errcode is None or error.errcode in CODES
        line.log("INFO" if known else "WARNING", "{} wait_s={:g} then={}", error, error.wait_s, error.action.value)

    async def _exchange(self, request: Request, token: str | None) -> Answer:
        params = {**request.params, "access_token": token} if token is not None else dict(request.params)
        headers = {**(request.headers or {}), **({"Content-Type": "application/json"} if request.data else {})}
        request.in_air = True
        try:
            async with self._http().request(
                request.method,
                f"{self._base}/cgi-bin/{request.path}",
                params=params,
                data=request.form() if request.form else request.data,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),  # `perform` bounds the whole
            ) as response:
                raw = await self._read(response, request.path)
                answer = Answer(request.path, response.status, response.content_type, raw)
        except _NEVER_SENT as error:
            request.in_air = False
            raise WeComUnreachable(request.path, type(error).__name__, ambiguous=False) from None
        except (aiohttp.ClientError, OSError) as error:
            raise WeComUnreachable(request.path, type(error).__name__, ambiguous=True) from None
        request.in_air = False
        return answer

    async def _read(self, response: aiohttp.ClientResponse, path: str) -> bytes:
        pieces, size = [], 0
        async for piece in response.content.iter_chunked(1 << 16):
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise WeComUnreachable(path, "an answer without end", ambiguous=True)
            pieces.append(piece)
        return b"".join(pieces)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _masked(self, text: str) -> str:
        for kept in (self._secret, self.tokens.value):
            text = text.replace(kept, "***") if kept else text
        return text
