"""分销绑定: whose customer somebody is: the first who brought them, for a while, before they ever bought."""

from __future__ import annotations

from datetime import timedelta

from bot.ids import read_code
from bot.turn import Turn
from scenarios.distribution_rules import Newcomer, Rules, refusal
from scenarios.invite_binding import has_bought, is_staff, look_alike
from scenarios.invite_codes import Book
from storage import distribution, members
from storage.distribution import customers, distributors
from storage.members import Person
from storage.tables import DistributionCustomer, Distributor

BOOK = Book("dst:", distributors)


def owner(turn: Turn, typed: str) -> Distributor | None:
    """Whose code somebody typed; whoever that is today."""
    row = distributors.one(turn.db, code=read_code(typed))
    return distribution.today(turn.db, row.id) if row is not None else None


def bind(turn: Turn, person: Person, typed: str, rules: Rules) -> tuple[DistributionCustomer | None, str]:
    """Let `person` be the customer of whoever has the code: the binding, or None and why not."""
    promoter = owner(turn, typed)
    if promoter is None or promoter.status != "active":
        return None, "inactive" if promoter else "unknown"
    old = distribution.binding_of(turn.db, person.id)
    why = refusal(_newcomer(turn, person, promoter, old, rules), new_only=rules.new_customers_only)
    if why:
        return None, why
    if old is not None:
        distribution.end(turn.db, old, "replaced", turn.now)
    flags = _odd(turn, person, promoter, rules)
    row = DistributionCustomer(
        id=turn.ids.next(), member_id=person.id, open_member=person.id, distributor_id=promoter.id, bound_at=turn.now,
        protected_until=turn.now + timedelta(days=rules.protect_days),
        ends_at=turn.now + timedelta(days=rules.bind_days) if rules.bind_days else None, ended_at=None, why="",
        flags=",".join(flags), decided_by="", decided_at=None if flags else turn.now, note="",
    )  # fmt: skip
    customers.add(turn.db, row)
    if flags:
        turn.audit("rule:distribution", "distribution.to_review", f"distribution_customer:{row.id}", flags=flags)
    return row, ""


def _newcomer(
    turn: Turn, person: Person, promoter: Distributor, old: DistributionCustomer | None, rules: Rules
) -> Newcomer:  # fmt: skip
    bound = ""
    if old is not None and (old.ends_at is None or old.ends_at > turn.now):
        if old.distributor_id == promoter.id:
            bound = "mine"
        elif old.protected_until > turn.now:
            bound = "theirs"
    other = members.find(turn.db, promoter.member_id)
    named = rules.staff_external_userids
    return Newcomer(
        same_person=person.id == promoter.member_id,
        staff=is_staff(turn, person, named) or (other is not None and is_staff(turn, other, named)),
        promotes=distribution.of_person(turn.db, person.id) is not None,
        bound=bound,
        bought=has_bought(turn, person),
    )


def _odd(turn: Turn, person: Person, promoter: Distributor, rules: Rules) -> list[str]:
    """Why a person has to look before anything is paid for this customer."""
    since = turn.now - timedelta(hours=1)
    odd = ["avatar"] if look_alike(turn, person.id, promoter.member_id) else []
    if distribution.bound_since(turn.db, promoter.id, since) >= rules.velocity_per_hour:
        odd.append("velocity")
    return odd
