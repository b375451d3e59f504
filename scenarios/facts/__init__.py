"""事实核对 facts: a reply may say only what the database says. Every number, price, date, duration, promise and
address in it must be one of the facts it was written from; else it is not sent. Pure: texts and values in, the
objection out.

    facts = [*facts_of(article), money(128_000, of="羊绒大衣"), count(3, "件", of="羊绒大衣"), words("羊绒大衣")]
    objection = check(reply, facts, today=local_date, hidden=[prompt_body], hosts=["mall.example.com"])
        # and sources=[article, facts as text]: then words from nowhere are refused too
    if objection is not None: refuse; `objection.reason` and `objection.said` say why

Facts come from the database or from texts that our own people wrote. A member's words and nickname are no facts.
"""

from __future__ import annotations

from scenarios.facts.checking import Objection, check
from scenarios.facts.values import (
    Fact,
    count,
    day,
    discount,
    facts_of,
    minutes,
    moment,
    money,
    months,
    percent,
    points,
    words,
)

__all__ = [
    "Fact", "Objection", "check", "count", "day", "discount", "facts_of", "minutes", "moment", "money", "months",
    "percent", "points", "words",
]  # fmt: skip
