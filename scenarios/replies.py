"""导购 1V1 replies: a member's own words in 微信客服 that are no play's: meant by rules, answered from the database, or
handed to people.

Whoever writes much at once is answered the newest question. Two questions in a row that nobody here can answer, anger,
damage and questions of health go to people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot import reach
from bot.clock import shown
from bot.events import Address, Event, TextReceived, TimerDue
from bot.hours import back_at
from bot.kf_events import MESSAGES, KfRecalled, KfServicerWrote
from bot.router import Heard, Router, normalize
from bot.turn import Turn
from scenarios import answers, handover
from scenarios.answers import Answer
from scenarios.utterances import Ear, ear, is_slip
from storage import kf, replies
from storage.members import Person
from storage.tables import Conversation

router = Router("replies")

QUIET = "reply_quiet"  # the timer after which the newest of many questions is answered
BURST = timedelta(seconds=20)
AT_ONCE, QUIET_S = 3, 3.0
CONTEXT = timedelta(minutes=10)  # so long 「多少钱」 means what was asked about before
ASKED_AGAIN = timedelta(minutes=30)  # people who were asked for so lately are not asked again
MOST_MISSES = 2
LONGEST = 500  # characters of a question that are looked at

# What goes to people, and what the member hears meanwhile: while they are there, while they are not.
PEOPLE = {
    "human": ("kf/handing_over", "replies/closed"),
    "complaint": ("replies/sorry", "replies/closed_sorry"),
    "trouble": ("replies/sorry", "replies/closed_sorry"),
    "health": ("replies/doubt", "replies/closed"),
    "returns": ("kf/handing_over", "replies/closed"),
    "doubt": ("replies/doubt", "replies/closed"),
}
SMALL = {
    "robot": "replies/robot",
    "greeting": "replies/greeting",
    "thanks": "replies/thanks",
    "bye": "replies/bye",
    "ack": "replies/ack",
}


class Rules(BaseModel):
    """[scenarios.replies] of config.toml. `mode` off: members' own words are not answered."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["auto", "off"] = "auto"


@dataclass(frozen=True)
class Asked:
    """A question at hand: whose, where, in whose words, in plain ones, and what it means by rules ("" = no rule)."""

    person: Person
    talk: kf.Session
    there: Conversation
    text: str
    said: str
    intent: str
    known: tuple[str, ...] = ()
    before: str = ""

    @property
    def sender(self) -> Address:
        """Whose it is."""
        return Address("wecom", self.talk.external_userid)


# -- hearing --------------------------------------------------------------------------------------------------------


@router.otherwise("member")
def free_words(turn: Turn, event: Event, heard: Heard) -> bool:
    """Answer what is no play's word; False leaves it to the nearest word."""
    if turn.using(Rules).mode == "off" or not isinstance(event, TextReceived):
        return False
    if event.open_kfid is None or event.sender is None:
        return False
    ears = ear(turn.texts)
    text = (event.text if normalize(event.text) == heard.said else heard.said)[:LONGEST]
    said = ears.plain(text)
    intent = ears.intent(text)
    if not _ours(turn, ears, heard, text, intent):
        return False
    person = turn.ensure_person(event.sender, "message")
    talk = kf.session(turn.db, event.open_kfid, event.sender.external_id)
    there = replies.talk(turn.db, event.open_kfid, event.sender.external_id, event.key)
    before = there.question if turn.now - there.asked_at < CONTEXT else ""
    replies.change(turn.db, there, question=text, asked_seq=there.seq, asked_at=turn.now)
    asked = Asked(person, talk, there, text, said, intent, heard.known, before)
    if not _too_many(turn, asked):
        _answer(turn, asked)
    return True


def _ours(turn: Turn, ears: Ear, heard: Heard, text: str, intent: str) -> bool:
    """Whether words are a question of their own, rather than a slip of a known word or an order that begins so."""
    said = ears.plain(text)
    if heard.glued:
        named = intent not in ("price", "stock") or bool(answers.mention(turn, ears, said).ids)
        return bool(intent) and intent not in SMALL and named and ears.is_question(text)
    if intent or not heard.near:
        return True
    return not is_slip(said, ears.plain(heard.near)) and answers.mention(turn, ears, said).whole


def _too_many(turn: Turn, asked: Asked) -> bool:
    """Count the question; of many at once the newest waits for quiet, and the others are given up for it."""
    there = asked.there
    fresh = turn.now - there.burst_at >= BURST
    burst = 1 if fresh else there.burst + 1
    replies.change(turn.db, there, burst=burst, burst_at=turn.now if fresh else there.burst_at)
    if burst > AT_ONCE:
        _wait_for_quiet(turn, asked)
    return burst > AT_ONCE


def _wait_for_quiet(turn: Turn, asked: Asked) -> None:
    there = asked.there
    if there.waits != "quiet":
        replies.change(turn.db, there, waits="quiet")
        where = {"open_kfid": there.open_kfid, "external_userid": there.external_userid}
        turn.at(turn.since(QUIET_S), QUIET, f"{QUIET}:{turn.cause}", where)


