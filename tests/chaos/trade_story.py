"""买卖剧本: what members say to customer service and do at the till, in the same seeded script as who follows whom.

A step that needs a code the bot made (a team's, a bargain's, a checkout's) only says which of the latest ones to take
(`pick`): the script stays the seed's alone, the driver looks the code up when the step's time has come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.story import SHARES, Author

TALK = (
    "我的积分", "积分", "领券 1", "领券1", "领券 2", "我的券", "拼团", "我的拼团", "砍价", "秒杀", "帮助", "推荐有礼",
    "我的邀请码", "我的订单", "商品", "积分兑换", "套餐", "你们几点关门？", "🎉🎉", "a]]>b & <c>", "１", "开团", "抢",
)  # fmt: skip
BUY = ("开团", "开团 1", "发起砍价", "发起砍价 1", "抢", "抢 1", "买 TEA x2", "买 CUP", "买套餐 1", "兑换 1", "确认")
# (step, share of the trade's steps)
TRADE = (
    ("talk", 20), ("buy", 22), ("join_team", 8), ("help_bargain", 8), ("lock_bargain", 3), ("quit", 2), ("bind", 4),
    ("pay", 18), ("order", 8), ("refund", 7),
)  # fmt: skip
TRADE_SHARE = 120  # beside the 100 of SHARES: a little more than half of a trading story is trade
LATEST = 1_000


@dataclass
class Trader(Author):
    """An author whose customers also trade."""

    def ways(self) -> dict[str, tuple[Callable[[], bool], float]]:
        """Every kind of step with its weight."""
        trade = sum(weight for _, weight in TRADE)
        own = {name: (getattr(self, name), weight * TRADE_SHARE / trade) for name, weight in TRADE}
        return {**{name: (getattr(self, name), float(weight)) for name, weight in SHARES}, **own}

    def _member(self) -> str | None:
        """Somebody who has joined, the early ones more often: a small crowd meets in teams."""
        if not self.customers:
            return None
        number = int(self.customers * self.dice.random() ** 2)
        return f"wmchaos{self.seed}n{number:05d}"

    def _says(self, op: str, **fields: object) -> bool:
        customer = self._member()
        return customer is not None and self._step(op, customer=customer, **fields)

    def _pick(self) -> int:
        return self.dice.randrange(LATEST)

    def talk(self) -> bool:
        """A member asks for something, slips, or chats."""
        return self._says("talk", text=self.dice.choice(TALK))

    def buy(self) -> bool:
        """A member begins to buy."""
        return self._says("talk", text=self.dice.choice(BUY))

    def join_team(self) -> bool:
        """A member takes a seat in one of the latest teams."""
        return self._says("code", word="参团", of="team", pick=self._pick())

    def help_bargain(self) -> bool:
        """A member cuts one of the latest bargains."""
        return self._says("code", word="帮砍", of="bargain", pick=self._pick())

    def lock_bargain(self) -> bool:
        """Somebody locks the price of their own bargain."""
        return self._step("own", word="砍价下单", of="bargain", pick=self._pick())

    def quit(self) -> bool:
        """Somebody gives up what they are about to pay for."""
        return self._step("own", word="取消", of="checkout", pick=self._pick())

    def bind(self) -> bool:
        """A member types a friend's code."""
        return self._says("code", word="填邀请码", of="referral_code", pick=self._pick())

    def pay(self) -> bool:
        """The shop books an order for one of the latest checkouts; some were given up, some paid before."""
        return self._step("pay", pick=self._pick(), short=self.dice.random() < 0.02)

    def order(self) -> bool:
        """An order that came by itself."""
        return self._says("order", fen=self.dice.randrange(100, 50_000))

    def refund(self) -> bool:
        """The shop pays one of the latest orders back, whole or in part."""
        part = 1000 if self.dice.random() < 0.6 else self.dice.randrange(1, 1000)
        return self._step("refund", pick=self._pick(), permille=part)
