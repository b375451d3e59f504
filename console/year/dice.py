"""骰子 dice: what people do by chance, from one seeded source, in one order."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from bot.ids import Chance

T = TypeVar("T")


class Dice:
    """Throws over a source of chance."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance

    def coin(self, share: float) -> bool:
        """True so often."""
        return self._chance.fraction() < share

    def below(self, count: int) -> int:
        """0 to `count` - 1."""
        return int(self._chance.fraction() * count)

    def pick(self, there: Sequence[T]) -> T:
        """One of several."""
        return there[self.below(len(there))]

    def some(self, there: Sequence[T], count: int) -> list[T]:
        """So many different ones, or all, in a new order."""
        left = list(there)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]

    def many(self, mean: float) -> int:
        """A count that is `mean` on average, up to a third more or less."""
        drawn = mean * (0.67 + 0.66 * self._chance.fraction())
        return int(drawn) + self.coin(drawn - int(drawn))


class Weighted:
    """One of several by their weights."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._names, self._upto = list(weights), list(accumulate(weights.values()))

    def pick(self, dice: Dice) -> str:
        """The next one."""
        return self._names[bisect(self._upto, dice.below(self._upto[-1]))]
