"""卡片 cards: template_card bodies within WeCom's limits; what does not fit becomes None, and the text alone is said.

Pure: values in, dict out. The words behind a button are its key, so a tap says what its label means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.kf_menu import Choice
from bot.sizes import BYTES, CHARS, plain, size, whole

Body = dict[str, Any]
BUTTONS, OPTIONS = 6, 20
OPTION_BYTES = 128
QUESTION = "choice"
PRIMARY, PLAIN = 1, 4


def choice(text: str, choices: Sequence[Choice], task_id: str, submit: str) -> Body | None:
    """A card that lets one choose: buttons up to six, a list to pick from up to twenty. `submit` sends the picked."""
    return buttons(text, choices, task_id) or vote(text, choices, task_id, submit)


def buttons(text: str, choices: Sequence[Choice], task_id: str) -> Body | None:
    """按钮交互 button_interaction: a text and one button a choice."""
    title, rest = _lines(text)
    if not _fits(title, rest, choices, task_id, CHARS["card_text"]) or len(choices) > BUTTONS:
        return None
    if any(size(one.words) > BYTES["card_key"] for one in choices):
        return None
    drawn = [
        {"text": plain(one.label), "style": PLAIN if place else PRIMARY, "key": one.words}
        for place, one in enumerate(choices)
    ]
    body: Body = {"card_type": "button_interaction", "main_title": {"title": title}, "task_id": task_id}
    return body | ({"sub_title_text": rest} if rest else {}) | {"button_list": drawn}


def vote(text: str, choices: Sequence[Choice], task_id: str, submit: str) -> Body | None:
    """投票选择 vote_interaction: one of many, then a button to send it. It has room for a short text only."""
    title, rest = _lines(text)
    if not _fits(title, rest, choices, task_id, CHARS["card_desc"]) or len(choices) > OPTIONS:
        return None
    if any(size(one.words) > OPTION_BYTES for one in choices):
        return None
    listed = [{"id": one.words, "text": plain(one.label), "is_checked": not place} for place, one in enumerate(choices)]
    return {
        "card_type": "vote_interaction",
        "main_title": {"title": title, **({"desc": rest} if rest else {})},
        "task_id": task_id,
        "checkbox": {"question_key": QUESTION, "mode": 0, "option_list": listed},
        "submit_button": {"text": submit, "key": QUESTION},
    }


def tapped(event_key: str, selected: dict[str, list[str]]) -> str:
    """The words a tap stands for."""
    picked = selected.get(QUESTION) or []
    return picked[0] if event_key == QUESTION and picked else event_key


def replaced(label: str) -> Body:
    """What stands on the button after it was tapped."""
    text = plain(label)
    return {"replace_name": text[: whole(text, CHARS["card_replaced"])]}


def _lines(text: str) -> tuple[str, str]:
    """The first line is the title, the rest the text below it."""
    title, _, rest = plain(text).strip().partition("\n")
    return title.strip(), rest.strip()


def _fits(title: str, rest: str, choices: Sequence[Choice], task_id: str, rest_chars: int) -> bool:
    return (
        0 < len(title) <= CHARS["card_title"]
        and len(rest) <= rest_chars
        and len(choices) > 0
        and len({one.words for one in choices}) == len(choices)
        and all(one.words and 0 < len(plain(one.label)) <= CHARS["card_button"] for one in choices)
        and 0 < size(task_id) <= BYTES["card_task"]
    )
