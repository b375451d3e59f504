"""分销: who promotes whom, commission that waits, ripens and is taken back, payouts that leave before a refund or after
it, and what is owed then. The model is written from the rules, in plain sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bot.order_events import AdminAsked
from tests.machines.base import PEOPLE, Machine

REFUND_DAYS, BIND_DAYS, PROTECT_DAYS = 7, 60, 10
FIRST, SECOND, CAP = 1_000, 300, 20_000
numbers = st.sampled_from([f"n{n}" for n in range(6)])
indexes = st.integers(0, 5)
EVERYBODY = (*PEOPLE, "wm5", "wm6")
anybody = st.sampled_from(EVERYBODY)
buyers = st.sampled_from(["wm4", "wm4", "wm3", "wm2", "wm5", "wm6"])  # wm4 is somebody's customer from the beginning


@dataclass
class Promoter:
    """Somebody who promotes: whoever had brought them, what they hold and owe."""

    sponsor: str | None
    active: bool = True
    held: int = 0
    debt: int = 0

    def gets(self, fen: int) -> None:
        """A debt is paid off first."""
        paid = min(fen, self.debt)
        self.debt -= paid
        self.held += fen - paid

    def loses(self, fen: int) -> None:
        """What is not there is owed."""
        part = min(fen, self.held)
        self.held -= part
        self.debt += fen - part


@dataclass
class Share:
    """What an order promised one of them."""

    level: int
    who: str
    promised: int
    kept: int
    ripe: bool = False


@dataclass
class Sold:
    """An order and whom it earns something."""

    fen: int
    due: datetime
    refunded: int = 0
    shares: list[Share] = field(default_factory=list)


@dataclass
class Asked:
    """What somebody asked to be paid."""

    id: int
    who: str
    asked: int
    left: int
    state: str = "requested"
    slip: str = ""


def parts(fen: int, rates: list[int]) -> list[int]:
    """What each level earns: its rate, all together at most the cap, parted by largest remainder."""
    whole = [fen * rate // 10_000 for rate in rates]
    if sum(whole) <= CAP:
        return whole
    exact = [(CAP * one, sum(whole)) for one in whole]
    found = [up // down for up, down in exact]
    for at in sorted(range(len(exact)), key=lambda at: -(exact[at][0] % exact[at][1]))[: CAP - sum(found)]:
        found[at] += 1
    return found


class Distribution(Machine):
    """Six people of whom any may promote, bring, buy, give back, ask for their money and get it, in any order."""

    plays: ClassVar = {"distribution": {
        "levels": 2, "rate_bp": FIRST, "second_rate_bp": SECOND, "most_fen_per_order": CAP,
        "refund_days": REFUND_DAYS, "bind_days": BIND_DAYS, "protect_days": PROTECT_DAYS, "min_payout_fen": 1,
        "require_approval": False, "service_manager": "ma", "velocity_per_hour": 10_000,
        "payout_second_fen": 100_000_000,
    }}  # fmt: skip
    minutes: ClassVar = (1, 60 * 24 * 3, 60 * 24 * 7, 60 * 24 * 11, 60 * 24 * 61)

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, Promoter] = {}
        self.bound: dict[str, tuple[str, datetime]] = {}
        self.bought: set[str] = set()
        self.sold: dict[str, Sold] = {}
        self.told: dict[str, dict[str, int]] = defaultdict(dict)
        self.asked: list[Asked] = []
        for who in EVERYBODY[len(PEOPLE) :]:
            self.house.joins(who)
            self.ids[who] = self.house.member(who)
        self.promotes("wm1")  # to begin with, each had brought the next: wm1, wm2, wm3 promote, wm4 is a customer
        for place, who in enumerate(PEOPLE[1:]):
            self.is_brought(who, place)
            if who != PEOPLE[-1]:
                self.promotes(who)

    # -- the model ------------------------------------------------------------------------------------------------

    def due(self, now: datetime) -> None:
        """What waited long enough is theirs."""
        for sold in self.sold.values():
            for share in sold.shares:
                if sold.due <= now and not share.ripe and share.kept:
                    share.ripe = True
                    self.people[share.who].gets(share.kept)

    def refunded(self, number: str) -> None:
        """What went back in all; what had ripened is taken back: from the purse, from what nobody paid yet, as debt."""
        sold = self.sold[number]
        sold.refunded = min(sold.fen, sum(self.told[number].values()))
        for share in sold.shares:
            before, share.kept = share.kept, share.promised * (sold.fen - sold.refunded) // sold.fen
            if share.ripe:
                self.claw_back(share.who, before - share.kept)

    def claw_back(self, who: str, fen: int) -> None:
        promoter = self.people[who]
        part = min(fen, promoter.held)
        promoter.held -= part
        for wish in reversed(self.asked):
            if wish.who == who and wish.state == "requested":
                more = min(fen - part, wish.left)
                wish.left -= more
                part += more
                if not wish.left:
                    wish.state = "cancelled"
        promoter.debt += fen - part

    def ends(self, who: str) -> datetime:
        return self.bound[who][1] + timedelta(days=BIND_DAYS)

    # -- what happens ---------------------------------------------------------------------------------------------

    @rule(who=anybody)
    def promotes(self, who: str) -> None:
        """Somebody becomes a distributor; whoever has them as a customer is who had brought them."""
        self.house.says(who, "申请分销")
        if who not in self.people:
            there = who in self.bound and self.house.now < self.ends(who)
            self.people[who] = Promoter(self.bound[who][0] if there else None)

    @rule(who=anybody, place=indexes)
    def is_brought(self, who: str, place: int) -> None:
        """Somebody types a code."""
        to = sorted(self.people)[place % len(self.people)]
        code = self.house.one(f"SELECT code FROM distributor WHERE member_id = {self.ids[to]}")
        self.house.says(who, f"填推广码 {code}")
        stands = who in self.bound and self.house.now < self.ends(who)
        mine = stands and self.bound[who][0] == to
        guarded = stands and self.house.now < self.bound[who][1] + timedelta(days=PROTECT_DAYS)
        if not self.people[to].active or who in self.people or who in self.bought or mine or guarded:
            return
        self.bound[who] = (to, self.house.now)

    @rule(who=buyers, number=numbers, fen=st.sampled_from([0, 7, 3_333, 9_999, 20_000, 400_000]))
    def pays(self, who: str, number: str, fen: int) -> None:
        """An order, perhaps told before."""
        self.house.pays(who, number, fen)
        if number in self.sold:
            return
        self.bought.add(who)
        sold = self.sold[number] = Sold(fen, self.house.now + timedelta(days=REFUND_DAYS))
        path = self.path(who)
        for level, (earner, part) in enumerate(zip(path, parts(fen, [FIRST, SECOND][: len(path)]), strict=True), 1):
            if part:
                sold.shares.append(Share(level, earner, part, part))
        self.refunded(number)

    @rule(number=numbers, fen=st.sampled_from([3_333, 20_000]), place=indexes)
    def ripens(self, number: str, fen: int, place: int) -> None:
        """A customer's order is left alone until it is safe, and somebody asks for their money."""
        self.pays("wm4", number, fen)
        self.time_passes(2, asleep=False)
        if any(one.held for one in self.people.values()):
            self.asks(0, place)

    def path(self, who: str) -> list[str]:
        if who not in self.bound or self.house.now >= self.ends(who) or not self.people[self.bound[who][0]].active:
            return []
        first = self.bound[who][0]
        second = self.people[first].sponsor
        return [first, second] if second and second != who and self.people[second].active else [first]

    @rule(number=numbers, which=st.sampled_from("ab"), fen=st.sampled_from([1, 1_000, 3_333, 500_000]))
    def is_refunded(self, number: str, which: str, fen: int) -> None:
        """Money goes back, in part or whole, before the order is known or long after; a number counts once."""
        self.house.refunds(number, fen, f"{number}:{which}")
        self.told[number].setdefault(which, fen)
        if number in self.sold:
            self.refunded(number)

    @precondition(lambda self: any(one.held for one in self.people.values()))
    @rule(fen=st.sampled_from([0, 1, 350, 1_000]), place=indexes)
    def asks(self, fen: int, place: int) -> None:
        """Somebody wants their money; 0 = all of it."""
        rich = [who for who in EVERYBODY if who in self.people and self.people[who].held]
        who = rich[place % len(rich)]
        promoter = self.people[who]
        wanted = fen or promoter.held
        self.house.says(who, f"提现 {wanted // 100}.{wanted % 100:02d}")
        if promoter.active and wanted <= promoter.held:
            promoter.held -= wanted
            number = self.house.one("SELECT max(id) FROM commission_payout")
            self.asked.append(Asked(number, who, wanted, wanted))

    @precondition(lambda self: self.asked)
    @rule(place=indexes, whole=st.booleans(), slip=st.sampled_from(["T1", "T2"]))
    def is_paid(self, place: int, whole: bool, slip: str) -> None:
        """Somebody writes down what has left: what is open, or all that was asked for, refund or not."""
        wish = self.asked[place % len(self.asked)]
        self.ask("pay", id=wish.id, reference=slip, **({"fen": wish.asked} if whole else {}))
        fen = wish.asked if whole else wish.left
        if wish.state not in ("requested", "cancelled") or not fen or not self.people[wish.who].active:
            return
        self.people[wish.who].loses(fen - wish.left)
        wish.state, wish.left, wish.slip = "paid", fen, slip

    @precondition(lambda self: self.asked)
    @rule(place=indexes)
    def is_not_paid(self, place: int) -> None:
        """It goes back into the purse."""
        wish = self.asked[place % len(self.asked)]
        self.ask("reject", id=wish.id, reason="x")
        if wish.state == "requested":
            wish.state = "rejected"
            self.people[wish.who].gets(wish.left)

    @rule(place=indexes, on=st.sampled_from([False, True, True]))
    def is_suspended(self, place: int, on: bool) -> None:
        """Nothing new is earned or paid while somebody is looked at."""
        who = sorted(self.people)[place % len(self.people)]
        number = self.house.one(f"SELECT id FROM distributor WHERE member_id = {self.ids[who]}")
        self.act_on("distributors/resume" if on else "distributors/suspend", id=number)
        self.people[who].active = on

    def ask(self, step: str, **body: Any) -> None:
        self.act_on(f"payouts/{step}", **body)

    def act_on(self, act: str, **body: Any) -> None:
        key = f"api:{next(self.house.numbers)}"
        self.house.take(AdminAsked(key=key, source="api", at=self.house.now, act=f"distribution/{act}", body=body))

    # -- the model against the database ---------------------------------------------------------------------------

    def compare(self) -> None:
        """Every share, purse, debt and payout; and that nobody earns by themselves, or on a third level."""
        names = {member: who for who, member in getattr(self, "ids", {}).items()}
        rows = self.house.rows(
            "SELECT o.order_no, c.level, d.member_id, c.amount_fen, c.kept_fen, c.status FROM commission c "
            "JOIN shop_order o ON o.id = c.order_id JOIN distributor d ON d.id = c.distributor_id"
        )
        found = {(row[0], row[1]): (names[row[2]], *row[3:]) for row in rows}
        assert found == {
            (number, share.level): (share.who, share.promised, share.kept, _state(share))
            for number, sold in getattr(self, "sold", {}).items() for share in sold.shares
        }  # fmt: skip
        for who, promoter in getattr(self, "people", {}).items():
            member, debt = self.ids[who], f"debt:{self.ids[who]}"
            held = self.house.rows(
                f"SELECT amount FROM balance WHERE account = 'member:{member}' AND asset = 'commission'"
            )
            owes = self.house.one(
                f"SELECT coalesce(sum(CASE WHEN debit = '{debt}' THEN amount ELSE -amount END), 0) FROM transfer "
                f"WHERE asset = 'commission' AND (debit = '{debt}' OR credit = '{debt}')"
            )
            assert ((held[0][0] if held else 0), int(owes)) == (promoter.held, promoter.debt), who
        rows = self.house.rows("SELECT id, asked_fen, amount_fen, status, reference FROM commission_payout ORDER BY id")
        assert rows == [(w.id, w.asked, w.left, w.state, w.slip) for w in getattr(self, "asked", [])]


def _state(share: Share) -> str:
    if share.ripe:
        return "available" if share.kept else "clawed_back"
    return "pending" if share.kept else "cancelled"
