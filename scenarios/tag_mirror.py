"""标签给企业微信看 tag_mirror: what members hold is shown on their contacts in the eyes of every guide who follows
them.

What we ask for is on the common ground (`storage.corp_marks`) before the call is made: seen on a contact meanwhile, it
is known to be ours. How WeCom's own changes come in is in scenarios/tag_intake.py. Play-neutral.
"""

from __future__ import annotations

from typing import Any

from bot.events import ApiAnswered
from bot.turn import Turn
from storage import corp_marks
from storage.corp_marks import ASKED_OFF, ASKED_ON, OFF, ON, Label, Mark, Pair

CALL, LANE = "externalcontact/mark_tag", "tags"
GONE = (ASKED_OFF, OFF)
PARTED = frozenset({84061, 40096})


def align(turn: Turn, ids: list[int]) -> int:
    """Owe WeCom whatever it does not show as members hold it; how many calls that takes."""
    pairs = corp_marks.links(turn.db, ids)
    if not pairs:
        return 0
    wanted = corp_marks.wanted(turn.db, ids, turn.now)
    ground = corp_marks.known(turn.db, [pair[0] for _, pair in pairs])
    return sum(_owe(turn, one, pair, wanted.get(one, set()), ground.get(pair, {})) for one, pair in pairs)


def _owe(turn: Turn, member_id: int, pair: Pair, wanted: set[Label], marks: dict[Label, Mark]) -> bool:
    """One call for one pair, if it needs one."""
    add = sorted(label for label in wanted if label not in marks or marks[label].state in GONE)
    off = sorted(label for label, mark in marks.items() if label not in wanted and mark.state not in GONE)
    if not add and not off:
        return False
    for labels, state in ((add, ASKED_ON), (off, ASKED_OFF)):
        for label in labels:
            corp_marks.set_state(turn.db, pair, label, state, turn.now, there=label in marks)
    external_userid, userid = pair
    payload: dict[str, Any] = {"userid": userid, "external_userid": external_userid}
    payload |= {key: [list(one) for one in labels] for key, labels in (("add", add), ("remove", off)) if labels}
    turn.owe(CALL, payload, lane=LANE, subject=subject(pair), member_id=member_id, answers=True)
    return True


def subject(pair: Pair) -> str:
    """Calls of one pair are made in their order."""
    return f"pair:{pair[1]}:{pair[0]}"


def marked(turn: Turn, event: ApiAnswered) -> None:
    """A call of ours was made, or was not: the ground says so. What failed is asked for again by the comparison."""
    if "add" not in event.request and "remove" not in event.request:
        return  # asked for before there was a ground
    pair = event.request["external_userid"], event.request["userid"]
    if not event.ok and event.errcode in PARTED:
        corp_marks.part(turn.db, pair)
        return
    for label in _labels(event.request.get("add")):
        if event.ok:
            corp_marks.move(turn.db, pair, label, ASKED_ON, ON, turn.now)
        else:
            corp_marks.drop(turn.db, pair, label, ASKED_ON)
    for label in _labels(event.request.get("remove")):
        if event.ok:
            corp_marks.move(turn.db, pair, label, ASKED_OFF, OFF, turn.now)
        else:
            corp_marks.move(turn.db, pair, label, ASKED_OFF, ON, turn.now)


def _labels(given: list[list[str]] | None) -> list[Label]:
    return [(one[0], one[1]) for one in given or []]
