"""来往 dealings: what begins with a member's word and goes on between people: checkouts that are paid or not, teams
that fill or end, bargains that friends cut, salons with a queue, coupons used at the counter.
"""

from __future__ import annotations

import json
from datetime import timedelta

from bot.events import Event
from console.year.dice import Dice
from console.year.people import Crowd, Someone
from console.year.world import World

# Who a row is of, by a name that the platform knows; of several the first.
_WHO = "(SELECT min(i.external_id) FROM identity i WHERE i.channel = 'wecom' AND i.member_id = {}.member_id)"
HELD = (
    f"SELECT c.id, c.code, c.price_fen, c.items, c.store, {_WHO.format('c')} FROM checkout c "  # noqa: S608 - ours
    "WHERE c.status = 'held' AND c.id > :after ORDER BY c.id"
)
TEAMS = "SELECT code, size - held FROM team WHERE status = 'open' AND deadline > :now AND held < size ORDER BY id"
BARGAINS = (
    f"SELECT b.code, b.needed - b.cuts, {_WHO.format('b')} FROM bargain b "  # noqa: S608 - ours
    "WHERE b.status IN ('open', 'floor') AND b.checkout_id IS NULL AND b.deadline > :now ORDER BY b.id"
)
SEATS = (
    f"SELECT {_WHO.format('s')}, a.check_code FROM salon_seat s JOIN salon a ON a.id = s.salon_id "  # noqa: S608 - ours
    "WHERE s.status = 'confirmed' AND a.status = 'open' AND a.starts_at <= :soon AND a.ends_at > :now ORDER BY s.id"
)
OFFERED = (
    f"SELECT {_WHO.format('s')}, a.no FROM salon_seat s JOIN salon a ON a.id = s.salon_id "  # noqa: S608 - ours
    "WHERE s.status = :status AND a.status = 'open' AND a.starts_at > :now ORDER BY s.id"
)
SALONS = "SELECT no FROM salon WHERE status = 'open' AND starts_at > :now ORDER BY id"
COUPONS = (
    "SELECT id, code FROM coupon WHERE status = 'active' AND expires_at > :now AND id > :after ORDER BY id LIMIT 40"
)
OWED = (
    "SELECT o.order_no, r.amount_fen, r.key FROM refund r JOIN shop_order o ON o.id = r.order_id "
    "WHERE r.status = 'owed' ORDER BY r.id"
)
CODES = "SELECT code FROM referral_code ORDER BY made_at, code"
PAID_SHARE, POPULAR_SHARE, COMES_SHARE, TAKES_SHARE = 0.86, 0.7, 0.8, 0.75


class Dealings:
    """Looks at what is open and lets people go on with it. Everything is read in an order that is always the same."""

    def __init__(self, world: World, crowd: Crowd, dice: Dice) -> None:
        self._world, self._crowd, self._dice = world, crowd, dice
        self._people: dict[str, Someone] = {}
        self._paid_upto = self._used_upto = 0
        self._unpopular: set[str] = set()
        self._came: set[tuple[str, str]] = set()

    def _who(self, external_userid: str | None) -> Someone | None:
        known = len(self._people)
        self._people.update({one.external_userid: one for one in self._crowd.all[known:]})
        return self._people.get(external_userid or "")

    async def pay(self) -> int:
        """Who was told a code by the words of this moment pays by it, most of them; how many."""
        held = self._world.rows(HELD, after=self._paid_upto)
        if not held:
            return 0
        self._paid_upto = held[-1][0]
        paid: list[Event] = []
        for _, code, fen, items, store, who in held:
            if who is None or fen == 0 or not self._dice.coin(PAID_SHARE):
                continue
            buyer = {"external_userid": who}
            paid.append(self._world.pays(buyer, fen, json.loads(items), checkout=code, store=store or None))
        await self._world.happen(paid)
        return len(paid)

    def join_teams(self) -> list[Event]:
        """Friends take the seats of popular teams; the others come to their end unfilled."""
        said: list[Event] = []
        for code, missing in self._world.rows(TEAMS, now=self._world.clock.now()):
            if self._popular(code):
                friends = self._crowd.friends(1 + self._dice.below(max(1, missing)))
                said += [self._world.says(friend, f"参团 {code}") for friend in friends]
        return said

    def cut_bargains(self) -> list[Event]:
        """Friends cut a price down; who has it at its floor takes it."""
        said: list[Event] = []
        for code, missing, who in self._world.rows(BARGAINS, now=self._world.clock.now()):
            owner = self._who(who)
            if missing > 0 and self._popular(code):
                said += [self._world.says(friend, f"帮砍 {code}") for friend in self._crowd.friends(1)]
            elif missing <= 0 and owner is not None:
                said.append(self._world.says(owner, f"砍价下单 {code}"))
        return said

    def _popular(self, code: str) -> bool:
        """Whether friends take notice: it is thrown for at every look, and lost for good when it is lost."""
        if code not in self._unpopular and not self._dice.coin(POPULAR_SHARE):
            self._unpopular.add(code)
        return code not in self._unpopular

    def salons(self) -> list[Event]:
        """People sign up, more than there are seats; who is offered a seat takes it, mostly; some change their mind."""
        dice, world = self._dice, self._world
        now, said = world.clock.now(), list[Event]()
        for (number,) in world.rows(SALONS, now=now):
            said += [world.says(one, f"报名 S{number}") for one in self._crowd.friends(dice.below(3))]
        for who, number in world.rows(OFFERED, now=now, status="offered"):
            one = self._who(who)
            if one is not None and dice.coin(TAKES_SHARE):
                said.append(world.says(one, f"确认名额 S{number}"))
        for who, number in world.rows(OFFERED, now=now, status="confirmed"):
            one = self._who(who)
            if one is not None and dice.coin(0.02):
                said.append(world.says(one, f"取消报名 S{number}"))
        return said

    def check_in(self) -> list[Event]:
        """Who has a seat says the code at the door; one in five stays away."""
        now, said = self._world.clock.now(), list[Event]()
        for who, code in self._world.rows(SEATS, now=now, soon=now + timedelta(minutes=30)):
            one = self._who(who)
            if one is None or (who, code) in self._came:
                continue
            self._came.add((who, code))
            if self._dice.coin(COMES_SHARE):
                said.append(self._world.says(one, f"签到 {code}"))
        return said

    def coupons(self, most: int) -> list[str]:
        """Codes of coupons that members show at the counter."""
        found = self._world.rows(COUPONS, now=self._world.clock.now(), after=self._used_upto)
        self._used_upto = found[-1][0] if found else 0
        return [code for _, code in self._dice.some(found, most)]

    async def pay_back(self) -> None:
        """The shop's till pays back what the bot owes, and tells of it."""
        owed = self._world.rows(OWED)
        await self._world.happen([self._world.refunds(order_no, key, fen) for order_no, fen, key in owed])

    def invited(self) -> str:
        """The state of a QR code of somebody's, "" when nobody has one."""
        codes = self._world.rows(CODES)
        return f"ref:{self._dice.pick(codes)[0]}" if codes else ""
