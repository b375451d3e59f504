"""access_token: one for all calls, fetched by one caller while the others wait, and not at all once WeCom said the
secret is wrong.

It lives in this process only. The process that leads is the one that calls WeCom, so there is nothing to share;
that a second gettoken leaves the first token valid is believed but not documented.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger

from bot.clock import Clock
from bot.errors import Action, WeComError, WeComUnreachable
from bot.wecom.codes import HOUR_S, INVALID_TOKEN

Fetch = Callable[[], Awaitable[tuple[str, float]]]  # token, seconds it lives

STRIKES = 5  # tokens in a row that were refused although they had just been fetched
USELESS_REST_S = 10.0  # after so many, ask for no more for a while
EARLY_AGAIN_S = 5.0  # between two early refreshes, when the first one failed


class Tokens:
    """Gives out the token. `margin_s`: refresh so many seconds before it ends."""

    def __init__(self, fetch: Fetch, clock: Clock, margin_s: float) -> None:
        self._fetch, self._clock, self._margin_s = fetch, clock, margin_s
        self._token, self._fresh_until, self._ends_at = "", 0.0, 0.0
        self._proven, self._strikes, self._rest_until = False, 0, 0.0
        self._not_before = 0.0
        self._flight: asyncio.Task[str] | None = None
        self._halted: WeComError | None = None
        self._halted_until = 0.0

    @property
    def value(self) -> str:
        """The token as it is, maybe empty or dead; for masking it."""
        return self._token

    async def get(self, stale: str | None = None) -> str:
        """A token that should work. `stale`: one that WeCom has just refused; only it causes a refresh."""
        self.check()
        if stale is not None and stale == self._token:
            self._refused()
        now = self._clock.monotonic()
        if self._token and now < self._ends_at:
            if now >= max(self._fresh_until, self._not_before):
                self._start()  # early: nobody waits for it, the old one still works
            return self._token
        self._check_rest()
        return await self._wait_for_refresh()

    def accepted(self, token: str) -> None:
        """WeCom took the token."""
        if token == self._token:
            self._proven, self._strikes = True, 0

    def check(self) -> None:
        """Raise at once while halted; after the cool-down one more try is allowed."""
        if self._halted is None:
            return
        left = self._halted_until - self._clock.monotonic()
        if left <= 0:
            self.resume()
            return
        error = self._halted
        raise WeComError(error.errcode, error.errmsg, error.path, action=Action.STOP, wait_s=left, hint=error.hint)

    def halt(self, error: WeComError) -> None:
        """Secret or corp id is wrong: no more calls until `resume` or for an hour, which is as long as an address is
        barred for asking too often."""
        if self._halted is None:
            logger.bind(action="wecom_halted", errcode=error.errcode, hint=error.hint).critical("{}", error)
        self._halted, self._halted_until = error, self._clock.monotonic() + HOUR_S
        self._forget()

    def resume(self) -> None:
        """Somebody has set it right: try again."""
        self._halted, self._strikes, self._rest_until = None, 0, 0.0

    async def close(self) -> None:
        """End a refresh under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    def _refused(self) -> None:
        self._strikes = 0 if self._proven else self._strikes + 1
        self._forget()
        if self._strikes >= STRIKES:
            logger.bind(action="wecom_token_useless").critical("tokens_refused={}", self._strikes)
            self._strikes, self._rest_until = 0, self._clock.monotonic() + USELESS_REST_S

    def _check_rest(self) -> None:
        left = self._rest_until - self._clock.monotonic()
        if left > 0:
            raise WeComError(
                INVALID_TOKEN, "new tokens are refused as well", "gettoken", action=Action.WAIT, wait_s=left
            )

    def _forget(self) -> None:
        self._token, self._fresh_until, self._ends_at = "", 0.0, 0.0

    def _start(self) -> asyncio.Task[str]:
        if self._flight is None or self._flight.done():
            self._not_before = self._clock.monotonic() + EARLY_AGAIN_S
            self._flight = asyncio.create_task(self._fly(), name="gettoken")
            self._flight.add_done_callback(_look_at_outcome)
        return self._flight

    async def _wait_for_refresh(self) -> str:
        flight = self._start()
        await asyncio.wait({flight})  # a caller that gives up does not take the refresh away from the others
        if flight.cancelled():
            raise WeComUnreachable("gettoken", "closing", ambiguous=False)
        error = flight.exception()
        if error is not None:
            raise error.with_traceback(None)  # shared by all who waited: each would add its own frames
        return flight.result()

    async def _fly(self) -> str:
        began = self._clock.monotonic()
        token, lives_s = await self._fetch()
        margin = min(self._margin_s, lives_s / 10)  # a token of two seconds is refreshed early too, but not at once
        self._token, self._proven = token, False
        self._fresh_until, self._ends_at = began + lives_s - margin, began + lives_s
        return token


def _look_at_outcome(flight: asyncio.Task[str]) -> None:
    """Every waiter may be gone; asyncio complains about an outcome nobody has seen."""
    if not flight.cancelled():
        flight.exception()
