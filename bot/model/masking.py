"""脱敏 masking: personal data is taken out before anything leaves, and put back into the answer here.

What is matched is a view of the text, character for character as long as the text itself: full-width, circled and
Chinese digits read as plain ones there. Any seven digits in a row count as somebody's number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bot.model import pii_words as w

_RULES = [(kind, re.compile(rule)) for kind, rule in w.RULES]
_HAN_RUN = re.compile("[" + "".join(w.HAN_DIGITS) + "]{7,}")
_HOLDER = re.compile(r"\[((?:NAME|EMAIL|ID|CARD|PHONE|HANDLE|PLATE|NUMBER|ADDRESS)_[0-9]{1,3})\]")
_TAKEN = "\ue001"


class Mask:
    """The placeholders of one call. Whoever is called by one of `names` is never named outside."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        known = {plain for name in names if len(plain := name.strip()) > 1 and not plain.isdecimal()}
        self._names = sorted(known, key=len, reverse=True)
        self._held: dict[str, str] = {}
        self._by_value: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hide(self, text: str) -> str:
        """The text with placeholders such as `[PHONE_1]` in the place of personal data."""
        text = _HOLDER.sub(r"(\1)", text)
        spans = sorted(self._found(text))
        parts, place = [], 0
        for start, end, kind in spans:
            parts += [text[place:start], self._holder(kind, text[start:end])]
            place = end
        return "".join([*parts, text[place:]])

    def _found(self, text: str) -> Iterable[tuple[int, int, str]]:
        """Spans that do not overlap, with their kinds."""
        view = _view(text)
        for name in self._names:
            for match in re.finditer(re.escape(_view(name)), view, re.IGNORECASE):
                yield (*match.span(), "NAME")
                view = _take(view, *match.span())
        for match in _HAN_RUN.finditer(view):
            digits = "".join(w.HAN_DIGITS[char] for char in match[0])
            view = view[: match.start()] + digits + view[match.end() :]
        for kind, rule in _RULES:
            for match in list(rule.finditer(view)):
                span = match.span("value" if "value" in rule.groupindex else 0)
                if _TAKEN not in view[span[0] : span[1]] and span[0] < span[1]:
                    yield (*span, kind)
                    view = _take(view, *span)

    def _holder(self, kind: str, value: str) -> str:
        known = self._by_value.get((kind, value))
        if known is None:
            number = sum(1 for held in self._held if held.startswith(f"{kind}_")) + 1
            known = self._by_value[(kind, value)] = f"{kind}_{number}"
            self._held[known] = value
        return f"[{known}]"

    def show(self, value: Any) -> Any:
        """An answer with the data back in every text; a placeholder that the model made up stays as it is."""
        if isinstance(value, str):
            return _HOLDER.sub(lambda match: self._held.get(match[1], match[0]), value)
        if isinstance(value, list):
            return [self.show(item) for item in value]
        if isinstance(value, Mapping):
            return {key: self.show(item) for key, item in value.items()}
        return value


def _take(view: str, start: int, end: int) -> str:
    return view[:start] + _TAKEN * (end - start) + view[end:]


@lru_cache(maxsize=4096)
def _plain_char(char: str) -> str:
    folded = unicodedata.normalize("NFKC", char)
    if len(folded) == 1 and folded.isascii():
        return folded
    return str(digit) if (digit := unicodedata.digit(char, -1)) >= 0 else char


def _view(text: str) -> str:
    """The text as it is matched: as long as it is, with plain digits, letters and signs."""
    return text if text.isascii() else "".join(map(_plain_char, text))