@router.on(TimerDue)
def quiet(turn: Turn, event: TimerDue) -> None:
    """The newest of many questions is answered now."""
    if event.name != QUIET:
        return
    there = replies.find(turn.db, event.payload["open_kfid"], event.payload["external_userid"])
    person = turn.person(Address("wecom", event.payload["external_userid"]))
    if there is None or person is None or there.waits != "quiet":
        return
    replies.change(turn.db, there, waits="")
    talk = kf.session(turn.db, there.open_kfid, there.external_userid)
    if there.asked_seq == there.seq and not talk.with_people(turn.now):
        said = ear(turn.texts).plain(there.question)
        _answer(turn, Asked(person, talk, there, there.question, said, ear(turn.texts).intent(there.question)))


@router.on(TextReceived, KfServicerWrote, KfRecalled, *MESSAGES)
def moved_on(turn: Turn, event: Event) -> None:
    """Whatever is written moves the talk on."""
    open_kfid = getattr(event, "open_kfid", None)
    who = getattr(event, "external_userid", None) or (event.sender.external_id if event.sender else None)
    if open_kfid is not None and who is not None:
        replies.moved(turn.db, open_kfid, who, event.key)


# -- answering ------------------------------------------------------------------------------------------------------


def _answer(turn: Turn, asked: Asked) -> None:
    """Say what can be said, or hand over."""
    if asked.intent in SMALL:
        turn.route.append(f"replies:{asked.intent}:template")
        _speak(turn, asked, turn.texts.render(SMALL[asked.intent]))
        return
    found = _found(turn, asked)
    if found is not None:
        turn.route.append(f"replies:{found.intent}:{found.made_by}")
        replies.change(turn.db, asked.there, misses=0)
        _speak(turn, asked, found.text)
    elif asked.intent in PEOPLE:
        _hand_over(turn, asked, asked.intent)
    else:
        _miss(turn, asked)


def _found(turn: Turn, asked: Asked) -> Answer | None:
    """An answer out of the database."""
    intent = asked.intent
    if intent in ("human", "complaint"):
        return None
    if intent in ("points", "coupons", "orders"):
        return answers.own(turn, asked.person, intent)
    if intent in ("price", "stock", "discount", ""):
        goods = _goods(turn, asked)
        if goods is not None:
            return goods
    if intent in ("claim", "discount"):
        return answers.claimable(turn, intent)
    if intent in ("price", "stock"):
        return Answer(turn.texts.render("replies/which_goods"), intent)
    return None


def _goods(turn: Turn, asked: Asked) -> Answer | None:
    """What is asked about goods: those named, or those that were asked about before."""
    ears = ear(turn.texts)
    found = answers.mention(turn, ears, asked.said)
    if not found.ids and not ears.cores(asked.said) and asked.intent and asked.before:
        found = answers.mention(turn, ears, ears.plain(asked.before))
    if not found.ids or not (asked.intent or found.whole):
        return None
    word = turn.texts.render("replies/buy_word")
    return answers.goods(turn, asked.person, found, asked.intent or "product", word if word in asked.known else "")


def _miss(turn: Turn, asked: Asked) -> None:
    """Nobody here knows: say so once, then hand over. Of a sentence sent in pieces only the whole is a miss."""
    if asked.there.burst > 1 and isinstance(turn.event, TextReceived):
        _wait_for_quiet(turn, asked)
        return
    misses = asked.there.misses + 1
    if misses < MOST_MISSES:
        replies.change(turn.db, asked.there, misses=misses)
        turn.route.append("replies:miss")
        _speak(turn, asked, turn.texts.render("replies/miss"))
    else:
        _hand_over(turn, asked, "doubt")


def _hand_over(turn: Turn, asked: Asked, why: str) -> None:
    """People are wanted; whom the bot asked for a moment ago it does not ask for again by itself."""
    there = asked.there
    if why != "human" and turn.now - there.handed_at < ASKED_AGAIN:
        back = back_at(turn.now, turn.hours)
        text = turn.texts.render("replies/noted", back=shown(back)) if back else None
        turn.route.append(f"replies:{why}:asked")
        _speak(turn, asked, text or turn.texts.render("replies/asked_already"))
        return
    turn.route.append(f"replies:{why}:people")
    replies.change(turn.db, there, misses=0, waits="", handed_at=turn.now)
    text, closed = PEOPLE[why]
    handover.wanted(turn, asked.person, asked.talk, asked.text, text=text, closed=closed)


def _speak(turn: Turn, asked: Asked, text: str) -> None:
    """To the member, by the account they wrote to; where that is shut, by their guide."""
    if not reach.by_kf(turn, asked.person.id, text, None, reach.ANSWERS, here=asked.talk.open_kfid):
        turn.relay(asked.person.id, text)
