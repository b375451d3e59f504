"""员工: who works here, in which role and store; what a role may do is not known here."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, update

from storage.db import Db
from storage.follows import OPEN
from storage.rows import Rows
from storage.sql import Sql, one_of
from storage.tables import ApiToken, Follow, Staff

rows = Rows(Staff)
tokens = Rows(ApiToken)

_F = Follow.__table__  # type: ignore[attr-defined]
_S = Staff.__table__  # type: ignore[attr-defined]
_FOLLOWED = (_F.c.member_id == bindparam("of"), one_of(_F.c.status, OPEN))
_OWN = Sql(select(_F.c.id).where(*_FOLLOWED, _F.c.userid == bindparam("by")).limit(1))
_STORE = Sql(
    select(_F.c.id)
    .join(_S, _S.c.userid == _F.c.userid)
    .where(*_FOLLOWED, _S.c.store_id == bindparam("store"), _S.c.store_id != "")
    .limit(1)
)

_LIKE = Sql(select(*_S.columns).where(func.lower(_S.c.userid) == bindparam("typed")).limit(1))
_T = ApiToken.__table__  # type: ignore[attr-defined]
_REVOKE = Sql(
    update(_T).where(_T.c.userid == bindparam("of"), _T.c.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
)

ACTIVE, DISABLED = "active", "disabled"


class Speaker(NamedTuple):
    """A member of staff as a turn sees one. `role` "": nobody here (disabled, or unknown where strangers are none)."""

    userid: str
    role: str
    store_id: str
    name: str


NOBODY = Speaker("", "", "", "")


def find(db: Db, userid: str) -> Staff | None:
    """Somebody's row. To WeCom a userid is the same in any case: whoever is disabled does not come back in capitals."""
    found = rows.one(db, userid=userid)
    if found is None and (row := db.one(_LIKE, typed=userid.lower())):
        found = Staff(**dict(zip(_S.columns.keys(), row, strict=True)))
    return found


def good(token: ApiToken, now: datetime) -> bool:
    """Whether a token lets anybody in."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)


def revoke_all(db: Db, userid: str, now: datetime) -> int:
    """End every token of somebody's; how many ended."""
    return db.run(_REVOKE, of=userid, now=now)


def follows(db: Db, userid: str, member_id: int) -> bool:
    """Whether a member is one's own."""
    return db.one(_OWN, of=member_id, by=userid) is not None


def store_follows(db: Db, store_id: str, member_id: int) -> bool:
    """Whether anybody of a store follows a member."""
    return db.one(_STORE, of=member_id, store=store_id) is not None
