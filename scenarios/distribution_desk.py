"""分销：员工的一侧: the distributors one serves, handing them over, stopping them, what is to be paid out."""

from __future__ import annotations

from bot.clock import shown
from bot.events import Event
from bot.router import Refusal, Router
from bot.texts import yuan
from bot.turn import Turn
from scenarios import distribution_managing, distribution_payouts, finding
from scenarios.distribution_binding import owner
from scenarios.distribution_payouts import MAY as PAY
from scenarios.distribution_payouts import Paid, Returned
from storage import distribution, members, purse
from storage.ledger import COMMISSION
from storage.tables import Distributor, Payout

router = Router("distribution")  # the whole play's: members' words join it in scenarios/distribution.py

SHOWN = 20
READ = "distribution.read"
STATES = {
    "active": "distribution/state_active", "suspended": "distribution/state_suspended",
    "terminated": "distribution/state_terminated",
}  # fmt: skip


def name_of(turn: Turn, member_id: int) -> str:
    """How staff read a member's name."""
    person = members.find(turn.db, member_id)
    return finding.shown_name(turn, person.name if person else "")


@router.words("分销员", audience="guide", arg="谁", bare=True, may=READ)
def promoters(turn: Turn, event: Event, typed: str) -> None:
    """`分销员`: those whom the speaker serves or may see; `分销员 王女士`: one of them."""
    assert event.sender is not None
    if typed:
        row, _ = _meant(turn, event, typed, lambda ref: router.word(promoters, ref))
        if row is not None:
            _show(turn, event, row)
        return
    seen = _seen(turn)
    lines = "\n".join(
        turn.texts.render("distribution/desk_line", name=name_of(turn, row.member_id), code=row.code,
                          state=turn.texts.render(STATES[row.status]),
                          count=distribution.customer_count(turn.db, row.id))
        for row in seen[:SHOWN]
    )  # fmt: skip
    if seen:
        turn.say(event.sender, "distribution/desk", lines=lines, count=len(seen))
    else:
        turn.say(event.sender, "distribution/desk_none")


def _seen(turn: Turn) -> list[Distributor]:
    among = finding.sight(turn)
    if among is None:
        return distribution.distributors.all(turn.db, order="-id", limit=SHOWN + 1)
    found = distribution.distributors.all(turn.db, customer_manager__in=among)
    found += distribution.distributors.all(turn.db, service_manager__in=among)
    return sorted({row.id: row for row in found}.values(), key=lambda row: -row.id)


def _meant(turn: Turn, event: Event, typed: str, again: finding.Words) -> tuple[Distributor | None, str]:
    """(the distributor who is meant, what follows); None when the speaker was told why there is none."""
    assert event.sender is not None
    who, rest = finding.parted(typed)
    row = owner(turn, who)
    if row is None:
        person = finding.member(turn, event, who, lambda ref: again(f"{ref} {rest}".strip()))
        if person is None:
            return None, rest
        row = distribution.of_person(turn.db, person.id)
    if row is None or not distribution_managing.within(turn, row):
        turn.say(event.sender, "distribution/not_yours")
        return None, rest
    return row, rest


def _show(turn: Turn, event: Event, row: Distributor) -> None:
    assert event.sender is not None
    earned, asked = distribution.earned(turn.db, row.id), distribution.asked(turn.db, row.id)
    turn.say(
        event.sender, "distribution/one", name=name_of(turn, row.member_id), code=row.code,
        state=turn.texts.render(STATES[row.status]), customer=row.customer_manager, service=row.service_manager,
        count=distribution.customer_count(turn.db, row.id), pending=yuan(earned.get("pending", 0)),
        held=yuan(purse.held(turn.db, row.member_id, COMMISSION)), asked=yuan(asked.get("requested", 0)),
        paid=yuan(asked.get("paid", 0)), owed=yuan(purse.owed(turn.db, row.member_id, COMMISSION)),
    )  # fmt: skip


@router.words("换客户经理", audience="guide", arg="分销员 员工账号", may=distribution_managing.MAY, menu=False)
def new_customer_manager(turn: Turn, event: Event, typed: str) -> None:
    """`换客户经理 王女士 mei`."""
    _assign(turn, event, typed, "customer", lambda ref: router.word(new_customer_manager, ref))


@router.words("换服务经理", audience="guide", arg="分销员 员工账号", may=distribution_managing.MAY, menu=False)
def new_service_manager(turn: Turn, event: Event, typed: str) -> None:
    """`换服务经理 王女士 mei`."""
    _assign(turn, event, typed, "service", lambda ref: router.word(new_service_manager, ref))


