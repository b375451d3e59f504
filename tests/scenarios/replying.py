"""A shop whose members write freely in 微信客服: goods on the shelf, words that come in by bell and page."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from bot.turn import Work
from storage import shop, stock
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
        desk.kf.servicers = {"lina": 0}
        yield desk
