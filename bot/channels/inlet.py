"""入口 inlet: the one door from a channel into the bot."""

from __future__ import annotations

from typing import Protocol

from bot.events import Event


class Inlet(Protocol):
    """What a channel needs of the bot. The writer implements it."""

    async def accept(self, event: Event) -> str | None:
        """Record and run the event; durable when this returns. The value is the passive reply's text, if any.

        Raises NotStored when the database refused: the channel then answers so that the platform tries again.
        """
        ...

    async def quarantine(self, event: Event, reason: str) -> None:
        """Record the event without acting on it, for a person to look at. Raises NotStored as `accept` does."""
        ...
