"""卡片提问: a guide is asked by a card with buttons where the choices fit one; the numbered text goes along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot import cards
from bot.kf_menu import Choice
from bot.sizes import BYTES, size
from storage import cards as sent_cards

if TYPE_CHECKING:
    from bot.turn import Turn


def by_card(
    turn: Turn, userid: str, content: str, text: str, choices: Sequence[Choice], values: Mapping[str, object]
) -> bool:
    """Owe a card for `text`; False when cards are off, the answer leaves by another door, or it does not fit.

    `content` is said if WeCom takes no card.
    """
    if not turn.cards or turn.door is not None or size(content) > BYTES["text"]:
        return False
    task_id = f"ask-{turn.ids.next()}"
    head, submit = turn.texts.render(text, **values, choices=""), turn.texts.render("cards/submit")
    card = cards.choice(head, choices, task_id, submit)
    if card is None:
        return False
    sent_cards.sent(turn.db, task_id, userid, choices, turn.now)
    payload = {"touser": userid, "msgtype": "template_card", "template_card": card, "text": {"content": content}}
    turn.owe("message/send", payload, subject=f"staff:{userid}")
    return True
