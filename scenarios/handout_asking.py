"""请店长批 asking: a coupon beyond what somebody may give alone waits for a second person.

Who agrees pays for it from their own allowance. It is given once, or not at all; whoever asked hears either way.
"""

from __future__ import annotations

from datetime import timedelta

from bot.clock import shown, till
from bot.events import Address, Event
from bot.kf_menu import Choice
from bot.own_events import ApprovalDecided
from bot.texts import yuan
from bot.turn import STAFF, Turn
from scenarios import finding, second_person
from scenarios.handout_giving import (
    GUIDE,
    REFUSED,
    Rules,
    give,
    left,
    limits,
    named,
    router,
    say_done,
    tell,
    template_of,
    worth,
)
from scenarios.sight import sees
from storage import approvals, coupons, handouts, oneid, staff
from storage.coupons import Voucher
from storage.members import Person
from storage.tables import CouponTemplate, Handout, Staff

KIND = "coupon"  # what the second person's decision is told with
MAY = "coupon.approve"
MANAGER, ADMIN = "manager", "admin"


def short(turn: Turn, userid: str, template: CouponTemplate) -> str:
    """What keeps somebody from giving a coupon alone: `one`, `count`, `fen`; "" when nothing does."""
    count, fen = left(turn, userid)
    if template.liability_fen > limits(turn).one_fen:
        return "one"
    return "count" if count < 1 else "fen" if fen < template.liability_fen else ""


def offer_to_ask(turn: Turn, to: Address, row: Handout, template: CouponTemplate, why: str) -> None:
    """Beyond the allowance: whom to ask, and the word for it."""
    most, who = limits(turn), _approvers(turn)
    choices = [
        Choice(router.word(ask_second, f"#{row.id}"), turn.texts.render("handout/ask")),
        Choice(router.word(decline, f"#{row.id}"), turn.texts.render("handout/no")),
    ]
    ref, fen = f"#{row.member_id} #{template.id}", yuan(template.liability_fen)
    if why == "one":
        turn.ask(to, "handout/over_one", choices, fen=fen, most=yuan(most.one_fen), who=who, ref=ref)
    elif why == "count":
        turn.ask(to, "handout/over_count", choices, count=most.pieces, who=who, ref=ref)
    else:
        left_fen = yuan(left(turn, row.userid)[1])
        turn.ask(to, "handout/over_fen", choices, fen=fen, left_fen=left_fen, who=who, ref=ref)


def _approvers(turn: Turn) -> str:
    """Who may agree: the store's managers for a guide, else admins."""
    assert turn.staff is not None
    found = []
    if turn.staff.role in (GUIDE, MANAGER) and turn.staff.store_id:
        found = staff.rows.all(
            turn.db, order="userid", role=MANAGER, store_id=turn.staff.store_id, status=staff.ACTIVE
        )  # fmt: skip
    names = _others(turn, found) or _others(turn, staff.rows.all(
        turn.db, order="userid", role=ADMIN, status=staff.ACTIVE
    ))  # fmt: skip
    return turn.texts.render("common/comma").join(names) or turn.texts.render("handout/nobody")


def _others(turn: Turn, found: list[Staff]) -> list[str]:
    assert turn.staff is not None
    return [one.name or one.userid for one in found if one.userid != turn.staff.userid][:3]


@router.words("请批发券", audience="guide", arg="序号", may="coupon.issue", menu=False)
def ask_second(turn: Turn, event: Event, typed: str) -> None:
    """Let it wait for a second person; asked again it is the same question."""
    assert event.sender is not None
    found = undecided(turn, event, typed)
    if found is None:
        return
    row, person = found
    if (open_one := _waiting(turn, row)) is not None:
        say_waiting(turn, event.sender, open_one, person)
    elif row.status != "asked" or row.until <= turn.now:
        turn.say(event.sender, "handout/nothing_asked")
    else:
        _wait(turn, event.sender, row, person)


def undecided(turn: Turn, event: Event, typed: str) -> tuple[Handout, Person] | None:
    """The speaker's own question that is meant, and whom it is about; None when nothing is left to decide, which is
    said."""
    assert event.sender is not None
    row = own(turn, event, typed)
    person = oneid.current(turn.db, row.member_id) if row is not None else None
    if row is None or person is None or not sees(turn, person.id):
        turn.say(event.sender, "handout/nothing_asked")
    elif row.status == "done":
        say_done(turn, event.sender, row, person)
    else:
        return row, person
    return None


def own(turn: Turn, event: Event, typed: str) -> Handout | None:
    """The question that is meant, if it was the speaker's own."""
    assert event.sender is not None
    if not typed.startswith("#") or not typed[1:].isdigit() or len(typed) > 19:
        return None
    row = handouts.rows.one(turn.db, id=int(typed[1:]))
    return row if row is not None and row.userid == event.sender.external_id else None


