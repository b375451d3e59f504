"""老带新 as a random story: binds (mutual ones too), orders, refunds, merges and their undoing, comings and goings,
decisions; after every step the whole audit, and every promise against what is held for it."""

from __future__ import annotations

import itertools
import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text
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
from storage import drives, oneid, timers
from storage.checks import CHECKS
from storage.engine import Database
from storage.tables import Campaign
from tests.conftest import NOON
from tests.scenarios.referring import CONFIG

OLD, NEW = ("wm1", "wm2"), ("n1", "n2", "n3", "n4", "n5")
someone, newcomer = st.sampled_from(OLD + NEW), st.sampled_from(NEW)
name_of_buyer = st.sampled_from([None, None, "p1", "p2", "p3"])
PLAYS: dict[str, dict[str, Any]] = {"sign_up": {"points": 10}, "referral": {"velocity_per_hour": 3}}
RULES = {**CONFIG, "levels": 2, "second": {"points": 7}, "budget_points": 2_000, "per_member_total": 5,
         "ladder": [{"count": 2, "pack": {"points": 20}}]}  # fmt: skip


class House:
    """The real batch, handlers, plays and database; one database serves every story."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name) / 'x.db'}")
        self.database.migrate()
        self.texts = Texts()

    def begin(self) -> None:
        """An empty house."""
        with self.database.engine.begin() as connection:
            for table in SQLModel.metadata.sorted_tables:
                if table.name not in ("sequence", "audit_head"):
                    connection.exec_driver_sql(f'DELETE FROM "{table.name}"')
            connection.exec_driver_sql("UPDATE audit_head SET seq = 0, hash = ''")
        self.clock, self.numbers = FrozenClock(NOON), itertools.count(1)
        dispatch = Dispatcher(load_plays(list(PLAYS), PLAYS))
        self.batch = Batch(self.database, dispatch, self.clock, SeededChance(7), self.texts)

    def run(self, *jobs: Job) -> list[Any]:
        """Jobs in one transaction, each alone when one raises."""
        try:
            return self.batch.run(list(jobs))
        except Culprit:
            self.batch.rollback()
            return [self.batch.run([job], exact=True)[0] for job in jobs]

    def take(self, *events: Event) -> list[Any]:
        """Events that arrive together."""
        return self.run(*[Job(event) for event in events])

    def event(self, kind: type[Event], **fields: Any) -> Event:
        """One more event of a kind."""
        return kind(**{"key": f"e:{next(self.numbers)}", "source": "test", "at": self.clock.now(), **fields})

    def passes(self, hours: int) -> None:
        """Time goes by, and what is due happens in its order."""
        self.clock.advance(hours * 3_600)
        for _ in range(3):
            for due in self.run(Job(None, act=lambda work: timers.due(work.db, work.now, 500)))[0].value:
                fired = self.event(TimerDue, timer_id=due.id, name=due.name, payload=json.loads(due.payload))
                self.run(Job(fired, before=lambda work, due=due: timers.close(work.db, due.id, "fired", work.now)))  # type: ignore[misc]

    def rows(self, sql: str) -> list[Any]:
        """The database as it is."""
        with self.database.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql)).all()]


HOUSE = House()


class Referrals(RuleBasedStateMachine):
    """Two old members, five newcomers, three phones that may turn out to be anybody's."""

    @initialize()
    def the_drive_begins(self) -> None:
        """A campaign of two levels, with a budget for a dozen referrals."""
        HOUSE.begin()
        self.orders: list[str] = []
        self.people = [*OLD]
        for who in OLD:
            self.joins(who, None)
        HOUSE.passes(24 * 30)
        HOUSE.run(Job(None, act=self._campaign))
        self.codes = {}
        for who in OLD + NEW:
            HOUSE.take(self._words(who, "推荐有礼"))
            self.codes[who] = self._code_of(who)

    @staticmethod
    def _campaign(work: Work) -> None:
        ends_at = work.now + timedelta(days=300)
        row = Campaign(id=work.ids.next(), kind="referral", name="x", status="published", starts_at=work.now,
                       ends_at=ends_at, config=json.dumps(RULES), worst_fen=0, made_by="t", approved_by="",
                       created_at=work.now)  # fmt: skip
        drives.campaigns.add(work.db, row)

    def _words(self, who: str, words: str) -> Event:
        number = next(HOUSE.numbers)
        return HOUSE.event(TextReceived, sender=Address("wecom", who), text=words, msg_id=str(number))

    def joins(self, who: str, by: str | None) -> None:
        """Somebody adds a guide, perhaps by a code."""
        state = f"ref:{self.codes[by]}" if by else None
        HOUSE.take(
            HOUSE.event(ContactAdded, sender=Address("wecom", who), userid="lina", external_userid=who, state=state)
        )

    @rule(by=st.integers(0, 6), phone=name_of_buyer, waits=st.booleans())
    def a_newcomer_comes_and_buys(self, by: int, phone: str | None, waits: bool) -> None:
        """The whole way of a reward, by one who was brought lately or by an old member."""
        inviter, who = self.people[-1 - by % len(self.people)], f"m{next(HOUSE.numbers)}"
        self.joins(who, inviter)
        self.buys(who, 6_000, phone, known=True)
        HOUSE.take(self._words(who, "推荐有礼"))
        self.codes[who] = self._code_of(who)
        self.people.append(who)
        if waits:
            HOUSE.passes(24 * 8)

    @rule(one=st.integers(0, 9), other=st.integers(0, 9))
    def two_are_one(self, one: int, other: int) -> None:
        """An order proves that two members are one person."""
        phone = f"proof{next(HOUSE.numbers)}"
        for place in (one, other):
            self.buys(self.people[-1 - place % len(self.people)], 4_000, phone, known=True)

    def _code_of(self, who: str) -> str:
        found = HOUSE.rows(
            "SELECT c.code FROM referral_code c JOIN identity i ON i.member_id = c.member_id AND i.channel = 'wecom' "
            f"WHERE i.external_id = '{who}'"
        )
        return str(found[0][0])

    @rule(who=newcomer, by=someone)
    def comes_by_a_code(self, who: str, by: str) -> None:
        """Adding a guide, again and again as it may be."""
        self.joins(who, by)

    @rule(who=someone, by=someone, back=st.booleans())
    def enters_a_code(self, who: str, by: str, back: bool) -> None:
        """By words; `back`: each enters the other's in the same instant."""
        pairs = [(who, by), (by, who)] if back else [(who, by)]
        HOUSE.take(*[self._words(one, f"填邀请码 {self.codes[other]}") for one, other in pairs])

    @rule(who=newcomer)
    def goes(self, who: str) -> None:
        """The contact leaves."""
        HOUSE.take(HOUSE.event(ContactLeft, sender=Address("wecom", who), userid="lina", external_userid=who))

    @rule(who=someone, fen=st.sampled_from([4_000, 6_000, 6_000]), phone=name_of_buyer, known=st.booleans())
    def buys(self, who: str, fen: int, phone: str | None, known: bool) -> None:
        """An order; a phone may prove that two are one."""
        buyer = {"external_userid": who} if known or not phone else {}
        order_no = f"o{len(self.orders)}"
        self.orders.append(order_no)
        HOUSE.take(HOUSE.event(
            OrderPaid, shop="mall", order_no=order_no, buyer=buyer | ({"mobile_hash": phone} if phone else {}),
            amount_fen=fen, items=[],
        ))  # fmt: skip

    @rule(back=st.integers(1, 6), fen=st.sampled_from([500, 2_000, 6_000]))
    def refunds(self, back: int, fen: int) -> None:
        """Money of a late order goes back."""
        if self.orders:
            order_no = self.orders[-min(back, len(self.orders))]
            number = f"r{next(HOUSE.numbers)}"
            HOUSE.take(HOUSE.event(OrderRefunded, shop="mall", order_no=order_no, refund_no=number, amount_fen=fen))

    @rule(hours=st.sampled_from([0, 1, 30, 24 * 8, 24 * 31]))
    def time_passes(self, hours: int) -> None:
        """Hours to a month."""
        HOUSE.passes(hours)

    @rule(place=st.integers(0, 9), act=st.sampled_from(["referrals/approve", "referrals/reject"]))
    def somebody_decides(self, place: int, act: str) -> None:
        """A person looks at one of them."""
        rows = HOUSE.rows("SELECT id FROM referral ORDER BY id")
        if rows:
            HOUSE.take(HOUSE.event(AdminAsked, act=act, body={"id": rows[place % len(rows)][0], "by": "小李"}))

    @rule()
    def the_last_merge_was_wrong(self) -> None:
        """Two who became one are parted again."""
        rows = HOUSE.rows("SELECT id FROM merge WHERE undone_at IS NULL ORDER BY id DESC LIMIT 1")
        if rows:
            HOUSE.run(Job(None, act=lambda work: oneid.undo(work.db, work.ids, rows[0][0], "t", "t", work.now)))

    @invariant()
    def the_books_are_right(self) -> None:
        """Every check of the audit."""
        with HOUSE.database.engine.connect() as connection:
            found = [(check.name, row) for check in CHECKS for row in check.violations(connection, HOUSE.clock.now())]
        assert not found, found

    @invariant()
    def what_is_promised_is_held(self) -> None:
        """The stocks hold exactly what the open referrals promise; a paid one has its reward."""
        held: dict[str, int] = {}
        for status, holds in HOUSE.rows("SELECT status, holds FROM referral"):
            for name, n in json.loads(holds) if status in ("pending", "held", "approved") else ():
                held[name] = held.get(name, 0) + n
        stocks = HOUSE.rows("SELECT name, reserved FROM stock WHERE name LIKE '%campaign:%' AND reserved > 0")
        assert dict(stocks) == held
        paid = {f"inviter:{row[0]}" for row in HOUSE.rows("SELECT id FROM referral WHERE status = 'paid'")}
        sql = "SELECT occurrence FROM \"grant\" WHERE occurrence LIKE 'inviter:%' AND status = 'granted'"
        assert {row[0] for row in HOUSE.rows(sql)} == paid

    def teardown(self) -> None:
        """The connection goes back."""
        HOUSE.batch.close()


Referrals.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestReferrals = Referrals.TestCase
