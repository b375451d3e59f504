"""员工与令牌 staff and tokens: an owner says who works here in which role, and gives their programs tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.turn import Turn
from handlers import policy
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from storage import shop, staff
from storage.tables import ApiToken, Staff

Answer = tuple[int, dict[str, Any]]
Role = Literal["guide", "manager", "admin", "owner"]
USERID = r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$"
SHOWN = ("userid", "name", "role", "store_id", "status")


class NewStaff(BaseModel):
    """员工. `userid` as WeCom's directory spells it; `store_id`: the code of their store."""

    model_config = ConfigDict(extra="forbid")

    userid: str = Field(pattern=USERID)
    name: str = Field(default="", max_length=64)
    role: Role = "guide"
    store_id: str = Field(default="", max_length=64)
    by: str = Field(default="api", min_length=1, max_length=64)


class StaffChange(BaseModel):
    """What of somebody changes; what is not given stays. Who is disabled may nothing from now on."""

    model_config = ConfigDict(extra="forbid")

    userid: str = Field(pattern=USERID)
    name: str | None = Field(default=None, max_length=64)
    role: Role | None = None
    store_id: str | None = Field(default=None, max_length=64)
    status: Literal["active", "disabled"] | None = None
    by: str = Field(default="api", min_length=1, max_length=64)


class NewToken(BaseModel):
    """A token of somebody's: only its SHA-256 (`hash`, lower hex) comes here."""

    model_config = ConfigDict(extra="forbid")

    userid: str = Field(pattern=USERID)
    name: str = Field(default="", max_length=64)
    expires_at: datetime | None = None
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    by: str = Field(default="api", min_length=1, max_length=64)


class Revoke(BaseModel):
    """Which token ends."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", min_length=1, max_length=64)


def new_staff(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Somebody works here."""
    given: NewStaff = read(turn, NewStaff, body)
    if staff.find(turn.db, given.userid) is not None:
        raise Refused(409, "exists", turn.texts.render("admin/exists", name=given.userid), "userid")
    _check_store(turn, given.role, given.store_id)
    row = Staff(status=staff.ACTIVE, made_by=given.by, made_at=turn.now, changed_at=turn.now,
                **given.model_dump(exclude={"by"}))  # fmt: skip
    staff.rows.add(turn.db, row)
    turn.audit(given.by, "staff.made", f"staff:{row.userid}", role=row.role, store_id=row.store_id, name=row.name)
    return 201, _shown(row)


def change_staff(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Another name, role or store; disabled, or back again. Tokens end with a change of role and when disabled."""
    given: StaffChange = read(turn, StaffChange, body)
    row = staff.find(turn.db, given.userid)
    if row is None:
        raise Refused(404, "not_found", turn.texts.render("staff/unknown", userid=given.userid), "userid")
    fields = given.model_dump(include={"name", "role", "store_id", "status"}, exclude_none=True)
    if not fields:
        refuse(turn, "", "staff/nothing")
    changed = {name: value for name, value in fields.items() if getattr(row, name) != value}
    standing = changed.keys() & {"role", "status"}
    if standing and policy.is_owner(row.userid, plays.staff):
        raise Refused(409, "in_settings", turn.texts.render("staff/in_settings", userid=row.userid), "userid")
    if standing and turn.staff is not None and turn.staff.userid.lower() == row.userid.lower():
        raise Refused(409, "oneself", turn.texts.render("staff/oneself"), "userid")
    _check_store(turn, fields.get("role", row.role), fields.get("store_id", row.store_id))
    if changed:
        staff.rows.change(turn.db, {**changed, "changed_at": turn.now}, userid=row.userid)
        ended = staff.revoke_all(turn.db, row.userid, turn.now) if standing else 0
        before = {name: getattr(row, name) for name in changed}
        turn.audit(given.by, "staff.changed", f"staff:{row.userid}", before=before, after=changed, tokens_ended=ended)
    return 200, _shown(row) | changed


def _check_store(turn: Turn, role: str, store_id: str) -> None:
    if store_id and shop.stores.one(turn.db, code=store_id) is None:
        refuse(turn, "store_id", "staff/no_store", store=store_id)
    if role == "manager" and not store_id:
        refuse(turn, "store_id", "staff/needs_store")


def _shown(row: Staff) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SHOWN}


def new_token(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Keep the hash of a token; the token itself was never here."""
    given: NewToken = read(turn, NewToken, body)
    row = staff.find(turn.db, given.userid)
    if row is None and not policy.is_owner(given.userid, plays.staff):
        refuse(turn, "userid", "staff/unknown", userid=given.userid)
    userid = row.userid if row else given.userid
    if not policy.speaker(row, userid, plays.staff).role:
        refuse(turn, "userid", "staff/disabled", userid=userid)
    if given.expires_at is not None and given.expires_at.tzinfo is None:
        refuse(turn, "expires_at", "admin/no_zone")
    if given.expires_at is not None and given.expires_at <= turn.now:
        refuse(turn, "expires_at", "staff/past")
    token = ApiToken(id=turn.ids.next(), userid=userid, name=given.name, hash=given.hash, made_by=given.by,
                     made_at=turn.now, expires_at=given.expires_at, last_used_at=None, revoked_at=None)  # fmt: skip
    staff.tokens.add(turn.db, token)
    turn.audit(given.by, "token.made", f"token:{token.id}", userid=userid, name=given.name)
    return 201, {"id": token.id, "userid": userid, "name": token.name, "hash": token.hash}


def revoke_token(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """A token lets nobody in any more."""
    given: Revoke = read(turn, Revoke, body)
    token = staff.tokens.one(turn.db, id=given.id)
    if token is None:
        raise Refused(404, "not_found", turn.texts.render("staff/no_token"), "id")
    if staff.tokens.change(turn.db, {"revoked_at": turn.now}, id=given.id, revoked_at=None):
        turn.audit(given.by, "token.revoked", f"token:{token.id}", userid=token.userid, name=token.name)
    return 200, {"id": token.id, "userid": token.userid, "revoked": True}


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "staff": new_staff,
    "staff/change": change_staff,
    "tokens": new_token,
    "tokens/revoke": revoke_token,
}
