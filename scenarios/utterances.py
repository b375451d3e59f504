"""听话 utterances: what a member's free words mean, by rules: tables of words in prompts/replies, read once, applied to
words that were made plain. Pure: texts in, intents out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import Literal, NamedTuple, get_args

from bot.texts import Texts

# The closed list: rules find one of these, and a model may name no other.
Intent = Literal[
    "human", "robot", "complaint", "trouble", "health", "orders", "points", "claim", "coupons", "returns", "hours",
    "discount", "price", "stock", "greeting", "thanks", "bye", "ack", "product", "other",
]  # fmt: skip
INTENTS: tuple[str, ...] = get_args(Intent)
SLIP = 0.75  # so alike are a word and a slip of it


class Rule(NamedTuple):
    """One line of the table: one of each group must be there, and nothing of `none`; `whole`: and nothing else."""

    intent: str
    every: tuple[re.Pattern[str], ...]
    none: re.Pattern[str] | None
    whole: bool


class Ear(NamedTuple):
    """The tables, compiled."""

    rules: tuple[Rule, ...]
    fillers: re.Pattern[str]
    joins: re.Pattern[str]
    asking: re.Pattern[str]
    empty: re.Pattern[str]
    traditional: dict[int, int]

    def plain(self, text: str) -> str:
        """Letters, digits and Han alone: width, case, marks, pictures and blanks say nothing here."""
        folded = unicodedata.normalize("NFKC", text).lower().translate(self.traditional)
        return "".join(symbol for symbol in folded if unicodedata.category(symbol)[0] in "LN")

    def intent(self, text: str) -> str:
        """What somebody means by the first rule that fits; "" when none does. A picture alone is a nod."""
        said = self.plain(text)
        if not said:
            return "" if self.is_question(text) else "ack"
        return next((rule.intent for rule in self.rules if _fits(rule, said)), "")

    def is_question(self, text: str) -> bool:
        """Whether something is asked, rather than ordered."""
        return "?" in unicodedata.normalize("NFKC", text) or self.asking.search(self.plain(text)) is not None

    def cores(self, said: str) -> list[str]:
        """What is left of plain words without those that only ask: the names of things, one by one."""
        for rule in self.rules:
            if rule.intent in ("price", "stock", "discount"):
                said = rule.every[0].sub(" ", said)
        parts = self.joins.sub(" ", self.fillers.sub(" ", said)).split()
        return [part for part in parts if part]


@cache
def ear(texts: Texts) -> Ear:
    """The tables of prompts/replies."""
    old, new = texts.render("replies/traditional").splitlines()
    return Ear(
        read_rules(texts.render("replies/intents"), texts.render("replies/particles")),
        _any_of(texts.render("replies/fillers")),
        _any_of(texts.render("replies/joins")),
        _any_of(texts.render("replies/questions")),
        _any_of(texts.render("replies/empty")),
        str.maketrans(old, new),
    )


def read_rules(table: str, particles: str) -> tuple[Rule, ...]:
    """`intent: groups !without`, one rule a line; `#` begins a remark. Rules of whole sentences (`=`) may have
    `particles` after each word. Raises ValueError for a line that is none."""
    found = []
    for line in table.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        intent, mark, words = line.partition(":")
        groups = words.split()
        if not mark or intent not in INTENTS or not groups:
            raise ValueError(f"prompts/replies/intents.md: {line!r} is no rule")
        found.append(_rule(intent, groups, particles))
    return tuple(found)


def _rule(intent: str, groups: list[str], particles: str) -> Rule:
    none = [group[1:] for group in groups if group.startswith("!")]
    every = [group for group in groups if not group.startswith("!")]
    whole = len(every) == 1 and every[0].startswith("=")
    patterns = [re.compile(group.lstrip("=")) for group in every]
    if whole:
        patterns = [re.compile(f"(?:(?:{every[0][1:]})(?:{particles})*)+")]
    return Rule(intent, tuple(patterns), re.compile("|".join(none)) if none else None, whole)


def _fits(rule: Rule, said: str) -> bool:
    if rule.none is not None and rule.none.search(said):
        return False
    if rule.whole:
        return rule.every[0].fullmatch(said) is not None
    return all(group.search(said) for group in rule.every)


def _any_of(table: str) -> re.Pattern[str]:
    """Any of the words of a table, the longest first."""
    words = sorted(filter(None, re.split(r"[|\n]", table)), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))


def alike(said: str, other: str) -> float:
    """How alike two plain texts are, from 0 to 1."""
    return SequenceMatcher(None, said, other, autojunk=False).ratio()


def is_slip(said: str, near: str) -> bool:
    """Whether words are a known word mistyped, rather than words of their own."""
    return bool(near) and abs(len(said) - len(near)) <= 1 and alike(said, near) >= SLIP


# -- names of things ------------------------------------------------------------------------------------------------


class Title(NamedTuple):
    """What a thing is called, in plain words."""

    id: int
    name: str
    category: str


class Mention(NamedTuple):
    """The things that words may name, and whether the words name nothing else."""

    ids: tuple[int, ...]
    whole: bool


def shared(core: str, name: str) -> str:
    """The longest piece that two plain texts have in common."""
    match = SequenceMatcher(None, core, name, autojunk=False).find_longest_match()
    return core[match.a : match.a + match.size]


def mentioned(cores: Sequence[str], titles: Iterable[Title], part: float = 0.5) -> Mention:
    """Which things are named: for each core those that share most with it, where that is `part` of it at least."""
    there, found, whole = list(titles), dict[int, None](), bool(cores)
    for core in cores:
        sizes = {title: len(shared(core, title.name)) for title in there}
        most = max(sizes.values(), default=0)
        best = [title for title, size in sizes.items() if size == most]
        alone = len(core) == 1 and len(cores) > 1  # one letter among other words names nothing
        if alone or most < min(2, len(core)) or most < part * len(core):
            whole = False
            continue
        found.update(dict.fromkeys(title.id for title in best))
        whole = whole and any(_covers(title, core) for title in best)
    return Mention(tuple(found), whole)


def _covers(title: Title, core: str) -> bool:
    """Whether a core says no more than a thing's name and kind."""
    left = core.replace(shared(core, title.name), "", 1)
    return all(symbol in title.name + title.category for symbol in left)
