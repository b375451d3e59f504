"""用语 wording: does a text bait people into sharing, or promise what a pyramid scheme does? The words are lists of
prompts/wording, one expression a line.

WeChat's rules for external links (2.1.2) forbid rewards for sharing, by name: red packets, coupons, points, 助力,
砍价, 加速, 集赞. A reward for buying, coming or signing in is no bait.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from bot.texts import Texts

NEAR = 14  # so many symbols between an act of sharing and its reward
LINK = re.compile(
    r"https?:/+\S+|www\.\S+|\b[a-z0-9-]+\.(?:com|cn|net|me|cc|top|vip|shop|link)\b\S*|weixin:/+\S+|#\w+:/+\S+"
)
MARKS = "。！!?？@"  # what ends a sentence, and the sign that calls somebody


class Words(NamedTuple):
    """The lists, compiled."""

    alone: re.Pattern[str]
    near: re.Pattern[str]
    purchase: re.Pattern[str]
    forgiven: re.Pattern[str]
    pyramid: re.Pattern[str]
    traditional: dict[int, int]


@cache
def _words(texts: Texts) -> Words:
    def any_of(name: str) -> str:
        return "|".join(line for line in texts.render(name).splitlines() if line)

    acts, rewards = any_of("wording/acts"), any_of("wording/rewards")
    old, new = texts.render("wording/traditional").splitlines()
    return Words(
        re.compile(any_of("wording/alone")),
        re.compile(f"(?:{acts})[^。！!?？]{{0,{NEAR}}}?(?:{rewards})"),
        re.compile(any_of("wording/purchase")),
        re.compile(any_of("wording/forgiven")),
        re.compile(any_of("wording/pyramid")),
        str.maketrans(old, new),
    )


def plain(text: str) -> str:
    """A text without what only hides words: width, case, blanks and marks between the symbols."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(symbol for symbol in folded if symbol in MARKS or unicodedata.category(symbol)[0] in "LN")


def bait(texts: Texts, text: str) -> str:
    """The words that bait people into sharing; "" when there are none."""
    words = _words(texts)
    said = words.forgiven.sub("。", plain(text).translate(words.traditional))
    if alone := words.alone.search(said):
        return alone[0]
    for near in words.near.finditer(said):
        sentence = re.split(r"[。！!?？]", said[near.start() : near.end() + NEAR])[0]
        if not words.purchase.search(sentence):
            return near[0]
    return ""


def pyramid(texts: Texts, text: str) -> str:
    """The words of a pyramid scheme (禁止传销条例 art. 7: a third level, a fee to enter, pay for heads); "" when there
    are none."""
    words = _words(texts)
    found = words.pyramid.search(plain(text).translate(words.traditional))
    return found[0] if found else ""


def link(text: str) -> str:
    """The first external link of a text; "" when there is none."""
    found = LINK.search(unicodedata.normalize("NFKC", text).lower())
    return found[0] if found else ""
