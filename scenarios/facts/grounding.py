"""有据 grounding: words of a reply come from what it was written from. Pairs of characters that stand neither there nor
among the courtesies are strangers; too many of them in a row, or too many in all, and the reply tells something of its
own: another material, another effect, somebody else's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from scenarios.facts import vocabulary as v
from scenarios.facts.numerals import view

LONGEST_RUN = 5  # so many characters in a row may be strangers: a synonym, a link between two known words
LEAST_KNOWN = 0.6  # of all characters
_CLAUSE = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
_PIECE = re.compile(r"[a-z]+|[0-9]+|[\u3400-\u9fff]+")


def strange(reply: str, sources: Sequence[str]) -> str:
    """The first piece of a reply that comes from nowhere; "" when all of it comes from the sources."""
    known = _known(_courtesy(), sources)
    letters = covered = 0
    longest = ""
    for clause in _CLAUSE.split(view(reply)):
        for piece in _PIECE.findall(clause):
            for run, is_known in _runs(piece, known):
                letters, covered = letters + len(run), covered + len(run) * is_known
                longest = longest if is_known or len(run) <= len(longest) else run
    if len(longest) > LONGEST_RUN:
        return longest
    return longest if letters and covered < LEAST_KNOWN * letters else ""


def _runs(piece: str, known: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """A piece in runs of known and of strange characters. Numbers are looked at elsewhere."""
    if piece[0].isdigit():
        return
    if piece.isascii():
        yield piece, len(piece) < 3 or piece in known
        return
    marks = [len(piece) == 1] * len(piece)
    for place, (a, b) in enumerate(pairwise(piece)):
        if a + b in known:
            marks[place] = marks[place + 1] = True
    begin = 0
    for place in range(1, len(piece) + 1):
        if place == len(piece) or marks[place] != marks[begin]:
            yield piece[begin:place], marks[begin]
            begin = place


def _known(base: frozenset[str], sources: Sequence[str]) -> frozenset[str]:
    return base.union(*[_words(source) for source in sources])


def _words(text: str) -> frozenset[str]:
    """Pairs of characters, and words of letters."""
    found: set[str] = set()
    for piece in _PIECE.findall(view(text)):
        found.update([piece] if piece.isascii() else [a + b for a, b in pairwise(piece)])
    return frozenset(found)


@cache
def _courtesy() -> frozenset[str]:
    return _words(v.COURTESY)
