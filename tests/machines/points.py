"""积分: earned, waiting, ripe, spent oldest first, expired, taken back into debt; and members who prove to be one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.clock import end_of_day
from bot.turn import Work
from storage import lots
from storage.ledger import POINTS, Move, Short, account
from tests.machines.base import PEOPLE, Machine

PACK, REFUND_DAYS, VALID_DAYS = 10, 7, 30
names = st.sampled_from([*PEOPLE[:2], "wm8", "wm9"])  # the last two come later, if they come
unionids = st.sampled_from(["u1", "", "u1", "u2"])
numbers = st.sampled_from([f"n{n}" for n in range(8)])


@dataclass
class Purse:
    """A person: lots by the day they end, and what is owed. `pack`: had the sign-up gift."""

    lots: dict[datetime, int] = field(default_factory=dict)
    debt: int = 0
    pack: bool = False

    @property
    def balance(self) -> int:
        """What can be spent."""
        return sum(self.lots.values())

    def gets(self, amount: int, ends: datetime) -> None:
        """A debt is paid off first."""
        paid = min(amount, self.debt)
        self.debt -= paid
        if amount > paid:
            self.lots[ends] = self.lots.get(ends, 0) + amount - paid

    def loses(self, amount: int) -> int:
        """Oldest first; how much was missing."""
        for ends in sorted(self.lots):
            part = min(amount, self.lots[ends])
            amount -= part
            self.lots[ends] -= part
            if not self.lots[ends]:
                del self.lots[ends]
        return amount


@dataclass
class Earning:
    """An order and the points it promises."""

    purse: int
    fen: int
    due: datetime
    refunded: int = 0
    ripe: bool = False

    @property
    def kept(self) -> int:
        """A point for each whole yuan, and of those the part that was not refunded."""
        return self.fen // 100 * (self.fen - self.refunded) // self.fen


class Points(Machine):
    """Three members and two who come later, orders that name them by one or two names."""

    plays: ClassVar = {"points": {"per_yuan": 1, "refund_days": REFUND_DAYS, "valid_days": VALID_DAYS}}
    pack: ClassVar = {"points": PACK}
    minutes: ClassVar = (1, 60 * 24 * 3, 60 * 24 * 7, 60 * 24 * 12, 60 * 24 * 31)

    def __init__(self) -> None:
        super().__init__()
        self.purses = [Purse({lots.NEVER: PACK}, pack=True) for _ in PEOPLE]
        self.who = {("wecom", who): place for place, who in enumerate(PEOPLE)}
        self.earned: dict[str, Earning] = {}
        self.told: dict[str, dict[str, int]] = {}
        self.spent = self.expired = 0

    # -- the model ------------------------------------------------------------------------------------------------

    def known(self, channel: str, name: str) -> int:
        """Whose name this is; a name nobody had is a new person's."""
        if (channel, name) not in self.who:
            self.who[channel, name] = len(self.purses)
            self.purses.append(Purse())
        return self.who[channel, name]

    def one_person(self, a: int, b: int) -> int:
        """Two are one: the one we knew first stays, with everything; of a gift both had, one goes back."""
        stays, goes = sorted((a, b))
        if stays == goes:
            return stays
        older, younger = self.purses[stays], self.purses[goes]
        if older.pack and younger.pack:
            older.debt += younger.loses(PACK)
        older.pack = older.pack or younger.pack
        for ends, amount in younger.lots.items():
            older.lots[ends] = older.lots.get(ends, 0) + amount
        older.debt += younger.debt
        part = min(older.debt, older.balance)
        older.debt -= part
        older.loses(part)
        younger.lots, younger.debt = {}, 0
        self.who = {name: stays if purse == goes else purse for name, purse in self.who.items()}
        for earning in self.earned.values():
            earning.purse = stays if earning.purse == goes else earning.purse
        return stays

    def refunded(self, number: str) -> None:
        """What was refunded in all; points that are ripe are taken back."""
        earning = self.earned[number]
        before = earning.kept
        earning.refunded = min(earning.fen, sum(self.told.get(number, {}).values()))
        if earning.ripe:
            purse = self.purses[earning.purse]
            purse.debt += purse.loses(before - earning.kept)

    def due(self, now: datetime) -> None:
        """What waited long enough ripens; what is too old ends."""
        for earning in self.earned.values():
            if not earning.ripe and earning.due <= now:
                earning.ripe = True
                self.purses[earning.purse].gets(earning.kept, end_of_day(now, VALID_DAYS))
        for purse in self.purses:
            for ends in [ends for ends in purse.lots if ends <= now]:
                self.expired += purse.lots.pop(ends)

    # -- what happens ---------------------------------------------------------------------------------------------

    @rule(who=names, number=numbers, fen=st.sampled_from([150, 9_999, 30_000]), by=unionids,
          alone=st.booleans())  # fmt: skip
    def pays(self, who: str, number: str, fen: int, by: str, alone: bool) -> None:
        """An order names its buyer by contact, by unionid, or by both: then both are one person."""
        buyer = ({"unionid": by} if by else {}) | ({} if by and alone else {"external_userid": who})
        self.house.pays(who, number, fen, buyer=buyer)
        if number in self.earned:
            return
        found = [self.known("unionid", by)] if by else []
        if "external_userid" in buyer:
            linked = self.who.setdefault(("wecom", who), found[0]) if found else self.known("wecom", who)
            found.append(linked)
        purse = self.one_person(found[0], found[-1])
        self.earned[number] = Earning(purse, fen, self.house.now + timedelta(days=REFUND_DAYS))
        self.refunded(number)

    @rule(number=numbers, which=st.sampled_from("ab"), fen=st.sampled_from([50, 5_000, 40_000]))
    def is_refunded(self, number: str, which: str, fen: int) -> None:
        """A refund, before or after its order, its ripening, its spending; a number counts once."""
        self.house.refunds(number, fen, f"{number}:{which}")
        self.told.setdefault(number, {}).setdefault(which, fen)
        if number in self.earned:
            self.refunded(number)

    @rule(who=names, amount=st.sampled_from([5, 10, 90, 310]))
    def spends(self, who: str, amount: int) -> None:
        """Points are spent, if there are enough."""
        purse = self.purses[self.who[who_key]] if (who_key := ("wecom", who)) in self.who else Purse()
        if who_key not in self.who:
            return
        member, key = self.house.member(who), f"spend:{next(self.house.numbers)}"

        def spend(work: Work) -> bool:
            try:
                return work.move(Move(key, account(member), "spent", POINTS, amount, "spent"))
            except Short:
                return False

        may = purse.balance >= amount
        assert self.house.act(spend) is may
        if may:
            self.spent += amount
            assert purse.loses(amount) == 0

    @rule(who=names, leaves=st.booleans())
    def adds_the_guide(self, who: str, leaves: bool) -> None:
        """A contact comes, goes, comes back: the gift is given once to a person."""
        if leaves:
            self.house.joins(who, leaves=True)
        self.house.joins(who)
        purse = self.purses[self.known("wecom", who)]
        if not purse.pack:
            purse.pack = True
            purse.gets(PACK, lots.NEVER)

    def compare(self) -> None:
        """Every purse, what waits, and what left the house."""
        db: Any = self.house.batch._db
        for (channel, name), place in getattr(self, "who", {}).items():
            sql = f"SELECT member_id FROM identity WHERE channel = '{channel}' AND external_id = '{name}'"
            member, purse = self.house.one(sql), self.purses[place]
            debt = f"debt:{member}"
            owes = (
                f"SELECT coalesce(sum(CASE WHEN debit = '{debt}' THEN amount ELSE -amount END), 0) FROM transfer "
                f"WHERE debit = '{debt}' OR credit = '{debt}'"
            )
            assert dict(lots.of(db, account(member))) == purse.lots, name
            assert self.house.one(owes) == purse.debt, name
        for number, earning in getattr(self, "earned", {}).items():
            kept = self.house.rows(
                f"SELECT w.kept FROM reward w JOIN shop_order o ON o.id = w.order_id WHERE o.order_no = '{number}'"
            )
            assert kept == [(earning.kept,)]
        for left in ("spent", "expired"):
            sql = f"SELECT coalesce(sum(amount), 0) FROM transfer WHERE credit = '{left}'"
            assert self.house.one(sql) == getattr(self, left, 0)
