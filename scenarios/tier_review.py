"""等级复核 tier_review: the nightly look at levels, and new rules brought to everybody, window by window: each is one
short turn, decided by the rules' own functions and written set by set. Shared by the plays, itself none.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from bot.clock import ZONE, local_day
from bot.own_events import TierNoticed
from bot.turn import Turn
from scenarios import tier_book
from scenarios.tier_book import Book
from scenarios.tier_rules import BASIC, Held, TierRules, Verdict, earned, look, planned
from storage import tiers
from storage.tables import MemberTier

MORE, ADOPT = "tier.review_more", "tier.adopt"
AT_ONCE = 250  # about a tenth of a second of the writer; a night has time for a million
REVIEWED = 80  # who falls is told, which costs more

Decided = list[tuple[MemberTier, Held, Verdict, int]]
TEXTS = {"notice": "tier/notice", "grace": "tier/grace", "kept": "tier/kept", "lowered": "tier/lowered"}


def review(turn: Turn, most: int = REVIEWED) -> int:
    """Look at whoever is due, so many at once, the rest a second later; how many that were."""
    book = tier_book.in_force(turn)
    if book is None:
        return 0
    ids, due = tiers.due(turn.db, turn.now, most), list[MemberTier]()
    if ids:
        tiers.lock(turn.db, ids)
        due = [row for row in tiers.of(turn.db, ids).values() if _is_due(turn, row)]
    more, ids = len(ids) == most, [row.member_id for row in due]
    then = {row.member_id: row.review_at.astimezone(ZONE).date() for row in due if row.review_at}
    worths, later = _worths(turn, ids, book.rules), _worths_then(turn, then, book.rules)
    decided: Decided = []
    for row in due:
        there, value = tier_book.held(row, book.rules), worths.get(row.member_id, 0)
        verdict = look(there, value, later.get(row.member_id, 0), book.rules, turn.now)
        decided.append((row, there, verdict, value))
    _write(turn, book, decided)
    for row, _, verdict, value in decided:
        if verdict.say:
            ahead = verdict.say == "notice" and then.get(row.member_id, tier_book.today(turn)) > tier_book.today(turn)
            counts = later.get(row.member_id, 0) if ahead else value  # a notice tells what will be missing that day
            _say(turn, row.member_id, verdict, counts, book.rules, tier_book.held(row, book.rules).rank)
    if more:  # of those that were asked for, another process may have looked at some
        turn.at(turn.since(1), MORE, f"{MORE}:{turn.cause}", {})
    return len(due)


def _is_due(turn: Turn, row: MemberTier) -> bool:
    return row.look_at is not None and row.look_at <= turn.now


def _worths(turn: Turn, ids: list[int], rules: TierRules) -> dict[int, int]:
    return tier_book.worths(turn, ids, rules, tier_book.today(turn)) if ids else {}


def _worths_then(turn: Turn, then: dict[int, date], rules: TierRules) -> dict[int, int]:
    """What today's orders will count for on each member's day of review: one question a day."""
    by_day: dict[date, list[int]] = defaultdict(list)
    for member_id, day in then.items():
        if day > tier_book.today(turn):
            by_day[day].append(member_id)
    found: dict[int, int] = {}
    for day, ids in by_day.items():
        found |= tier_book.worths(turn, ids, rules, day)
    return found


def _write(turn: Turn, book: Book, decided: Decided) -> None:
    """One statement for all members of whom the same becomes."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    called: dict[str, list[int]] = defaultdict(list)
    rules = book.rules
    for row, there, verdict, value in decided:
        alike[verdict[:4]].append(row.member_id)
        if there.rank != verdict.rank:
            tier_book.record(turn, row.member_id, there.rank, verdict.rank, "review", value, book)
        card = rules.rank(row.card)
        if there.rank != verdict.rank or rules.name(verdict.rank) != row.level:
            called[rules.name(max(verdict.rank, card)) or BASIC].append(row.member_id)
    for (rank, stage, review_at, look_at), ids in alike.items():
        columns = {"level": rules.name(rank), "stage": stage, "review_at": review_at, "look_at": look_at,
                   "rule_id": book.id, "changed_at": turn.now}  # fmt: skip
        tiers.held.change(turn.db, columns, member_id__in=ids)
    for tier, ids in called.items():
        tiers.call_them(turn.db, ids, tier)
    turn.forget_people()


