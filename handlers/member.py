"""会员 members: what they say in a private chat."""

from __future__ import annotations

from bot.events import TextReceived
from bot.turn import Turn
from handlers import talk
from handlers.plays import Plays


def text_received(turn: Turn, event: TextReceived, plays: Plays) -> None:
    """A member wrote; whoever writes for the first time is a member from now on."""
    if event.sender is not None:
        turn.ensure_person(event.sender, "message")
        talk.hear(turn, event, plays, event.sender, event.text, talk.MEMBER)
