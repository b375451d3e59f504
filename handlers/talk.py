"""对话 talk: what every audience has in common: tolerant words, numbered menus, help, the nearest word after a slip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

from bot.events import Address, Event, TextReceived
from bot.kf_menu import Choice, clicked
from bot.router import Heard, normalize
from bot.turn import STAFF, Turn
from handlers.plays import Plays
from handlers.words import CANCEL_WORD, CONFIRM_WORD, HELP_WORDS
from storage import dialogues

# A number, or a word and a number: 「2」, 「开团 2」. Codes have letters or more digits.
_LINE = re.compile(r"\d{1,2}\. ?(.+)")  # an entry of a list, as a click repeats it
_NUMBERED = re.compile(r"(\D*?) ?(\d{1,2})")


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
    """Let a play take the words; help, the nearest word or the menu when none does."""
    menu = plays.menu(audience.name, turn.grants)
    if audience is GUIDE and not turn.grants:
        turn.say(sender, "staff/nobody")
        return
    typed = _meant(turn, event, sender, text, menu)
    said = normalize(typed)
    if said in HELP_WORDS:
        turn.ask(sender, audience.help, menu)
        return
    heard = Heard(said, "", (*plays.known_words(audience.name, turn.grants), *HELP_WORDS))
    if plays.beforehand(turn, event, audience.name, heard) or _stopped(turn, event, plays, sender, audience, said):
        return
    if plays.glued(audience.name, said) and plays.otherwise(turn, event, audience.name, heard._replace(glued=True)):
        return
    taken = plays.hear(turn, event, audience.name, _confirmed(plays, audience, typed))
    if taken is None:
        near = _nearest(
            said, [word for word in heard.known if len(word) > 1 or word in HELP_WORDS], [one.words for one in menu]
        )
        if plays.otherwise(turn, event, audience.name, heard._replace(near=near)):
            return
        if near:
            turn.ask(sender, audience.nearest, menu, near=near)
        else:
            turn.ask(sender, audience.not_understood, menu)
    elif taken.arg and not taken.bare and said in map(normalize, taken.words):
        turn.say(sender, "common/what", word=taken.words[0], arg=taken.arg)


def _stopped(turn: Turn, event: Event, plays: Plays, sender: Address, audience: Audience, said: str) -> bool:
    """Whether the speaker may not say it, or is asked once more first."""
    if (refused := plays.forbidden(turn, audience.name, _confirmed(plays, audience, said))) is not None:
        turn.say(sender, "staff/may_not", word=refused.words[0])
        return True
    return _asks_first(turn, event, plays, sender, audience, said)


def _asks_first(turn: Turn, event: Event, plays: Plays, sender: Address, audience: Audience, said: str) -> bool:
    """Whether words that move value wait for a yes, or were just given up. A tap on a card comes back as `确认 …`."""
    if not turn.confirms or sender.channel != STAFF:
        return False
    if said == CANCEL_WORD:
        turn.say(sender, "cards/cancelled")
        return True
    taken = plays.taking(audience.name, said)
    if taken is None or not taken.confirm:
        return False
    what = plays.preview(turn, event, audience.name, said)
    yes, no = turn.texts.render("cards/yes"), turn.texts.render("cards/no")
    choices = [Choice(f"{CONFIRM_WORD} {said}", yes), Choice(CANCEL_WORD, no)]
    if what:
        turn.ask(sender, "cards/confirm_what", choices, what=what)
    elif what is None:
        turn.ask(sender, "cards/confirm", choices, said=said)
    return True


def _confirmed(plays: Plays, audience: Audience, typed: str) -> str:
    """The words behind 确认, where they are of those that are asked once more."""
    word, _, rest = " ".join(typed.split()).partition(" ")
    taken = plays.taking(audience.name, rest) if normalize(word) == CONFIRM_WORD else None
    return rest if taken is not None and taken.confirm else typed


def _nearest(said: str, known: list[str], first: list[str]) -> str:
    """The known word that is most like what was said; of equals one that the menu shows. "" when none is like it."""
    near = get_close_matches(said, known, n=5, cutoff=0.5)
    ratios = [SequenceMatcher(None, said, word).ratio() for word in near]
    equal = [word for word, ratio in zip(near, ratios, strict=True) if ratio == ratios[0]]
    return next((word for word in equal if word in first), equal[0] if equal else "")


def _meant(turn: Turn, event: Event, sender: Address, typed: str, menu: list[Choice]) -> str:
    """What a click or a number stands for: the choice it was when it was shown, else an entry of the menu."""
    said = normalize(typed)
    menu_id = event.menu_id if isinstance(event, TextReceived) else None
    line, match = _LINE.fullmatch(said), _NUMBERED.fullmatch(said)
    if menu_id is None and line is None and match is None:
        return typed
    shown = dialogues.offered(turn.db, *sender, turn.now) or [choice.words for choice in menu]
    meant = clicked(menu_id, shown) if menu_id is not None else None
    if meant is not None:
        return meant
    if match is None:
        return line[1] if line else typed
    word, number = match[1], int(match[2])
    if not 1 <= number <= len(shown):
        return typed
    meant = shown[number - 1]
    return meant if not word or normalize(meant).startswith(f"{word} ") else typed
