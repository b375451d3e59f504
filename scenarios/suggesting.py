"""拟答 suggesting: what could be said to a question, out of the database and what the shop has written, or that nobody
here knows. Says nothing itself: replies says it, or shows it to a guide first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.events import Address
from bot.turn import Turn
from scenarios import answers, knowing
from scenarios.answers import Answer
from scenarios.knowing import Known
from scenarios.utterances import Ear, Mention, ear
from storage import kf, replies
from storage.members import Person
from storage.tables import Conversation

OWN = ("points", "coupons", "orders")
GOODS = ("price", "stock", "discount", "")
PEOPLE_ALONE = ("human", "complaint")  # nothing else is an answer to these

SMALL = {
    "robot": "replies/robot",
    "greeting": "replies/greeting",
    "thanks": "replies/thanks",
    "bye": "replies/bye",
    "ack": "replies/ack",
}


@dataclass(frozen=True)
class Words:
    """What somebody said, read once: `before` is what they asked a moment ago, `can_say` the words they could say."""

    turn: Turn
    text: str
    before: str = ""
    can_say: tuple[str, ...] = ()

    @cached_property
    def ears(self) -> Ear:
        """The tables of words."""
        return ear(self.turn.texts)

    @cached_property
    def plain(self) -> str:
        """Without marks, pictures and blanks."""
        return self.ears.plain(self.text)

    @cached_property
    def intent(self) -> str:
        """By the first rule that fits; "" when none does."""
        return self.ears.intent(self.text)

    @cached_property
    def is_question(self) -> bool:
        """Whether something is asked."""
        return self.ears.is_question(self.text)

    @cached_property
    def goods(self) -> Mention:
        """The goods that are named, or those that were asked about before where only a price is asked."""
        found = answers.mention(self.turn, self.ears, self.plain)
        if found.ids or not self.before or not self.intent or self.ears.cores(self.plain):
            return found
        return answers.mention(self.turn, self.ears, self.ears.plain(self.before))

    @cached_property
    def goods_near(self) -> Mention:
        """The goods that are named somewhere in a longer sentence."""
        return self.goods if self.goods.ids else answers.mention(self.turn, self.ears, self.plain, 0.0)

    @cached_property
    def known(self) -> Known:
        """What the shop has written down."""
        return knowing.look_up(self.turn, self.ears, self.text, self.intent)


@dataclass(frozen=True)
class Asked:
    """A question at hand: whose, where, in which words."""

    person: Person
    talk: kf.Session
    there: Conversation
    words: Words

    @property
    def sender(self) -> Address:
        """Whose it is."""
        return Address("wecom", self.talk.external_userid)

    @property
    def intent(self) -> str:
        """What it means by rules."""
        return self.words.intent


def newest(turn: Turn, open_kfid: str, who: str) -> Asked | None:
    """The newest question of a talk."""
    there, person = replies.find(turn.db, open_kfid, who), turn.person(Address("wecom", who))
    if there is None or person is None:
        return None
    return Asked(person, kf.session(turn.db, open_kfid, who), there, Words(turn, there.question))


def small_talk(turn: Turn, intent: str) -> Answer:
    """What is said to a greeting, to thanks."""
    return Answer(turn.texts.render(SMALL[intent]), intent)


def found(turn: Turn, asked: Asked) -> Answer | None:
    """An answer that is sure; None when there is none."""
    words, intent = asked.words, asked.intent
    if intent in PEOPLE_ALONE:
        return None
    if intent in OWN:
        own, known = answers.own(turn, asked.person, intent), words.known.best if intent == "orders" else None
        if known is None or answers.has_orders(turn, asked.person):
            return own
        return answers.both(own, knowing.said(turn, known, intent))
    if intent in GOODS and words.goods.ids and (intent or words.goods.whole):
        word = turn.texts.render("replies/buy_word")
        buy = word if word in words.can_say else ""
        goods = answers.goods(turn, asked.person, words.goods, intent or "product", buy)
        return answers.both(goods, answers.claimable(turn, intent)) if intent == "discount" else goods
    if intent in ("claim", "discount") and (offered := answers.claimable(turn, intent)).basis[0].value:
        return offered
    if words.known.best is not None:
        return knowing.said(turn, words.known.best, intent)
    return _without(turn, intent)


def _without(turn: Turn, intent: str) -> Answer | None:
    """What can be said though nothing was found."""
    if intent in ("claim", "discount"):
        return answers.claimable(turn, intent)
    if intent in ("price", "stock"):
        return Answer(turn.texts.render("replies/which_goods"), intent)
    return None
