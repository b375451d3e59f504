"""备注: what members of staff wrote down about a member, append-only."""

from __future__ import annotations

from datetime import datetime

from storage import oneid
from storage.db import Db
from storage.ids import Ids
from storage.rows import Rows
from storage.tables import MemberNote

rows = Rows(MemberNote)


def add(db: Db, ids: Ids, member_id: int, userid: str, text: str, now: datetime) -> MemberNote:
    """Write a note down."""
    return rows.add(db, MemberNote(id=ids.next(), member_id=member_id, userid=userid, text=text, made_at=now))


def last(db: Db, member_id: int, most: int) -> list[MemberNote]:
    """A person's newest notes, under whatever member they were written."""
    found = [
        note
        for one in oneid.same(db, member_id)
        for note in rows.all(db, order="-id", limit=most, member_id=one)
    ]  # fmt: skip
    return sorted(found, key=lambda note: -note.id)[:most]
