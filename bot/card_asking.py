"""卡片提问: a guide is asked by a card with buttons where the choices fit one; the numbered text goes along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bot import cards
from bot.door import Door
from bot.events import Address
from bot.kf_menu import Choice
from bot.sizes import BYTES, size
from storage import cards as sent_cards

if TYPE_CHECKING:
    from bot.turn import Turn


class Asked(NamedTuple):
    """A card for whoever asked at the AI bot, and the words that are said where it takes no card."""

    card: cards.Body
    content: str


def by_card(
    turn: Turn, to: Address, content: str, text: str, choices: Sequence[Choice], values: Mapping[str, object],
    rows: cards.Rows = (),
) -> bool:  # fmt: skip
    """Owe a card for `text`; False when cards are off or it does not fit.

    `content` is said if WeCom takes no card.
    """
    door = turn.door if to == turn.event.sender else None
    if not turn.cards or size(content) > BYTES["text"] or (door is not None and not _takes_cards(turn, door)):
        return False
    task_id = f"ask-{turn.ids.next()}"
    empty = {"choices": "", **({"rows": ""} if rows else {})}
    head, submit = turn.texts.render(text, **values, **empty), turn.texts.render("cards/submit")
    card = cards.choice(head, choices, task_id, submit, rows)
    if card is None or (door is not None and card["card_type"] != "button_interaction"):
        return False
    userid = to.external_id
    sent_cards.sent(turn.db, task_id, userid, [(one.words, one.label) for one in choices], turn.now)
    if door is not None:
        turn.asked.append(Asked(card, content))
        return True
    payload = {"touser": userid, "msgtype": "template_card", "template_card": card, "text": {"content": content}}
    turn.owe("message/send", payload, subject=f"staff:{userid}")
    return True


def _takes_cards(turn: Turn, door: Door) -> bool:
    """Where a question can be answered by a card: a greeting has one of its own, and what is somebody's own is not for
    a whole group."""
    return door["kind"] != "enter_chat" and (turn.public or not door["group"])
