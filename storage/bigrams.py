"""双字 bigrams: how texts and questions become words that can be compared, in one way for both databases.

Width and case are folded, traditional characters become simplified ones, words that mean the same become one, words
that say nothing part the text. What is left: each Chinese character, each two that stand together, whole words of
letters and digits. `bigrams.toml` has the characters and words; whoever changes it raises `READING`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

READING = 1  # what was indexed by another reading is read again: run.py knowledge reindex
LONGEST = 32  # letters of one word
TITLED = "\u0127"  # before a word of a title or another way to ask: it is looked up by itself, being so much rarer
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af\U00020000-\U0003ffff"
_RUNS = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")
_PARTED = " "


def _known() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _any_of(found: list[str]) -> re.Pattern[str]:
    """The longest first, so that no word is taken for its own beginning."""
    return re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True))))


_KNOWN = _known()
_FOLD = str.maketrans(_KNOWN["traditional"], _KNOWN["simplified"])
_SAME = {other: group[0] for group in _KNOWN["same"] for other in group[1:]}
_TELLING = frozenset(_KNOWN["telling"])
_ALIKE, _EMPTY = _any_of(list(_SAME)), _any_of([*_KNOWN["empty"], *_TELLING])


def folded(text: str) -> str:
    """`text` in one width, case and script, words that mean the same as one."""
    plain = unicodedata.normalize("NFKC", text).lower().translate(_FOLD)
    return _ALIKE.sub(lambda found: _SAME[found[0]], plain)


def telling(text: str) -> str:
    """Folded, without the words that say nothing; all of it when nothing else is left."""
    plain = folded(text)
    bare = _EMPTY.sub(lambda found: found[0] if found[0] in _TELLING else _PARTED, plain)
    return bare if _RUNS.search(bare) else plain


@lru_cache(maxsize=2048)
def words(text: str) -> tuple[str, ...]:
    """The words of a text in their order; what stands twice is there twice."""
    found: list[str] = []
    for run in _RUNS.findall(telling(text)):
        if _IS_HAN.match(run):
            found += run
            found += [run[at : at + 2] for at in range(len(run) - 1)]
        else:
            found.append(run[:LONGEST])
    return tuple(found)


def titled(text: str) -> str:
    """The words of a way to ask, as they are indexed."""
    return " ".join(TITLED + word for word in words(text))


def key(text: str) -> str:
    """What questions that differ in politeness and punctuation alone have in common; "" when nothing is said."""
    return "".join(_RUNS.findall(telling(text)))
