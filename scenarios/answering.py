"""答复 answering: what becomes of a question: said, shown to a guide first, asked back, handed to people. Steps of the
play replies; itself no play."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot import reach
from bot.clock import shown
from bot.events import TextReceived
from bot.hours import back_at
from bot.turn import Turn
from scenarios import answers, drafts, handover, knowing, proposing, suggesting
from scenarios.answers import Answer
from scenarios.proposing import Reply
from scenarios.suggesting import OWN, SMALL, Asked
from storage import questions, replies

QUIET = "reply_quiet"  # the timer after which the newest of many questions is answered
QUIET_S = 3.0
BURST, AT_ONCE = timedelta(seconds=20), 3
ASKED_AGAIN = timedelta(minutes=30)  # people who were asked for so lately are not asked again
MOST_MISSES = 2

# What goes to people, and what the member hears meanwhile: while they are there, while they are not.
PEOPLE = {
    "human": ("kf/handing_over", "replies/closed"),
    "complaint": ("replies/sorry", "replies/closed_sorry"),
    "trouble": ("replies/sorry", "replies/closed_sorry"),
    "health": ("replies/doubt", "replies/closed"),
    "returns": ("kf/handing_over", "replies/closed"),
    "doubt": ("replies/doubt", "replies/closed"),
    "late": ("replies/late", "replies/closed"),
}
FOR_PEOPLE = ("human", "complaint", "trouble", "health")


class Rules(BaseModel):
    """[scenarios.replies] of config.toml. `mode` off: members' own words are not answered; draft: guides see answers
    first, are reminded after `remind_minutes`, and after `hand_over_minutes` the member goes to people. A draft is good
    for `stale_minutes`."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["auto", "draft", "off"] = "auto"
    remind_minutes: int = Field(default=3, ge=1, le=120)
    hand_over_minutes: int = Field(default=10, ge=2, le=240)
    stale_minutes: int = Field(default=30, ge=1, le=240)


def answer(turn: Turn, asked: Asked, rules: Rules, *, by_model: bool = True) -> None:
    """Say what can be said, ask the model (unless it had its chance), or hand over."""
    if asked.intent in SMALL:
        give(turn, asked, suggesting.small_talk(turn, asked.intent))
        return
    found = suggesting.found(turn, asked)
    if found is None and asked.intent in PEOPLE:
        hand_over(turn, asked, asked.intent)
        return
    guide = drafts.reader(turn, asked) if rules.mode == "draft" and asked.intent not in OWN else None
    if found is None and by_model and (guide or rules.mode == "auto") and proposing.propose(turn, asked):
        return
    settled(turn, asked, rules, found, guide)


def settled(turn: Turn, asked: Asked, rules: Rules, found: Answer | None, guide: str | None) -> None:
    """It is known what can be said: to the guide first, to the member, or nothing can."""
    if guide is not None:
        if found is None:
            questions.note(turn.db, turn.ids, asked.words.text, "member", turn.now)
        drafts.offer(turn, asked, found, guide, rules.remind_minutes, rules.hand_over_minutes)
    elif found is not None:
        replies.change(turn.db, asked.there, misses=0, waits="")
        give(turn, asked, found)
    else:
        miss(turn, asked)


def proposed(turn: Turn, asked: Asked, rules: Rules, reply: Reply | None) -> None:
    """A model has answered (None: it has not): its meaning decides which of our own texts is said; its own words come
    last, labelled, and only if they are all ours."""
    if reply is None:
        answer(turn, asked, rules, by_model=False)
    elif reply.intent in OWN:
        settled(turn, asked, rules, answers.own(turn, asked.person, reply.intent), None)
    elif reply.intent in FOR_PEOPLE:
        hand_over(turn, asked, reply.intent)
    elif reply.needs_human and rules.mode == "auto":
        hand_over(turn, asked, "doubt")
    else:
        guide = drafts.reader(turn, asked) if rules.mode == "draft" else None
        found = None if reply.needs_human else proposing.judged(turn, asked, reply, unseen=guide is None)
        if found is not None and guide is None:
            found = replace(found, text=turn.texts.render("replies/label", text=found.text))
        settled(turn, asked, rules, found if guide or rules.mode == "auto" else None, guide)


def miss(turn: Turn, asked: Asked) -> None:
    """Nobody here knows: say so once, then hand over. Of a sentence sent in pieces only the whole is a miss."""
    if asked.there.burst > 1 and isinstance(turn.event, TextReceived):
        wait_for_quiet(turn, asked)
        return
    questions.note(turn.db, turn.ids, asked.words.text, "member", turn.now)
    misses = asked.there.misses + 1
    if misses >= MOST_MISSES:
        hand_over(turn, asked, "doubt")
        return
    replies.change(turn.db, asked.there, misses=misses)
    turn.route.append("replies:miss")
    likely = knowing.choices(turn, asked.words.known)
    if likely:
        turn.ask(asked.sender, "replies/maybe", likely)
    else:
        speak(turn, asked, turn.texts.render("replies/miss"))


def hand_over(turn: Turn, asked: Asked, why: str) -> None:
    """People are wanted; whom the bot asked for a moment ago it does not ask for again by itself."""
    there = asked.there
    drafts.close(turn, there, "handed", why)
    replies.change(turn.db, there, waits="")
    lately = turn.now - there.handed_at < ASKED_AGAIN and asked.talk.state_at <= there.handed_at
    if why != "human" and lately:
        back = back_at(turn.now, turn.hours)
        text = turn.texts.render("replies/noted", back=shown(back)) if back else None
        turn.route.append(f"replies:{why}:asked")
        speak(turn, asked, text or turn.texts.render("replies/asked_already"))
        return
    turn.route.append(f"replies:{why}:people")
    replies.change(turn.db, there, misses=0, handed_at=turn.now)
    text, closed = PEOPLE[why]
    handover.wanted(turn, asked.person, asked.talk, asked.words.text, text=text, closed=closed)


def give(turn: Turn, asked: Asked, found: Answer) -> None:
    """An answer, as it is."""
    turn.route.append(f"replies:{found.intent}:{found.made_by}")
    speak(turn, asked, found.text)


def speak(turn: Turn, asked: Asked, text: str) -> None:
    """To the member, by the account they wrote to; where that is shut, by their guide."""
    if not reach.by_kf(turn, asked.person.id, text, None, reach.ANSWERS, here=asked.talk.open_kfid):
        turn.relay(asked.person.id, text)


# -- many at once ---------------------------------------------------------------------------------------------------


def too_many(turn: Turn, asked: Asked) -> bool:
    """Count the question; of many at once the newest waits for quiet, and the others are given up for it."""
    there = asked.there
    fresh = turn.now - there.burst_at >= BURST
    burst = 1 if fresh else there.burst + 1
    replies.change(turn.db, there, burst=burst, burst_at=turn.now if fresh else there.burst_at)
    if burst > AT_ONCE:
        wait_for_quiet(turn, asked)
    return burst > AT_ONCE


def wait_for_quiet(turn: Turn, asked: Asked) -> None:
    """Answer in a few seconds, whatever is the newest then."""
    there = asked.there
    if there.waits != "quiet":
        replies.change(turn.db, there, waits="quiet")
        where = {"open_kfid": there.open_kfid, "external_userid": there.external_userid}
        turn.at(turn.since(QUIET_S), QUIET, f"{QUIET}:{turn.cause}", where)
