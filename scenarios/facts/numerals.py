"""数词 numerals: any way of writing a number becomes one plain spelling, and that spelling a value."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from scenarios.facts import vocabulary as v

_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_SPACED = re.compile(r"(?<![0-9.])[0-9](?:[ \t·・_*'’`|]{1,3}[0-9](?![0-9]))+(?![0-9])")
_LETTER_O = re.compile(rf"(?<=[0-9])[oоοօ]+(?=[0-9oоοօ{v.UNITS_AFTER}]|$)|(?<![a-z])[oоοօ](?=[0-9])")
_LETTER_L = re.compile(rf"(?<=[0-9])[lіı|!]+(?=[0-9{v.UNITS_AFTER}])|(?<![a-z0-9])[lіı|](?=[0-9])")
_THOUSANDS = re.compile(r"(?<![0-9])([0-9]{1,3}(?:,[0-9]{3})+)(?![0-9])")
_ASCII = re.compile(rf"([0-9]+(?:\.[0-9]+)?)([{v.ENDINGS}]?)")


def view(text: str) -> str:
    """A text as it is checked: one width, one case, one kind of digit, nothing unseen, digits that stand together
    together."""
    folded = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).translate(v.PICTURES).translate(v.OLD_NUMERALS)
    folded = _UNSEEN.sub("", "".join(map(_plain, folded))).casefold()
    folded = _LETTER_L.sub(lambda m: "1" * len(m[0]), _LETTER_O.sub(lambda m: "0" * len(m[0]), folded))
    folded = _SPACED.sub(lambda m: re.sub(r"[^0-9]", "", m[0]), folded)
    return _THOUSANDS.sub(lambda m: m[0].replace(",", ""), folded)


def _plain(char: str) -> str:
    if char.isascii():
        return char
    digit = unicodedata.digit(char, None)
    return char if digit is None else str(digit)


def odd(text: str) -> str:
    """The first character that counts in a way nobody here reads (runes, fractions of old scripts); "" = none."""
    return next((c for c in text if not c.isascii() and unicodedata.category(c) in ("Nl", "No", "Nd")), "")


def value(said: str) -> Fraction | None:
    """The value of a plain spelling: `1280`, `1.5万`, `一千二`, `三点五`; None when it is no number."""
    said = said.replace(" ", "")
    match = _ASCII.fullmatch(said)
    if match:
        if len(match[1]) > 30:
            return None
        unit = {"": 1, "k": 1_000, "w": 10_000, **v.HAN_TENS, **v.HAN_MYRIADS}[match[2]]
        return Fraction(match[1]) * unit
    whole, point, rest = said.partition(v.POINT)
    han = _han(whole)
    if han is None or not point:
        return han
    digits = "".join(str(v.HAN_DIGITS[char]) for char in rest if char in v.HAN_DIGITS)
    return han + Fraction(int(digits), 10 ** len(digits)) if len(digits) == len(rest) > 0 else None


def _han(said: str) -> Fraction | None:
    if not said or any(char not in v.HAN for char in said):
        return None
    if all(char in v.HAN_DIGITS for char in said):
        return Fraction(int("".join(str(v.HAN_DIGITS[char]) for char in said)))
    total, section, digit, unit = 0, 0, -1, 1
    for char in said:
        if char in v.HAN_DIGITS:
            n = digit = v.HAN_DIGITS[char]
            unit = 10 if n == 0 else unit
        elif char in v.HAN_TENS:
            section += (1 if digit < 0 else digit) * v.HAN_TENS[char]
            digit, unit = -1, v.HAN_TENS[char]
        else:
            total = (total + section + max(digit, 0) or 1) * v.HAN_MYRIADS[char]
            section, digit, unit = 0, -1, v.HAN_MYRIADS[char]
    # 一千二 is 1200, 一万二 is 12000, 一千零二 is 1002.
    last = max(digit, 0) * (unit // 10 if unit >= 100 else 1)
    return Fraction(total + section + last)


def english(said: str) -> Fraction | None:
    """The value of English number words, such as `ninety nine` or `two hundred`."""
    total, section, seen = 0, 0, False
    for word in re.findall(r"[a-z]+", said):
        if word == "and":
            continue
        n, seen = v.ENGLISH[word], True
        if n == 100:
            section = max(section, 1) * 100
        elif n >= 1_000:
            total, section = total + max(section, 1) * n, 0
        else:
            section += n
    return Fraction(total + section) if seen else None
