"""导购 guides: what staff say to the app: tolerant words, help, the nearest command after a slip."""

from __future__ import annotations

from datetime import timedelta

from bot import cards
from bot.events import AppEntered, AppSubscribed, CardClicked, MenuClicked, TextReceived
from bot.turn import STAFF, Turn
from handlers import talk
from handlers.plays import Plays
from storage import cards as sent_cards

UPDATE = "message/update_template_card"
CODE_LIFE = timedelta(hours=72)


def text_received(turn: Turn, event: TextReceived, plays: Plays) -> None:
    """A guide wrote to the app."""
    if event.sender is not None and event.sender.channel == STAFF:
        talk.hear(turn, event, plays, event.sender, event.text, talk.GUIDE)


def menu_clicked(turn: Turn, event: MenuClicked, plays: Plays) -> None:
    """A menu's key is a word like any other."""
    if event.sender is not None:
        talk.hear(turn, event, plays, event.sender, event.menu_key, talk.GUIDE)


def card_clicked(turn: Turn, event: CardClicked, plays: Plays) -> None:
    """A button of a card says its words, once: whoever taps again sees what was chosen first."""
    if event.sender is None:
        return
    if not turn.grants:  # a tap that does nothing must not be the one that counts
        turn.say(event.sender, "staff/nobody")
        return
    card = sent_cards.find(turn.db, event.task_id)
    words = cards.tapped(event.event_key, event.selected)
    if card is None or sent_cards.label(card, words) is None:
        turn.say(event.sender, "cards/unknown")
        return
    first, chosen = sent_cards.choose(turn.db, card, words, event.sender.external_id, turn.now)
    label = sent_cards.label(card, chosen) or chosen
    if first:
        talk.hear(turn, event, plays, event.sender, words, talk.GUIDE)
    else:
        turn.say(event.sender, "cards/chosen_before", label=label)
    _mark(turn, event, turn.stamp or turn.texts.render("cards/chosen", label=label))


def _mark(turn: Turn, event: CardClicked, mark: str) -> None:
    """Let the card show what became of it, by the way it was tapped: the app's button is named anew, the AI bot's card
    is told anew."""
    assert event.sender is not None
    if event.door is not None:
        turn.card = cards.tapped_card(mark, event.event_key, event.task_id)
    elif event.response_code:
        shown = cards.replaced(mark)
        payload = {"userids": [event.sender.external_id], "response_code": event.response_code, "button": shown}
        turn.owe(UPDATE, payload, subject=f"card:{event.task_id}", expires_at=event.at + CODE_LIFE)


def entered(turn: Turn, event: AppEntered | AppSubscribed, plays: Plays) -> None:
    """A guide opened the app: nothing to say, they know it."""
