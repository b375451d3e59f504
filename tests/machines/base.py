"""What all machines share: a house of their own, time that passes, events told again, checks after each step."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.batch import Job
from tests.machines.house import Ground, House
from tests.machines.till import Till

PEOPLE = ("wm1", "wm2", "wm3", "wm4")
who_does = st.sampled_from(PEOPLE)
COUNTED = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM transfer), (SELECT count(*) FROM inbox)"


class Machine(RuleBasedStateMachine):
    """A story of one aggregate. A machine says which plays run, what its rules do to the model, and `compare`s."""

    plays: ClassVar[dict[str, dict[str, Any]]] = {}
    pack: ClassVar[dict[str, Any]] = {"points": 0}
    minutes: ClassVar[tuple[int, ...]] = (1, 16, 50, 130, 26 * 60)  # how far time jumps
    ground: ClassVar[Ground | None] = None
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.counts["examples"] += 1
        self.house = House(self.ground or Ground.shared(), self.plays, self.pack)
        self.house.swept = self.due
        self.till = Till()
        self.orders = 0
        for who in PEOPLE:
            self.house.joins(who)
        self.ids = {who: self.house.member(who) for who in PEOPLE}

    def teardown(self) -> None:
        """The house is given up with its story."""
        self.house.close()

    def due(self, now: datetime) -> None:
        """What time alone does to the model; called whenever the house has swept."""
        self.till.tick(now)

    def compare(self) -> None:
        """The model against the database."""
        self.till.compare(self.house)

    @rule(jump=st.integers(0, 4), asleep=st.booleans())
    def time_passes(self, jump: int, asleep: bool) -> None:
        """Minutes or days go by, with the bot awake or away."""
        self.house.passes(60 * self.minutes[jump], asleep=asleep)

    @precondition(lambda self: self.house.seen)
    @rule(back=st.integers(1, 40))
    def told_again(self, back: int) -> None:
        """An event is delivered once more: nothing happens, nothing is said."""
        before = self.house.rows(COUNTED)
        self.house.run(Job(self.house.seen[-min(back, len(self.house.seen))]))
        assert self.house.rows(COUNTED) == before

    @invariant()
    def the_books_are_right(self) -> None:
        """Every check of the audit, after every step."""
        self.counts["steps"] += 1
        found = self.house.violations()
        assert not found, found

    @invariant()
    def the_model_agrees(self) -> None:
        """What the rules say is what the database says."""
        self.compare()

    # -- what several machines do ---------------------------------------------------------------------------------

    def new_checkout(self) -> tuple[str, int] | None:
        """(code, price) of a checkout that the model does not know yet."""
        fresh = [
            row for row in self.house.rows("SELECT code, price_fen FROM checkout") if row[0] not in self.till.papers
        ]
        assert len(fresh) <= 1
        return (fresh[0][0], fresh[0][1]) if fresh else None

    def next_order(self) -> str:
        """A number that no order has."""
        self.orders += 1
        return f"o{self.orders}"

    def owed(self) -> list[Any]:
        """(order number, fen, key, reason) of what we owe and a shop would carry out."""
        rows = self.house.rows(
            "SELECT o.order_no, r.amount_fen, r.key, r.reason, o.amount_fen - o.refunded_fen FROM refund r "
            "JOIN shop_order o ON o.id = r.order_id WHERE r.status = 'owed' ORDER BY r.id"
        )
        return [row[:4] for row in rows if row[1] <= row[4]]
