"""导购 1V1 replies: members' own words in 微信客服 that are no play's: meant by rules, answered from the database and
from what the shop has written, or handed to people.

Whoever writes much at once is answered the newest question. Two questions in a row that nobody here can answer, anger,
damage and questions of health go to people.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot import reach
from bot.clock import shown
from bot.events import Address, Event, TextReceived, TimerDue
from bot.hours import back_at
from bot.kf_events import MESSAGES, KfRecalled, KfServicerWrote
from bot.router import Heard, Router, normalize
from bot.turn import Turn
from scenarios import handover, knowing, suggesting
from scenarios.answers import Answer
from scenarios.suggesting import SMALL, Asked, Words
from scenarios.utterances import is_slip
from storage import kf, questions, replies

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


class Rules(BaseModel):
    """[scenarios.replies] of config.toml. `mode` off: members' own words are not answered."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["auto", "off"] = "auto"


# -- hearing --------------------------------------------------------------------------------------------------------


@router.otherwise("member")
def free_words(turn: Turn, event: Event, heard: Heard) -> bool:
    """Answer what is no play's word; False leaves it to the nearest word."""
    if turn.using(Rules).mode == "off" or not isinstance(event, TextReceived):
        return False
    if event.open_kfid is None or event.sender is None:
        return False
    text = (event.text if normalize(event.text) == heard.said else heard.said)[:LONGEST]
    there = replies.find(turn.db, event.open_kfid, event.sender.external_id)
    before = there.question if there is not None and turn.now - there.asked_at < CONTEXT else ""
    words = Words(turn, text, before, heard.known)
    if not _ours(words, heard):
        return False
    person = turn.ensure_person(event.sender, "message")
    there = replies.talk(turn.db, event.open_kfid, event.sender.external_id, event.key)
    replies.change(turn.db, there, question=text, asked_seq=there.seq, asked_at=turn.now)
    asked = Asked(person, kf.session(turn.db, event.open_kfid, event.sender.external_id), there, words)
    if not _too_many(turn, asked):
        _answer(turn, asked)
    return True


def _ours(words: Words, heard: Heard) -> bool:
    """Whether words are a question of their own, rather than a slip of a known word or an order that begins so."""
    if heard.glued:
        if not words.is_question or words.intent in SMALL:
            return False
        meant = bool(words.goods.ids) if words.intent in ("price", "stock") else bool(words.intent)
        return meant or words.known.sure
    if words.intent or not heard.near:
        return True
    return not is_slip(words.plain, words.ears.plain(heard.near)) and (words.goods.whole or words.known.sure)


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
    asked = _still(turn, event.payload)
    if asked is not None and asked.there.waits == "quiet":
        replies.change(turn.db, asked.there, waits="")
        _answer(turn, asked)


def _still(turn: Turn, where: dict[str, Any]) -> Asked | None:
    """The newest question of a talk; None when people have it, or something else was said since."""
    there = replies.find(turn.db, where["open_kfid"], where["external_userid"])
    person = turn.person(Address("wecom", where["external_userid"]))
    if there is None or person is None:
        return None
    talk = kf.session(turn.db, there.open_kfid, there.external_userid)
    if talk.with_people(turn.now):
        return None
    return Asked(person, talk, there, Words(turn, there.question))


@router.on(TextReceived, KfServicerWrote, KfRecalled, *MESSAGES)
def moved_on(turn: Turn, event: Event) -> None:
    """Whatever is written moves the talk on."""
    open_kfid = getattr(event, "open_kfid", None)
    who = getattr(event, "external_userid", None) or (event.sender.external_id if event.sender else None)
    if open_kfid is None or who is None:
        return
    replies.moved(turn.db, open_kfid, who, event.key)
    if isinstance(event, KfServicerWrote) and (person := turn.person(Address("wecom", who))) is not None:
        handover.taken(turn, person)


# -- answering ------------------------------------------------------------------------------------------------------


def _answer(turn: Turn, asked: Asked) -> None:
    """Say what can be said, or hand over."""
    if asked.intent in SMALL:
        _give(turn, asked, suggesting.small_talk(turn, asked.intent))
        return
    found = suggesting.found(turn, asked)
    if found is not None:
        replies.change(turn.db, asked.there, misses=0)
        _give(turn, asked, found)
    elif asked.intent in PEOPLE:
        _hand_over(turn, asked, asked.intent)
    else:
        _miss(turn, asked)


def _miss(turn: Turn, asked: Asked) -> None:
    """Nobody here knows: say so once, then hand over. Of a sentence sent in pieces only the whole is a miss."""
    if asked.there.burst > 1 and isinstance(turn.event, TextReceived):
        _wait_for_quiet(turn, asked)
        return
    questions.note(turn.db, turn.ids, asked.words.text, "member", turn.now)
    misses = asked.there.misses + 1
    if misses >= MOST_MISSES:
        _hand_over(turn, asked, "doubt")
        return
    replies.change(turn.db, asked.there, misses=misses)
    turn.route.append("replies:miss")
    likely = knowing.choices(turn, asked.words.known)
    if likely:
        turn.ask(asked.sender, "replies/maybe", likely)
    else:
        _speak(turn, asked, turn.texts.render("replies/miss"))


def _hand_over(turn: Turn, asked: Asked, why: str) -> None:
    """People are wanted; whom the bot asked for a moment ago it does not ask for again by itself."""
    there = asked.there
    lately = turn.now - there.handed_at < ASKED_AGAIN and asked.talk.state_at <= there.handed_at
    if why != "human" and lately:
        back = back_at(turn.now, turn.hours)
        text = turn.texts.render("replies/noted", back=shown(back)) if back else None
        turn.route.append(f"replies:{why}:asked")
        _speak(turn, asked, text or turn.texts.render("replies/asked_already"))
        return
    turn.route.append(f"replies:{why}:people")
    replies.change(turn.db, there, misses=0, waits="", handed_at=turn.now)
    text, closed = PEOPLE[why]
    handover.wanted(turn, asked.person, asked.talk, asked.words.text, text=text, closed=closed)


def _give(turn: Turn, asked: Asked, answer: Answer) -> None:
    turn.route.append(f"replies:{answer.intent}:{answer.made_by}")
    _speak(turn, asked, answer.text)


def _speak(turn: Turn, asked: Asked, text: str) -> None:
    """To the member, by the account they wrote to; where that is shut, by their guide."""
    if not reach.by_kf(turn, asked.person.id, text, None, reach.ANSWERS, here=asked.talk.open_kfid):
        turn.relay(asked.person.id, text)
