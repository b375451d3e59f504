"""活动 campaigns as plays need them: which are running, their rules, and how people choose one by its number."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel

from bot.router import Problem, Shelf
from bot.texts import yuan
from bot.turn import Turn
from storage import drives
from storage.tables import Campaign, Product

FEN_NOT_YUAN = 50  # a price this many times below the list price was probably written in yuan

RulesT = TypeVar("RulesT", bound=BaseModel)


def running(turn: Turn, kind: str) -> list[Campaign]:
    """The campaigns of a kind that are published and within their dates, oldest first."""
    return drives.campaigns.all(
        turn.db, kind=kind, status="published", starts_at__lte=turn.now, ends_at__gt=turn.now
    )  # fmt: skip


def chosen(turn: Turn, kind: str, typed: str) -> Campaign | None:
    """The campaign somebody means: by id (`#12`), by place in the list, or the only one when nothing is said."""
    there = running(turn, kind)
    typed = typed.strip()
    if typed.startswith("#"):
        return next((one for one in there if named(one) == typed), None)
    if not typed and len(there) == 1:
        return there[0]
    if typed.isdigit() and 1 <= int(typed) <= len(there):
        return there[int(typed) - 1]
    return None


def named(campaign: Campaign) -> str:
    """A campaign as a choice names it, whatever its place in a list."""
    return f"#{campaign.id}"


def rules(campaign: Campaign, model: type[RulesT]) -> RulesT:
    """A campaign's rules as its play declares them."""
    return model(**json.loads(campaign.config))


def one_sku(rules: Any) -> dict[str, str]:
    """The goods of a drive whose config names them as `sku`."""
    return {"sku": rules.sku}


def price_problems(
    product: Product, most: tuple[str, int], least: tuple[str, int], *, below_cost: bool
) -> list[Problem]:
    """What is wrong with a drive's highest and lowest price, each given as (field, fen)."""
    found = []
    if most[1] > product.price_fen * FEN_NOT_YUAN:
        found.append(Problem(most[0], "campaigns/list_in_yuan"))
    elif most[1] > product.price_fen:
        found.append(Problem(most[0], "campaigns/above_list"))
    if most[1] * FEN_NOT_YUAN < product.price_fen:
        found.append(Problem(most[0], "campaigns/fen_or_yuan"))
    if least[1] < product.cost_fen and not below_cost:
        found.append(sold_below_cost(*least, product.cost_fen))
    if least[1] == product.price_fen:
        found.append(Problem(least[0], "campaigns/no_discount", level="hint"))
    return found


def sold_below_cost(field: str, price_fen: int, cost_fen: int) -> Problem:
    """What is sold for `price_fen` costs more."""
    return Problem(field, "campaigns/below_cost", {"each": yuan(price_fen), "cost": yuan(cost_fen)})


def pieces_fen(shelf: Shelf, sku: str, lowest_fen: int, quota: int | None = None) -> int:
    """What selling a sku at `lowest_fen` gives away at most, of `quota` pieces or of all that are left; -1 = without
    bound."""
    counts = [n for n in (quota, shelf.left.get(sku)) if n is not None]
    if not counts:
        return -1
    return max(0, shelf.products[sku].price_fen - lowest_fen) * min(counts)
