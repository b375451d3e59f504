"""The house of the machines: the real batch, handlers, plays and database, without threads and without a network.

One database serves every example: its tables are emptied in between. Timers fire as `bot/scheduler.py` fires them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import event as sqlalchemy_event
from sqlmodel import SQLModel

from bot.batch import Batch, Culprit, Job
from bot.clock import FrozenClock
from bot.events import Address, ContactAdded, ContactLeft, Event, TextReceived, TimerDue
from bot.ids import SeededChance
from bot.order_events import AdminAsked, OrderPaid, OrderRefunded
from bot.router import load_plays
from bot.texts import Texts
from bot.turn import Work
from handlers.dispatch import Dispatcher
from storage import drives, shop, stock, timers
from storage.checks import CHECKS, Check, moments_of
from storage.engine import Database
from storage.sql import DIALECTS
from storage.tables import Campaign, Product
from storage.types import UtcDateTime
from tests.conftest import NOON
from tests.files import sqlite_in
from tests.postgres import SCHEMA_FREE, postgres_url

AT_ONCE = 200
TABLES = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in ("sequence", "audit_head")]
CLOSING = contextlib.ExitStack()
atexit.register(CLOSING.close)


class Ground:
    """An empty database. `bare` names tables to be rebuilt without their constraints, `unchecked` ignores every CHECK:
    a guard that was taken out must not be replaced by the schema's (both only on SQLite)."""

    def __init__(self, kind: str = "sqlite", bare: Iterable[str] = (), *, unchecked: bool = False) -> None:
        self.kind = kind
        if kind == "sqlite":
            folder = CLOSING.enter_context(tempfile.TemporaryDirectory())
            self.database = Database(sqlite_in(Path(folder)))
            pragmas = ["synchronous=OFF"]  # nothing here has to survive a power cut
            pragmas += ["ignore_check_constraints=ON"] if unchecked else []
            sqlalchemy_event.listen(self.database.engine, "connect", partial(_hasty, pragmas))
        else:
            self.database = Database(postgres_url(CLOSING.enter_context(SCHEMA_FREE.schema())))
        self.database.migrate()
        self.texts = Texts()
        at = bindparam("now", NOON, type_=UtcDateTime())
        self.checks = [(check.name, self._text(check.broken(at))) for check in CHECKS if isinstance(check, Check)]
        with self.database.engine.begin() as connection:
            for table in bare:
                connection.exec_driver_sql(f'CREATE TABLE "bare_{table}" AS SELECT * FROM "{table}"')
                connection.exec_driver_sql(f'DROP TABLE "{table}"')
                connection.exec_driver_sql(f'ALTER TABLE "bare_{table}" RENAME TO "{table}"')
        self._used = False

    @staticmethod
    @functools.cache
    def shared() -> Ground:
        """The one that a test run uses for all its machines."""
        return Ground()

    def _text(self, query: Any) -> str:
        """A check as plain SQL, rendered once: it is asked after every step."""
        dialect = DIALECTS[self.database.dialect]
        query = query.params(moments_of(NOON))
        return str(query.limit(3).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    def emptied(self) -> Database:
        """The same tables without a row."""
        if self._used:
            with self.database.engine.begin() as connection:
                for table in reversed(TABLES):
                    connection.exec_driver_sql(f'DELETE FROM "{table}"')
                connection.exec_driver_sql("UPDATE sequence SET next = 1")
                connection.exec_driver_sql("UPDATE audit_head SET seq = 0, hash = ''")
        self._used = True
        return self.database


def _hasty(pragmas: list[str], connection: Any, _record: Any) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


class House:
    """A bot that sells, one event at a time. `swept` is called whenever what was due has happened."""

    def __init__(self, ground: Ground, plays: dict[str, dict[str, Any]], pack: dict[str, Any]) -> None:
        self.ground, self.clock = ground, FrozenClock(NOON)
        dispatch = Dispatcher(load_plays(["sign_up", *plays], {"sign_up": pack, **plays}))
        self.batch = Batch(ground.emptied(), dispatch, self.clock, SeededChance(7), ground.texts)
        self.numbers = itertools.count(1)
        self.seen: list[Event] = []
        self.swept: Callable[[datetime], None] = lambda now: None

    @property
    def now(self) -> datetime:
        """The house's time."""
        return self.clock.now()

    def close(self) -> None:
        """Give the connection back."""
        self.batch.close()

    # -- what happens ---------------------------------------------------------------------------------------------

    def run(self, *jobs: Job) -> list[Any]:
        """Jobs in one transaction, as the writer runs them; whatever raises twice is the story's end."""
        try:
            return self.batch.run(list(jobs))
        except Culprit:
            self.batch.rollback()
        try:
            return [self.batch.run([job], exact=True)[0] for job in jobs]
        except Culprit as culprit:
            self.batch.rollback()
            raise culprit.error from None

    def take(self, *events: Event) -> list[Any]:
        """Events that arrive together."""
        self.seen += events
        return self.run(*[Job(event) for event in events])

    def act(self, act: Callable[[Work], Any]) -> Any:
        """A piece of work in a transaction of its own."""
        return self.run(Job(None, act=act))[0].value

    def words(self, who: str, words: str) -> TextReceived:
        """What a member writes, or a guide (`staff:…`)."""
        number, (channel, name) = next(self.numbers), ("wecom", who)
        if who.startswith("staff:"):
            channel, name = "wecom_staff", who[6:]
        return TextReceived(key=f"wecom_kf:msg:{number}", source="wecom_kf", at=self.now, sender=Address(channel, name),
                            text=words, msg_id=str(number))  # fmt: skip

    def says(self, who: str, words: str) -> None:
        """Somebody writes."""
        self.take(self.words(who, words))

    def joins(self, who: str, *, leaves: bool = False) -> None:
        """A contact adds the guide, or goes."""
        fields: dict[str, Any] = {} if leaves else {"state": "live", "welcome_code": None}
        self.take((ContactLeft if leaves else ContactAdded)(
            key=f"wecom_app:sha256:{next(self.numbers):064x}", source="wecom_app", at=self.now,
            sender=Address("wecom", who), userid="lina", external_userid=who, **fields,
        ))  # fmt: skip

    def pays(self, who: str, order_no: str, fen: int, checkout: str | None = None, **more: Any) -> None:
        """A shop tells of a paid order; each telling is an event of its own."""
        self.take(OrderPaid(**{
            "key": f"orders:paid:{next(self.numbers)}", "source": "orders", "at": self.now, "shop": "mall",
            "order_no": order_no, "buyer": {"external_userid": who}, "amount_fen": fen, "items": [],
            "checkout": checkout, **more,
        }))  # fmt: skip

    def refunds(self, order_no: str, fen: int, refund_no: str, shop_name: str = "mall") -> None:
        """A shop tells of a refund; each telling is an event of its own."""
        self.take(OrderRefunded(
            key=f"orders:refunded:{next(self.numbers)}", source="orders", at=self.now, shop=shop_name,
            order_no=order_no, refund_no=refund_no, amount_fen=fen,
        ))  # fmt: skip

    def timer(self, name: str, payload: dict[str, Any]) -> None:
        """A sweep finds what a timer was set for, whether that has fired or not."""
        key = f"sweep:{next(self.numbers)}"
        self.take(TimerDue(key=key, source="timer", at=self.now, timer_id=0, name=name, payload=payload))

    def passes(self, seconds: float, *, asleep: bool = False) -> None:
        """Time goes by. Awake, everything happens at its time; asleep, the bot finds it all when it comes back."""
        until = self.now + timedelta(seconds=seconds)
        while not asleep:
            due_at = self.act(lambda work: timers.next_due(work.db))
            if due_at is None or due_at > until:
                break
            self.clock.advance(max(0.0, (due_at - self.now).total_seconds()))
            self.sweep()
        self.clock.advance((until - self.now).total_seconds())
        self.sweep()

    def sweep(self) -> None:
        """Fire what is due, each in a transaction of its own."""
        for due in self.act(lambda work: timers.due(work.db, work.now, AT_ONCE)):
            event = TimerDue(key=f"timer:{due.id}", source="timer", at=due.due_at, timer_id=due.id, name=due.name,
                             payload=json.loads(due.payload))  # fmt: skip
            self.run(Job(event, before=partial(_fired, due.id)))
        self.swept(self.now)

    # -- what is there --------------------------------------------------------------------------------------------

    def rows(self, sql: str) -> list[Any]:
        """The database as it is."""
        return [tuple(row) for row in self.batch._db.connection.execute(sql).fetchall()]

    def one(self, sql: str) -> Any:
        """A single value."""
        return self.rows(sql)[0][0]

    def member(self, who: str) -> int:
        """Who a contact is today."""
        return int(self.one(f"SELECT member_id FROM identity WHERE channel = 'wecom' AND external_id = '{who}'"))

    def violations(self) -> list[str]:
        """What breaks an invariant of the house."""
        return [f"{name}: {row}" for name, sql in self.ground.checks for row in self.rows(sql)]

    # -- the scene ------------------------------------------------------------------------------------------------

    def product(self, sku: str = "A", price_fen: int = 10_000, stock_of: int | None = None) -> None:
        """Goods on the shelf; None = they never run out."""

        def put(work: Work) -> None:
            shop.products.add(work.db, Product(
                id=work.ids.next(), sku=sku, title=f"商品{sku}", category="", price_fen=price_fen, cost_fen=1,
                counted=int(stock_of is not None), status="active", created_at=work.now,
            ))  # fmt: skip
            if stock_of is not None:
                stock.open_stock(work.db, shop.sku_stock(sku), stock_of)

        self.act(put)

    def campaign(self, kind: str, **config: Any) -> int:
        """A published campaign of 30 days; its id."""

        def put(work: Work) -> int:
            return drives.campaigns.add(work.db, Campaign(
                id=work.ids.next(), kind=kind, name=kind, status="published", starts_at=work.now,
                ends_at=work.now + timedelta(days=30), config=json.dumps(config), worst_fen=0, made_by="test",
                approved_by="", created_at=work.now,
            )).id  # fmt: skip

        return int(self.act(put))

    def template(self, **body: Any) -> int:
        """A coupon template, made as a shop's program makes it; its id."""
        key = f"api:{next(self.numbers)}"
        answer = self.take(AdminAsked(key=key, source="api", at=self.now, act="coupon-templates", body=body))[0].answer
        return int(json.loads(answer)["body"]["id"])


def _fired(row_id: int, work: Work) -> bool:
    return timers.close(work.db, row_id, "fired", work.now)
