"""分销管理: who becomes a distributor, who serves them (one customer manager, one service manager), who is stopped. All
of it leaves a line of history with who did it and why."""

from __future__ import annotations

from typing import Any

from bot.ids import code
from bot.turn import Turn
from scenarios import second_person
from scenarios.distribution_rules import Rules
from scenarios.invite_codes import PATIENCE
from scenarios.sight import sees_staff
from storage import approvals, distribution, follows, members, staff
from storage.distribution import changes, customers, distributors
from storage.members import Person
from storage.tables import Distributor, DistributorChange

APPLY = "distribution.apply"  # what a second person agrees to
MAY = "distribution.manage"
FIELDS = {"customer": "customer_manager", "service": "service_manager"}
STEPS = {
    "suspend": (("active",), "suspended"),
    "resume": (("suspended",), "active"),
    "terminate": (("active", "suspended"), "terminated"),
}


def within(turn: Turn, row: Distributor, may: str = "") -> bool:
    """Whether a distributor is within reach: one serves them, or somebody of one's store does."""
    return any(sees_staff(turn, userid, may) for userid in (row.customer_manager, row.service_manager))


def waits(turn: Turn, member_id: int) -> bool:
    """Whether somebody's wish to be a distributor waits for a person."""
    asked = approvals.rows.all(turn.db, decided_at=None, kind=APPLY, member_id=member_id)
    return any(row.status == approvals.WAITING and row.expires_at > turn.now for row in asked)


def apply(turn: Turn, person: Person, rules: Rules) -> Distributor | None:
    """Become a distributor, or wait for a person who decides: None."""
    guide, service = _managers(turn, person.id, rules)
    if not rules.require_approval and guide and service:
        return appoint(turn, person.id, guide, service, "rule:distribution")
    here = staff.find(turn.db, guide) if guide else None
    name = person.name or turn.texts.render("common/unnamed")
    second_person.ask(
        turn, APPLY, f"distribution:{turn.cause}", by=second_person.of_member(person.id), may=MAY,
        says=turn.texts.render("distribution/says_apply", name=name), payload={"member": person.id},
        subject=f"member:{person.id}", member_id=person.id, store_id=here.store_id if here else "",
    )  # fmt: skip
    return None


def _managers(turn: Turn, member_id: int, rules: Rules) -> tuple[str, str]:
    """(customer manager, service manager) of a new distributor, "" where nobody is known."""
    guide = follows.guide_of(turn.db, member_id) or ""
    here = staff.find(turn.db, guide) if guide else None
    service = rules.service_manager
    if not service and here is not None and here.store_id:
        near = staff.rows.all(turn.db, order="userid", role="manager", store_id=here.store_id, status=staff.ACTIVE)
        service = near[0].userid if near else ""
    return guide, service


def agreed(turn: Turn, member_id: int, by: str, rules: Rules) -> Distributor:
    """Somebody agreed: whoever follows the member serves them as a customer, else whoever agreed."""
    person_id = members.current_id(turn.db, member_id)
    guide, service = _managers(turn, person_id, rules)
    return appoint(turn, person_id, guide or by, service or by, by)


def appoint(turn: Turn, member_id: int, customer: str, service: str, by: str) -> Distributor:
    """Make a member a distributor, once. Whoever has them as a customer is who had brought them."""
    known = distribution.of_person(turn.db, member_id)
    if known is not None:
        return known
    binding = distribution.binding_of(turn.db, member_id)
    if binding is not None and binding.ends_at is not None and binding.ends_at <= turn.now:
        binding = None
    row = Distributor(
        id=turn.ids.next(), member_id=member_id, code=code(turn.chance, 8),
        sponsor_id=binding.distributor_id if binding is not None else None, customer_manager=customer,
        service_manager=service, status="active", reason="", approved_by=by, config_id="", qr_code="",
        made_at=turn.now - PATIENCE, joined_at=turn.now,
    )  # fmt: skip
    distributors.add(turn.db, row)
    for role, userid in (("customer", customer), ("service", service)):
        _note(turn, row, role, "", userid, by, "")
    _note(turn, row, "status", "", "active", by, "")
    turn.audit(by, "distributor.appointed", f"distributor:{row.id}", customer_manager=customer,
               service_manager=service)  # fmt: skip
    return row


