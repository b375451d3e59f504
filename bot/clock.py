"""时钟 clock: the one seam through which time comes in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What reads the time: `now` for business, `monotonic` (seconds) for durations."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...


class SystemClock:
    """The machine's clock, shifted by `offset`: the demo follows the sandbox's virtual time by it."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Seconds; a shift of the business clock moves it forward too, never back."""
        return time.monotonic() + max(self.offset.total_seconds(), 0.0)


class FrozenClock:
    """A clock that stands still until told otherwise: a year passes in a second."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at, self._passed = at, 0.0

    def now(self) -> datetime:
        """Aware UTC."""
        return self._at

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._at += timedelta(seconds=seconds)
        self._passed += seconds
