"""回复: where members' free talks stand, and the drafts that wait for guides. Every change is a conditional update."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from storage.db import Db
from storage.faults import Conflict
from storage.rows import Rows
from storage.tables import Conversation, Draft

NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_talks = Rows(Conversation, "nothing")
drafts = Rows(Draft)


def moved(db: Db, open_kfid: str, external_userid: str, key: str) -> bool:
    """The event `key` moved a talk on; False when it did before, or when nobody has asked anything there yet."""
    return _talks.change(
        db, {"last_key": key}, plus={"seq": 1}, open_kfid=open_kfid, external_userid=external_userid, last_key__ne=key
    ) == 1  # fmt: skip


def find(db: Db, open_kfid: str, external_userid: str) -> Conversation | None:
    """A talk as it stands; None when nobody has asked anything there yet."""
    return _talks.one(db, open_kfid=open_kfid, external_userid=external_userid)


def talk(db: Db, open_kfid: str, external_userid: str, key: str) -> Conversation:
    """A talk that the event `key` moves on, begun now when there is none. Nobody else changes it before we commit."""
    if not moved(db, open_kfid, external_userid, key) and find(db, open_kfid, external_userid) is None:
        _talks.add(db, Conversation(
            open_kfid=open_kfid, external_userid=external_userid, seq=1, last_key=key, question="", asked_seq=0,
            asked_at=NEVER, waits="", misses=0, burst=0, burst_at=NEVER, handed_at=NEVER, noted_at=NEVER,
        ))  # fmt: skip
    there = find(db, open_kfid, external_userid)
    if there is None:  # another process began it in the same moment and has not committed
        raise Conflict(f"conversation {open_kfid} {external_userid}")
    return there


def change(db: Db, there: Conversation, **values: Any) -> None:
    """Write what is new of a talk."""
    _talks.change(db, values, open_kfid=there.open_kfid, external_userid=there.external_userid)
    for name, value in values.items():
        setattr(there, name, value)


# -- drafts ---------------------------------------------------------------------------------------------------------


def open_draft(db: Db, open_kfid: str, external_userid: str) -> Draft | None:
    """What a talk's guide looks at."""
    return drafts.one(db, open_kfid=open_kfid, external_userid=external_userid, closed_at=None)


def waiting(db: Db, userid: str, since: datetime, most: int) -> list[Draft]:
    """What a guide has not decided, the oldest first."""
    return drafts.all(db, userid=userid, closed_at=None, made_at__gt=since, limit=most)


def edited(db: Db, userid: str, since: datetime) -> Draft | None:
    """The draft for which a guide was asked for other words, the latest."""
    found = drafts.all(db, userid=userid, closed_at=None, edit_at__gt=since, order="-edit_at", limit=1)
    return found[0] if found else None


def close(db: Db, draft: Draft, status: str, by: str, why: str, now: datetime, sent_row: int | None = None) -> bool:
    """End a draft as it was read; False when somebody was faster."""
    values = {"status": status, "closed_by": by, "why": why, "closed_at": now, "edit_at": None, "sent_row": sent_row}
    return drafts.change(db, values, id=draft.id, status="open", rev=draft.rev) == 1


def change_draft(db: Db, draft: Draft, **values: Any) -> bool:
    """Change an open draft as it was read; False when somebody was faster."""
    if drafts.change(db, values, id=draft.id, status="open", rev=draft.rev) != 1:
        return False
    for name, value in values.items():
        setattr(draft, name, value)
    return True
