"""导购 1V1 replies: members' own words in 微信客服 that are no play's: meant by rules, answered from the database and
from what the shop has written, shown to a guide first where the house wants it, or handed to people.

Whoever writes much at once is answered the newest question. Two questions in a row that nobody here can answer, anger,
damage and questions of health go to people.
"""

from __future__ import annotations

from datetime import timedelta

from bot.clock import shown
from bot.events import Address, ApiAnswered, Event, TextReceived, TimerDue
from bot.kf_events import MESSAGES, KfRecalled, KfServicerWrote, KfSessionChanged
from bot.kf_menu import Choice
from bot.model.asking import CALL
from bot.router import Heard, Router, normalize
from bot.sizes import size
from bot.turn import Turn
from scenarios import answering, deciding, drafts, handover, proposing, suggesting
from scenarios.answering import Rules
from scenarios.suggesting import OWN, SMALL, Asked, Words
from scenarios.utterances import is_slip
from storage import kf, replies

__all__ = ["Rules", "router"]

router = Router("replies")

CONTEXT = timedelta(minutes=10)  # so long 「多少钱」 means what was asked about before
IN_A_ROW = timedelta(minutes=30)  # what nobody could answer longer ago is forgotten
LONGEST = 500  # characters of a question that are looked at
EDIT_BYTES = 1_900  # of a guide's own words: one message
SHOWN = 5


# -- members --------------------------------------------------------------------------------------------------------


@router.otherwise("member")
def free_words(turn: Turn, event: Event, heard: Heard) -> bool:
    """Answer what is no play's word; False leaves it to the nearest word."""
    rules = turn.using(Rules)
    if rules.mode == "off" or not isinstance(event, TextReceived) or event.open_kfid is None or event.sender is None:
        return False
    text = (event.text if normalize(event.text) == heard.said else heard.said)[:LONGEST]
    there = replies.find(turn.db, event.open_kfid, event.sender.external_id)
    before = there.question if there is not None and turn.now - there.asked_at < CONTEXT else ""
    words = Words(turn, text, before, heard.known)
    if not _ours(words, heard):
        return False
    person = turn.ensure_person(event.sender, "message")
    there = replies.talk(turn.db, event.open_kfid, event.sender.external_id, event.key)
    asked = Asked(person, kf.session(turn.db, event.open_kfid, event.sender.external_id), there, words)
    if words.intent not in SMALL and not (there.waits == "guide" and words.intent in OWN):
        waits = "" if there.waits == "guide" else there.waits
        misses = there.misses if turn.now - there.asked_at < IN_A_ROW else 0
        replies.change(
            turn.db, there, question=text, asked_seq=there.seq, asked_at=turn.now, waits=waits, misses=misses
        )
    if not answering.too_many(turn, asked):
        answering.answer(turn, asked, rules)
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


@router.on(TextReceived, KfServicerWrote, KfRecalled, *MESSAGES)
def moved_on(turn: Turn, event: Event) -> None:
    """Whatever is written moves the talk on; where one of us writes, nothing waits for the bot any more."""
    open_kfid = getattr(event, "open_kfid", None)
    who = getattr(event, "external_userid", None) or (event.sender.external_id if event.sender else None)
    if open_kfid is None or who is None:
        return
    replies.moved(turn.db, open_kfid, who, event.key)
    if isinstance(event, KfServicerWrote):
        _taken(turn, open_kfid, who)


@router.on(KfSessionChanged)
def session_changed(turn: Turn, event: KfSessionChanged) -> None:
    """People took the talk, or ended theirs: nothing waits for the bot."""
    _taken(turn, event.open_kfid, event.external_userid)


def _taken(turn: Turn, open_kfid: str, who: str) -> None:
    there, person = replies.find(turn.db, open_kfid, who), turn.person(Address("wecom", who))
    if there is not None and there.waits:
        drafts.close(turn, there, "stale", "people")
        replies.change(turn.db, there, waits="")
    if person is not None:
        handover.taken(turn, person)


# -- time -----------------------------------------------------------------------------------------------------------


@router.on(TimerDue)
def timer_due(turn: Turn, event: TimerDue) -> None:
    """Many questions have calmed down; a guide has not answered yet."""
    if event.name not in (answering.QUIET, drafts.WAITS, proposing.LOST):
        return
    asked = suggesting.newest(turn, event.payload["open_kfid"], event.payload["external_userid"])
    if asked is None or asked.talk.with_people(turn.now):
        return
    if event.name in EARLIER:
        if asked.there.waits == EARLIER[event.name]:
            replies.change(turn.db, asked.there, waits="")
            answering.answer(turn, asked, turn.using(Rules), by_model=event.name != proposing.LOST)
    elif asked.there.waits == "guide" and asked.there.asked_seq == event.payload["asked_seq"]:
        _still_waits(turn, asked, event.payload["step"])


EARLIER = {answering.QUIET: "quiet", proposing.LOST: "model"}


