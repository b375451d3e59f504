"""社群: one-time codes that link a community account to a member, and when a group was last welcomed.

A code is stored as its hash: who reads the database cannot use it. It is used by one conditional update, so of many
who try at once one succeeds.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

from storage.db import Db
from storage.rows import Rows
from storage.tables import CommunityGroup, LinkCode

_codes = Rows(LinkCode)
_groups = Rows(CommunityGroup, "nothing")


class Used(NamedTuple):
    """A code that was just used, and whose it is."""

    id: int
    member_id: int


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def open_code(db: Db, row_id: int, code: str, member_id: int, until: datetime, now: datetime) -> None:
    """Make a code for a member; those they had are void."""
    _codes.change(db, {"ended_at": now, "used_by": ""}, member_id=member_id, ended_at=None)
    row = LinkCode(id=row_id, digest=_digest(code), member_id=member_id, made_at=now, expires_at=until, ended_at=None,
                   used_by="")  # fmt: skip
    _codes.add(db, row)


def use_code(db: Db, code: str, by: str, now: datetime) -> Used | None:
    """Use a code up; None when there is no such code, or it is used, void or too old."""
    digest = _digest(code)
    took = _codes.change(db, {"ended_at": now, "used_by": by}, digest=digest, ended_at=None, expires_at__gt=now)
    found = _codes.one(db, digest=digest) if took else None
    return Used(found.id, found.member_id) if found else None


def void_code(db: Db, code: str, now: datetime) -> bool:
    """End a code that strangers may have read; False when none was open."""
    return _codes.change(db, {"ended_at": now, "used_by": ""}, digest=_digest(code), ended_at=None) == 1


def may_welcome(db: Db, group: str, before: datetime, now: datetime) -> bool:
    """Take the right to welcome in a group: once, until `before` has passed it again."""
    if _groups.change(db, {"welcomed_at": now}, chat_id=group, welcomed_at__lte=before):
        return True
    if _groups.one(db, chat_id=group) is not None:
        return False
    _groups.add(db, CommunityGroup(chat_id=group, welcomed_at=now))
    return True
