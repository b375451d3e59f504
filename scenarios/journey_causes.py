"""旅程的由头: the one thing that a journey may be about (a coupon, a level, a team, a bargain, a salon): whether it
still is as it was when somebody began, and what texts may say of it.

An occasion names it: `coupon:12`, `team:3`. It is looked at before every step, so nobody is told of a team that is
full, or of a coupon that is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bot.clock import ZONE, local_day, shown, till
from bot.texts import yuan
from bot.turn import Turn
from scenarios import tier_book, tier_review
from storage import coupons, drives, oneid, salons, tiers
from storage.members import Person

REMINDER = "coupon_reminder"  # the right to remind of a coupon: the coupons' own reminder uses it up too


class Cause(NamedTuple):
    """Why it is over ("" = it stands), and what texts may say of it."""

    over: str
    values: Mapping[str, object] = MappingProxyType({})


NOTHING = Cause("")


def look(turn: Turn, occasion: str, person: Person) -> Cause:
    """What an occasion is about, as it stands now; of one that is about nothing, nothing."""
    kind, _, rest = occasion.partition(":")
    of = _KINDS.get(kind)
    return of(turn, int(rest), person) if of is not None and rest.isdigit() else NOTHING


def _coupon(turn: Turn, coupon_id: int, person: Person) -> Cause:
    voucher = coupons.by_id(turn.db, coupon_id)
    if voucher.status != "active" or voucher.member_id != person.id:
        return Cause("used")
    if voucher.expires_at <= turn.now:
        return Cause("over")
    return Cause("", {"coupon": voucher.template, "code": voucher.code, "until": till(voucher.expires_at, turn.now)})


def _tier(turn: Turn, _: int, person: Person) -> Cause:
    book, row = tier_book.in_force(turn), tiers.of(turn.db, [person.id]).get(person.id)
    if book is None or row is None or row.stage not in ("noticed", "grace") or row.look_at is None:
        return Cause("settled")
    day = row.look_at.astimezone(ZONE).date()
    worth = tier_book.worths(turn, [person.id], book.rules, day).get(person.id, 0)
    missing = book.rules.floor(book.rules.rank(row.level)) - worth
    if missing <= 0:
        return Cause("earned")
    named = tier_review.amount(turn, book.rules, missing)
    return Cause("", {"tier": row.level, "missing": named, "until": local_day(row.look_at)})


def _team(turn: Turn, team_id: int, person: Person) -> Cause:
    team = drives.teams.one(turn.db, id=team_id)
    if team is None or team.status != "open" or team.deadline <= turn.now:
        return Cause("full" if team is not None and team.status == "success" else "over")
    mine = oneid.same(turn.db, person.id)
    if not drives.seats.all(turn.db, team_id=team.id, member_id__in=mine, status="paid"):
        return Cause("left")
    missing = team.size - team.paid
    return Cause("", {"team": team.code, "missing": missing, "paid": team.paid, "until": shown(team.deadline)})


def _bargain(turn: Turn, bargain_id: int, person: Person) -> Cause:
    found = drives.bargains.one(turn.db, id=bargain_id)
    if found is None or found.status != "open" or found.deadline <= turn.now:
        return Cause("bought" if found is not None and found.status in ("bought", "locked") else "over")
    if found.price_fen <= found.floor_fen:
        return Cause("at_floor")
    return Cause("", {
        "bargain": found.code, "price": yuan(found.price_fen), "left": yuan(found.price_fen - found.floor_fen),
        "missing": found.needed - found.cuts, "until": shown(found.deadline),
    })  # fmt: skip


def _salon(turn: Turn, salon_id: int, person: Person) -> Cause:
    salon = salons.rows.one(turn.db, id=salon_id)
    return Cause("", {"salon": salon.title}) if salon is not None else Cause("over")


_KINDS: dict[str, Callable[[Turn, int, Person], Cause]] = {
    "coupon": _coupon, "tier": _tier, "team": _team, "bargain": _bargain, "salon": _salon,
}  # fmt: skip
