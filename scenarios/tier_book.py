"""等级簿 tier_book: what members hold of the levels in force: raised at once, what cards give, and what it is worth.
Shared by the plays, itself none.

What reaching a level gave stays: a refund takes the level back at the next review, never the coupon.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from bot.clock import ZONE
from bot.turn import Retry, Turn
from scenarios import rewards
from scenarios.rewards import CouponGift, Pack
from scenarios.tier_rules import (
    BASIC,
    NONE,
    Card,
    Held,
    TierRules,
    Verdict,
    begins,
    card_now,
    earned,
    planned,
    window,
    worth,
)
from storage import grants, members, tiers
from storage.tables import MemberTier, TierChange

CARD_OVER = "tier.card_over"


class Book(NamedTuple):
    """The rules in force and their version."""

    id: int
    rules: TierRules


@lru_cache(maxsize=8)
def read(text: str) -> TierRules:
    """Rules from their JSON, read once."""
    return TierRules.model_validate_json(text)


def in_force(turn: Turn) -> Book | None:
    """The rules in force; None before any were made: then nobody has a level."""
    row = tiers.in_force(turn.db)
    return Book(row.id, read(row.rules)) if row else None


def today(turn: Turn) -> date:
    """The shops' day."""
    return turn.now.astimezone(ZONE).date()


def day_after(turn: Turn, days: int) -> datetime:
    """The first moment after the shops' day that lies so many days ahead."""
    return begins(today(turn) + timedelta(days=days + 1))


def points_percent(turn: Turn, member_id: int) -> int:
    """What an order's points are multiplied by, in per cent, for the level that is held now."""
    book = in_force(turn)
    rank = book.rules.rank(tiers.tier_of(turn.db, member_id)) if book else 0
    return book.rules.levels[rank - 1].points_percent if book and rank else 100


def worths(turn: Turn, ids: Collection[int], rules: TierRules, day: date) -> dict[int, int]:
    """What each of these members' orders count for on a day; who has none is not in it."""
    since, until = window(day, rules.months)
    return {of: worth(one, rules) for of, one in tiers.spent(turn.db, ids, since, until).items()}


def held(row: MemberTier | None, rules: TierRules, tier: str = "") -> Held:
    """What is held. An imported tier that the rules know is a level like any other."""
    if row is None:
        rank = rules.rank(tier)
        return Held(rank, "kept" if rank else NONE, None)
    return Held(rules.rank(row.level), row.stage, row.review_at)


def raise_at_once(turn: Turn, member_id: int, why: str, *, least: int = 0) -> None:
    """An order was recorded: the level that is earned now, if it is higher than what is held. `least`: a rank that is
    kept whatever the orders say."""
    book = in_force(turn)
    if book is None:
        return
    tiers.lock(turn.db, [member_id])
    rules, row = book.rules, tiers.of(turn.db, [member_id]).get(member_id)
    value = worths(turn, [member_id], rules, today(turn)).get(member_id, 0)
    there, rank = held(row, rules, tiers.tier_of(turn.db, member_id)), max(earned(value, rules), least)
    if rank <= there.rank and (row is not None or not there.rank):
        return
    verdict = planned(max(rank, there.rank), today(turn), rules)
    keep(turn, member_id, row, verdict, book, value)
    if rank > there.rank:
        record(turn, member_id, there.rank, rank, why, value, book)
        call(turn, member_id, book)
        _congratulate(turn, member_id, rules, rank)


def keep(turn: Turn, member_id: int, row: MemberTier | None, verdict: Verdict, book: Book, value: int) -> None:
    """Write down what is earned and when it is looked at."""
    columns: dict[str, Any] = {
        "level": book.rules.name(verdict.rank), "stage": verdict.stage, "value": value, "review_at": verdict.review_at,
        "look_at": verdict.look_at, "rule_id": book.id, "changed_at": turn.now,
    }  # fmt: skip
    if row is None:
        tiers.held.add(turn.db, MemberTier(member_id=member_id, card="", card_until=None, **columns))
    elif not tiers.held.change(turn.db, columns, member_id=member_id, changed_at=row.changed_at):
        raise Retry(f"tier of member {member_id}")


def record(turn: Turn, member_id: int, before: int, after: int, why: str, value: int, book: Book) -> None:
    """A line of the history."""
    rules = book.rules
    tiers.changes.add(turn.db, TierChange(
        id=turn.ids.next(), member_id=member_id, before=rules.name(before), after=rules.name(after), why=why,
        value=value, floor=rules.floor(max(before, after)), rule_id=book.id, cause=turn.cause, at=turn.now,
    ))  # fmt: skip


def call(turn: Turn, member_id: int, book: Book) -> None:
    """Let the member be called by the higher of what they earned and what their card gives."""
    row, rules = tiers.of(turn.db, [member_id]).get(member_id), book.rules
    rank = max(rules.rank(row.level), rules.rank(row.card)) if row else 0
    tiers.call_them(turn.db, [member_id], rules.name(rank) or BASIC)
    turn.forget_people()


def _congratulate(turn: Turn, member_id: int, rules: TierRules, rank: int) -> None:
    """Tell the member, with the level's coupon: once per level and year, however often it is lost and won."""
    level, gift = rules.levels[rank - 1], ""
    person = members.find(turn.db, member_id)
    assert person is not None
    if level.coupon:
        name, year = f"tier:{level.name}", str(today(turn).year)
        grant_id = grants.claim(turn.db, turn.ids, person, name, year, "", turn.cause, turn.now)
        if grant_id is not None:
            rewards.give(
                turn, person, grant_id, Pack(coupons=[CouponGift(template=level.coupon, valid_days=0)]), "tier"
            )
            gift = level.coupon
    if gift:
        turn.tell(member_id, "tier/raised_gift", tier=level.name, gift=gift)
    else:
        turn.tell(member_id, "tier/raised", tier=level.name)


# -- paid cards --------------------------------------------------------------------------------------------------------


def cards_changed(turn: Turn, member_id: int, why: str, book: Book) -> None:
    """Work out which card stands now, and when to ask again."""
    tiers.lock(turn.db, [member_id])
    rules, row = book.rules, tiers.of(turn.db, [member_id]).get(member_id)
    bought = tiers.cards.all(turn.db, member_id__in=members.everyone(turn.db, member_id))
    rank, until = card_now([Card(rules.rank(one.level), one.made_at, one.kept) for one in bought], turn.now)
    before = rules.rank(row.card) if row else 0
    if row is None:
        keep(turn, member_id, None, planned(0, today(turn), rules), book, 0)
    tiers.held.change(
        turn.db, {"card": rules.name(rank), "card_until": until, "changed_at": turn.now}, member_id=member_id
    )
    if until is not None:
        key = f"tier:card:{member_id}:{until.isoformat()}"
        turn.at(until, CARD_OVER, key, {"member_id": member_id})
    if rank != before:
        record(turn, member_id, before, rank, why, row.value if row else 0, book)
        call(turn, member_id, book)