def _waiting(turn: Turn, row: Handout) -> Handout | None:
    """The same coupon for the same member that waits already."""
    there = handouts.rows.all(
        turn.db, userid=row.userid, member_id=row.member_id, template_id=row.template_id, done_at=None, status="waiting"
    )
    return there[0] if there else None


def _wait(turn: Turn, to: Address, row: Handout, person: Person) -> None:
    template = template_of(turn, row)
    if template is None:
        turn.say(to, "handout/gone")
        return
    assert turn.staff is not None
    says = turn.texts.render("handout/says", name=finding.called(turn, person), template=template.name,
                             worth=worth(turn, template))  # fmt: skip
    asked = second_person.ask(
        turn, KIND, f"handout:{row.id}", by=row.userid, may=MAY, says=says, payload={"handout": row.id},
        subject=f"member:{person.id}", member_id=person.id, store_id=turn.staff.store_id,
        good_for=timedelta(hours=turn.using(Rules).approve_hours),
    )  # fmt: skip
    handouts.rows.change(turn.db, {"status": "waiting", "until": asked.expires_at}, id=row.id, status="asked")
    row.until = asked.expires_at
    say_waiting(turn, to, row, person)


def say_waiting(turn: Turn, to: Address, row: Handout, person: Person) -> None:
    """It waits: for whom, and until when."""
    turn.say(to, "handout/waiting", name=finding.called(turn, person), who=_approvers(turn), until=shown(row.until))


@router.words("不发券", audience="guide", arg="序号", may="coupon.issue", menu=False)
def decline(turn: Turn, event: Event, typed: str) -> None:
    """The no: nothing moved."""
    assert event.sender is not None
    row = own(turn, event, typed)
    change = {"status": "declined", "done_at": turn.now}
    if row is not None and handouts.rows.change(turn.db, change, id=row.id, status="asked"):
        turn.say(event.sender, "handout/declined")
    else:
        turn.say(event.sender, "handout/nothing_asked")


@router.on(ApprovalDecided)
def decided(turn: Turn, event: ApprovalDecided) -> None:
    """A second person agreed: the coupon is given, once. They refused, or nobody answered: it is not."""
    row = handouts.rows.one(turn.db, id=event.payload["handout"]) if event.what == KIND else None
    if row is None or row.status != "waiting":
        return
    if not event.approved:
        handouts.rows.change(turn.db, {"status": "declined", "done_at": turn.now}, id=row.id, status="waiting")
        return
    person = oneid.current(turn.db, row.member_id)
    got = _agreed(turn, event, row, person)
    if isinstance(got, str):
        _not_given(turn, event, row, person, got)
        return
    assert person is not None
    tell(turn, row, person, got, second_person.name_of(turn, row.userid), approved_by=event.by)
    turn.say(
        Address(STAFF, row.userid), "handout/done_asked", name=finding.called(turn, person, row.userid),
        template=got.template, code=got.code, until=till(coupons.by_id(turn.db, got.id).expires_at, turn.now),
        by=second_person.name_of(turn, event.by),
    )  # fmt: skip


def _agreed(turn: Turn, event: ApprovalDecided, row: Handout, person: Person | None) -> Voucher | str:
    """The coupon, or why there is none, in words. What was looked at when it was asked is looked at again."""
    maker, template = staff.find(turn.db, row.userid), template_of(turn, row)
    if maker is not None and maker.status != staff.ACTIVE:
        return turn.texts.render("handout/maker_gone", who=maker.name or row.userid)
    if person is None or not sees(turn, person.id, MAY):
        return turn.texts.render("handout/not_theirs")
    if template is None:
        return turn.texts.render("handout/gone")
    got = give(turn, row, person, template, event.by)
    if isinstance(got, str) and got in ("count", "fen"):
        return turn.texts.render("handout/approver_short", by=second_person.name_of(turn, event.by))
    return turn.texts.render(REFUSED[got], **named(turn, person, got)) if isinstance(got, str) else got


def _not_given(turn: Turn, event: ApprovalDecided, row: Handout, person: Person | None, why: str) -> None:
    """Agreed, and yet it could not be: both hear why, and the record says that nothing was done."""
    reason = turn.texts.render("approvals/not_done", why=why)
    approvals.rows.change(turn.db, {"status": approvals.REJECTED, "reason": reason}, id=event.approval_id)
    handouts.rows.change(turn.db, {"status": "declined", "done_at": turn.now}, id=row.id, status="waiting")
    turn.audit(event.by, "coupon.not_handed_out", f"handout:{row.id}", asked_by=row.userid, reason=why)
    name = finding.called(turn, person, row.userid) if person else turn.texts.render("common/unnamed")
    turn.say(Address(STAFF, row.userid), "handout/not_given", name=name, why=why)
    if turn.event.sender is not None and turn.event.sender.channel == STAFF:
        turn.say(turn.event.sender, "handout/not_given", name=name, why=why)
