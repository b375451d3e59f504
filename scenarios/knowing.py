"""查知识库 knowing: what the shop has written down for a question, and which of it is sure enough to be said. Shared by
whatever answers members; itself no play."""

from __future__ import annotations

from typing import NamedTuple

from bot.kf_menu import Choice
from bot.texts import split_bytes
from bot.turn import Turn
from scenarios.answers import Answer, Fact
from scenarios.utterances import Ear
from storage import knowledge, shop
from storage.knowledge import Hit

LOOKED_AT = 3
LIKELY = 0.25  # what is at least so good may be what was meant: it is asked, not said
MOST_BYTES = 2048  # of an article that is said; more is too much to read in a chat
KIND = "knowledge"

# What is looked for when a question of this meaning finds nothing by its own words.
CANONICAL = {"returns": "replies/ask_returns", "hours": "replies/ask_hours"}


class Known(NamedTuple):
    """What was found, the best first; `sure`: the first is an answer."""

    hits: tuple[Hit, ...]
    sure: bool


def look_up(turn: Turn, ears: Ear, text: str, intent: str) -> Known:
    """The articles that members may read, for a question in its own words or else for what it means."""
    store = _store(turn, ears, text)
    hits = knowledge.search(turn.db, text, LOOKED_AT, now=turn.now, store=store)
    if intent in CANONICAL and not (hits and hits[0].enough):
        meant = turn.texts.render(CANONICAL[intent])
        found = [
            hit
            for line in meant.split()
            for hit in knowledge.search(turn.db, line, 1, now=turn.now, store=store)
            if hit.enough
        ]
        hits = found[:1] or hits
    return Known(tuple(hits), bool(hits) and hits[0].enough)


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
