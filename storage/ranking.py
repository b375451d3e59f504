"""排序 ranking: how well a piece of knowledge answers a question: values in, a score from 0 to 1 out.

The same for both databases, which only bring the pieces worth looking at. A word weighs by how rare it is; two
characters together weigh more than one. The score is the share of the question's weight that the piece has, less where
only its text has it, and it grows with how much of one way to ask is used up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from storage.bigrams import TITLED

# Chosen on one half of the questions in tests/retrieval; the other half was seen six times while choosing.
SINGLE = 0.5  # what one character weighs beside two
UNKNOWN = 0.5  # what a word that stands nowhere weighs beside the rarest: a slip, or something we know nothing of
IN_BODY, OFTEN = 1.0, 0.6  # a text's word counts IN_BODY * n / (n + OFTEN), one of a title 1
COVERED, FITS = 0.8, 0.2  # the two parts of a score
WHOLE = 0.5  # in FITS: how much it matters, beside the question, that the way to ask is used up
ASKS_APART = "|"


class Scored(NamedTuple):
    """The score, how much of the question's weight the ways to ask have, its words that the piece has, those it has
    not."""

    score: float
    titled: float
    matched: tuple[str, ...]
    missed: tuple[str, ...]


def weights(asked: Iterable[str], counts: Mapping[str, int], chunks: int) -> dict[str, float]:
    """What each word of a question weighs, by in how many of all `chunks` it stands."""
    found = {}
    for word in asked:
        count = min(counts.get(word, 0), chunks)
        rare = math.log(1 + (chunks - count + 0.5) / (count + 0.5))
        found[word] = rare * (SINGLE if _single(word) else 1.0) * (1.0 if count else UNKNOWN)
    return found


def _single(word: str) -> bool:
    return len(word) == 1 and not word.isascii()


def score(weigh: Mapping[str, float], head: str, body: str) -> Scored:
    """How well a chunk answers. `head` and `body` are its words as they are indexed, parted by blanks; ways to ask by
    `|`."""
    whole = sum(weigh.values())
    if not whole:
        return Scored(0.0, 0.0, (), tuple(weigh))
    asks = [set(ask.split()) for ask in head.replace(TITLED, "").split(ASKS_APART)]
    titled = set().union(*asks)
    counted = Counter(body.split())
    parts = {word: 1.0 if word in titled else _of_body(counted[word]) for word in weigh}
    covered = sum(weigh[word] * part for word, part in parts.items()) / whole
    fits = max(_fits(weigh, whole, ask) for ask in asks)
    return Scored(
        COVERED * covered + FITS * fits,
        sum(weigh[word] for word in weigh if word in titled) / whole,
        tuple(word for word, part in parts.items() if part),
        tuple(word for word, part in parts.items() if not part),
    )


def _of_body(times: int) -> float:
    return IN_BODY * times / (times + OFTEN)


def _fits(weigh: Mapping[str, float], whole: float, ask: set[str]) -> float:
    """How alike the question and one way to ask are: the F measure of both shares."""
    both = [word for word in weigh if word in ask]
    if not both:
        return 0.0
    asked = sum(weigh[word] for word in both) / whole
    used = _length(both) / _length(ask)
    return (1 + WHOLE) * asked * used / (WHOLE * used + asked) if asked else 0.0


def _length(words: Collection[str]) -> float:
    return len(words) - (1 - SINGLE) * sum(map(_single, words))
