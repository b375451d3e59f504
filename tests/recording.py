"""An inlet that writes down what came, for tests of the channels."""

from __future__ import annotations

from bot.errors import NotStored
from bot.events import Event


class RecordingInlet:
    """Accepts everything; `reply` is what it answers, `refusing` makes it behave as a full disk."""

    def __init__(self, reply: str | None = None) -> None:
        self.accepted: list[Event] = []
        self.quarantined: list[tuple[Event, str]] = []
        self.reply = reply
        self.refusing = False

    async def accept(self, event: Event) -> str | None:
        """Keep it, answer `reply`."""
        if self.refusing:
            raise NotStored
        self.accepted.append(event)
        return self.reply

    async def quarantine(self, event: Event, reason: str) -> None:
        """Keep it apart."""
        if self.refusing:
            raise NotStored
        self.quarantined.append((event, reason))
