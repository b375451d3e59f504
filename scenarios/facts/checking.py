"""Whether a reply may be sent: the first thing in it that no fact supports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from scenarios.facts import patterns as p
from scenarios.facts.claims import claims
from scenarios.facts.grounding import strange
from scenarios.facts.numerals import odd, view
from scenarios.facts.values import UNSUPPORTABLE, Claim, Fact, names, supported

LONGEST, REPEATS = 400, 2  # characters of a reply; how often it may say one sentence
WINDOW = 14  # so many letters in a row of a text that is hidden give it away
_SENTENCE = re.compile(p.SENTENCE)


class Objection(NamedTuple):
    """Why a reply is not sent: a kind (money, day, promise, url, …) and the words that nothing supports."""

    reason: str
    said: str


def check(
    reply: str,
    facts: Sequence[Fact],
    *,
    today: date | None = None,
    hidden: Sequence[str] = (),
    hosts: Sequence[str] = (),
    sources: Sequence[str] = (),
) -> Objection | None:
    """None when everything in a reply is a fact.

    `today`: the shops' date, for 明天 and 周六. `hidden`: texts of which nothing may be told (instructions, secrets).
    `hosts`: whose addresses may be named; `example.com` stands for all below it. `sources`: what the reply was written
    from; given, words that stand in none of them are refused too. A member's words are no source.
    """
    shown = view(reply)
    if mark := odd(shown):
        return Objection("odd", mark)
    told = next((piece for text in hidden if (piece := _told(shown, text))), "")
    if told:
        return Objection("hidden", told)
    if len(reply) > LONGEST or _rambles(shown):
        return Objection("long", reply[:20])
    literals = [str(fact.value) for fact in facts if fact.kind == "words"]
    for claim in claims(reply, literals):
        if not _allowed(claim, shown, facts, today, hosts):
            return Objection(claim.kind, claim.said)
    if sources and (piece := strange(reply, [*sources, *literals])):
        return Objection("strange", piece)
    return None


def _rambles(shown: str) -> bool:
    """Whether a sentence comes back and back."""
    said = Counter(filter(None, map(str.strip, _SENTENCE.split(shown))))
    return max(said.values(), default=0) > REPEATS


def _allowed(claim: Claim, shown: str, facts: Sequence[Fact], today: date | None, hosts: Sequence[str]) -> bool:
    if claim.kind == "url":
        host = str(claim.value)
        return any(host == one or host.endswith(f".{one}") for one in hosts)
    if claim.kind in UNSUPPORTABLE:
        return False
    return supported(claim, _about(claim, shown, facts), today)


def _about(claim: Claim, shown: str, facts: Sequence[Fact]) -> list[Fact]:
    """The facts that can be meant: in a sentence that names things, those of these things and those of nothing."""
    named = names(facts)
    if not named:
        return list(facts)
    begins = max([match.end() for match in _SENTENCE.finditer(shown, 0, claim.start)], default=0)
    ends = match.start() if (match := _SENTENCE.search(shown, claim.start)) else len(shown)
    sentence = shown[begins:ends]
    here = set()
    for name in named:  # the longest first: 羊绒大衣 is not 大衣 too
        plain = view(name)
        if plain and plain in sentence:
            here.add(name)
            sentence = sentence.replace(plain, " ")
    return [fact for fact in facts if not fact.of or not here or fact.of in here]


def _told(shown: str, hidden: str) -> str:
    """A piece of a hidden text that stands in a reply; short ones (keys) count whole."""
    letters, (whole, pieces) = _letters(shown), _pieces(hidden)
    if len(whole) < WINDOW:
        return whole if len(whole) >= 6 and whole in letters else ""
    return next(
        (letters[i : i + WINDOW] for i in range(len(letters) - WINDOW + 1) if letters[i : i + WINDOW] in pieces), ""
    )


@lru_cache(maxsize=64)
def _pieces(hidden: str) -> tuple[str, frozenset[str]]:
    whole = _letters(view(hidden))
    return whole, frozenset(whole[i : i + WINDOW] for i in range(len(whole) - WINDOW + 1))


def _letters(shown: str) -> str:
    return "".join(char for char in shown if char.isalnum())
