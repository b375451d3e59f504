"""人 people: who the brand's members are, what they are called, how often they buy and talk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from console.year.dice import Dice

CHANNELS = ("store-001", "store-002", "live-1111", "douyin", "card", "")
LEAP_DAY = "02-29"


@dataclass(slots=True, eq=False)
class Someone:
    """A contact. `twin_of`: they came before under another name, which only the platform knows. `takes` is how much of
    a buyer they are."""

    external_userid: str
    name: str
    userid: str
    state: str
    unionid: str
    phone: str
    born: str
    takes: int
    here: bool = True
    known: bool = False


class Crowd:
    """Everybody who came so far."""

    def __init__(self, dice: Dice, brand: dict[str, Any], seed: int) -> None:
        self._dice, self._brand, self._seed = dice, brand, seed
        self._guides = [guide["userid"] for guide in brand["guides"]]
        self.all: list[Someone] = []
        self.buyers: list[Someone] = []  # a keen one several times

    def newcomer(self) -> Someone:
        """The next one; one in two hundred was here before."""
        dice, number = self._dice, len(self.all)
        before = dice.pick(self.all) if self.all and dice.coin(0.005) else None
        someone = Someone(
            external_userid=f"wmYear{self._seed}x{number:06d}", name=before.name if before else self._name(),
            userid=dice.pick(self._guides), state=dice.pick(CHANNELS),
            unionid=before.unionid if before else f"oYear{self._seed}x{number:06d}",
            phone=before.phone if before else f"13{number % 10}{dice.below(10**8):08d}",
            born=before.born if before else self._birthday(), takes=1 + dice.below(3) * dice.below(4),
        )  # fmt: skip
        self.all.append(someone)
        self.buyers += [someone] * someone.takes
        return someone

    def _name(self) -> str:
        dice, brand = self._dice, self._brand
        if dice.coin(0.2):
            return str(dice.pick(brand["nicknames"]))
        return f"{dice.pick(brand['surnames'])}{dice.pick(brand['given'])}{dice.pick(brand['flourishes'])}"

    def _birthday(self) -> str:
        """Three in five tell theirs; one in a few hundred of them is of 29 February."""
        if not self._dice.coin(0.6):
            return ""
        if self._dice.coin(0.004):
            return LEAP_DAY
        return f"{date(2001, 1, 1) + timedelta(days=self._dice.below(365)):%m-%d}"

    def someone(self) -> Someone:
        """Anybody, as likely as the next."""
        return self._dice.pick(self.all)

    def buyer(self) -> Someone:
        """Somebody who buys, keen ones more often."""
        return self._dice.pick(self.buyers)

    def friends(self, count: int) -> list[Someone]:
        """So many different people of the recent thousand."""
        return self._dice.some(self.all[-1000:], count)
