"""查知识库 knowing: what the shop has written down for a question, and which of it is sure enough to be said. Shared by
whatever answers members; itself no play.

The search ranks by likeness; here what is like a question by its question words alone (怎么退货, 怎么退订) is kept from
being said: an article answers when it means the same by rules, or when most words that say something are in it.
"""

from __future__ import annotations

from typing import NamedTuple

from bot.kf_menu import Choice
from bot.texts import split_bytes
from bot.turn import Turn
from scenarios.answers import Answer, Fact
from scenarios.utterances import Ear, alike
from storage import bigrams, knowledge, shop
from storage.knowledge import Hit

LOOKED_AT = 5
SHOWN = 3
LIKELY = 0.25  # what is at least so good may be what was meant: it is asked, not said
COVERED = 0.5  # more than this part of the telling words must be in an article
MOST_BYTES = 2048  # of an article that is said; more is too much to read in a chat
KIND = "knowledge"

# What is looked for when a question of this meaning finds nothing by its own words.
CANONICAL = {"returns": "replies/ask_returns", "hours": "replies/ask_hours"}
# Meanings to which an article of the same meaning is an answer, and any other article is none.
STRICT = ("points", "coupons", "returns", "hours", "trouble", "health")
ALIKE = 0.1  # of articles that score so near each other the one whose title is most like the question is said


class Known(NamedTuple):
    """What was found, the best first, and what of it is an answer."""

    hits: tuple[Hit, ...]
    best: Hit | None

    @property
    def sure(self) -> bool:
        """Whether there is an answer."""
        return self.best is not None


def look_up(turn: Turn, ears: Ear, text: str, intent: str) -> Known:
    """The articles that members may read, for a question in its own words or else for what it means."""
    store = _store(turn, ears, text)
    hits = knowledge.search(turn.db, text, LOOKED_AT, now=turn.now, store=store)
    best = _best(ears, hits, text, intent)
    if best is None and intent in CANONICAL:
        for meant in turn.texts.render(CANONICAL[intent]).split():
            others = knowledge.search(turn.db, meant, LOOKED_AT, now=turn.now, store=store)
            best = best or _best(ears, others, meant, intent)
    first = [best] if best is not None else []
    return Known((*first, *[hit for hit in hits if hit is not best][: SHOWN - len(first)]), best)


def _best(ears: Ear, hits: list[Hit], text: str, intent: str) -> Hit | None:
    """The article that answers best."""
    fitting = [hit for hit in hits if _answers(ears, hit, text, intent)]
    near = [hit for hit in fitting if hit.score >= fitting[0].score - ALIKE]
    asked = ears.empty.sub("", ears.plain(text))
    return max(near, key=lambda hit: alike(asked, ears.empty.sub("", ears.plain(hit.title))), default=None)


def _answers(ears: Ear, hit: Hit, text: str, intent: str) -> bool:
    """Whether an article is about what was asked."""
    if not hit.enough:
        return False
    meant = ears.intent(hit.title)
    if intent in STRICT or (meant and intent and meant != intent):
        return meant == intent
    telling = [word for word in bigrams.words(ears.empty.sub(" ", ears.plain(text))) if len(word) > 1]
    return sum(word in hit.matched for word in telling) > COVERED * len(telling) if telling else True


def _store(turn: Turn, ears: Ear, text: str) -> str:
    """The code of the store that a question names; "" = none."""
    said = ears.plain(text)
    return next((one.code for one in shop.stores.all(turn.db, order="code") if ears.plain(one.name) in said), "")


def said(turn: Turn, hit: Hit, intent: str) -> Answer:
    """An article as the answer: the shop's own words, unchanged."""
    text = split_bytes(hit.text, MOST_BYTES)[0]
    if intent == "trouble":
        text = turn.texts.render("replies/knowledge_trouble", text=text)
    basis = (Fact(KIND, str(hit.article_id), str(hit.version)),)
    return Answer(text, intent or "other", KIND, basis, (hit.name,))


def choices(turn: Turn, known: Known) -> list[Choice]:
    """What may have been meant, and a person."""
    likely = [Choice(hit.title, hit.title) for hit in known.hits if hit.score >= LIKELY]
    person = turn.texts.render("replies/person")
    return [*likely, Choice(person, person)] if likely else []