def _say(turn: Turn, member_id: int, verdict: Verdict, value: int, rules: TierRules, before: int) -> None:
    tier = rules.name(before)
    if verdict.say == "lowered":
        now = rules.name(verdict.rank) or turn.texts.render("tier/basic")
        turn.tell(member_id, "tier/lowered", tier=tier, now=now)
    elif verdict.say == "kept":
        turn.tell(member_id, "tier/kept", tier=tier, until=_day(verdict))
    else:
        missing = amount(turn, rules, max(0, rules.floor(before) - value))
        turn.tell(member_id, TEXTS[verdict.say], tier=tier, missing=missing, until=_day(verdict, look=True))
    if verdict.say == "notice" and verdict.review_at is not None:
        turn.announce(TierNoticed(key=turn.cause, source=turn.event.source, at=turn.now, member_id=member_id,
                                  until=verdict.review_at))  # fmt: skip


def _day(verdict: Verdict, *, look: bool = False) -> str:
    moment = verdict.look_at if look else verdict.review_at
    return local_day(moment) if moment else ""


def amount(turn: Turn, rules: TierRules, value: int) -> str:
    """A value as people read it: yuan, or growth."""
    if rules.counts == "spend":
        return turn.texts.render("tier/yuan", yuan=f"{-(-value // 100)}")
    return turn.texts.render("tier/growth", growth=value)


# -- new rules ---------------------------------------------------------------------------------------------------------


def adopt(turn: Turn, rule_id: int, after: int, most: int = AT_ONCE) -> None:
    """Bring new rules to the next members: who earns more rises at once, who earns less is looked at in their own
    time. Newer rules than these end the walk."""
    book = tier_book.in_force(turn)
    if book is None or book.id != rule_id:
        return
    people = tiers.following(turn.db, after, most)
    ids = [member_id for member_id, _ in people]
    if not ids:
        turn.audit("rule:tier", "tier.adopted", f"tier_rule:{rule_id}")
        return
    tiers.lock(turn.db, ids)
    there, worths = tiers.of(turn.db, ids), _worths(turn, ids, book.rules)
    rising: dict[str, list[int]] = defaultdict(list)
    for member_id, tier in people:
        rank = _adopted(turn, book, member_id, tier, there.get(member_id), worths.get(member_id, 0))
        if rank and book.rules.name(rank) != tier:
            rising[book.rules.name(rank)].append(member_id)
    for tier, risen in rising.items():
        tiers.call_them(turn.db, risen, tier)
    turn.forget_people()
    turn.at(turn.since(1), ADOPT, f"{ADOPT}:{rule_id}:{ids[-1]}", {"rule": rule_id, "after": ids[-1]})


def _adopted(turn: Turn, book: Book, member_id: int, tier: str, row: MemberTier | None, value: int) -> int:
    """One member under new rules; the rank that they are called by, 0 = as before."""
    rules = book.rules
    held, deserved = tier_book.held(row, rules, tier), earned(value, rules)
    card = rules.rank(row.card) if row else 0
    if row is not None:
        _rename(turn, row, rules)
    if deserved <= held.rank and (row is not None or not held.rank):
        return max(held.rank, card)
    verdict = planned(max(deserved, held.rank), tier_book.today(turn), rules)
    tier_book.keep(turn, member_id, row, verdict, book, value)
    if deserved > held.rank:
        tier_book.record(turn, member_id, held.rank, deserved, "rules", value, book)
    return max(verdict.rank, card)


def _rename(turn: Turn, row: MemberTier, rules: TierRules) -> None:
    """A level that is called otherwise now."""
    names = {"level": rules.name(rules.rank(row.level)), "card": rules.name(rules.rank(row.card))}
    if (names["level"] or row.level, names["card"] or row.card) != (row.level, row.card):
        tiers.held.change(turn.db, {name: new for name, new in names.items() if new}, member_id=row.member_id)
