"""拼团: teams open, fill, succeed, expire; every fen that bought no seat goes back, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from tests.machines.base import Machine, who_does
from tests.machines.till import Paper

PRICE = 6_000


@dataclass
class Seat:
    """A member's place in a team; `turn` says who came first among those who hold one now."""

    state: str
    paper: str
    order_no: str = ""
    turn: int = 0


@dataclass
class Crew:
    """A team."""

    code: str
    size: int
    leader: str
    deadline: datetime
    state: str = "open"
    seats: dict[str, Seat] = field(default_factory=dict)

    def count(self, state: str) -> int:
        """How many seats are in a state."""
        return sum(seat.state == state for seat in self.seats.values())

    def takes(self, now: datetime) -> bool:
        """Whether a seat can be had or paid."""
        return self.state == "open" and now < self.deadline

    def room(self) -> bool:
        """Whether there is a seat nobody has."""
        return self.count("held") + self.count("paid") < self.size


class GroupBuy(Machine):
    """A few people, a few teams, one shelf."""

    plays: ClassVar = {"group_buy": {}}
    minutes: ClassVar = (1, 8, 16, 70, 130)
    teams = Bundle("teams")
    sales = Bundle("sales")

    @initialize(
        size=st.sampled_from([2, 2, 3]), limit=st.integers(1, 2), shelf=st.sampled_from([6, 3, 1]), free=st.booleans(),
        hours=st.integers(1, 2),
    )  # fmt: skip
    def the_drive_begins(self, size: int, limit: int, shelf: int, free: bool, hours: int) -> None:
        """Teams of `size` for an hour or two."""
        self.size, self.limit, self.free, self.hours = size, limit, free, hours
        self.crews: dict[str, Crew] = {}
        self.house.product("A", 10_000, shelf)
        self.campaign = self.house.campaign(
            "group_buy", sku="A", size=size, price_fen=PRICE, hours=hours, per_member=limit, leader_free=free
        )
        self.till.stock("sku:A", shelf)

    def names(self, who: str) -> tuple[str, ...]:
        """The stocks of a seat."""
        return self.till.stock(f"limit:campaign:{self.campaign}:{self.ids[who]}", self.limit), "sku:A"

    def seated(self, who: str, crew: Crew) -> str:
        """A seat was taken and a checkout given out; its code."""
        fresh = self.new_checkout()
        assert fresh is not None
        paper = Paper(who, PRICE, self.names(who), self.house.now + timedelta(minutes=15), crew.code)
        self.till.hold(fresh[0], paper)
        turn = crew.seats[who].turn if who in crew.seats else len(crew.seats)
        crew.seats[who] = Seat("held", fresh[0], turn=turn)
        return fresh[0]

    @rule(target=teams, who=who_does)
    def opens(self, who: str) -> Any:
        """Somebody starts a team, when there are goods and their limit allows."""
        may = self.till.there(self.names(who))
        self.house.says(who, "开团 1")
        fresh = [row[0] for row in self.house.rows("SELECT code FROM team") if row[0] not in self.crews]
        assert len(fresh) == may
        if not may:
            return multiple()
        crew = Crew(fresh[0], self.size, who, self.house.now + timedelta(hours=self.hours))
        self.crews[fresh[0]] = crew
        self.seated(who, crew)
        return fresh[0]

    @rule(who=who_does, team=teams)
    def joins(self, who: str, team: str) -> None:
        """Somebody wants a seat; who has one already gets no second."""
        crew, seat = self.crews[team], self.crews[team].seats.get(who)
        has = seat is not None and seat.state in ("held", "paid")
        may = not has and crew.takes(self.house.now) and crew.room() and self.till.there(self.names(who))
        self.house.says(who, f"参团 {team}")
        assert (self.new_checkout() is not None) == may
        if may:
            self.seated(who, crew)

    @rule(who=who_does, team=teams)
    def joins_and_pays(self, who: str, team: str) -> None:
        """Somebody who does not hesitate."""
        self.joins(who, team)
        seat = self.crews[team].seats.get(who)
        if seat is not None and self.till.papers[seat.paper].state == "held":
            self._pay(seat.paper, 0)

    @rule(target=sales, pick=st.integers(0, 7), off=st.sampled_from([0, 0, 0, 0, -1, 900]), old=st.booleans())
    def pays(self, pick: int, off: int, old: bool) -> Any:
        """A seat's checkout is paid: in time, or (`old`) late, after the end, again; too little, or more."""
        late = [code for code, paper in self.till.papers.items() if paper.state == "released"]
        held = [code for code, paper in self.till.papers.items() if paper.state == "held"]
        papers = (late or list(self.till.papers)) if old else held
        if not papers:
            return multiple()
        return self._pay(papers[pick % len(papers)], off)

    @rule(target=sales, team=teams, asleep=st.booleans())
    def pays_after_the_end(self, team: str, asleep: bool) -> Any:
        """Somebody hesitates until the team is over."""
        crew = self.crews[team]
        held = [seat.paper for seat in crew.seats.values() if seat.state == "held"]
        if not held:
            return multiple()
        self.house.passes(max(1.0, (crew.deadline - self.house.now).total_seconds()), asleep=asleep)
        return self._pay(held[-1], 0)

    def _pay(self, code: str, off: int) -> str:
        order_no, paper = self.next_order(), self.till.papers[code]
        self.house.pays(paper.who, order_no, PRICE + off, code)
        if self.till.pay(order_no, paper.who, PRICE + off, code) is not None:
            self._seat_paid(self.crews[paper.about], paper.who, code, order_no)
        return order_no

    def _seat_paid(self, crew: Crew, who: str, code: str, order_no: str) -> None:
        seat, sale = crew.seats[who], self.till.sales[order_no]
        fits = seat.state == "held" or (seat.state == "released" and crew.room())
        if not (fits and crew.takes(self.house.now)):
            if seat.state == "held":
                seat.state = "released"
            self.till.owe(sale)
            return
        seat.state, seat.paper, seat.order_no = "paid", code, order_no
        if crew.count("paid") == crew.size:
            crew.state = "success"
            leader = crew.seats.get(crew.leader)
            if self.free and leader is not None and leader.state == "paid":
                self.till.owe(self.till.sales[leader.order_no])

    @rule(order_no=sales, number=st.sampled_from("ab"), fen=st.sampled_from([PRICE // 3, PRICE, 2 * PRICE]))
    def shop_refunds(self, order_no: str, number: str, fen: int) -> None:
        """Somebody takes the money back at the shop, in part or whole."""
        number = f"{order_no}:{number}"
        self.house.refunds(order_no, fen, number)
        if self.till.give_back(order_no, number, fen):
            self._gone(order_no)

    @rule()
    def owed_refunds_happen(self) -> None:
        """The shop carries out what we owe."""
        for order_no, fen, key, reason in self.owed():
            self.house.refunds(order_no, fen, key)
            if self.till.give_back(order_no, key, fen, ours=True, goods=reason != "leader_free"):
                self._gone(order_no)

    def _gone(self, order_no: str) -> None:
        """All the money is back: while the team is open its seat is free, and the first who stays leads."""
        for crew in self.crews.values():
            for who, seat in crew.seats.items():
                if seat.order_no == order_no and seat.state == "paid" and crew.state == "open":
                    seat.state = "refunded"
                    staying = [
                        (other.state != "paid", other.turn, name)
                        for name, other in crew.seats.items()
                        if other.state in ("paid", "held")
                    ]
                    if crew.leader == who and staying:
                        crew.leader = min(staying)[2]

    @rule(team=teams)
    def another_sweep_settles(self, team: str) -> None:
        """A sweep finds a team that its timer settles, or has settled."""
        team_id = self.house.one(f"SELECT id FROM team WHERE code = '{team}'")
        self.house.timer("team_deadline", {"team_id": team_id})
        self.settle(self.crews[team], self.house.now)

    def due(self, now: datetime) -> None:
        """Unpaid seats are free; teams whose time is over give everybody's money back."""
        for paper in self.till.tick(now):
            for seat in self.crews[paper.about].seats.values():
                if seat.state == "held" and self.till.papers[seat.paper] is paper:
                    seat.state = "released"
        for crew in self.crews.values():
            self.settle(crew, now)

    def settle(self, crew: Crew, now: datetime) -> None:
        """The end of a team that did not fill."""
        if crew.state != "open" or now < crew.deadline:
            return
        crew.state = "expired"
        for seat in crew.seats.values():
            if seat.state == "held":
                self.till.release(self.till.papers[seat.paper])
                seat.state = "released"
            elif seat.state == "paid":
                self.till.owe(self.till.sales[seat.order_no])
                seat.state = "refunded"

    def compare(self) -> None:
        """Teams, seats, leaders, and the till."""
        names = {number: who for who, number in self.ids.items()}
        found = {row[0]: (row[1], names[row[2]], row[3]) for row in self.house.rows(
            "SELECT code, status, leader_id, held FROM team")}  # fmt: skip
        crews = self.crews if hasattr(self, "crews") else {}
        assert found == {crew.code: (crew.state, crew.leader, crew.count("held")) for crew in crews.values()}
        seats = self.house.rows("SELECT t.code, s.member_id, s.status FROM team_seat s JOIN team t ON t.id = s.team_id")
        assert {(row[0], names[row[1]]): row[2] for row in seats} == {
            (crew.code, who): seat.state for crew in crews.values() for who, seat in crew.seats.items()
        }
        super().compare()
