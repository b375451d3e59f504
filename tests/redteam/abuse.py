"""Abuse by mass: a member who writes without end, outputs without sense."""

from __future__ import annotations

import json
import random
import string

from bot.model.answers import content_of, read, without_thoughts
from bot.model.failures import ModelFailed
from scenarios import facts
from scenarios.proposing import Reply
from tests.bot.model.road import start_road
from tests.bot.model.vendor import completion, vendor

CAP = 60_000
PIECES = [
    "{", "}", '"reply":', '"', "null", "[", "]", "<think>", "</think>", "```json\n", "\\u0000", "\x00", "1e999", "-",
    '{"intent":"other","reply":"好","needs_human":false,"cites":[]}', "您好", "１００元", "已为您发放", "，", "\n",
    "NaN", "\u202e", "\ud83d",
]  # fmt: skip


async def flood(url: str, messages: int) -> tuple[int, int, int]:
    """(tokens charged, cap, messages): one member, different questions, one every twenty seconds."""
    async with vendor() as shop:
        shop.script = [completion('{"ok": true}', usage={"total_tokens": 700})]
        async with start_road(url, shop, member_daily_tokens=CAP) as road:
            for start in range(0, messages, 50):
                await road.says(*[f"第{number}个问题" for number in range(start, min(start + 50, messages))])
                road.clock.advance(8)
            return (
                road.rows("SELECT coalesce(max(taken), 0) FROM stock WHERE name LIKE 'model:%:%'")[0][0],
                CAP,
                messages,
            )


def fuzz(outputs: int, seed: int = 1) -> tuple[int, list[str]]:
    """(outputs read, exceptions): what models might send, taken apart and judged."""
    dice, raised = random.Random(seed), []
    for number in range(outputs):
        text = _output(dice)
        try:
            reply = read(without_thoughts(text), Reply)
            facts.check(reply.reply, [], sources=["您好"])
        except ModelFailed:
            continue
        except Exception as error:
            raised.append(f"fuzz {number}: {type(error).__name__} {text[:80]!r}")
    for shape in (None, "", "x", 1, [], {}, object()):
        try:
            content_of(shape)
        except ModelFailed:
            continue
    return outputs, raised


def _output(dice: random.Random) -> str:
    kind = dice.randrange(4)
    if kind == 0:
        return "".join(dice.choices(PIECES, k=dice.randint(0, 40)))
    if kind == 1:
        return "".join(dice.choices(string.printable + "元折１二百🎉", k=dice.randint(0, 200)))
    made = {
        "intent": dice.choice(["other", "price", "grant", 1, None]),
        "reply": dice.choice(["好", "x" * 500, 5, None, ["a"], "".join(dice.choices(PIECES, k=12))]),
        "needs_human": dice.choice([True, "yes", 2, None]), "cites": dice.choice([[], ["a"] * 30, "a", {}]),
        "tool_calls": [{"name": "grant"}],
    }  # fmt: skip
    text = json.dumps(made, ensure_ascii=kind == 2)
    return text[: dice.randint(1, len(text))] if dice.random() < 0.3 else text