def why_not(turn: Turn, userid: str) -> str:
    """Why somebody cannot serve distributors; "" = they can."""
    there = staff.find(turn.db, userid)
    if there is not None and there.status != staff.ACTIVE:
        return "distribution/manager_gone"
    return "" if sees_staff(turn, userid, MAY) else "distribution/manager_elsewhere"


def assign(turn: Turn, row: Distributor, role: str, userid: str, by: str, reason: str) -> str:
    """Hand a distributor over to another manager; why not, "" when it is done or was so before."""
    if why := why_not(turn, userid):
        return why
    before = _hand(turn, row, role, userid, by, reason)
    if before:
        after = str(getattr(row, FIELDS[role]))
        turn.audit(by, "distributor.handed_over", f"distributor:{row.id}", role=role, before=before, after=after,
                   reason=reason)  # fmt: skip
        person = members.find(turn.db, row.member_id)
        name = (person.name if person else "") or turn.texts.render("common/unnamed")
        turn.to_staff(after, turn.texts.render("distribution/handed_to_you", name=name, code=row.code))
    return ""


def _hand(turn: Turn, row: Distributor, role: str, userid: str, by: str, reason: str) -> str:
    """Who served before; "" when nothing has changed."""
    field, there = FIELDS[role], staff.find(turn.db, userid)
    userid = there.userid if there is not None else userid
    before = str(getattr(row, field))
    where: dict[str, Any] = {"id": row.id, field: before}
    if before == userid or not distributors.change(turn.db, {field: userid}, **where):
        return ""
    setattr(row, field, userid)
    _note(turn, row, role, before, userid, by, reason)
    return before


def hand_over(turn: Turn, old: str, new: str, by: str, reason: str) -> int:
    """Everybody whom one served is served by another; how often."""
    handed = 0
    for role, field in FIELDS.items():
        served: dict[str, Any] = {field: old}
        for row in distributors.all(turn.db, **served):
            handed += bool(_hand(turn, row, role, new, by, reason))
    if handed:
        turn.audit(by, "distributor.all_handed_over", f"staff:{old}", after=new, count=handed, reason=reason)
        turn.to_staff(new, turn.texts.render("distribution/all_handed_to_you", old=old, count=handed))
    return handed


def take_step(turn: Turn, row: Distributor, step: str, by: str, reason: str) -> bool:
    """Suspend, resume or terminate; False when that cannot be from where they stand. Who is terminated has no customers
    any more; what was earned until then stays theirs."""
    before, after = STEPS[step]
    was = row.status
    change = {"status": after, "reason": reason}
    if was not in before or not distributors.change(turn.db, change, id=row.id, status=was):
        return was == after
    row.status, row.reason = after, reason
    if after == "terminated":
        over = {"ended_at": turn.now, "open_member": None, "why": after}
        customers.change(turn.db, over, distributor_id=row.id, ended_at=None)
    _note(turn, row, "status", was, after, by, reason)
    turn.audit(by, f"distributor.{after}", f"distributor:{row.id}", was=was, reason=reason)
    _say(turn, row, step)
    return True


def _say(turn: Turn, row: Distributor, step: str) -> None:
    if step == "resume":
        turn.tell(row.member_id, "distribution/resumed")
    elif step == "suspend":
        turn.tell(row.member_id, "distribution/suspended", reason=row.reason)
    else:
        turn.tell(row.member_id, "distribution/terminated", reason=row.reason)


def _note(turn: Turn, row: Distributor, what: str, before: str, after: str, by: str, reason: str) -> None:
    changes.add(turn.db, DistributorChange(
        id=turn.ids.next(), distributor_id=row.id, what=what, before=before, after=after, by=by, reason=reason,
        at=turn.now,
    ))  # fmt: skip


def shown(row: Distributor) -> dict[str, Any]:
    """A distributor as programs see them after an act."""
    return {"id": row.id, "status": row.status, "customer_manager": row.customer_manager,
            "service_manager": row.service_manager}  # fmt: skip
