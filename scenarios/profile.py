"""会员画像 profile: a guide finds a member, sees what helps to serve them, and writes down what to remember.

No more than a guide needs: the phone is its last four digits, channels' ids are not shown.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import ZONE
from bot.events import Event
from bot.kf_menu import Choice
from bot.router import Router
from bot.sizes import clip_bytes, plain
from bot.turn import Turn
from scenarios import finding, portrait
from storage import notes
from storage.members import Person
from storage.tables import MemberNote

router = Router("profile")

BUTTONS = 6


class Rules(BaseModel):
    """[scenarios.profile] of config.toml. `notes_shown`: how many notes a profile names; `note_chars`: the longest."""

    model_config = ConfigDict(extra="forbid")

    notes_shown: int = Field(default=3, ge=1, le=10)
    note_chars: int = Field(default=200, ge=20, le=500)


@router.words("查客", "查", "找客户", "找会员", audience="guide", arg="谁", may="member.find")
def find(turn: Turn, event: Event, typed: str) -> None:
    """Find a member by name, own remark, phone tail or phone; the only one is shown at once."""
    person = finding.member(turn, event, typed, lambda ref: router.word(show, ref))
    if person is not None:
        _show(turn, event, person)


@router.words("画像", "档案", audience="guide", arg="谁", may="member.read", menu=False)
def show(turn: Turn, event: Event, typed: str) -> None:
    """A member's profile."""
    person = finding.member(turn, event, typed, lambda ref: router.word(show, ref))
    if person is not None:
        _show(turn, event, person)


def _show(turn: Turn, event: Event, person: Person) -> None:
    assert event.sender is not None
    rules = turn.using(Rules)
    lines = _notes(turn, notes.last(turn.db, person.id, rules.notes_shown), 40)
    choices = [Choice(f"{word} #{person.id}", word) for word in turn.member_words[:BUTTONS]]
    turn.sheet(
        event.sender, "profile/card", portrait.rows(turn, person), choices, name=portrait.title(turn, person),
        notes=lines,
    )  # fmt: skip


def _notes(turn: Turn, found: list[MemberNote], most: int) -> str:
    """Notes, the newest first, one a line."""
    return "\n".join(
        turn.texts.render(
            "profile/note", day=f"{note.made_at.astimezone(ZONE):%m-%d}", by=portrait.staff_name(turn, note.userid),
            text=note.text if len(note.text) <= most else note.text[: most - 1] + "…",
        )
        for note in found
    )  # fmt: skip


@router.words(
    "备注", "记", audience="guide", arg="谁 内容", may="member.note", verbatim=True, of_member=True
)  # fmt: skip
def note(turn: Turn, event: Event, typed: str) -> None:
    """Write a note down about a member; without one, see what is there."""
    assert event.sender is not None
    who, text = finding.parted(" ".join(typed.split()))
    person = finding.member(turn, event, who, lambda ref: router.word(note, f"{ref} {text}".strip()))
    if person is None:
        return
    rules, name = turn.using(Rules), finding.called(turn, person)
    said = plain(text).strip()
    if len(said) > rules.note_chars:
        turn.say(event.sender, "profile/too_long", most=rules.note_chars, length=len(said))
        return
    if said:
        row = notes.add(turn.db, turn.ids, person.id, event.sender.external_id, said, turn.now)
        turn.audit(event.sender.external_id, "member.noted", f"member:{person.id}", note=row.id)
    lines = _notes(turn, notes.last(turn.db, person.id, rules.notes_shown), rules.note_chars)
    lines = clip_bytes(lines or turn.texts.render("profile/no_notes"), 1_600)
    if said:
        turn.say(event.sender, "profile/noted", name=name, notes=lines)
    else:
        turn.say(event.sender, "profile/notes", name=name, notes=lines, ref=f"#{person.id}")
