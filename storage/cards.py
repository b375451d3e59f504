"""卡片: cards that were sent, and what was chosen first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from storage.db import Db
from storage.rows import Rows
from storage.tables import Card

_rows = Rows(Card)


def sent(db: Db, task_id: str, userid: str, choices: Sequence[tuple[str, str]], now: datetime) -> None:
    """Remember a card; choices are (words, label)."""
    text = json.dumps([list(choice) for choice in choices], ensure_ascii=False)
    _rows.add(
        db,
        Card(task_id=task_id, userid=userid, choices=text, chosen=None, chosen_by="", made_at=now, chosen_at=None),
    )


def find(db: Db, task_id: str) -> Card | None:
    """A card by the id that comes back with every tap."""
    return _rows.one(db, task_id=task_id)


def choose(db: Db, card: Card, words: str, by: str, now: datetime) -> tuple[bool, str]:
    """Take a tap: whether it is the first, and what the first one chose."""
    values = {"chosen": words, "chosen_by": by, "chosen_at": now}
    if _rows.change(db, values, task_id=card.task_id, chosen=None):
        return True, words
    first = find(db, card.task_id)
    return False, (first.chosen if first else None) or words


def label(card: Card, words: str) -> str | None:
    """What people read on the button with these words; None when the card has none."""
    return next((label for known, label in json.loads(card.choices) if known == words), None)
