"""会员资料 profiles: what members told of themselves, and what a brand's own files say of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from storage.db import Db
from storage.sql import Sql, any_of
from storage.tables import MemberProfile

_P = MemberProfile.__table__  # type: ignore[attr-defined]
_ZONES = Sql(select(_P.c.member_id, _P.c.zone).where(any_of(_P.c.member_id, "ids"), _P.c.zone.is_not(None)))


def zones(db: Db, member_ids: Sequence[int]) -> dict[int, str]:
    """The time zones of those of these members who do not live by the shops' clock."""
    return {row[0]: row[1] for row in db.all(_ZONES, ids=list(member_ids))}
