"""拟稿 proposing: what a model would answer. As data it reads the question, what the shop has written and what the
database says; it answers with words and a meaning from a closed list, and does nothing. Its words are said only when
every number, price, date and promise in them is one of ours, read again at that moment."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pydantic import Field

from bot.clock import ZONE
from bot.model.asking import ask
from bot.model.prompts import answers as answered_by
from bot.model.prompts import prompts
from bot.model.schemas import Answer as Schema
from bot.turn import Turn
from scenarios import answers, facts
from scenarios.answers import SHOWN, Answer
from scenarios.answers import Fact as Basis
from scenarios.facts import Fact
from scenarios.knowing import KIND
from scenarios.suggesting import Asked, Words
from scenarios.utterances import Intent, shared
from storage import replies
from storage.tables import Product

PROMPT = "replies/answer"
WAIT_S = 20.0  # so long the member may wait for a model
LOST_S = 60.0  # whatever became of the call: by then something is said
LOST = "reply_model"  # the timer of it


@answered_by(PROMPT)
class Reply(Schema):
    """What the model must answer."""

    intent: Intent
    reply: str = Field(max_length=400)
    needs_human: bool
    cites: list[str] = Field(max_length=10)


@dataclass(frozen=True)
class Grounds:
    """What may be said to a question: as the model reads it, and as it is checked."""

    knowledge: str
    facts: str
    known: tuple[Fact, ...]
    basis: tuple[Basis, ...]
    titles: tuple[str, ...]


def propose(turn: Turn, asked: Asked) -> bool:
    """Ask the model; False when it is not asked, so that something is said without it. One question of a talk is under
    way at a time: the newest is asked when the older one is back."""
    there = asked.there
    if there.waits == "model":
        return True
    grounds = grounds_of(turn, asked)
    where = {"open_kfid": there.open_kfid, "external_userid": there.external_userid, "asked_seq": there.asked_seq}
    refused = ask(
        turn, "replies/answer", member=asked.person, about=where, good_for_s=WAIT_S, question=asked.words.text,
        before=asked.words.before, knowledge=grounds.knowledge, facts=grounds.facts,
    )  # fmt: skip
    if refused is not None:
        turn.route.append(f"replies:model:{refused.name.lower()}")
        return False
    replies.change(turn.db, there, waits="model")
    turn.at(turn.since(LOST_S), LOST, f"{LOST}:{there.open_kfid}:{there.external_userid}:{there.asked_seq}", where)
    return True


def grounds_of(turn: Turn, asked: Asked) -> Grounds:
    """What the shop has written of a question, and what the database says of the goods that it names."""
    words, render = asked.words, turn.texts.render
    hits = words.known.hits
    goods = answers.goods_of(turn, words.goods_near.ids[:SHOWN])
    lines = [answers.line(turn, product) for product in goods]
    claim = answers.claimable(turn, "claim")
    known = [fact for hit in hits for fact in (facts.words(hit.name), *facts.facts_of(hit.text, of=hit.name))]
    known += [fact for product in goods for fact in _of(turn, product, words)]
    if claim.basis[0].value:
        lines.append(render("replies/fact_claim", names=claim.basis[0].value))
        known += [facts.words(name) for name in claim.basis[0].value.split(render("common/comma"))]
    if turn.hours is not None:
        hours = f"{turn.hours.opens:%H:%M}-{turn.hours.closes:%H:%M}"
        lines.append(render("replies/fact_hours", hours=hours))
        known += facts.facts_of(lines[-1])
    basis = [Basis(KIND, str(hit.article_id), str(hit.version)) for hit in hits]
    basis += [Basis(kind, product.sku, answers.READERS[kind](turn, asked.person, product.sku))
              for product in goods for kind in ("price", "stock")]  # fmt: skip
    nothing = render("replies/nothing_known")
    written = [render("replies/article", title=hit.name, text=hit.text) for hit in hits]
    return Grounds(
        "\n".join(written) or nothing, "\n".join(lines) or nothing, tuple(known), tuple(basis),
        tuple(hit.name for hit in hits),
    )  # fmt: skip


def _of(turn: Turn, product: Product, words: Words) -> list[Fact]:
    """What may be said of one product, under its name and under what it was called."""
    title, left = words.ears.plain(product.title), answers.left(turn, product)
    called = [piece for core in words.ears.cores(words.plain) if len(piece := shared(core, title)) > 1]
    known = [facts.words(product.title)]
    for name in dict.fromkeys([product.title, *called]):
        known += [facts.money(product.price_fen, of=name), *([facts.count(int(left), of=name)] if left else [])]
    return known


def _never(turn: Turn, text: str) -> bool:
    """Whether a text says what no reply may, whatever is true: cures, codes, ways out of this chat, other shops."""
    lines = turn.texts.render("replies/never").splitlines()
    return re.search("|".join(lines), unicodedata.normalize("NFKC", text).lower()) is not None


def judged(turn: Turn, asked: Asked, reply: Reply, *, unseen: bool) -> Answer | None:
    """The model's words, when everything in them is ours; None when something is not. Words that nobody looks at before
    they are said (`unseen`) must come from what the model was given to read."""
    grounds = grounds_of(turn, asked)
    text = reply.reply.strip()
    today = turn.now.astimezone(ZONE).date()
    sources = [grounds.knowledge, grounds.facts] if unseen else []
    objection = facts.check(text, grounds.known, today=today, hidden=[prompts()[PROMPT].body], sources=sources)
    why = objection.reason if objection else "" if text and not _never(turn, text) else "never"
    if why:
        turn.route.append(f"replies:objection:{why}")
        turn.audit("rule:facts", "reply.refused", f"external_userid:{asked.there.external_userid}", reason=why)
        return None
    cites = tuple(title for title in grounds.titles if title in reply.cites)
    return Answer(text, reply.intent, "model", grounds.basis, cites)
