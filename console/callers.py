"""令牌 callers: whose token a request to the JSON API carries, and how far that reaches. Nothing is remembered between
two requests: a token that was revoked, or whose owner was disabled, is dead at the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import func, select

from bot.clock import Clock
from bot.errors import NotStored
from bot.sections import StaffSection
from bot.turn import Work
from bot.writer import Writer
from console.refusals import Refused
from console.sight import Sight
from handlers import policy
from storage import staff, tables
from storage.engine import Database
from storage.tables import ApiToken, Staff

t: Any = tables
START = "siyu_"  # tells people, and scanners for secrets, what such a word is
USED_EVERY = timedelta(minutes=1)  # how exactly it is known when a token was last used


def new_token() -> tuple[str, str]:
    """A token of 256 bits and what is kept of it."""
    token = START + secrets.token_urlsafe(32)
    return token, hashed(token)


def hashed(token: str) -> str:
    """What is kept of a token. Nobody can try all tokens, so no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class Caller(NamedTuple):
    """Who asks; `userid` "" = the owner, by the token of the settings."""

    userid: str
    role: str
    store_id: str
    token_id: int = 0

    @property
    def grants(self) -> Mapping[str, str]:
        """What they may, and how far."""
        return policy.grants(self.role)

    def sight(self, may: str) -> Sight:
        """How far they see by a permission. Raises Refused."""
        scope = self.grants.get(may, "")
        if not scope:
            raise Refused(403, "forbidden", f"你的角色（{self.role}）没有这个权限：{may}")
        return Sight(scope, self.userid, self.store_id)


OWNER = Caller("", "owner", "")


class Callers:
    """Finds out who calls."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, token: str, section: StaffSection) -> None:
        self._database, self._writer, self._clock = database, writer, clock
        self._token, self._section = token.encode(), section

    async def of(self, request: web.Request) -> Caller:
        """Who sent a request. Raises Refused."""
        if not self._token:
            raise Refused(403, "closed", "没有设置 SIYU_API__TOKEN，接口不开放", "api.token")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and hmac.compare_digest(given.encode(), self._token):
            return OWNER
        caller = await self._known(given) if scheme == "Bearer" and given.startswith(START) else None
        if caller is None:
            raise Refused(401, "unauthorized", "请带上 Authorization: Bearer <api.token>", "Authorization")
        return caller

    async def _known(self, given: str) -> Caller | None:
        caller, late = await asyncio.to_thread(self._look, hashed(given))
        if caller is not None and late:
            with contextlib.suppress(NotStored):
                await self._writer.call(lambda work: _used(work, caller.token_id))
        return caller

    def _look(self, digest: str) -> tuple[Caller | None, bool]:
        """Whose token it is, and whether its last use must be written down."""
        now = self._clock.now()
        with self._database.engine.connect() as connection:
            token = connection.execute(select(t.ApiToken.__table__).where(t.ApiToken.hash == digest)).one_or_none()
            if token is None or not staff.good(ApiToken(**token._mapping), now):
                return None, False
            rows = select(t.Staff.__table__).where(func.lower(t.Staff.userid) == token.userid.lower())
            row = connection.execute(rows).first()
            person = policy.speaker(Staff(**row._mapping) if row else None, token.userid, self._section)
        if not person.role:
            return None, False
        late = token.last_used_at is None or now - token.last_used_at >= USED_EVERY
        return Caller(token.userid, person.role, person.store_id, token.id), late


def _used(work: Work, token_id: int) -> None:
    staff.tokens.change(work.db, {"last_used_at": work.now}, id=token_id)
