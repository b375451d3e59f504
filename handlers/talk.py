"""对话 talk: what every audience has in common: tolerant words, numbered menus, help, the nearest word after a slip."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from bot.events import Address, Event
from bot.router import normalize
from bot.turn import Turn
from handlers.plays import Plays
from handlers.words import HELP_WORDS, numbered


@dataclass(frozen=True)
class Audience:
    """Who is speaking, and the texts they are answered with."""

    name: str
    help: str
    nearest: str
    not_understood: str


GUIDE = Audience("guide", "guide/help", "guide/nearest", "guide/not_understood")
MEMBER = Audience("member", "member/help", "member/nearest", "member/not_understood")


def hear(turn: Turn, event: Event, plays: Plays, sender: Address, text: str, audience: Audience) -> None:
    """Let a play take the words; a number means an entry of the menu."""
    said = normalize(text)
    menu = plays.menu(audience.name)
    if said.isdigit() and 1 <= int(said) <= len(menu):
        said = menu[int(said) - 1].split(" ")[0]
    if said in HELP_WORDS:
        turn.offer(sender, audience.help, menu, menu=numbered(menu))
    elif not plays.hear(turn, event, audience.name, said):
        near = get_close_matches(said, [*plays.known_words(audience.name), *HELP_WORDS], n=1, cutoff=0.5)
        if near:
            turn.offer(sender, audience.nearest, menu, near=near[0], menu=numbered(menu))
        else:
            turn.offer(sender, audience.not_understood, menu, menu=numbered(menu))