def _assign(turn: Turn, event: Event, typed: str, role: str, again: finding.Words) -> None:
    assert event.sender is not None
    row, rest = _meant(turn, event, typed, again)
    if row is None:
        return
    userid, _, reason = rest.partition(" ")
    if not userid:
        turn.say(event.sender, "distribution/who_then", code=row.code)
        return
    why = distribution_managing.assign(turn, row, role, userid, event.sender.external_id, reason)
    if why:
        turn.say(event.sender, why)
        return
    now = row.customer_manager if role == "customer" else row.service_manager
    turn.say(event.sender, "distribution/handed_over", name=name_of(turn, row.member_id), userid=now)


@router.words("暂停分销", audience="guide", arg="分销员 原因", may=distribution_managing.MAY, menu=False)
def suspend(turn: Turn, event: Event, typed: str) -> None:
    """Nothing new is earned, nothing is paid out, until it is resumed."""
    _step(turn, event, typed, "suspend", lambda ref: router.word(suspend, ref))


@router.words("恢复分销", audience="guide", arg="分销员", may=distribution_managing.MAY, menu=False)
def resume(turn: Turn, event: Event, typed: str) -> None:
    """As before."""
    _step(turn, event, typed, "resume", lambda ref: router.word(resume, ref))


@router.words("终止分销", audience="guide", arg="分销员 原因", may=distribution_managing.MAY, menu=False, confirm=True)
def terminate(turn: Turn, event: Event, typed: str) -> None:
    """For good: the customers are free, what was earned can still be asked for."""
    _step(turn, event, typed, "terminate", lambda ref: router.word(terminate, ref))


def _step(turn: Turn, event: Event, typed: str, step: str, again: finding.Words) -> None:
    assert event.sender is not None
    row, reason = _meant(turn, event, typed, again)
    if row is None:
        return
    if not reason and step != "resume":
        turn.say(event.sender, "distribution/say_why", code=row.code)
        return
    done = distribution_managing.take_step(turn, row, step, event.sender.external_id, reason)
    state = turn.texts.render(STATES[row.status])
    name = name_of(turn, row.member_id)
    if done:
        turn.say(event.sender, "distribution/step_done", name=name, state=state)
    else:
        turn.say(event.sender, "distribution/step_not_done", name=name, state=state)


@router.words("待付佣金", audience="guide", may=PAY)
def open_payouts(turn: Turn, event: Event) -> None:
    """What distributors asked for and nobody paid yet, the oldest first."""
    assert event.sender is not None
    rows = distribution.payouts.all(turn.db, decided_at=None, limit=SHOWN)
    if not rows:
        turn.say(event.sender, "distribution/payouts_none")
        return
    lines = "\n".join(_line(turn, row) for row in rows)
    turn.say(event.sender, "distribution/payouts", lines=lines)


def _line(turn: Turn, row: Payout) -> str:
    name, at = name_of(turn, row.member_id), shown(row.asked_at)
    return turn.texts.render("distribution/payout_line", id=row.id, name=name, fen=yuan(row.amount_fen), at=at)


@router.words("已付佣金", audience="guide", arg="提现号 流水号", may=PAY, menu=False, confirm=True, verbatim=True)
def paid(turn: Turn, event: Event, typed: str) -> None:
    """`已付佣金 12 20261111001`: the money has left by that slip."""
    assert event.sender is not None
    number, _, reference = typed.partition(" ")
    if not _is_number(number) or not 0 < len(reference) <= 64:
        turn.say(event.sender, "distribution/paid_how")
        return
    given = Paid(id=int(number), reference=reference, by=event.sender.external_id)
    answer = distribution_payouts.pay(turn, given)
    if isinstance(answer, Refusal):
        turn.say(event.sender, "distribution/not_done", why=turn.texts.render(answer.text, **answer.values))
    elif answer["status"] == "paid":
        turn.say(event.sender, "distribution/paid_noted", id=answer["id"], fen=yuan(answer["fen"]))
    else:
        turn.say(event.sender, "distribution/paid_waits", id=answer["id"], fen=yuan(answer["fen"]))


@router.words("驳回提现", audience="guide", arg="提现号 原因", may=PAY, menu=False)
def returned(turn: Turn, event: Event, typed: str) -> None:
    """`驳回提现 12 账户信息不全`."""
    assert event.sender is not None
    number, _, reason = typed.partition(" ")
    if not _is_number(number) or not reason:
        turn.say(event.sender, "distribution/return_how")
        return
    given = Returned(id=int(number), reason=reason[:200], by=event.sender.external_id)
    answer = distribution_payouts.reject(turn, given)
    if isinstance(answer, Refusal):
        turn.say(event.sender, "distribution/not_done", why=turn.texts.render(answer.text, **answer.values))
    else:
        turn.say(event.sender, "distribution/return_noted", id=answer["id"], fen=yuan(answer["fen"]))


def _is_number(typed: str) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) <= 18
