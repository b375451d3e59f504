"""会员生日 birthdays: told once by the member, corrected by their guide; the year's birthday gifts hang on it.

A member who could change it would have a birthday whenever a gift is due. A gift of the year is claimed by its year, so
a corrected birthday brings no second one.
"""

from __future__ import annotations

from bot.birthdays import FORM, MOON, YEAR, Unread, read
from bot.events import Event
from bot.router import Router
from bot.turn import Turn
from scenarios import finding
from scenarios.portrait import birthday
from storage import profiles
from storage.members import Person
from storage.profiles import Born

router = Router("birthdays")

UNREAD = {FORM: "birthdays/unread", YEAR: "birthdays/no_year", MOON: "birthdays/no_moon"}


@router.words("我的生日", arg="日期", bare=True, menu=False)
def mine(turn: Turn, event: Event, typed: str) -> None:
    """A member tells their birthday, once; without one they are told what is known."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    known = profiles.born(turn.db, person.id)
    if known is not None:
        turn.say(event.sender, "birthdays/known", day=birthday(turn, known))
    elif not typed:
        turn.say(event.sender, "birthdays/ask")
    elif (said := _read(turn, event, typed, "member")) is not None:
        profiles.be_born(turn.db, person.id, said, turn.now)
        turn.say(event.sender, "birthdays/kept", day=birthday(turn, said))


@router.words("生日", "改生日", audience="guide", arg="谁 日期", may="member.note", menu=False)
def of_member(turn: Turn, event: Event, typed: str) -> None:
    """A guide writes a member's birthday down, or corrects it; without a date they are told what is known."""
    assert event.sender is not None
    who, day = finding.parted(" ".join(typed.split()))
    person = finding.member(turn, event, who, lambda ref: router.word(of_member, f"{ref} {day}".strip()))
    if person is None:
        return
    if not day:
        name, ref, known = finding.called(turn, person), f"#{person.id}", profiles.born(turn.db, person.id)
        if known is None:
            turn.say(event.sender, "birthdays/nobody_knows", name=name, ref=ref)
        else:
            turn.say(event.sender, "birthdays/of_member", name=name, ref=ref, day=birthday(turn, known))
    elif (said := _read(turn, event, day, event.sender.external_id)) is not None:
        _write(turn, event.sender.external_id, person, said)
        turn.say(event.sender, "birthdays/written", name=finding.called(turn, person), day=birthday(turn, said))


def _write(turn: Turn, userid: str, person: Person, said: Born) -> None:
    before = profiles.born(turn.db, person.id)
    profiles.be_born(turn.db, person.id, said, turn.now)
    was = before.day if before else ""
    turn.audit(userid, "member.birthday", f"member:{person.id}", was=was, day=said.day)


def _read(turn: Turn, event: Event, typed: str, source: str) -> Born | None:
    assert event.sender is not None
    try:
        return Born(*read(typed, turn.now), source)
    except Unread as error:
        turn.say(event.sender, UNREAD[str(error)])
        return None
