"""A shop whose members write freely in 微信客服: goods on the shelf, words that come in by bell and page."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bot.delivery import Delivery
from bot.events import Address, CardClicked, TextReceived
from bot.ids import SeededChance
from bot.model.failures import Failure, ModelFailed
from bot.model.gateway import Reply
from bot.model.ladder import Rung
from bot.model.prompts import Prompt
from bot.model.sender import ModelSender
from bot.sections import Llm
from bot.turn import Work
from storage import articles, shop, stock
from storage.articles import Draft, Section
from storage.tables import Product
from tests.kf import Desk, start_desk

GOODS = (
    ("LONGJING", "明前龙井 250g", "茶叶", 16_800, 200),
    ("PUER", "熟普洱茶饼 357g", "茶叶", 12_800, 3),
    ("JASMINE", "茉莉花茶 100g", "茶叶", 5_900, None),
    ("TEAPOT", "紫砂壶·西施", "茶具", 39_900, 0),
    ("CUP", "便携快客杯", "茶具", 4_900, 400),
    ("COOKIE", "抹茶曲奇", "点心", 2_900, 600),
)
PLAYS: dict[str, dict[str, Any]] = {"points": {}, "coupons": {}, "referral": {}, "purchase": {}, "replies": {}}


class Utterance(NamedTuple):
    """Something members say, and how it is answered: `intent:made_by`, or what else becomes of it."""

    said: str
    answered: str


def utterances() -> list[Utterance]:
    """The table beside this file."""
    with Path(__file__).with_name("utterances.csv").open(encoding="utf-8", newline="") as file:
        return [Utterance(*row) for row in csv.reader(file)]


ARTICLES = (
    (
        "退货",
        "怎么退货",
        "签收七天内、没拆封可以退，回复「转人工」安排上门取件。",
        ("退换货规则", "能退吗", "七天无理由"),
    ),
    ("时间", "营业时间", "各门店每天 10:00 到 22:00 营业，春节也开门。", ("几点开门", "几点关门", "周末开门吗")),
    ("运费", "运费怎么算", "满 99 元包邮，不满收 8 元运费。", ("包邮吗", "邮费多少")),
    ("发票", "怎么开发票", "下单时填抬头，或者把订单号发给客服补开。", ("能开发票吗",)),
    ("冲泡", "绿茶怎么泡", "85 度水，3 克茶，泡一分钟就能喝。", ("龙井怎么泡", "水温多少度")),
    ("发货", "多久发货", "付款后 48 小时内发货，节假日顺延。", ("什么时候发货", "几天能到")),
    ("内部", "跟客人怎么介绍龙井", "这句话只给导购看。", ()),
)


def _write(work: Work) -> None:
    drafts = [
        Draft(key, "faq" if key != "内部" else "script", title, (Section("", text),), asks,
              audience="all" if key != "内部" else "staff")
        for key, title, text, asks in ARTICLES
    ]  # fmt: skip
    articles.replace(work.db, work.ids, "faq.csv", drafts, "test", work.now)


def _furnish(work: Work) -> None:
    for sku, title, category, price_fen, left in GOODS:
        row = Product(
            id=work.ids.next(), sku=sku, title=title, category=category, price_fen=price_fen, cost_fen=1,
            counted=int(left is not None), status="active", created_at=work.now,
        )  # fmt: skip
        shop.products.add(work.db, row)
        if left is not None:
            stock.open_stock(work.db, shop.sku_stock(sku), left)


@dataclass
class Model:
    """A model: answers what a test scripts, the last for ever; an answer may be a function of what was asked, or a
    failure. `meanwhile` happens while it thinks."""

    script: list[Any] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def chat(self, prompt: Prompt, inputs: dict[str, str], allowance: int = 0) -> Reply:
        """One question, masked."""
        self.asked.append(inputs)
        if self.meanwhile is not None:
            await self.meanwhile()
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Failure):
            raise ModelFailed(step)
        return Reply(prompt.schema(**(step(inputs) if callable(step) else step)), Rung.JSON_SCHEMA, 50)


def reply(
    text: str, intent: str = "other", *, needs_human: bool = False, cites: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What a model answers."""
    return {"intent": intent, "reply": text, "needs_human": needs_human, "cites": list(cites)}


def give_model(desk: Desk, model: Model, **llm: Any) -> None:
    """The house has a model from now on."""
    section = Llm.model_validate(
        {"base_url": "http://127.0.0.1:9/v1", "api_key": "key-of-a-test", "model": "m1", **llm}
    )
    dispatch: Any = desk.bot.writer._batch._dispatch
    dispatch._llm = section
    gateway: Any = model
    sender = ModelSender(section, gateway, desk.bot.writer)
    desk.bot.delivery = Delivery(
        desk.bot.writer, {**desk.bot.delivery._senders, **sender.table()}, desk.bot.clock, SeededChance(9)
    )


@contextlib.asynccontextmanager
async def start_replies(url: str, **rules: Any) -> AsyncIterator[Desk]:
    """A desk with goods; lina follows wm1 and is on duty."""
    async with start_desk(url, {**PLAYS, "replies": rules}, cards=True) as desk:
        await desk.bot.writer.call(_furnish)
        await desk.bot.writer.call(_write)
        desk.kf.servicers = {"lina": 0}
        yield desk


async def says(desk: Desk, text: str, who: str = "wm1", **later: float) -> str:
    """A member writes, a minute later if nothing else is said; what they read."""
    await desk.passes(**(later or {"minutes": 1}))
    return "\n".join(await desk.hears(who, text))


async def tap(desk: Desk, card: dict[str, Any], label: str, userid: str = "lina") -> list[str]:
    """A guide taps the button with this label; what they read then."""
    before, number = len(desk.bot.wecom.said_to(userid)), next(desk.bot.numbers)
    key = next(button["key"] for button in card["button_list"] if button["text"] == label)
    await desk.bot.writer.accept(CardClicked(
        key=f"wecom_app:sha256:tap{number}", source="wecom_app", at=desk.bot.clock.now(),
        sender=Address("wecom_staff", userid), task_id=card["task_id"], event_key=key,
    ))  # fmt: skip
    await desk.bot.deliver()
    return desk.bot.wecom.said_to(userid)[before:]


async def writes(desk: Desk, words: str, userid: str = "lina") -> list[str]:
    """A guide writes to the app; what they read then."""
    before, number = len(desk.bot.wecom.said_to(userid)), next(desk.bot.numbers)
    await desk.bot.writer.accept(TextReceived(
        key=f"wecom_app:msg:{number}", source="wecom_app", at=desk.bot.clock.now(),
        sender=Address("wecom_staff", userid), text=words, msg_id=str(number),
    ))  # fmt: skip
    await desk.bot.deliver()
    return desk.bot.wecom.said_to(userid)[before:]


def card_of(desk: Desk, userid: str = "lina") -> dict[str, Any]:
    """The latest card of a guide."""
    return desk.bot.wecom.cards_of(userid)[-1]
