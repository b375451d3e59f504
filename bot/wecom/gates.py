"""限流 gates: how many calls of one API may be under way, and which API must rest. Both learn from WeCom's answers."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from bot.clock import Clock
from bot.errors import WeComError
from bot.wecom.codes import HOUR_S, MINUTE_S, TOO_OFTEN, verdict

WIDEST = 32
CALM_S = 1.0  # answers to one burst count once


class Door:
    """Lets `limit` calls in at a time: halved when WeCom says too many (45033), one more after `limit` good answers."""

    def __init__(self, clock: Clock, widest: int = WIDEST) -> None:
        self._clock, self._widest = clock, widest
        self.limit, self._inside, self._good = widest, 0, 0
        self._narrowed_at = -CALM_S
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self._inside < self.limit and not self._waiting:
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # let in and cancelled in the same moment: the place goes to the next
                self._leave()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._inside < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():  # else its owner was cancelled
                self._inside += 1
                turn.set_result(None)

    def narrow(self) -> None:
        """WeCom said too many at once."""
        now = self._clock.monotonic()
        if now - self._narrowed_at >= CALM_S:
            self.limit, self._good, self._narrowed_at = max(1, self.limit // 2), 0, now

    def widen(self) -> None:
        """A call went well."""
        if self.limit >= self._widest:
            return
        self._good += 1
        if self._good >= self.limit:
            self.limit, self._good = self.limit + 1, 0
            self._admit()


@dataclass
class _Rest:
    until: float
    length_s: float


class Rests:
    """Which API was called too often (45009) and rests: 60 s, and an hour when it happens again right after.

    The answer does not say which window was hit; the minute's is by far the likelier.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rests: dict[str, _Rest] = {}

    def begin(self, path: str) -> float:
        """WeCom said too often; seconds to wait from now. Answers to calls of one burst begin one rest."""
        now, last = self._clock.monotonic(), self._rests.get(path)
        if last is not None and now < last.until:
            return last.until - now
        again = last is not None and now - last.until < MINUTE_S
        length = HOUR_S if again else MINUTE_S
        self._rests[path] = _Rest(now + length, length)
        return length

    def check(self, path: str) -> None:
        """Raise at once, with the seconds left, when the API rests."""
        rest = self._rests.get(path)
        if rest is None or (left := rest.until - self._clock.monotonic()) <= 0:
            return
        raise WeComError(TOO_OFTEN, "resting", path, action=verdict(TOO_OFTEN).action, wait_s=left)
