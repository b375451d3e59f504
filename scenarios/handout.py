"""导购发券 handout: guides give members coupons within a daily allowance, after a yes.

A question is a row: its second yes shows what the first one gave. Beyond the allowance a second person is asked.
"""

from __future__ import annotations

from datetime import timedelta

from bot.clock import local_day, shown, till
from bot.events import Event
from bot.kf_menu import Choice
from bot.router import normalize
from bot.texts import yuan
from bot.turn import Turn
from scenarios import finding, handout_asking, vouchers
from scenarios.handout_asking import decline, offer_to_ask, say_waiting, undecided
from scenarios.handout_giving import (
    REFUSED,
    Rules,
    give,
    left,
    named,
    router,
    say_done,
    tell,
    template_of,
    templates,
    worth,
)
from storage import handouts
from storage.members import Person
from storage.tables import CouponTemplate, Handout

__all__ = ["Rules", "router"]

SHOWN = 20


@router.words("发券", "发", audience="guide", arg="谁 券名", may="coupon.issue", of_member=True)
def offer(turn: Turn, event: Event, typed: str) -> None:
    """`发券 王女士 满200减50券`; without a coupon, see which there are."""
    who, wanted = finding.parted(typed)
    person = finding.member(turn, event, who, lambda ref: router.word(offer, f"{ref} {wanted}".strip()))
    if person is None:
        return
    there = templates(turn)
    meant = [one for one in there if wanted in (f"#{one.id}", normalize(one.name))]
    meant = meant or [one for one in there if wanted and wanted in normalize(one.name)]
    if len(meant) == 1 and wanted:
        _ask(turn, event, person, meant[0])
    else:
        _choose(turn, event, person, wanted, meant or there)


def _choose(turn: Turn, event: Event, person: Person, wanted: str, there: list[CouponTemplate]) -> None:
    assert event.sender is not None
    if not there:
        turn.say(event.sender, "handout/none")
        return
    choices = [
        Choice(router.word(offer, f"#{person.id} #{one.id}"), _label(turn, one), one.name[:10])
        for one in there[:SHOWN]
    ]  # fmt: skip
    if wanted:
        turn.ask(event.sender, "handout/unknown", choices, typed=finding.clipped(wanted))
        return
    count, fen = left(turn, event.sender.external_id)
    name = finding.called(turn, person)
    turn.ask(event.sender, "handout/choose", choices, name=name, left=count, left_fen=yuan(fen))


def _label(turn: Turn, template: CouponTemplate) -> str:
    costs = worth(turn, template)
    if not template.stock:
        return turn.texts.render("handout/template_free", template=template.name, worth=costs)
    there = handouts.left(turn.db, f"coupon:{template.id}", template.stock)
    return turn.texts.render("handout/template", template=template.name, worth=costs, left=there)


def _ask(turn: Turn, event: Event, person: Person, template: CouponTemplate) -> None:
    """Once more before it happens: whom, what, what it may cost; or who could agree to what is beyond the allowance."""
    assert event.sender is not None
    userid = event.sender.external_id
    until = turn.now + timedelta(minutes=turn.using(Rules).confirm_minutes)
    row = handouts.rows.add(turn.db, Handout(
        id=turn.ids.next(), userid=userid, member_id=person.id, template_id=template.id,
        fen=template.liability_fen, status="asked", coupon_id=None, day=local_day(turn.now), made_at=turn.now,
        until=until, done_at=None, charged_to=userid,
    ))  # fmt: skip
    if short := handout_asking.short(turn, userid, template):
        offer_to_ask(turn, event.sender, row, template, short)
        return
    choices = [
        Choice(router.word(confirm, f"#{row.id}"), turn.texts.render("handout/yes")),
        Choice(router.word(decline, f"#{row.id}"), turn.texts.render("handout/no")),
    ]
    count, fen = left(turn, userid)
    turn.ask(
        event.sender, "handout/sure", choices, name=finding.called(turn, person), template=template.name,
        worth=worth(turn, template), until=till(vouchers.expiry(template, turn.now), turn.now), left=count - 1,
        left_fen=yuan(fen - template.liability_fen), within=shown(until),
    )  # fmt: skip


@router.words("确认发券", audience="guide", arg="序号", may="coupon.issue", menu=False)
def confirm(turn: Turn, event: Event, typed: str) -> None:
    """The yes: the coupon is given, once."""
    assert event.sender is not None
    found = undecided(turn, event, typed)
    if found is None:
        return
    row, person = found
    if row.status == "waiting":
        say_waiting(turn, event.sender, row, person)
    elif row.status != "asked" or row.until <= turn.now:
        turn.say(event.sender, "handout/nothing_asked")
    else:
        _give(turn, event, row, person)


def _give(turn: Turn, event: Event, row: Handout, person: Person) -> None:
    assert event.sender is not None
    assert turn.staff is not None
    template = template_of(turn, row)
    if template is None:
        turn.say(event.sender, "handout/gone")
        return
    short = handout_asking.short(turn, row.userid, template)
    got = short or give(turn, row, person, template, row.userid)
    if isinstance(got, str):
        if got in REFUSED:
            turn.say(event.sender, REFUSED[got], **named(turn, person, got))
        else:
            offer_to_ask(turn, event.sender, row, template, got)
        return
    tell(turn, row, person, got, turn.staff.name or turn.staff.userid)
    say_done(turn, event.sender, row, person)
