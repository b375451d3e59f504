"""频率 limits: how many messages one receiver may get, kept below the platform's own figures.

WeCom drops what is over its limit without a word (its message/send page says so), so we must never reach it; two
thirds is our line.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Rate:
    """`count` within `seconds`."""

    count: int
    seconds: float


class Buckets:
    """Sliding windows, one set of rates for every key. Times are seconds of one clock."""

    def __init__(self, *rates: Rate) -> None:
        self._rates = rates
        self._longest = max(rate.seconds for rate in rates)
        self._hits: dict[str, deque[float]] = {}

    def wait(self, key: str, now: float) -> float:
        """Seconds until one more is allowed; 0 when it is now."""
        hits = self._hits.get(key)
        if not hits:
            return 0.0
        while hits and hits[0] <= now - self._longest:
            hits.popleft()
        longest = 0.0
        for rate in self._rates:
            if len(hits) >= rate.count:
                longest = max(longest, hits[-rate.count] + rate.seconds - now)
        return longest

    def hit(self, key: str, now: float) -> None:
        """Count one."""
        self._hits.setdefault(key, deque()).append(now)

    def arrived(self, key: str, sent: float, now: float) -> None:
        """A counted one reached the platform by `now` and not when it was `sent`: theirs are the windows that count."""
        hits = self._hits.get(key, deque())
        for place in range(len(hits) - 1, -1, -1):
            if hits[place] == sent:
                hits[place] = now
                break

    def forget_idle(self, now: float) -> int:
        """Let go of keys that have been quiet for the longest window; how many remain."""
        for key in [key for key, hits in self._hits.items() if not hits or hits[-1] <= now - self._longest]:
            del self._hits[key]
        return len(self._hits)
