"""A shop whose members write freely in 微信客服: goods on the shelf, words that come in by bell and page."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

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


@contextlib.asynccontextmanager
async def start_replies(url: str, **rules: Any) -> AsyncIterator[Desk]:
    """A desk with goods; lina follows wm1 and is on duty."""
    async with start_desk(url, {**PLAYS, "replies": rules}) as desk:
        await desk.bot.writer.call(_furnish)
        await desk.bot.writer.call(_write)
        desk.kf.servicers = {"lina": 0}
        yield desk
