"""What people and the bot write into an order: texts, amounts, lines. A wrong one raises `Impossible`."""

from __future__ import annotations

from sandbox.plain_json import Body
from sandbox.story import Impossible

MOST_FEN = 10**11
MOST_ITEMS = 200
LONGEST = 128


def text_of(body: Body, name: str) -> str:
    """A text, or nothing."""
    value = body.get(name) or ""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise Impossible(name, f"最长 {LONGEST} 个可见字符")
    return value.strip()


def fen_of(value: object, least: int) -> int:
    """An amount in fen."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_FEN:
        raise Impossible("amount_fen", f"金额以分计，是不小于 {least} 的整数")
    return value


def items_of(given: object) -> list[Body]:
    """Lines of an order: {"sku","title","qty","price_fen"}."""
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST_ITEMS or not all(isinstance(item, dict) for item in given):
        raise Impossible("items", f"要是最多 {MOST_ITEMS} 行的列表")
    for item in given:
        if not isinstance(item.get("sku"), str) or not item["sku"]:
            raise Impossible("items", "每一行都要有 sku")
        for name, least in (("qty", 1), ("price_fen", 0)):
            if not isinstance(item.get(name), int) or item[name] < least:
                raise Impossible("items", f"每一行的 {name} 要是不小于 {least} 的整数")
    return given
