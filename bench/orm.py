"""Sign-up once more, through one async ORM session an event: what the house would cost if it were built that way.

The same rows as scenarios/sign_up.py writes, the same unique keys, the same durability, committed before the answer.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

from sqlalchemy import event as sa_event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.event_base import to_json
from bot.events import ContactAdded, Event
from storage import lots
from storage.engine import Database
from storage.tables import Balance, Coupon, Follow, Grant, Identity, Inbox, Member, Outbox, PointsLot, Transfer

IDS = iter(range(10_000_000, 1 << 60))


class OrmInlet:
    """Takes events like the writer does; every one has a session and a transaction of its own."""

    def __init__(self, url: str) -> None:
        driver = "sqlite+aiosqlite" if url.startswith("sqlite") else "postgresql+psycopg"
        self._engine = create_async_engine(url.replace("sqlite", driver, 1).replace("postgresql://", f"{driver}://", 1))
        if driver.startswith("sqlite"):
            sa_event.listen(self._engine.sync_engine, "connect", _pragmas)

    @classmethod
    async def open(cls, url: str) -> OrmInlet:
        """Migrate and connect."""
        database = Database(url)
        database.migrate()
        database.close()
        return cls(url)

    async def accept(self, event: Event) -> str | None:
        """One event, one session, one commit."""
        assert isinstance(event, ContactAdded)
        async with AsyncSession(self._engine) as session:
            met = await session.exec(select(Inbox).where(Inbox.key == event.key))
            if met.first() is None:
                await _sign_up(session, event)
                await session.commit()
        return None

    async def quarantine(self, event: Event, reason: str) -> None:
        """Nothing stale is sent here."""
        raise AssertionError(reason)


def _pragmas(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _sign_up(session: AsyncSession, event: ContactAdded) -> None:
    now, state = event.at, event.state or ""
    known = await session.exec(
        select(Identity).where(Identity.channel == "wecom", Identity.external_id == event.external_userid)
    )
    assert known.first() is None
    member = Member(id=next(IDS), name="", avatar="", gender=0, tier="basic", created_at=now,
                    merged_into=None, referrer_id=None)  # fmt: skip
    account = f"member:{member.id}"
    used = await session.exec(select(Grant).where(Grant.campaign == "sign_up", Grant.member_id == member.id))
    assert used.first() is None
    grant = Grant(id=next(IDS), campaign="sign_up", member_id=member.id, occurrence="", status="granted",
                  channel=state, cause=event.key, granted_at=now)  # fmt: skip
    session.add_all([
        member,
        Identity(id=next(IDS), channel="wecom", external_id=event.external_userid, member_id=member.id,
                 evidence="wecom callback", created_at=now),
        Follow(id=next(IDS), member_id=member.id, external_userid=event.external_userid, userid=event.userid,
               state=state, status="active", remark="", followed_at=now, changed_at=now),
        grant,
        Transfer(id=next(IDS), key=f"grant:{grant.id}:points", debit="issuer", credit=account, asset="points",
                 amount=100, reason="sign_up", cause=event.key, made_at=now),
        Balance(account=account, asset="points", amount=100),
        Coupon(id=next(IDS), code=secrets.token_hex(8), template="coupon", member_id=member.id, grant_id=grant.id,
               status="active", issued_at=now, expires_at=now + timedelta(days=30), template_id=None, checkout_id=None,
               order_id=None, bearer="brand", liability_fen=0, discount_fen=0, used_at=None, closed_at=None,
               store="", used_by=""),
        PointsLot(account=account, expires_at=lots.NEVER, amount=100),
        Outbox(id=next(IDS), call="externalcontact/get", lane="welcome", subject="", status="pending", attempts=0,
               payload=json.dumps({"external_userid": event.external_userid}), answers=1, faults=0, cause=event.key,
               member_id=member.id, error=None, created_at=now, not_before=now, expires_at=None, lease_until=None,
               done_at=None),
        Inbox(id=next(IDS), key=event.key, kind=event.kind, source=event.source, status="done", payload=to_json(event),
              route="contact.added", changes="{}", took_us=0, answer=None, attempts=1, error=None,
              received_at=now, next_at=None, done_at=now),
    ])  # fmt: skip
