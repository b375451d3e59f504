"""对话: the choices last shown to somebody, so that a number said later means what it meant when it was read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from storage.db import Db
from storage.rows import Rows
from storage.tables import Dialogue

_rows = Rows(Dialogue, "nothing")


def offer(db: Db, channel: str, external_id: str, words: Sequence[str], until: datetime) -> None:
    """Remember what 1, 2, 3 … mean to whoever goes by this name; what was shown before is forgotten."""
    choices = json.dumps(list(words), ensure_ascii=False)
    if not _rows.change(db, {"choices": choices, "until": until}, channel=channel, external_id=external_id):
        _rows.add(db, Dialogue(channel=channel, external_id=external_id, choices=choices, until=until))


def offered(db: Db, channel: str, external_id: str, now: datetime) -> list[str]:
    """The words behind the numbers; empty when nothing was shown lately."""
    found = _rows.one(db, channel=channel, external_id=external_id, until__gt=now)
    shown: list[str] = json.loads(found.choices) if found else []
    return shown
