"""Chance and unguessable names: the one seam through which dice and secrets come in."""

from __future__ import annotations

import random
import secrets
from typing import Protocol

# Crockford's alphabet: no I, L, O, U, so a code survives being read aloud and typed on a phone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Chance(Protocol):
    """Where randomness comes from."""

    def fraction(self) -> float:
        """At least 0, less than 1."""
        ...

    def bits(self, count: int) -> int:
        """A number of `count` random bits."""
        ...


class SystemChance:
    """Cryptographic randomness."""

    def __init__(self) -> None:
        self._source = secrets.SystemRandom()

    def fraction(self) -> float:
        """At least 0, less than 1."""
        return self._source.random()

    def bits(self, count: int) -> int:
        """A number of `count` random bits."""
        return secrets.randbits(count)


class SeededChance:
    """The same dice for the same seed: what a replay needs."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def fraction(self) -> float:
        """At least 0, less than 1."""
        return self._source.random()

    def bits(self, count: int) -> int:
        """A number of `count` random bits."""
        return self._source.getrandbits(count)


def read_code(typed: str) -> str:
    """A code as somebody typed it, in the one form that is stored: upper case, groups of four, O is 0, I and L are 1.

    What is no code comes back as something that no code equals.
    """
    plain = "".join(symbol for symbol in typed.upper() if symbol.isalnum())
    plain = plain.translate(str.maketrans("OIL", "011"))
    return "-".join([plain[i : i + 4] for i in range(0, len(plain), 4)])


def code(chance: Chance, symbols: int = 16) -> str:
    """An unguessable code in groups of four: 16 symbols are 80 bits."""
    bits = chance.bits(symbols * 5)
    text = "".join([_ALPHABET[(bits >> (5 * i)) & 31] for i in range(symbols)])
    return "-".join([text[i : i + 4] for i in range(0, symbols, 4)])
