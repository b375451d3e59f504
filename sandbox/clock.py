"""The sandbox's virtual clock: the machine's time plus an offset that the page can move."""

from __future__ import annotations

import time
from datetime import UTC, datetime

FARTHEST_S = 100 * 366 * 86_400.0  # a century each way: far beyond any test, well inside what datetime can say


class VirtualClock:
    """Seconds since 1970 as WeCom sees them."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def time(self) -> float:
        """Virtual seconds."""
        return time.time() + self.offset_s

    def iso(self) -> str:
        """Virtual time for people."""
        return datetime.fromtimestamp(self.time(), UTC).isoformat(timespec="milliseconds")

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._jump(self.offset_s + seconds)

    def set(self, moment: datetime) -> None:
        """Jump to a moment."""
        self._jump(moment.timestamp() - time.time())

    def _jump(self, offset_s: float) -> None:
        if not -min(FARTHEST_S, time.time()) <= offset_s <= FARTHEST_S:  # NaN fails every comparison, so it is refused
            raise ValueError("the clock moves a century at most")
        self.offset_s = offset_s
