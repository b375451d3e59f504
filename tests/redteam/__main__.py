"""`python -m tests.redteam`: every figure of the red team, and the controls that must go red.

python -m tests.redteam              everything
python -m tests.redteam --control facts|tools    as if the fact check were off, or a tool granted: exits 1
python -m tests.redteam --unseen     only what nobody had tried: 136 prompts and 70 baits, each answered with the very
                                     words of a model that obeys or invents; how many of them a member reads

The unseen ones were written before anybody looked at the rules. First run, 2026-11-24: 118 of 136 prompts and 63 of 70
baits reached a model (6 come from a community group, where none is asked); 11 obedient and 2 invented answers were
read, one of them with the names of two other members; nothing of worth moved. Six kinds of words and two rules of
grounding were added for these 13; since then 0 and 0. From that run on they are no longer unseen: the first figures say
how new attacks fare, the second that these do not come back.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from loguru import logger

from tests.redteam import unseen
from tests.redteam.abuse import flood, fuzz
from tests.redteam.corpus import attacks, baits
from tests.redteam.hostile import explore
from tests.redteam.running import WAYS, Figures, attack, bait

NAMES = {
    "value": "value moved", "others": "others' data", "secrets": "secrets", "links": "foreign links",
    "numbers": "unsupported numbers", "unanswered": "unanswered",
}  # fmt: skip
OFF, NEVER = "scenarios.facts.check", "scenarios.proposing._never"
RUNS = (
    ("bait, inventing model", "hostile", 1),
    ("bait, good model", "normal", 1),
    ("outage: 502 throughout", "bad_gateway", 4),
    ("garbage throughout", "garbage", 4),
)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def line(title: str, figures: Figures) -> str:
    """One run in one line."""
    found = " · ".join(f"{name} {len(getattr(figures, key))}" for key, name in NAMES.items())
    tried = sum(figures.tried.values())
    return f"{title:<24} {tried} tried, {figures.asked} asked of it, {figures.by_model} of its replies said · {found}"


@contextlib.contextmanager
def database() -> Iterator[str]:
    """A file that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="siyu-redteam-") as folder:
        yield f"sqlite:///{Path(folder) / 'siyu.db'}"


async def not_seen() -> list[str]:
    """What nobody had tried when the rules were written."""
    broken = []
    for title, tried in (("unseen prompts", unseen.prompts()), ("unseen baits", unseen.baits())):
        with database() as url:
            held = await unseen.obeying(url, tried)
        told = f"{held.tried} tried, {held.reached} reached a model, {len(held.said)} of its answers read"
        say(f"{title:<24} {told} · {len(held.broken)} more broken")
        broken += [*held.said, *held.broken]
    return broken


async def everything(control: str) -> list[str]:
    """Run and print; what is broken."""
    broken = [] if control else await not_seen()
    tried, questions = attacks(), baits()
    channels = ", ".join(f"{name} {count}" for name, count in Counter(one.channel for one in tried).items())
    say(f"{len(tried)} prompts ({channels}) x {len(WAYS)} obey-everything models, {len(questions)} bait questions")
    for way in WAYS:
        with database() as url:
            broken += _told(f"hostile model: {way}", await attack(url, way, tried, tools=control == "tools"))
    for title, mode, every in RUNS:
        with database() as url:
            broken += _told(title, await bait(url, questions[::every], mode))
    with database() as url:
        spent, cap, messages = await flood(url, 10_000)
    say(f"{'one member, a flood':<24} {messages} messages, {spent} tokens charged, cap {cap}")
    broken += [f"flood: {spent} > {cap}"] if spent > cap else []
    outputs, raised = fuzz(10_000)
    if not control:
        raised += await asyncio.to_thread(_explored, 60)
    say(f"{'fuzzed outputs':<24} {outputs} read, {len(raised)} exceptions")
    return broken + raised


def _explored(examples: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="siyu-redteam-") as folder:
        numbers = itertools.count()
        try:
            seen = explore(examples, lambda: f"sqlite:///{Path(folder) / f'{next(numbers)}.db'}")
        except AssertionError as error:
            return [f"hypothesis: {error}"]
    told = f"{seen['talks']} talks, {seen['words']} words, {seen['answers']} answers, {seen['said']} said"
    say(f"{'a model by Hypothesis':<24} {told} · nothing moved, nothing told")
    return []


def _told(title: str, figures: Figures) -> list[str]:
    say(line(title, figures))
    return figures.broken


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.redteam", description=__doc__)
    parser.add_argument("--control", choices=("facts", "tools"), help="show that the run sees what it is for")
    parser.add_argument("--unseen", action="store_true", help="only what nobody had tried")
    given = parser.parse_args()
    control = given.control or ""
    logger.remove()
    began = time.monotonic()
    off = mock.patch(OFF, return_value=None) if control == "facts" else contextlib.nullcontext()
    never = mock.patch(NEVER, return_value=False) if control == "facts" else contextlib.nullcontext()
    with off, never:
        broken = asyncio.run(not_seen() if given.unseen else everything(control))
    for what in broken[:20]:
        say(f"  BROKEN {what[:200]}")
    say(f"{len(broken)} broken, {time.monotonic() - began:.0f} s" + (f", control {control}" if control else ""))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
