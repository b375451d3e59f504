"""邀请码: a member's personal code and the QR code that carries it. Without a QR code, the code alone works.

Whoever gives out codes of a kind (a `Book`) uses this for its ways: referrals their invite codes, distribution its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from bot.events import ApiAnswered
from bot.ids import code, read_code
from bot.turn import Turn
from storage import contact_ways, follows, oneid, outbox, referrals
from storage.members import Person
from storage.rows import Rows
from storage.tables import ReferralCode

STATE = "ref:"
ADD_WAY = "externalcontact/add_contact_way"
ONE_PERSON, SEVERAL, QR_CODE = 1, 2, 2
PATIENCE = timedelta(days=1)  # what WeCom refused is asked for again after so long


class Coded(Protocol):
    """Whoever has a code: a row with a member, the code, and its contact way, empty until WeCom made it."""

    member_id: int
    code: str
    config_id: str
    qr_code: str
    made_at: datetime


class Book(NamedTuple):
    """Codes of one kind: what a way's state begins with (with the code, 13 of WeCom's 30 bytes), and the rows."""

    state: str
    rows: Rows[Any]


REFERRALS = Book(STATE, referrals.codes)


def own(turn: Turn, person: Person) -> ReferralCode:
    """A member's code, made when there is none."""
    known = referrals.codes.one(turn.db, member_id=person.id)
    if known is not None:
        return known
    fresh = ReferralCode(member_id=person.id, code=code(turn.chance, 8), config_id="", qr_code="",
                         made_at=turn.now - PATIENCE)  # fmt: skip
    return referrals.codes.add(turn.db, fresh)


def owner(turn: Turn, typed: str) -> Person | None:
    """Whose code somebody typed; the person of today, whatever was merged."""
    known = referrals.codes.one(turn.db, code=read_code(typed))
    return oneid.current(turn.db, known.member_id) if known else None


def ask_for_way(
    turn: Turn, mine: Coded, guides: Sequence[str], *, skip_verify: bool, book: Book = REFERRALS
) -> None:  # fmt: skip
    """Owe the QR code that leads to `guides`, or to whoever follows the member; once, and again after a day."""
    seen = None if mine.config_id else contact_ways.of_state(turn.db, f"{book.state}{mine.code}")
    if seen is not None:  # made by a try whose answer never came, found by the nightly comparison
        mine.config_id, mine.qr_code = seen
        book.rows.change(turn.db, {"config_id": seen[0], "qr_code": seen[1]}, member_id=mine.member_id)
    guide = follows.guide_of(turn.db, mine.member_id)
    users = list(guides) or ([guide] if guide else [])
    subject = f"way:{mine.code}"
    if mine.config_id or not users or mine.made_at > turn.now - PATIENCE or outbox.is_open(turn.db, subject):
        return
    book.rows.change(turn.db, {"made_at": turn.now}, member_id=mine.member_id)
    payload = {"type": ONE_PERSON if len(users) == 1 else SEVERAL, "scene": QR_CODE,
               "state": f"{book.state}{mine.code}", "remark": mine.code, "user": users,
               "skip_verify": skip_verify}  # fmt: skip
    turn.owe(ADD_WAY, payload, subject=subject, member_id=mine.member_id, answers=True,
             expires_at=turn.now + PATIENCE)  # fmt: skip


def way_answered(turn: Turn, event: ApiAnswered, book: Book = REFERRALS) -> tuple[int, str] | None:
    """The QR code is there, or will not be: (whose, where it is), None when it is nobody's of this book. Losing its
    config_id would mean that it can never be changed."""
    state = str(event.request["state"])
    if not state.startswith(book.state):
        return None
    config_id, qr_code = str(event.answer.get("config_id") or ""), str(event.answer.get("qr_code") or "")
    if not event.ok or not config_id:
        turn.audit("rule:referral", "referral.no_way", state, errcode=event.errcode)
        return None
    users = json.dumps(event.request["user"])
    contact_ways.keep(turn.db, config_id, state, str(event.request["remark"]), users, qr_code, turn.now)
    mine = book.rows.one(turn.db, code=state.removeprefix(book.state))
    made = {"config_id": config_id, "qr_code": qr_code}
    if mine is None or not book.rows.change(turn.db, made, member_id=mine.member_id, config_id=""):
        return None
    person = oneid.current(turn.db, mine.member_id)
    return (person.id, qr_code) if person is not None else None
