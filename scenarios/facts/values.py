"""Facts and claims: the same values, once as the database has them and once as a text says them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

Value = Fraction | int | str | tuple[int | None, ...]


class Fact(NamedTuple):
    """A value that may be said. `of`: the name of the one thing that it is true of; "" = of anything."""

    kind: str
    value: Value
    unit: str = ""
    of: str = ""


class Claim(NamedTuple):
    """A value that a text says: where, and in which words."""

    kind: str
    value: Value
    unit: str
    start: int
    said: str


def money(fen: int, of: str = "") -> Fact:
    """A price or an amount."""
    return Fact("money", Fraction(fen, 100), of=of)


def points(number: int, of: str = "") -> Fact:
    """积分."""
    return Fact("points", Fraction(number), of=of)


def percent(number: float | Fraction, of: str = "") -> Fact:
    """20 is 20 %."""
    return Fact("percent", Fraction(number).limit_denominator(10_000), of=of)


def discount(tenths: float | Fraction, of: str = "") -> Fact:
    """折: 8.8 is 88 % of the price."""
    return Fact("discount", Fraction(tenths).limit_denominator(10_000), of=of)


def count(number: int, unit: str = "", of: str = "") -> Fact:
    """So many; without a unit, of whatever."""
    return Fact("count", Fraction(number), unit, of)


def day(when: date, of: str = "") -> Fact:
    """A date."""
    return Fact("day", (when.year, when.month, when.day), of=of)


def moment(hour: int, minute: int = 0, of: str = "") -> Fact:
    """A time of day."""
    return Fact("time", (hour * 60 + minute, 1), of=of)


def minutes(number: int | Fraction, of: str = "") -> Fact:
    """A duration; hours, days and weeks are minutes too."""
    return Fact("span", Fraction(number), of=of)


def months(number: int, of: str = "") -> Fact:
    """A duration in months; a year is twelve."""
    return Fact("months", Fraction(number), of=of)


def words(text: str) -> Fact:
    """A name, title or code of ours: said as it stands, what is in it needs no other fact."""
    return Fact("words", text)


# What no text makes a fact: addresses are allowed by name, deeds are not done by writing, and the rest is never said.
UNSUPPORTABLE = frozenset({"forbidden", "url", "solicit", "action", "inside", "holder", "roman"})


def facts_of(text: str, of: str = "") -> list[Fact]:
    """Everything that a text of our own says: an article of the knowledge base, a template filled in."""
    from scenarios.facts.claims import claims

    return [Fact(claim.kind, claim.value, claim.unit, of) for claim in claims(text) if claim.kind not in UNSUPPORTABLE]


# -- what supports what ---------------------------------------------------------------------------------------------

_NUMBERS = frozenset({"money", "points", "percent", "discount", "count", "times", "workdays", "bare"})


def supported(claim: Claim, facts: Iterable[Fact], today: date | None) -> bool:
    """Whether one of the facts says the same."""
    return any(_same(claim, fact, today) for fact in facts)


def _same(claim: Claim, fact: Fact, today: date | None) -> bool:
    if claim.kind == "bare":
        return _mentions(claim.value, fact)
    if claim.kind in ("near", "weekday", "day", "month"):
        return _same_day(claim, fact, today)
    if claim.kind == "part" and fact.kind == "percent":
        return isinstance(claim.value, Fraction) and claim.value * 100 == fact.value
    if claim.kind != fact.kind:
        return False
    if claim.kind == "time":
        return _same_time(claim.value, fact.value)
    if claim.kind == "count":
        return claim.value == fact.value and (claim.unit == fact.unit or not fact.unit)
    return claim.value == fact.value


def _mentions(value: Value, fact: Fact) -> bool:
    """A number without a unit may be any number of the facts."""
    if fact.kind in _NUMBERS:
        return value == fact.value
    if fact.kind == "day" and isinstance(fact.value, tuple):
        return value in fact.value
    if fact.kind == "buyget" and isinstance(fact.value, tuple):
        return value in fact.value
    return fact.kind in ("months", "month") and value == fact.value


def _same_time(said: Value, true: Value) -> bool:
    """(minute of the day, 1 when morning or afternoon is known)."""
    if not (isinstance(said, tuple) and isinstance(true, tuple)):
        return False
    (a, sure_a), (b, sure_b) = said, true
    assert a is not None
    assert b is not None
    return a % 1_440 == b % 1_440 if sure_a and sure_b else a % 720 == b % 720


def _same_day(claim: Claim, fact: Fact, today: date | None) -> bool:
    if claim.kind == fact.kind and claim.kind != "day":
        return claim.value == fact.value
    if claim.kind == "day" and fact.kind == "day":
        return _fits(claim.value, fact.value, today)
    if claim.kind == "month":
        return fact.kind == "day" and isinstance(fact.value, tuple) and claim.value == fact.value[1]
    said = _date(claim, today)
    if said is None:
        return claim.kind == "weekday" and fact.kind == "day" and _falls_on(fact.value, claim.value)
    return fact.kind == "day" and _fits((said.year, said.month, said.day), fact.value, today)


def _date(claim: Claim, today: date | None) -> date | None:
    if claim.kind == "near" and isinstance(claim.value, int) and today is not None:
        return date.fromordinal(today.toordinal() + claim.value)
    return None


def _fits(said: Value, true: Value, today: date | None) -> bool:
    """Whether every part of a date that is said is so in the other; a year that the other leaves out is this one."""
    if not (isinstance(said, tuple) and isinstance(true, tuple)):
        return False
    year = true[0] if true[0] is not None else (today.year if today else None)
    return all(part is None or part == whole for part, whole in zip(said, (year, *true[1:]), strict=True))


def _falls_on(when: Value, weekday: Value) -> bool:
    if not isinstance(when, tuple) or None in when:
        return False
    year, month, number = when
    try:
        falls = date(year or 1, month or 1, number or 1).isoweekday()
    except ValueError:
        return False
    return weekday in (falls, 8 if falls > 5 else 0)


def names(facts: Sequence[Fact]) -> list[str]:
    """The names of things that facts are bound to."""
    return sorted({fact.of for fact in facts if fact.of}, key=len, reverse=True)
