"""有据 grounding: the words of a reply come from what it was written from. Characters whose pairs stand neither there
nor among the courtesies are strangers; many of them in a row, or in all, and the reply tells something of its own:
another material, another effect, somebody else's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from bot.model.pii_words import DOUBLE_SURNAMES, SURNAMES
from scenarios.facts import vocabulary as v
from scenarios.facts.numerals import view

LONGEST_RUN = 6  # so many characters in a row may be strangers: a synonym, a link between two known words
AFTER_YES = 2  # the same after a yes
LEAST_KNOWN = 0.5  # of all characters, when one alone is known too that stands in the sources
_PIECE = re.compile(r"[a-z]+|[0-9]+|[\u3400-\u9fff]+")
_YES = re.compile(rf"\W*(?:{v.YES})(?![\u3400-\u9fff])")
_NAME = re.compile(rf"(?:^|{v.NAMING})((?:{DOUBLE_SURNAMES}|[{SURNAMES}])[\u3400-\u9fff]{{2}})$")


def strange(reply: str, sources: Sequence[str]) -> str:
    """The longest piece of a reply that comes from nowhere; "" when all of it may come from the sources."""
    known, single = _courtesy().union(*[_words(source) for source in sources]), set(view("".join(sources)))
    shown = view(reply)
    letters = covered = 0
    longest = ""
    for piece in _PIECE.findall(shown):
        if piece[0].isdigit():  # numbers are looked at elsewhere
            continue
        if (named := _NAME.search(piece)) and not any(a + b in known for a, b in pairwise(named[1])):
            return named[1]  # somebody
        for run, familiar in _runs(piece, known):
            letters += len(run)
            covered += len(run) if familiar else sum(char in single for char in run if not char.isascii())
            longest = longest if familiar or len(run) <= len(longest) else run
    enough = covered >= LEAST_KNOWN * letters
    most = AFTER_YES if _YES.match(shown) else LONGEST_RUN
    return "" if len(longest) <= most and enough else longest


def _runs(piece: str, known: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """A piece in runs of known and of strange characters; a word of letters is one run."""
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


def _words(text: str) -> frozenset[str]:
    """Pairs of characters, and words of letters."""
    found: set[str] = set()
    for piece in _PIECE.findall(view(text)):
        found.update([piece] if piece.isascii() else [a + b for a, b in pairwise(piece)])
    return frozenset(found)


@cache
def _courtesy() -> frozenset[str]:
    return _words(v.COURTESY)
