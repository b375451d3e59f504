"""The till's model: what is held, sold and owed back, in plain dicts, written from the rules and not from the code.

A paper (checkout) holds one of each stock it names until it is paid or its time is over. Money that buys nothing is
owed back whole; an order never gives back more than was paid for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.machines.house import House


@dataclass
class Paper:
    """A checkout: `names` are the stocks it holds one each of; `about` is what its play sold by it."""

    who: str
    price: int
    names: tuple[str, ...]
    until: datetime
    about: str = ""
    state: str = "held"


@dataclass
class Sale:
    """An order: what was paid, went back and is owed back."""

    who: str
    fen: int
    paper: Paper | None = None
    refunded: int = 0
    owed: int = 0

    @property
    def kept(self) -> int:
        """What stands of it."""
        return self.fen - self.refunded


@dataclass
class Till:
    """Stocks as [left, held, sold], papers by code, sales by order number."""

    stocks: dict[str, list[int]] = field(default_factory=dict)
    papers: dict[str, Paper] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)

    def stock(self, name: str, total: int) -> str:
        """There are so many of this, unless it was counted before."""
        self.stocks.setdefault(name, [total, 0, 0])
        return name

    def there(self, names: tuple[str, ...]) -> bool:
        """Whether one of each is left."""
        return all(self.stocks[name][0] > 0 for name in names)

    def hold(self, code: str, paper: Paper) -> Paper:
        """A paper was given out."""
        assert code not in self.papers
        self._shift(paper.names, 0, 1)
        self.papers[code] = paper
        return paper

    def tick(self, now: datetime) -> list[Paper]:
        """Papers whose time is over are free again."""
        over = [paper for paper in self.papers.values() if paper.state == "held" and paper.until <= now]
        for paper in over:
            self.release(paper)
        return over

    def release(self, paper: Paper) -> None:
        """What a paper held is for others."""
        if paper.state == "held":
            self._shift(paper.names, 1, 0)
            paper.state = "released"

    def pay(self, order_no: str, who: str, fen: int, code: str) -> Paper | None:
        """An order for a paper; the paper, when that order bought it. An order told before is nothing new."""
        if order_no in self.sales:
            return None
        sale = self.sales[order_no] = Sale(who, fen)
        paper = self.papers[code]
        late = paper.state == "released" and self.there(paper.names)
        if fen < paper.price or not (paper.state == "held" or late):
            self.owe(sale)
            return None
        self._shift(paper.names, 0 if late else 1, 2)
        paper.state, sale.paper = "paid", paper
        return paper

    def owe(self, sale: Sale) -> None:
        """All that was not given back yet is owed."""
        sale.owed += sale.kept - sale.owed

    def give_back(self, order_no: str, number: str, fen: int, *, ours: bool = False, goods: bool = True) -> bool:
        """Money went back under `number`; whether this took the last of it. `goods`: they come back with it."""
        sale = self.sales[order_no]
        if number in self.numbers:
            return False
        self.numbers.add(number)
        sale.owed -= fen if ours else 0
        part = min(fen, sale.kept)
        sale.refunded += part
        if sale.kept or not part:
            return False
        if goods and sale.paper is not None and sale.paper.state == "paid":
            sale.paper.state = "refused"
            self._shift(sale.paper.names, 2, 0)
        return True

    def _shift(self, names: tuple[str, ...], out_of: int, into: int) -> None:
        for name in names:
            self.stocks[name][out_of] -= 1
            self.stocks[name][into] += 1
            assert min(self.stocks[name]) >= 0, f"the model itself went wrong: {name} {self.stocks[name]}"

    def compare(self, house: House) -> None:
        """The till as the database has it."""
        rows = house.rows("SELECT code, status, price_fen FROM checkout")
        assert {row[0]: (row[1], row[2]) for row in rows} == {c: (p.state, p.price) for c, p in self.papers.items()}
        for name, *counts in house.rows("SELECT name, remaining, reserved, taken FROM stock"):
            assert counts == self.stocks.get(name, counts), f"{name}: {counts} instead of {self.stocks[name]}"
        rows = house.rows(
            "SELECT o.order_no, o.amount_fen, o.refunded_fen, "
            "(SELECT coalesce(sum(r.amount_fen), 0) FROM refund r WHERE r.order_id = o.id AND r.status = 'owed') "
            "FROM shop_order o WHERE o.source = 'mall'"
        )
        found = {row[0]: (row[1], row[2], int(row[3])) for row in rows}
        assert found == {no: (sale.fen, sale.refunded, sale.owed) for no, sale in self.sales.items()}
