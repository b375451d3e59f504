"""企业微信改的标签 tag_intake: what guides and admins change in WeCom's client is taken over here.

Which side changed is told by the common ground (`storage.corp_marks`). Who wins: what people put on, people may take
off, here or at WeCom; what a rule holds comes back while the rule stands. WeCom sends no callback for our own calls, so
nothing goes round in circles. Play-neutral.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.events import ApiAnswered
from bot.own_events import MarksSeen
from bot.turn import Turn
from scenarios import tag_mirror, tagged
from storage import corp_marks, member_tags, outbox, tag_groups
from storage.corp_marks import ASKED_OFF, ASKED_ON, OFF, ON, Label, Mark, Pair

BY_PEOPLE = (member_tags.HAND, member_tags.IMPORT, member_tags.CORP)
CORP_TAG = 1  # type of a tag in `externalcontact/get`: 2 is the guide's own, 3 of a rule group
PATIENCE = timedelta(hours=1)

Shown = dict[Pair, set[Label]]


def profiled(turn: Turn, event: ApiAnswered) -> None:
    """A contact was looked at: take over what changed there, show what is missing there."""
    external_userid = event.request["external_userid"]
    if not event.ok:
        if event.errcode in tag_mirror.PARTED:
            _part_others(turn, external_userid, set())
        return
    followers = event.answer.get("follow_user", [])
    shown: Shown = {
        (external_userid, str(one["userid"])): _labels(one["tags"]) for one in followers if "tags" in one
    }  # fmt: skip
    _part_others(turn, external_userid, {str(one["userid"]) for one in followers})
    at = event.answer.get("asked_at")
    take_over(turn, shown, datetime.fromisoformat(at) if at else event.at)


def _labels(tags: list[dict[str, Any]]) -> set[Label]:
    return {(one["group_name"], one["tag_name"]) for one in tags if one.get("type", CORP_TAG) == CORP_TAG}


def _part_others(turn: Turn, external_userid: str, userids: set[str]) -> None:
    """Guides who do not follow the contact any more show nothing on it."""
    for pair in corp_marks.known(turn.db, [external_userid]):
        if pair[1] not in userids:
            corp_marks.part(turn.db, pair)


def compared(turn: Turn, event: MarksSeen) -> None:
    """The nightly comparison: what our calls did not bring about by now is asked for again, the rest as always."""
    shown: Shown = {(one["of"], one["by"]): {(tag[0], tag[1]) for tag in one["tags"]} for one in event.pairs}
    again = _ask_again(turn, shown, event.at)
    taken, owed = take_over(turn, shown, event.at)
    turn.audit("rule:wecom", "tags.reconciled", "tags", pairs=len(shown), taken=taken, owed=owed, again=again)


def _ask_again(turn: Turn, shown: Shown, at: datetime) -> int:
    """Marks asked for long ago by calls that are over, of which WeCom shows nothing."""
    count = 0
    for pair, marks in corp_marks.known(turn.db, [pair[0] for pair in shown]).items():
        lost = [
            label for label, mark in marks.items()
            if mark.at < at - PATIENCE and (mark.state == ASKED_ON) == (label not in shown.get(pair, ()))
            and mark.state in (ASKED_ON, ASKED_OFF)
        ]  # fmt: skip
        if pair not in shown or not lost or outbox.is_open(turn.db, tag_mirror.subject(pair)):
            continue
        for label in lost:
            if marks[label].state == ASKED_ON:
                corp_marks.drop(turn.db, pair, label)
            else:
                corp_marks.move(turn.db, pair, label, ASKED_OFF, ON, turn.now)
            count += 1
    return count


def take_over(turn: Turn, shown: Shown, at: datetime) -> tuple[int, int]:
    """Compare what WeCom showed at a moment with what we know, and bring both sides together: (tags taken over from
    there, calls owed to it). What our own calls changed since that moment is not judged."""
    of = corp_marks.whose(turn.db, [pair[0] for pair in shown])
    ground = corp_marks.known(turn.db, [pair[0] for pair in shown])
    home = tag_groups.kept_home(turn.db)
    on: list[tuple[Pair, Label]] = []
    off: list[tuple[Pair, Label]] = []
    for pair, labels in sorted(shown.items()):
        if pair in of:
            there = {label for label in labels if label[0] not in home}
            more, less = _changes(turn, pair, there, ground.get(pair, {}), at)
            on += [(pair, label) for label in more]
            off += [(pair, label) for label in less]
    taken = [_taken_off(turn, of[pair], label) for pair, label in off]
    taken += [_put_on(turn, of[pair], label, pair[1]) for pair, label in on]
    members = sorted({of[pair] for pair in shown if pair in of})
    return sum(taken), tag_mirror.align(turn, members) if members else 0


def _changes(
    turn: Turn, pair: Pair, shown: set[Label], marks: dict[Label, Mark], at: datetime
) -> tuple[list[Label], list[Label]]:
    """What people put on and took off there; the ground is as it is shown from now on."""
    settled = {label for label, mark in marks.items() if mark.at < at}
    more = sorted(
        label for label in shown if label not in marks or (label in settled and marks[label].state == OFF)
    )  # fmt: skip
    for label in more:
        corp_marks.set_state(turn.db, pair, label, ON, turn.now, there=label in marks)
    for label, mark in marks.items():
        if label in shown and mark.state == ASKED_ON:
            corp_marks.move(turn.db, pair, label, ASKED_ON, ON, turn.now)
        elif label not in shown and label in settled and mark.state != ASKED_ON:
            corp_marks.drop(turn.db, pair, label)
    return more, sorted(label for label in settled - shown if marks[label].state == ON)


def _taken_off(turn: Turn, member_id: int, label: Label) -> bool:
    """A guide took a tag off there: what people put on goes."""
    group, name = label
    gone = [member_tags.remove(turn.db, member_id, group, name, source) for source in BY_PEOPLE]
    if any(gone):
        turn.audit("rule:wecom", "member.untagged", f"member:{member_id}", tag=f"{group}/{name}")
    return any(gone)


def _put_on(turn: Turn, member_id: int, label: Label, userid: str) -> bool:
    """A guide put a tag on there. One that a member has already is no news: it was shown before we knew of it."""
    group, name = label
    if label in member_tags.of_member(turn.db, member_id, turn.now):
        return False
    tagged.put(turn, member_id, group, name, member_tags.CORP, userid)
    turn.audit(
        "rule:wecom", "member.tagged", f"member:{member_id}", put=[f"{group}/{name}"], off=[], until="", by=userid
    )
    return True
