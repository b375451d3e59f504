"""话术 scripts: a guide asks for what to say, and gets it ready to be forwarded.

What is found stays with staff: scripts never reach members, who are answered from what is for all.
"""

from __future__ import annotations

from bot.events import Event
from bot.kf_menu import Choice
from bot.router import Router
from bot.turn import Turn
from storage import articles, knowledge, questions
from storage.knowledge import Hit

router = Router("knowledge")

SHOWN, LOOKED_AT = 3, 12
NEAR = 0.2  # what is less like the words than this is not worth a look
SCRIPT = "script"
LONGEST_ID = 19


def best(hits: list[Hit]) -> list[Hit]:
    """What fits, scripts before other answers: whoever asks for what to say wants words, not rules."""
    fitting = [hit for hit in hits if hit.enough]
    return sorted(fitting, key=lambda hit: hit.kind != SCRIPT)[:SHOWN]


@router.words("话术", "找话术", audience="guide", arg="关键词", bare=True, may="script.read")
def find(turn: Turn, event: Event, typed: str) -> None:
    """The best three to choose from; the text itself where there is one, or where one was chosen."""
    assert event.sender is not None
    if not typed:
        turn.say(event.sender, "knowledge/how" if articles.any_live(turn.db) else "knowledge/empty")
    elif typed.startswith("#") and typed[1:].isdecimal() and len(typed) <= LONGEST_ID:
        _give(turn, event, knowledge.piece(turn.db, int(typed[1:]), now=turn.now, staff=True))
    else:
        _search(turn, event, typed)


def _search(turn: Turn, event: Event, typed: str) -> None:
    assert event.sender is not None
    hits = knowledge.search(turn.db, typed, LOOKED_AT, now=turn.now, staff=True)
    fitting = best(hits)
    if len(fitting) == 1:
        _give(turn, event, fitting[0])
        return
    if fitting:
        turn.ask(event.sender, "knowledge/found", _choices(turn, fitting), typed=typed)
        return
    questions.note(turn.db, turn.ids, typed, "guide", turn.now)
    near = [hit for hit in hits if hit.score >= NEAR][:SHOWN]
    if near:
        turn.ask(event.sender, "knowledge/near", _choices(turn, near), typed=typed)
    else:
        turn.say(event.sender, "knowledge/none", typed=typed)


def _choices(turn: Turn, hits: list[Hit]) -> list[Choice]:
    kinds = {"faq": "knowledge/kind_faq", "doc": "knowledge/kind_doc"}
    return [
        Choice(
            router.word(find, f"#{hit.chunk_id}"),
            turn.texts.render(kinds[hit.kind], name=hit.name) if hit.kind in kinds else hit.name,
        )
        for hit in hits
    ]


def _give(turn: Turn, event: Event, hit: Hit | None) -> None:
    """The text alone, so that it can be forwarded as it is; what is for staff alone and no script says so first."""
    assert event.sender is not None
    if hit is None:
        turn.say(event.sender, "knowledge/gone")
        return
    if hit.audience == "staff" and hit.kind != SCRIPT:
        turn.say(event.sender, "knowledge/internal", name=hit.name)
    turn.say(event.sender, "knowledge/text", text=hit.text)
