"""卡片 cards: template_card bodies within WeCom's limits; what does not fit becomes None, and the text alone is said.

Pure: values in, dict out. The words behind a button are its key, so a tap says what its label means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.kf_menu import Choice
from bot.sizes import BYTES, CHARS, plain, size, whole

Body = dict[str, Any]
Rows = Sequence[tuple[str, str]]
BUTTONS, OPTIONS, LINES = 6, 20, 6
OPTION_BYTES = 128
QUESTION = "choice"
PRIMARY, PLAIN = 1, 4


def choice(text: str, choices: Sequence[Choice], task_id: str, submit: str, rows: Rows = ()) -> Body | None:
    """A card that lets one choose: buttons up to six, a list to pick from up to twenty. `submit` sends the picked."""
    return buttons(text, choices, task_id, rows) or vote(text, choices, task_id, submit)


def buttons(text: str, choices: Sequence[Choice], task_id: str, rows: Rows = ()) -> Body | None:
    """按钮交互 button_interaction: a text, lines of two columns, and one button a choice."""
    title, rest = _lines(text)
    if not _fits(title, rest, choices, task_id, CHARS["card_text"]) or len(choices) > BUTTONS:
        return None
    if any(size(one.words) > BYTES["card_key"] for one in choices):
        return None
    drawn = [
        {"text": plain(shown(one)), "style": PLAIN if place else PRIMARY, "key": one.words}
        for place, one in enumerate(choices)
    ]
    body: Body = {"card_type": "button_interaction", "main_title": {"title": title}, "task_id": task_id}
    lines = [_row(*row) for row in (rows or _told_of(choices))[:LINES]]
    more = ({"sub_title_text": rest} if rest else {}) | ({"horizontal_content_list": lines} if lines else {})
    return body | more | {"button_list": drawn}


def shown(one: Choice) -> str:
    """What stands on a choice's button."""
    return one.short or one.label


def _told_of(choices: Sequence[Choice]) -> list[tuple[str, str]]:
    """Buttons with little room: what each means, by its number."""
    short = any(one.short and one.short != one.label for one in choices)
    return [(str(place), one.label) for place, one in enumerate(choices, 1)] if short else []


def _row(key: str, value: str) -> dict[str, str]:
    """A line of two columns; the value is clipped where clients would show dots."""
    text = plain(value).replace("\n", " ")
    fits = text if len(text) <= CHARS["card_value"] else text[: whole(text, CHARS["card_value"] - 1)] + "…"
    return {"keyname": plain(key)[: CHARS["card_row"]], "value": fits}


def vote(text: str, choices: Sequence[Choice], task_id: str, submit: str) -> Body | None:
    """投票选择 vote_interaction: one of many, then a button to send it. It has room for a short text only."""
    title, rest = _lines(text)
    if not _fits(title, rest, choices, task_id, CHARS["card_desc"]) or len(choices) > OPTIONS:
        return None
    if any(size(one.words) > OPTION_BYTES for one in choices):
        return None
    listed = [
        {"id": one.words, "text": plain(shown(one)), "is_checked": not place} for place, one in enumerate(choices)
    ]
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
    return {"replace_name": _stamp(label)}


def tapped_card(label: str, words: str, task_id: str) -> Body:
    """What stands in the place of a card of the AI bot after it was tapped: the whole card is told anew."""
    title = plain(label)
    return {
        "card_type": "button_interaction",
        "main_title": {"title": title[: whole(title, CHARS["card_title"])]},
        "task_id": task_id,
        "button_list": [{"text": _stamp(label), "style": PLAIN, "key": words}],
        "replace_text": _stamp(label),
    }


def _stamp(label: str) -> str:
    text = plain(label)
    return text[: whole(text, CHARS["card_replaced"])]


def _lines(text: str) -> tuple[str, str]:
    """The first line is the title, the rest the text below it."""
    title, _, rest = plain(text).strip().partition("\n")
    return title.strip(), re.sub(r"\n\s*\n", "\n", rest.strip())  # where the choices stood


def _fits(title: str, rest: str, choices: Sequence[Choice], task_id: str, rest_chars: int) -> bool:
    return (
        0 < len(title) <= CHARS["card_title"]
        and len(rest) <= rest_chars
        and len(choices) > 0
        and len({one.words for one in choices}) == len(choices)
        and all(one.words and 0 < len(plain(shown(one))) <= CHARS["card_button"] for one in choices)
        and 0 < size(task_id) <= BYTES["card_task"]
    )
