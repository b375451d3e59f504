"""会员等级 tier: members rise the moment an order lifts them, are reviewed once a period; a paid card is a level too.

The rules are made through the API, tried on today's members before (`POST /api/v1/tiers/preview`). Without rules
nobody has a level and the play is silent.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import ZONE, local_day
from bot.events import Event, TimerDue
from bot.order_events import OrderEntered, OrderReduced
from bot.router import Act, Refusal, Router
from bot.turn import Turn
from scenarios import rewards, tier_book, tier_review
from scenarios.tier_book import Book
from scenarios.tier_rules import BASIC, TierRules, days_kept
from storage import grants, members, oneid, segments, shop, tiers
from storage.ledger import ISSUER
from storage.tables import TierCard, TierRule

router = Router("tier")

REVIEW, BIRTHDAY, BIRTHDAY_MORE = "tier.review", "tier.birthday", "tier.birthday_more"
router.dailies[REVIEW] = (9, 40)  # by day: whoever is told of it is awake
router.dailies[BIRTHDAY] = (9, 10)
AT_ONCE = 500


class Rules(BaseModel):
    """[scenarios.tier] of config.toml. `birthday_valid_days`: of a birthday's points; 0 = for ever."""

    model_config = ConfigDict(extra="forbid")

    birthday_valid_days: int = Field(default=365, ge=0, le=3650)


@router.on(OrderEntered)
def order_entered(turn: Turn, event: OrderEntered) -> None:
    """A card may be among the goods; and what is earned now is given now."""
    book = tier_book.in_force(turn)
    if book is None:
        return
    _sell_cards(turn, event, book)
    tier_book.raise_at_once(turn, event.member_id, "order")


def _sell_cards(turn: Turn, event: OrderEntered, book: Book) -> None:
    cards = {level.card_sku: level for level in book.rules.levels if level.card_sku}
    if not cards:
        return
    order, sold = shop.orders.one(turn.db, id=event.order_id), False
    assert order is not None
    for item in json.loads(order.items):
        level = cards.get(str(item.get("sku") or ""))
        qty = int(item.get("qty") or 1)
        if level is None or qty < 1 or tiers.cards.one(turn.db, order_id=order.id, level=level.name):
            continue
        days = level.card_days * qty
        tiers.cards.add(turn.db, TierCard(id=turn.ids.next(), order_id=order.id, member_id=event.member_id,
                                          level=level.name, days=days, kept=days, made_at=turn.now))  # fmt: skip
        sold = True
    if sold:
        tier_book.cards_changed(turn, event.member_id, "card", book)
        _say_card(turn, event.member_id)


def _say_card(turn: Turn, member_id: int) -> None:
    row = tiers.of(turn.db, [member_id]).get(member_id)
    if row is not None and row.card_until is not None:
        turn.tell(member_id, "tier/card", tier=row.card, until=local_day(row.card_until))


@router.on(OrderReduced)
def order_reduced(turn: Turn, event: OrderReduced) -> None:
    """A refund shortens the card that the order bought. An earned level waits for its review."""
    bought = tiers.cards.all(turn.db, order_id=event.order_id)
    book = tier_book.in_force(turn) if bought else None
    if book is None:
        return
    for card in bought:
        kept = days_kept(card.days, event.kept_fen, event.paid_fen)
        tiers.cards.change(turn.db, {"kept": kept}, id=card.id, kept__gt=kept)
    tier_book.cards_changed(turn, event.member_id, "refund", book)


@router.on(TimerDue)
def timer_due(turn: Turn, event: TimerDue) -> None:
    """The nightly look, new rules on their way, a card that ends, two members who are one, birthdays."""
    if event.name in (REVIEW, tier_review.MORE):
        tier_review.review(turn)
    elif event.name == tier_review.ADOPT:
        tier_review.adopt(turn, event.payload["rule"], event.payload["after"])
    elif event.name == tier_book.CARD_OVER:
        _card_over(turn, event.payload["member_id"])
    elif event.name == oneid.MERGED:
        _merged(turn, event.payload["member_id"])
    elif event.name in (BIRTHDAY, BIRTHDAY_MORE):
        day = date.fromisoformat(event.payload.get("day") or local_day(event.at))
        _birthdays(turn, day, event.payload.get("after", 0))


def _card_over(turn: Turn, member_id: int) -> None:
    person, book = oneid.current(turn.db, member_id), tier_book.in_force(turn)
    if person is not None and book is not None:
        tier_book.cards_changed(turn, person.id, "card_over", book)


def _merged(turn: Turn, member_id: int) -> None:
    """One person now: their orders count together, the higher level of the two stays until its review."""
    book, person = tier_book.in_force(turn), oneid.current(turn.db, member_id)
    if book is None or person is None:
        return
    rows = tiers.of(turn.db, members.everyone(turn.db, person.id)).values()
    least = max((book.rules.rank(row.level) for row in rows), default=0)
    tier_book.raise_at_once(turn, person.id, "merge", least=least)
    if any(row.card for row in rows):
        tier_book.cards_changed(turn, person.id, "merge", book)


