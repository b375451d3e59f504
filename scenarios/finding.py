"""找人 finding: which member a guide means, of those whom they may see: by name, own remark, phone tail or whole phone.

Play-neutral: a step that wants a member says what it would be called again with once one is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.clock import ZONE
from bot.events import Event
from bot.kf_menu import Choice
from bot.router import normalize
from bot.sizes import CHARS, whole
from bot.turn import Turn
from scenarios import spoken
from scenarios.sight import sees
from storage import finding, follows, members, names, oneid, shop, staff
from storage.finding import Hit
from storage.members import Person

MOST = 6  # choices shown: as many as a card has buttons
NEAR = 3
LONGEST_NAME = 16
_REF = re.compile(r"#(\d{1,18})")
_PHONE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_MASKED = re.compile(r"1\d{2}[*x]{2,8}(?=\d{4}$)")  # 138****8000
_TAIL = re.compile(r"\D{0,6}?(\d{4,10})")  # 8000, 尾号8000

Words = Callable[[str], str]


@dataclass(frozen=True)
class Sought:
    """What was typed of a member: `ref` their id, `phone` eleven digits, `tail` four, `name` the rest."""

    name: str = ""
    tail: str = ""
    phone: str = ""
    ref: int = 0


def read(typed: str) -> Sought:
    """What a guide typed, such as `王女士`, `尾号8000`, `王女士 8000`, `13800138000`, `#12`."""
    said = normalize(typed)
    if match := _REF.fullmatch(said):
        return Sought(ref=int(match[1]))
    words, tail = [], ""
    for typed_word in said.split():
        word = _MASKED.sub("", typed_word)
        if match := _PHONE.fullmatch(word.replace("-", "")):
            return Sought(phone=match[1])
        found = _TAIL.fullmatch(word)
        if found and spoken.TAIL.fullmatch(word[: found.start(1)]) and not tail:
            tail = found[1][-4:]
        elif not spoken.TAIL.fullmatch(word):
            words.append(word)
    return Sought(name=" ".join(words), tail=tail)


def parted(typed: str) -> tuple[str, str]:
    """Who is meant, and what is said of them: the first word, with a phone's tail after a name or after 尾号."""
    first, _, rest = typed.partition(" ")
    second, _, more = rest.partition(" ")
    name_first = bool(read(first).name) or not read(first).tail
    if more and name_first and not read(first).ref and read(second).tail and not read(second).name:
        return f"{first} {second}", more
    return first, rest


def sight(turn: Turn) -> list[str] | None:
    """The userids whose members the speaker may see with the running word's permission; None = everybody's."""
    if turn.staff is None:
        return []
    if turn.scope == "all":
        return None
    if turn.scope == "store" and turn.staff.store_id:
        colleagues = staff.rows.all(turn.db, order="userid", store_id=turn.staff.store_id)
        return sorted({turn.staff.userid, *(one.userid for one in colleagues)})
    return [turn.staff.userid]


def member(turn: Turn, event: Event, who: str, again: Words) -> Person | None:
    """The member who is meant. None: the guide was asked which one, or told that there is none; `again(ref)` is what a
    choice says."""
    assert event.sender is not None
    sought = read(who)
    if sought.ref or sought.phone:
        return _known(turn, event, sought)
    hits = _hits(turn, sought)
    if len(hits) == 1:
        return members.find(turn.db, hits[0].member_id)
    if hits:
        _ask_which(turn, event, who, hits, again)
    else:
        _say_nobody(turn, event, who, sought, again)
    return None


def _known(turn: Turn, event: Event, sought: Sought) -> Person | None:
    """By id or by a whole phone: there is one or none."""
    assert event.sender is not None
    if sought.phone:
        key = ("phone", members.phone_hash(sought.phone))
        person = members.of(turn.db, [key]).get(key)
        if person is None or not sees(turn, person.id):
            turn.say(event.sender, "finding/no_phone")
            return None
        names.learn_tail(turn.db, person.id, sought.phone[-4:], "typed", turn.now)  # the hash proves it
        return person
    person = oneid.current(turn.db, sought.ref)
    if person is None or not sees(turn, person.id):
        turn.say(event.sender, "finding/not_yours")
        return None
    return person


