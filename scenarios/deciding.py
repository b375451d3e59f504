"""定稿 deciding: which draft a guide means, whether it is theirs, and what they hear when it cannot be sent any more.
Steps of the play replies; itself no play."""

from __future__ import annotations

from bot.clock import shown
from bot.events import Event
from bot.turn import Turn
from scenarios import drafts, sight
from scenarios.drafts import Reason
from scenarios.suggesting import Asked, newest
from storage import replies
from storage.tables import Draft


def mine(turn: Turn, event: Event, which: str) -> tuple[Draft, Asked] | None:
    """The open draft that a guide means, with its question; else they hear why not."""
    assert event.sender is not None
    number, _, rev = which.partition("-")
    draft = replies.drafts.one(turn.db, id=int(number)) if number.isdigit() and len(number) < 19 else None
    asked = newest(turn, draft.open_kfid, draft.external_userid) if draft is not None else None
    if draft is None or asked is None:
        turn.say(event.sender, "replies/unknown_draft", which=which)
    elif not _reaches(turn, draft, asked):
        turn.say(event.sender, "replies/not_yours")
    elif draft.status != "open" or rev not in ("", str(draft.rev)):
        _over(turn, event, draft, asked)
    else:
        return draft, asked
    return None


def _reaches(turn: Turn, draft: Draft, asked: Asked) -> bool:
    """Whether a draft is the speaker's to decide: shown to them, or of a member they may see."""
    mine = turn.staff is not None and draft.userid == turn.staff.userid
    return mine or sight.sees(turn, asked.person.id)


def _over(turn: Turn, event: Event, draft: Draft, asked: Asked) -> None:
    """A draft that was decided before, or whose words are others now; what there is instead."""
    assert event.sender is not None
    if draft.status == "sent" and draft.closed_at is not None:
        turn.say(event.sender, "replies/sent_before", by=draft.closed_by, at=shown(draft.closed_at))
        return
    if draft.status != "open":
        why = WHY.get(draft.why) or WHY[draft.status]
        turn.say(event.sender, "replies/closed_before", why=turn.texts.render(why))
    _show_newest(turn, asked, event.sender.external_id)


WHY = {
    "dismissed": "replies/why_dismissed",
    "handed": "replies/why_handed",
    "stale": "replies/why_stale",
    "window": "replies/why_window",
}


def stale(turn: Turn, event: Event, draft: Draft, asked: Asked, reason: Reason) -> None:
    """Say why nothing was sent; what there is now."""
    assert event.sender is not None
    text, values = reason
    turn.stamp = turn.texts.render("replies/stamp_stale")
    named = {"name": asked.person.name or turn.texts.render("common/unnamed")}
    needed = turn.texts.placeholders(text)
    turn.say(event.sender, text, **{key: value for key, value in {**named, **values}.items() if key in needed})
    if draft.made_by == "guide":
        turn.say(event.sender, "replies/your_words", reply=draft.reply)
    drafts.settle(turn, draft, "stale", event.sender.external_id)
    if asked.there.waits == "guide":
        drafts.anew(turn, asked, event.sender.external_id)
    _show_newest(turn, asked, event.sender.external_id)


def _show_newest(turn: Turn, asked: Asked, userid: str) -> None:
    """Whatever waits for a guide in this talk now."""
    draft = replies.open_draft(turn.db, asked.there.open_kfid, asked.there.external_userid)
    if draft is not None and draft.userid == userid:
        drafts.show(turn, draft, asked.person, "replies/draft_newest")