def _birthdays(turn: Turn, day: date, after: int) -> None:
    """What a level adds to a birthday: once a year; who was born on 29 February is met on the 28th without one. `day`
    is the day that is kept, which may be over when the bot was away."""
    book = tier_book.in_force(turn)
    extra = {level.name: level.birthday_points for level in book.rules.levels} if book else {}
    tiers_with = [name for name, points in extra.items() if points]
    if not tiers_with:
        return
    days = segments.birthdays(day, 0)
    found = tiers.born_on(turn.db, days, tiers_with, after, AT_ONCE)
    for member_id, tier in found:
        person, year = members.find(turn.db, member_id), str(day.year)
        assert person is not None
        grant_id = grants.claim(turn.db, turn.ids, person, "tier:birthday", year, "", turn.cause, turn.now)
        if grant_id is not None:
            _give_birthday(turn, member_id, extra[tier], grant_id)
            turn.tell(member_id, "tier/birthday", tier=tier, points=extra[tier])
    if len(found) == AT_ONCE:
        payload = {"day": day.isoformat(), "after": found[-1][0]}
        turn.at(turn.since(1), BIRTHDAY_MORE, f"{BIRTHDAY_MORE}:{turn.cause}", payload)


def _give_birthday(turn: Turn, member_id: int, points: int, grant_id: int) -> None:
    days = turn.using(Rules).birthday_valid_days
    until = tier_book.day_after(turn, days) if days else None
    rewards.credit(turn, member_id, points, ISSUER, f"grant:{grant_id}:points", "tier birthday", until)


@router.words("我的等级", "会员等级", "等级")
def my_tier(turn: Turn, event: Event) -> None:
    """What a member is, what is missing for the next level, until when it stands."""
    assert event.sender is not None
    person, book = turn.ensure_person(event.sender, "word"), tier_book.in_force(turn)
    if book is None:
        turn.say(event.sender, "tier/none")
        return
    rules = book.rules
    row, tier = tiers.of(turn.db, [person.id]).get(person.id), tiers.tier_of(turn.db, person.id)
    value = tier_book.worths(turn, [person.id], rules, tier_book.today(turn)).get(person.id, 0)
    lines = [_next(turn, rules, rules.rank(row.level) if row else rules.rank(tier), value)]
    if row is not None and row.card_until is not None:
        lines.insert(0, turn.texts.render("tier/until_card", tier=row.card, until=local_day(row.card_until)))
    if row is not None and row.look_at is not None and row.review_at is not None:
        lines.insert(0, _until(turn, rules, person.id, row.level, max(row.review_at, row.look_at)))
    turn.say(
        event.sender, "tier/mine", tier=turn.texts.render("tier/basic") if tier == BASIC else tier,
        months=rules.months, value=tier_review.amount(turn, rules, value), lines="\n".join(filter(None, lines)),
    )  # fmt: skip


def _next(turn: Turn, rules: TierRules, rank: int, value: int) -> str:
    """What is missing for the next level that can be earned."""
    coming = [level for level in rules.levels[rank:] if level.at_least is not None]
    if not coming:
        return turn.texts.render("tier/highest")
    assert coming[0].at_least is not None
    missing = tier_review.amount(turn, rules, max(0, coming[0].at_least - value))
    return turn.texts.render("tier/next", tier=coming[0].name, missing=missing)


def _until(turn: Turn, rules: TierRules, member_id: int, level: str, at: datetime) -> str:
    """When the level is looked at, and what will be missing then: orders grow too old until that day."""
    day = max(at.astimezone(ZONE).date(), tier_book.today(turn))
    short = rules.floor(rules.rank(level)) - tier_book.worths(turn, [member_id], rules, day).get(member_id, 0)
    if short > 0:
        missing = tier_review.amount(turn, rules, short)
        return turn.texts.render("tier/until_short", until=local_day(at), missing=missing)
    return turn.texts.render("tier/until", until=local_day(at))


class NewRules(BaseModel):
    """New rules, and who makes them."""

    model_config = ConfigDict(extra="forbid")

    rules: TierRules
    made_by: str = Field(default="api", min_length=1, max_length=64)


def make_rules(turn: Turn, given: NewRules) -> dict[str, Any] | Refusal:
    """Put rules in force: whoever earns more by them rises within minutes, whoever earns less is reviewed in time."""
    before, rules = tier_book.in_force(turn), given.rules
    gone = [level.name for level in before.rules.levels if not rules.rank(level.name)] if before else []
    if gone:
        return Refusal(422, "level_gone", "tier/level_gone", {"tier": gone[0]})
    for level in rules.levels:
        if level.coupon and shop.templates.one(turn.db, name=level.coupon) is None:
            return Refusal(422, "no_template", "tier/no_template", {"tier": level.name, "coupon": level.coupon})
        if level.card_sku and shop.products.one(turn.db, sku=level.card_sku) is None:
            return Refusal(422, "no_product", "tier/no_product", {"tier": level.name, "sku": level.card_sku})
    row = TierRule(id=turn.ids.next(), rules=rules.model_dump_json(), made_by=given.made_by, made_at=turn.now)
    tiers.rules.add(turn.db, row)
    turn.audit(given.made_by, "tier.rules", f"tier_rule:{row.id}", before=before.id if before else 0,
               rules=rules.model_dump(mode="json"))  # fmt: skip
    turn.at(turn.now, tier_review.ADOPT, f"{tier_review.ADOPT}:{row.id}:0", {"rule": row.id, "after": 0})
    return {"id": row.id, "levels": [level.name for level in rules.levels]}


router.acts = {"tiers": Act(NewRules, make_rules, may="tier.manage")}
