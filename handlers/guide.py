"""导购 guides: what staff say to the app: tolerant words, help, the nearest command after a slip."""

from __future__ import annotations

from bot.events import AppEntered, AppSubscribed, MenuClicked, TextReceived
from bot.turn import STAFF, Turn
from handlers import talk
from handlers.plays import Plays


def text_received(turn: Turn, event: TextReceived, plays: Plays) -> None:
    """A guide wrote to the app."""
    if event.sender is not None and event.sender.channel == STAFF:
        talk.hear(turn, event, plays, event.sender, event.text, talk.GUIDE)


def menu_clicked(turn: Turn, event: MenuClicked, plays: Plays) -> None:
    """A menu's key is a word like any other."""
    if event.sender is not None:
        talk.hear(turn, event, plays, event.sender, event.menu_key, talk.GUIDE)


def entered(turn: Turn, event: AppEntered | AppSubscribed, plays: Plays) -> None:
    """A guide opened the app: nothing to say, they know it."""
