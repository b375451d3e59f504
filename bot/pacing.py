"""步幅 pacing: how many rows a long walk takes in one transaction. Nobody else's event is written meanwhile, so a step
is as long as people may wait, by the clock of the machine it runs on; and the fewer the steps the less they cost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from bot.clock import Clock

if TYPE_CHECKING:
    from bot.writer import Writer

T = TypeVar("T")
LEAST, FIRST, MOST = 1_000, 2_000, 20_000
SHARED_S, ALONE_S = 0.05, 0.12  # how long a step should take while others come, and while nobody does


def paced(size: int, took_s: float, *, shared: bool) -> int:
    """The next step's size after one of `size` that took so long, from handing in to its answer: at most twice as
    large, and small at once when it was slow. `shared`: others were served meanwhile."""
    aim = SHARED_S if shared else ALONE_S
    fitting = 2 * size if took_s * 2 * size <= aim * size else int(size * aim / took_s)
    return max(LEAST, min(MOST, fitting))


class Pace:
    """The sizes of one walk."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock = writer, clock
        self.size = FIRST

    async def step(self, act: Callable[[int], Awaitable[T]], own: int = 1) -> T:
        """Do one step of the present size and learn from it; `own` are the events that it is itself."""
        began, served = self._clock.monotonic(), self._writer.stats["events"]
        told = await act(self.size)
        shared = self._writer.stats["events"] - served > own
        self.size = paced(self.size, self._clock.monotonic() - began, shared=shared)
        return told
