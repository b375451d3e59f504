"""导购 guides: what staff say to the app: tolerant words, help, the nearest command after a slip."""

from __future__ import annotations

from difflib import get_close_matches

from bot.events import Address, AppEntered, AppSubscribed, Event, MenuClicked, TextReceived
from bot.router import normalize
from bot.turn import STAFF, Turn
from handlers.plays import Plays
from handlers.words import HELP_WORDS, numbered

AUDIENCE = "guide"


def text_received(turn: Turn, event: TextReceived, plays: Plays) -> None:
    """A guide wrote to the app."""
    if event.sender is not None and event.sender.channel == STAFF:
        _hear(turn, event, plays, event.sender, event.text)


def menu_clicked(turn: Turn, event: MenuClicked, plays: Plays) -> None:
    """A menu's key is a word like any other."""
    if event.sender is not None:
        _hear(turn, event, plays, event.sender, event.menu_key)


def entered(turn: Turn, event: AppEntered | AppSubscribed, plays: Plays) -> None:
    """A guide opened the app: nothing to say, they know it."""


def _hear(turn: Turn, event: Event, plays: Plays, sender: Address, text: str) -> None:
    said = normalize(text)
    menu = plays.menu(AUDIENCE)
    if said.isdigit() and 1 <= int(said) <= len(menu):
        said = menu[int(said) - 1]
    if said in HELP_WORDS:
        turn.say(sender, "guide/help", menu=numbered(menu))
    elif not plays.hear(turn, event, AUDIENCE, said):
        near = get_close_matches(said, [*plays.known_words(AUDIENCE), *HELP_WORDS], n=1, cutoff=0.5)
        if near:
            turn.say(sender, "guide/nearest", near=near[0], menu=numbered(menu))
        else:
            turn.say(sender, "guide/not_understood", menu=numbered(menu))
