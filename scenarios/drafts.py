"""草稿 drafts: an answer that a guide reads before the member does: sent, written anew, or left; never sent when the
talk has moved on or its facts are others now. Steps of the play replies; itself no play."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot import reach
from bot.events import Address
from bot.hours import back_at
from bot.kf_menu import Choice
from bot.sizes import whole
from bot.texts import yuan
from bot.turn import STAFF, Retry, Turn
from scenarios import answers, suggesting
from scenarios.answers import Answer, Fact
from scenarios.suggesting import Asked
from storage import follows, replies, shop, staff
from storage.members import Person
from storage.tables import Conversation, Draft

WAITS = "reply_waits"  # the timers of a question that waits for a guide
EDIT_LIFE = timedelta(minutes=10)
NOTED_EVERY = timedelta(minutes=30)
NAME, QUESTION, REPLY, WHOLE = 8, 20, 110, 158  # characters that a card shows
SEND_WORD, EDIT_WORD, DROP_WORD = "replies/send_word", "replies/edit_word", "replies/drop_word"

MADE_BY = {
    "template": "replies/made_by_template",
    "knowledge": "replies/made_by_knowledge",
    "model": "replies/made_by_model",
    "guide": "replies/made_by_guide",
    "nobody": "replies/made_by_nobody",
}


def reader(turn: Turn, asked: Asked) -> str | None:
    """Which guide reads an answer first; None when nobody does now."""
    if back_at(turn.now, turn.hours) is not None:
        return None
    guide = follows.guide_of(turn.db, asked.person.id)
    known = staff.find(turn.db, guide) if guide is not None else None
    return None if known is not None and known.status != staff.ACTIVE else guide


# -- suggesting -----------------------------------------------------------------------------------------------------


def offer(turn: Turn, asked: Asked, found: Answer | None, guide: str, remind: int, over: int) -> Draft:
    """Show a guide what could be said; the question waits for them, and not for ever."""
    there = asked.there
    if turn.now - there.noted_at >= NOTED_EVERY:
        replies.change(turn.db, there, noted_at=turn.now)
        turn.say(asked.sender, "replies/passed_on")
    replies.change(turn.db, there, waits="guide", misses=0)
    where = {"open_kfid": there.open_kfid, "external_userid": there.external_userid, "asked_seq": there.asked_seq}
    for step, minutes in (("remind", remind), ("over", over)):
        key = f"{WAITS}:{there.open_kfid}:{there.external_userid}:{there.asked_seq}:{step}"
        turn.at(turn.since(minutes * 60), WAITS, key, {**where, "step": step})
    draft = made(turn, asked, found, guide)
    show(turn, draft, asked.person)
    return draft


def made(turn: Turn, asked: Asked, found: Answer | None, guide: str) -> Draft:
    """The talk's new draft; an older one is over."""
    there = asked.there
    close(turn, there, "stale", "newer")
    turn.route.append(f"replies:{found.intent if found else 'other'}:draft")
    return replies.drafts.add(turn.db, Draft(
        id=turn.ids.next(), open_kfid=there.open_kfid, external_userid=there.external_userid, userid=guide,
        seq=there.seq, rev=1, question=there.question, intent=found.intent if found else "other",
        reply=found.text if found else "", basis=json.dumps([*found.basis] if found else [], ensure_ascii=False),
        cites=json.dumps([*found.cites] if found else [], ensure_ascii=False),
        made_by=found.made_by if found else "nobody", status="open", why="", edit_at=None, made_at=turn.now,
        closed_at=None, closed_by="", sent_row=None,
    ))  # fmt: skip


def anew(turn: Turn, asked: Asked, guide: str) -> Draft:
    """What could be said to the question as everything stands now."""
    return made(turn, asked, suggesting.found(turn, asked), guide)


def show(turn: Turn, draft: Draft, person: Person, text: str = "replies/draft", more: Sequence[Choice] = ()) -> None:
    """The card: who asks what, what could be said, where it is from, what can be done."""
    name = person.name or turn.texts.render("common/unnamed")
    source = note(turn, draft)
    if len(draft.question) > QUESTION or len(draft.reply) > REPLY or len(draft.reply) + len(source) > WHOLE:
        turn.say(_to(draft), "replies/draft_whole", name=name, question=draft.question, reply=draft.reply or "…")
    turn.put(
        _to(draft), text, [*choices(turn, draft), *more], name=clipped(name, NAME),
        question=clipped(draft.question, QUESTION), reply=cut(draft.reply, REPLY) or "…", note=source,
    )  # fmt: skip


