"""熔断 a circuit breaker: a service that fails again and again is left alone, then tried with one call."""

from __future__ import annotations

from typing import Literal

from bot.clock import Clock

State = Literal["closed", "open", "half-open"]
LONGEST_S = 300.0


class Breaker:
    """Opens after `failures` in a row for `open_s` seconds, doubled each time its one trial fails too."""

    def __init__(self, clock: Clock, failures: int, open_s: float) -> None:
        self._clock, self._most, self._first_s = clock, failures, open_s
        self._failed, self._open_s, self._until = 0, open_s, 0.0
        self._trying = False

    @property
    def state(self) -> State:
        """As it stands now."""
        if self._failed < self._most:
            return "closed"
        return "open" if self._clock.monotonic() < self._until or self._trying else "half-open"

    def allows(self) -> bool:
        """Whether a call may be made; asked once per call: half-open lets a single one through."""
        state = self.state
        self._trying = self._trying or state == "half-open"
        return state != "open"

    def succeeded(self) -> None:
        """A call went well."""
        self._failed, self._open_s, self._trying = 0, self._first_s, False

    def failed(self) -> None:
        """A call failed in a way that says something about the service."""
        self._failed += 1
        if self._failed > self._most:
            self._open_s = min(LONGEST_S, self._open_s * 2)
        self._trying = False
        self._until = self._clock.monotonic() + self._open_s

    def undecided(self) -> None:
        """A call ended without saying anything about the service."""
        self._trying = False
