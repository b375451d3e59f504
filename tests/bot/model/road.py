"""The shortest road through a model: a member says something, the model is asked, the answer is kept."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from bot.clock import FrozenClock
from bot.delivery import Delivery
from bot.events import Address, ApiAnswered, Event, TextReceived
from bot.ids import SeededChance
from bot.model import asking
from bot.model.sender import ModelSender
from bot.sections import Llm
from bot.texts import Texts
from bot.turn import Turn
from bot.writer import Writer
from storage.checks import CHECKS
from storage.engine import Database
from tests.bot.model.vendor import PING, Vendor, gateway, section
from tests.conftest import NOON


@dataclass
class Road:
    """Writer, outbox, delivery and the model's sender, over a real database."""

    vendor: Vendor
    llm: Llm
    clock: FrozenClock
    database: Database
    writer: Any = None
    delivery: Any = None
    answers: list[ApiAnswered] = field(default_factory=list)
    refused: list[asking.Failure] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    def dispatch(self, turn: Turn, event: Event) -> None:
        """What a play would do."""
        turn.llm = self.llm
        if isinstance(event, TextReceived):
            assert event.sender is not None
            person = turn.ensure_person(event.sender, "test")
            refused = asking.ask(turn, PING, member=person, about={"said": event.text}, question=event.text)
            if refused is not None:
                self.refused.append(refused)
        elif isinstance(event, ApiAnswered):
            asking.settle(turn, event)
            self.answers.append(event)

    async def says(self, *words: str, who: str = "wm1", deliver: bool = True) -> list[ApiAnswered]:
        """A member writes; what came back since."""
        before = len(self.answers)
        for said in words:
            number = next(self.numbers)
            await self.writer.accept(TextReceived(
                key=f"t:{number}", source="test", at=self.clock.now(), sender=Address("wecom", who), text=said,
                msg_id=str(number),
            ))  # fmt: skip
        if deliver:
            await self.delivery.drain()
        return self.answers[before:]

    def rows(self, sql: str) -> list[Any]:
        """Read the database as it is."""
        with self.database.engine.connect() as connection:
            return list(connection.execute(text(sql)).all())

    def budget(self, name: str) -> tuple[int, int, int, int]:
        """(total, remaining, reserved, taken) of a budget."""
        row = self.rows(f"SELECT total, remaining, reserved, taken FROM stock WHERE name = '{name}'")[0]
        return row[0], row[1], row[2], row[3]

    def violations(self) -> list[str]:
        """What breaks the invariants of the house."""
        with self.database.engine.connect() as connection:
            return [f"{check.name}: {row}" for check in CHECKS for row in check.violations(connection, NOON)]


@contextlib.asynccontextmanager
async def start_road(url: str, of: Vendor, **llm: Any) -> AsyncIterator[Road]:
    """A road to a vendor; the invariants are checked when it ends."""
    clock, database = FrozenClock(NOON), Database(url)
    database.migrate()
    road = Road(of, section(of.url, **llm), clock, database)
    road.writer = Writer(database, road.dispatch, clock, SeededChance(7), Texts())
    road.writer.start()
    sender = ModelSender(road.llm, gateway(of, clock, **llm), road.writer)
    road.delivery = Delivery(road.writer, sender.table(), clock, SeededChance(8))
    try:
        yield road
        broken = road.violations()
        assert not broken, broken
    finally:
        await road.writer.stop()
        database.close()