def choices(turn: Turn, draft: Draft) -> list[Choice]:
    """What can be done with a draft; a button of an older version of it does nothing."""
    which = f"{draft.id}-{draft.rev}"
    words = [(SEND_WORD, "replies/send"), (EDIT_WORD, "replies/edit"), (DROP_WORD, "replies/drop")]
    shown_ones = words if draft.reply else words[1:]
    render = turn.texts.render
    return [Choice(f"{render(word)} {which}", render(label)) for word, label in shown_ones]


def note(turn: Turn, draft: Draft) -> str:
    """Where the words are from."""
    cites = turn.texts.render("common/comma").join(json.loads(draft.cites))
    made_by = turn.texts.render(MADE_BY[draft.made_by])
    return turn.texts.render("replies/note", made_by=made_by, cites=clipped(cites, 30)) if cites else made_by


def clipped(text: str, chars: int) -> str:
    """So many characters of a text on one line, with … when something was cut."""
    return cut(" ".join(text.split()), chars)


def cut(text: str, chars: int) -> str:
    """So many characters of a text, with … when something was cut."""
    return text if len(text) <= chars else text[: whole(text, chars - 1)] + "…"


def _to(draft: Draft) -> Address:
    return Address(STAFF, draft.userid)


# -- whether it may still be sent -----------------------------------------------------------------------------------

Reason = tuple[str, dict[str, object]]


def why_not(turn: Turn, draft: Draft, asked: Asked, stale_minutes: int) -> Reason | None:
    """Why a draft may not be sent any more: a text with its values; None when it may."""
    if asked.talk.with_people(turn.now):
        return "replies/stale_people", {}
    if draft.seq != asked.there.seq or asked.there.waits != "guide":
        return "replies/stale_moved", {}
    if turn.now - draft.made_at > timedelta(minutes=stale_minutes):
        return "replies/stale_old", {"minutes": stale_minutes}
    changed = answers.changed(turn, asked.person, [Fact(*fact) for fact in json.loads(draft.basis)])
    return _changed(turn, changed) if changed else None


def _changed(turn: Turn, fact: Fact) -> Reason:
    """What a fact is now."""
    product = shop.products.one(turn.db, sku=fact.of) if fact.kind in ("price", "stock") else None
    if product is None or not fact.value or fact.kind != "price":
        return "replies/stale_stock" if product else "replies/stale_facts", {"title": product.title} if product else {}
    return "replies/stale_price", {"title": product.title, "price": yuan(product.price_fen)}


def send(turn: Turn, draft: Draft, asked: Asked, by: str) -> bool:
    """The member reads it, once; False when their window is shut, and then nobody does."""
    row = reach.by_kf(turn, asked.person.id, draft.reply, None, reach.ANSWERS, here=draft.open_kfid)
    status, why = ("sent", "") if row else ("stale", "window")
    if not replies.close(turn.db, draft, status, by, why, turn.now, row or None):
        raise Retry(f"draft {draft.id} was settled meanwhile")
    replies.change(turn.db, asked.there, waits="")
    turn.audit(by, f"reply.{status}", f"draft:{draft.id}", made_by=draft.made_by, rev=draft.rev, row=row)
    return bool(row)


def settle(turn: Turn, draft: Draft, status: str, by: str) -> None:
    """A guide decided, or time did."""
    if not replies.close(turn.db, draft, status, by, "", turn.now):
        raise Retry(f"draft {draft.id} was settled meanwhile")


def change(turn: Turn, draft: Draft, **values: Any) -> None:
    """Change an open draft."""
    if not replies.change_draft(turn.db, draft, **values):
        raise Retry(f"draft {draft.id} was settled meanwhile")


def rewrite(turn: Turn, draft: Draft, asked: Asked, text: str) -> None:
    """A guide's own words, over the facts as they are now."""
    basis = answers.again(turn, asked.person, [Fact(*fact) for fact in json.loads(draft.basis)])
    dumped = json.dumps(basis, ensure_ascii=False)
    change(turn, draft, reply=text, made_by="guide", rev=draft.rev + 1, edit_at=None, basis=dumped, cites="[]",
           made_at=turn.now)  # fmt: skip


def close(turn: Turn, there: Conversation, status: str, why: str) -> None:
    """Whatever a guide looks at of this talk is over."""
    draft = replies.open_draft(turn.db, there.open_kfid, there.external_userid)
    if draft is not None and not replies.close(turn.db, draft, status, "", why, turn.now):
        raise Retry(f"draft {draft.id} was settled meanwhile")