@router.on(ApiAnswered)
def model_answered(turn: Turn, event: ApiAnswered) -> None:
    """What the model says to a question, unless a newer one was asked: that one has its turn now."""
    if event.call != CALL or event.request["prompt"] != proposing.PROMPT:
        return
    about = event.request["about"]
    asked = suggesting.newest(turn, about["open_kfid"], about["external_userid"])
    if asked is None or asked.there.waits != "model":
        return
    replies.change(turn.db, asked.there, waits="")
    if asked.talk.with_people(turn.now):
        return
    if asked.there.asked_seq != about["asked_seq"]:
        answering.answer(turn, asked, turn.using(Rules))
    else:
        reply = proposing.Reply(**event.answer["value"]) if event.ok else None
        answering.proposed(turn, asked, turn.using(Rules), reply)


def _still_waits(turn: Turn, asked: Asked, step: str) -> None:
    """Remind the guide once; then the member goes to people."""
    draft = replies.open_draft(turn.db, asked.there.open_kfid, asked.there.external_userid)
    if draft is None or step == "over":
        answering.hand_over(turn, asked, "late")
        return
    if drafts.why_not(turn, draft, asked, turn.using(Rules).stale_minutes) is not None:
        draft = drafts.anew(turn, asked, draft.userid)
    drafts.show(turn, draft, asked.person, "replies/draft_again")


# -- guides ---------------------------------------------------------------------------------------------------------


@router.words("待回复", audience="guide", may="reply.draft")
def waiting(turn: Turn, event: Event) -> None:
    """What waits for a guide's yes."""
    assert event.sender is not None
    since = turn.since(-60 * turn.using(Rules).stale_minutes)
    found = replies.waiting(turn.db, event.sender.external_id, since, SHOWN)
    if not found:
        turn.say(event.sender, "replies/none_waiting")
    for draft in found:
        person = turn.person(Address("wecom", draft.external_userid))
        if person is not None:
            drafts.show(turn, draft, person)


@router.words("发草稿", audience="guide", arg="编号", menu=False, may="reply.draft")
def send(turn: Turn, event: Event, which: str) -> None:
    """Let the member read a draft, once, as long as it still fits."""
    found = deciding.mine(turn, event, which)
    if found is None:
        return
    draft, asked = found
    assert event.sender is not None
    name = asked.person.name or turn.texts.render("common/unnamed")
    reason = drafts.why_not(turn, draft, asked, turn.using(Rules).stale_minutes)
    if reason is not None:
        deciding.stale(turn, event, draft, asked, reason)
    elif not draft.reply:
        turn.say(event.sender, "replies/nothing_to_send")
    elif drafts.send(turn, draft, asked, event.sender.external_id):
        turn.stamp = turn.texts.render("replies/stamp_sent", at=shown(turn.now))
        turn.say(event.sender, "replies/sent", name=name)
    else:
        turn.say(event.sender, "replies/stale_window", name=name, reply=draft.reply)


@router.words("改草稿", audience="guide", arg="编号", menu=False, may="reply.draft")
def edit(turn: Turn, event: Event, which: str) -> None:
    """The guide's next words take the place of the draft's."""
    found = deciding.mine(turn, event, which)
    if found is None:
        return
    draft, asked = found
    assert event.sender is not None
    drafts.change(turn, draft, edit_at=turn.now, userid=event.sender.external_id)
    turn.say(event.sender, "replies/edit_how", name=asked.person.name or turn.texts.render("common/unnamed"))


@router.words("不用草稿", audience="guide", arg="编号", menu=False, may="reply.draft")
def drop(turn: Turn, event: Event, which: str) -> None:
    """The guide answers in a way of their own."""
    found = deciding.mine(turn, event, which)
    if found is None:
        return
    draft, asked = found
    assert event.sender is not None
    drafts.settle(turn, draft, "dismissed", event.sender.external_id)
    if asked.there.waits == "guide" and asked.there.asked_seq <= draft.seq:
        replies.change(turn.db, asked.there, waits="")
    turn.say(event.sender, "replies/dropped", name=asked.person.name or turn.texts.render("common/unnamed"))


@router.beforehand("guide")
def written(turn: Turn, event: Event, heard: Heard) -> bool:
    """What a guide writes after 改一改 takes the draft's place, and is shown once more before it is sent."""
    typed = getattr(event, "text", None)
    if event.sender is None or not typed or normalize(typed) != heard.said:
        return False
    draft = replies.edited(turn.db, event.sender.external_id, turn.now - drafts.EDIT_LIFE)
    asked = suggesting.newest(turn, draft.open_kfid, draft.external_userid) if draft is not None else None
    if draft is None or asked is None or any(heard.said.startswith(f"{word} ") for word in OURS):
        return False
    if heard.said in turn.texts.render("replies/edit_stop_words").split("|"):
        drafts.change(turn, draft, edit_at=None)
        turn.say(event.sender, "replies/edit_stop")
        drafts.show(turn, draft, asked.person)
    elif size(typed) > EDIT_BYTES:
        turn.say(event.sender, "replies/edit_too_long")
    else:
        drafts.rewrite(turn, draft, asked, typed.strip())
        drafts.show(turn, draft, asked.person, "replies/draft_edited", more=_command(turn, heard))
    return True


OURS = [word for words in router.words_taken if words.audience == "guide" for word in words.words]


def _command(turn: Turn, heard: Heard) -> list[Choice]:
    """Words that begin as a command may have been meant as one."""
    is_one = any(heard.said == word or heard.said.startswith(f"{word} ") for word in heard.known)
    return [Choice(heard.said, turn.texts.render("replies/as_command"))] if is_one else []
