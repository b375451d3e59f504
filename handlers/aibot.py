"""智能机器人 the AI bot: entering, cards, pictures, ratings. What people say to it is heard as in the app's chat."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from bot.aibot_events import BotEntered, FeedbackReceived, MediaLinked, MixedReceived
from bot.events import CardClicked
from bot.turn import STAFF, Turn
from handlers import media, talk
from handlers.plays import Plays
from handlers.words import HELP_WORDS

MENU_CARD = "menu-"
BUTTONS = 6  # of a card, at most


def entered(turn: Turn, event: BotEntered, plays: Plays) -> None:
    """The first visit of the day: what can be said, as buttons; of more than a card holds the first, and 帮助."""
    menu = plays.menu(talk.GUIDE.name, turn.grants)
    if event.sender is None:
        return
    if not turn.grants:
        turn.say(event.sender, "staff/nobody")
        return
    turn.ask(event.sender, "aibot/welcome", menu)
    if menu:
        task_id = MENU_CARD + sha256(event.key.encode()).hexdigest()[:24]
        words = [choice.words for choice in menu]
        shown = words if len(words) <= BUTTONS else [*words[: BUTTONS - 1], HELP_WORDS[0]]
        turn.card = menu_card(turn, task_id, shown)


def menu_card(turn: Turn, task_id: str, words: list[str]) -> dict[str, Any]:
    """A button for each word."""
    return {
        "card_type": "button_interaction",
        "main_title": {"title": turn.texts.render("aibot/card_title"), "desc": turn.texts.render("aibot/card_desc")},
        "task_id": task_id,
        "button_list": [{"text": word, "style": 1, "key": word} for word in words],
    }


def card_clicked(turn: Turn, event: CardClicked, plays: Plays) -> None:
    """A button of the menu is a word like any other; the card then says which was taken. Cards of plays are theirs."""
    if event.door is None or event.sender is None or not event.task_id.startswith(MENU_CARD):
        return
    card = menu_card(turn, event.task_id, [event.event_key])
    turn.card = {**card, "replace_text": turn.texts.render("aibot/chosen", word=event.event_key)}
    talk.hear(turn, event, plays, event.sender, event.event_key, talk.GUIDE)


def mixed_received(turn: Turn, event: MixedReceived, plays: Plays) -> None:
    """Words with pictures: the words are heard, the pictures kept."""
    if event.sender is None:
        return
    if event.text.strip():
        talk.hear(turn, event, plays, event.sender, event.text, talk.GUIDE)
    media.linked(turn, event, event.sender, [item for item in map(_picture, event.items) if item is not None])


def _picture(item: dict[str, Any]) -> media.Item | None:
    """A picture among words; None for what is none."""
    given = item.get("image") if item.get("msgtype") == "image" else None
    url, key = (given.get("url"), given.get("aeskey")) if isinstance(given, dict) else (None, None)
    if not isinstance(url, str) or not isinstance(key, str | None):
        return None
    return {"media": "image", "url": url, "aes_key": key}


def media_received(turn: Turn, event: MediaLinked, plays: Plays) -> None:
    """A picture or a file: kept, if it is of a kind that is."""
    if event.sender is None or event.sender.channel != STAFF:
        return
    if event.media == "video":
        turn.say(event.sender, "media/no_video")
        return
    item: media.Item = {"media": event.media, "url": event.url, "aes_key": event.aes_key}
    media.linked(turn, event, event.sender, [item])


def rated(turn: Turn, event: FeedbackReceived, plays: Plays) -> None:
    """How a reply was liked is kept for whoever asks."""
    actor = f"staff:{event.sender.external_id}" if event.sender else STAFF
    verdict = {1: "good", 2: "bad", 3: "taken_back"}.get(event.verdict, str(event.verdict))
    turn.audit(
        actor, f"aibot.rated_{verdict}", event.feedback_id, content=event.content or "", reasons=list(event.reasons)
    )