def _hits(turn: Turn, sought: Sought) -> list[Hit]:
    """Up to one more than can be shown."""
    assert turn.staff is not None
    among = sight(turn)
    by_tail: list[int] = []
    if sought.tail:
        most = 200 if sought.name else MOST + 1
        by_tail = finding.by_tail(turn.db, sought.tail, among, most)
        if not sought.name:
            return [_hit(turn, member_id) for member_id in by_tail]
    most = 200 if sought.tail else MOST + 1
    found = finding.by_name(turn.db, sought.name, turn.staff.userid, among, most)
    return [hit for hit in found if not sought.tail or hit.member_id in by_tail]


def _hit(turn: Turn, member_id: int) -> Hit:
    person = members.find(turn.db, member_id)
    return Hit(member_id, person.name if person else "")


def _ask_which(turn: Turn, event: Event, who: str, hits: Sequence[Hit], again: Words) -> None:
    assert event.sender is not None
    choices = [choice(turn, hit, again) for hit in hits[:MOST]]
    text = "finding/which" if len(hits) <= MOST else "finding/which_more"
    turn.ask(event.sender, text, choices, who=clipped(who), count=len(choices))


def choice(turn: Turn, hit: Hit, again: Words) -> Choice:
    """A member to choose: the name a guide knows them by, the phone's tail, when they last bought."""
    name = shown_name(turn, hit.name, hit.remark)
    tails = names.tails(turn.db, hit.member_id)
    label = turn.texts.render("finding/label", name=name, about=about(turn, hit.member_id, tails))
    room = CHARS["card_button"] - (5 if tails else 0)
    short = f"{name[: whole(name, min(room, len(name)))]} {tails[0] if tails else ''}".strip()
    return Choice(again(f"#{hit.member_id}"), label, short)


def about(turn: Turn, member_id: int, tails: Sequence[str]) -> str:
    """What tells people of one name apart."""
    known = [turn.texts.render("finding/tail", tail=tails[0])] if tails else []
    orders = shop.orders.all(turn.db, order="-id", limit=1, member_id=member_id)
    if orders:
        day = f"{orders[0].paid_at.astimezone(ZONE):%Y-%m-%d}"
        known.append(turn.texts.render("finding/bought", day=day))
    else:
        known.append(turn.texts.render("finding/not_bought"))
    return turn.texts.render("common/comma").join(known)


def shown_name(turn: Turn, name: str, remark: str = "") -> str:
    """How a guide knows a member: by their own remark, else by the name; never so long that a line breaks."""
    return clipped(remark or name) or turn.texts.render("common/unnamed")


def called(turn: Turn, person: Person, userid: str = "") -> str:
    """How the speaker, or another guide (`userid`), knows a member."""
    who = userid or (turn.staff.userid if turn.staff else "")
    mine = [
        link
        for channel, external_userid in members.identities(turn.db, person.id)
        if channel == "wecom" and who and (link := follows.find(turn.db, external_userid, who)) is not None
    ]  # fmt: skip
    return shown_name(turn, person.name, next((link.remark for link in mine if link.remark), ""))


def clipped(text: str) -> str:
    """A name or what was typed, on one line and short."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_NAME else line[: whole(line, LONGEST_NAME)] + "…"


def _say_nobody(turn: Turn, event: Event, who: str, sought: Sought, again: Words) -> None:
    assert event.sender is not None
    assert turn.staff is not None
    among = sight(turn)
    if sought.tail and not sought.name:
        turn.say(event.sender, "finding/no_tail", tail=sought.tail)
        return
    if len(sought.name) == 1 and among != [turn.staff.userid]:
        turn.say(event.sender, "finding/too_short", who=sought.name)
        return
    near = finding.nearest(turn.db, sought.name, turn.staff.userid, among, NEAR)
    if near:
        choices = [choice(turn, hit, again) for hit in near]
        turn.ask(event.sender, "finding/nearest", choices, who=clipped(who))
    else:
        turn.say(event.sender, "finding/nobody", who=clipped(who))
