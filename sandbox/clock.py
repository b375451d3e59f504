"""The sandbox's virtual clock: the machine's time plus an offset that the page can move."""

from __future__ import annotations

import time
from datetime import UTC, datetime


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
        self.offset_s += seconds

    def set(self, moment: datetime) -> None:
        """Jump to a moment."""
        self.offset_s = moment.timestamp() - time.time()
