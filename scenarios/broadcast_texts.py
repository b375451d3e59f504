"""群发文案 broadcast texts: what a message may vary by, on which channel, and what it becomes for one member.

WeCom sends a task's text to all its customers as it is, so a task knows only what its sender knows of themselves.
微信客服 and 导购转告 are sent one by one and may say anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from string import Template
from typing import NamedTuple

CONTACT, GROUP, KF, APP = "contact", "group", "kf", "app"
OF_SENDER = ("guide", "store")
OF_MEMBER = ("name", "points", "tier", "coupon")
MAY = {
    CONTACT: OF_SENDER, GROUP: OF_SENDER, KF: (*OF_MEMBER, *OF_SENDER), APP: (*OF_MEMBER, *OF_SENDER),
}  # fmt: skip


class Wrong(NamedTuple):
    """What is wrong with a text: why (`broken`, `unknown`, `not_here`), and which word."""

    why: str
    word: str
    near: str = ""


def used(text: str) -> list[str]:
    """The variables of a text, each once."""
    return Template(text).get_identifiers()


def check(text: str, channel: str) -> Wrong | None:
    """What is wrong with the variables of a text on a channel."""
    template = Template(text)
    if not template.is_valid():
        return Wrong("broken", "$")
    known = (*OF_MEMBER, *OF_SENDER)
    for word in template.get_identifiers():
        if word not in known:
            return Wrong("unknown", word, next(iter(get_close_matches(word, known, n=1)), ""))
        if word not in MAY[channel]:
            return Wrong("not_here", word)
    return None


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in; what is not known stays away."""
    known = {name: values.get(name, "") for name in used(text)}
    return Template(text).substitute(known)
