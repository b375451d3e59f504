"""世界 the world: the real bot of one process on a virtual clock, and the ways in which things reach it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text

from bot.clock import FrozenClock
from bot.delivery import LANES, Lane
from bot.events import Address, ContactAdded, ContactDeleted, ContactLeft, Event, TextReceived
from bot.order_events import AdminAsked, OrderPaid, OrderRefunded
from bot.runtime import Runtime
from console.year.people import Someone
from console.year.platform import Platform

DESK = "wkYEAR"
MALL = "mall"
AT_ONCE = 256
SWEEPS = 6  # in one moment: what fires may plan more for the same moment
# The platform is in this process and answers at once: many calls of a lane share a commit. Long walks go one by one, so
# that the order of what they do is always the same.
WIDE: tuple[Lane, ...] = tuple(
    replace(lane, workers=1 if lane.name in ("broadcast", "slow") else AT_ONCE) for lane in LANES
)


@dataclass
class World:
    """A running bot, its clock and the platform on the other side."""

    runtime: Runtime
    clock: FrozenClock
    platform: Platform
    numbers: Any = field(default_factory=itertools.count)
    orders: int = 0

    # -- time ---------------------------------------------------------------------------------------------------------

    async def until(self, moment: datetime) -> None:
        """Time passes, what was due happens."""
        seconds = (moment - self.clock.now()).total_seconds()
        if seconds > 0:
            self.clock.advance(seconds)
        for _ in range(SWEEPS):
            if not await self.runtime.scheduler.sweep():
                break
        await self.settle()

    async def settle(self) -> None:
        """Everything that is owed to the outside is carried out."""
        await self.runtime.delivery.drain()

    # -- what happens -------------------------------------------------------------------------------------------------

    async def happen(self, events: Sequence[Event]) -> list[str | None]:
        """Events of one moment, in this order, many in one commit."""
        answers: list[str | None] = []
        for start in range(0, len(events), AT_ONCE):
            part = events[start : start + AT_ONCE]
            answers += await asyncio.gather(*[self.runtime.writer.accept(event) for event in part])
        return answers

    def _key(self, kind: str) -> str:
        return f"year:{kind}:{next(self.numbers)}"

    def joins(self, someone: Someone) -> ContactAdded:
        """Somebody adds a guide."""
        key = self._key("joined")
        self.platform.adds(someone, key)
        return ContactAdded(
            key=key, source="wecom_app", at=self.clock.now(), sender=Address("wecom", someone.external_userid),
            userid=someone.userid, external_userid=someone.external_userid, state=someone.state or None,
            welcome_code=key,
        )  # fmt: skip

    def parts(self, someone: Someone, *, by_guide: bool) -> ContactLeft | ContactDeleted:
        """A contact leaves the guide, or the other way round."""
        self.platform.leaves(someone)
        someone.here = False
        return (ContactDeleted if by_guide else ContactLeft)(
            key=self._key("left"), source="wecom_app", at=self.clock.now(), userid=someone.userid,
            sender=Address("wecom", someone.external_userid), external_userid=someone.external_userid,
        )  # fmt: skip

    def says(self, someone: Someone, words: str) -> TextReceived:
        """A member writes to customer service."""
        key = self._key("said")
        self.platform.writes(someone)
        return TextReceived(
            key=key, source="wecom_kf", at=self.clock.now(), sender=Address("wecom", someone.external_userid),
            text=words, msg_id=key, open_kfid=DESK,
        )  # fmt: skip

    def staff_says(self, userid: str, words: str) -> TextReceived:
        """A guide writes to the app."""
        key = self._key("staff")
        return TextReceived(
            key=key, source="wecom_app", at=self.clock.now(), sender=Address("wecom_staff", userid), text=words,
            msg_id=key,
        )  # fmt: skip

    def pays(
        self, buyer: dict[str, str], fen: int, items: list[dict[str, Any]], *, checkout: str | None = None,
        store: str | None = None,
    ) -> OrderPaid:  # fmt: skip
        """A shop tells of a paid order."""
        self.orders += 1
        number = f"Y{self.orders:08d}"
        return OrderPaid(
            key=f"year:order:{number}", source="orders", at=self.clock.now(), shop=MALL, order_no=number, buyer=buyer,
            amount_fen=fen, items=items, checkout=checkout, store=store,
        )  # fmt: skip

    def refunds(self, order_no: str, refund_no: str, fen: int) -> OrderRefunded:
        """A shop tells of a refund."""
        return OrderRefunded(
            key=f"year:refund:{refund_no}", source="orders", at=self.clock.now(), shop=MALL, order_no=order_no,
            refund_no=refund_no, amount_fen=fen,
        )  # fmt: skip

    async def ask(self, act: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What a program of the shop's asks for, and the answer."""
        event = AdminAsked(key=self._key("api"), source="api", at=self.clock.now(), act=act, body=body)
        (answer,) = await self.happen([event])
        told = json.loads(answer or '{"status": 500, "body": {}}')
        return told["status"], told["body"]

    # -- what is there ------------------------------------------------------------------------------------------------

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """A look at the database; nothing is ever written this way."""
        with self.runtime.database.engine.connect() as connection:
            return list(connection.execute(text(sql), values).all())

    def count(self, table: str) -> int:
        """How many rows of a table."""
        return int(self.rows(f'SELECT count(*) FROM "{table}"')[0][0])  # noqa: S608 - a name of ours
