"""渠道活码: what is known of the contact ways. Losing a config_id means that its code can never be edited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select, update

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import ContactWay

_T = ContactWay.__table__  # type: ignore[attr-defined]
_ADD = Insert(ContactWay, "nothing")
_CHANGE = Sql(
    update(_T)
    .where(_T.c.config_id == bindparam("of"))
    .values(
        state=bindparam("state_"),
        remark=bindparam("remark_"),
        users=bindparam("users_"),
        qr_code=bindparam("qr_code_"),
        seen_at=bindparam("now"),
    )
)
_ALL = Sql(select(_T.c.config_id, _T.c.state).order_by(_T.c.config_id))
_BY_STATE = Sql(
    select(_T.c.config_id, _T.c.qr_code).where(_T.c.state == bindparam("state_")).order_by(_T.c.config_id).limit(1)
)


def keep(db: Db, config_id: str, state: str, remark: str, users: str, qr_code: str, now: datetime) -> None:
    """Remember a way as the platform shows it. `users` is a JSON list of userids."""
    if db.run(_CHANGE, of=config_id, state_=state, remark_=remark, users_=users, qr_code_=qr_code, now=now) == 0:
        db.add(_ADD, (config_id, state, remark, users, qr_code, now))


def known(db: Db) -> dict[str, str]:
    """config_id -> state of every way ever seen."""
    return {row[0]: row[1] for row in db.all(_ALL)}


def of_state(db: Db, state: str) -> tuple[str, str] | None:
    """(config_id, qr_code) of a way with this state, if one was ever seen."""
    row = db.one(_BY_STATE, state_=state)
    return (row[0], row[1]) if row else None
