"""绑定: who brought whom, written once, of newcomers only, with everything the reward may cost held for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from bot.turn import STAFF, Turn
from scenarios import campaigns, invite_codes, invite_rewards
from scenarios.invite_rules import Drive, Newcomer, refusal
from storage import follows, grants, members, referrals, shop
from storage.members import Person
from storage.tables import Campaign, Referral

KIND = "referral"
NEWCOMER = "newcomer"  # the right to be one: used up by going away
KEPT = ("known", "bought", "left", "staff")  # refusals that the inviter may see in their list


class Care(NamedTuple):
    """What the operator watches: staff by their private accounts, and how many newcomers an hour look natural."""

    staff: frozenset[str]
    velocity_per_hour: int


def running(turn: Turn) -> Campaign | None:
    """The campaign that counts now: the first of those that run."""
    return next(iter(campaigns.running(turn, KIND)), None)


def bind(turn: Turn, person: Person, typed: str, care: Care) -> tuple[Referral | None, str]:
    """Let `person` be brought by whoever has the code: the referral, or None and why not."""
    inviter, campaign = invite_codes.owner(turn, typed), running(turn)
    if inviter is None or campaign is None:
        return None, "over" if inviter else "unknown"
    rules = campaigns.rules(campaign, Drive)
    why = refusal(_newcomer(turn, person, inviter, care), turn.now, rules.fresh_days)
    if why:
        if why in KEPT:
            _keep(turn, campaign, rules, inviter, person, why)
        mine = why == "bound" and referrals.parent_of(turn.db, person.id) == inviter.id
        return None, "mine" if mine else why
    holds = invite_rewards.reserve(turn, rules, campaign.id, inviter.id, 1)
    if isinstance(holds, str):
        return None, holds
    row = _row(turn, campaign, rules, inviter.id, person.id)
    why = referrals.bind(turn.db, inviter.id, person.id)
    if why:
        invite_rewards.let_go(turn, holds)
        return None, why
    person.referrer_id = inviter.id
    since = turn.now - timedelta(hours=1)
    row.flags = "velocity" if referrals.bound_since(turn.db, inviter.id, since) >= care.velocity_per_hour else ""
    invite_rewards.add(turn, rules, row, holds)
    _second_level(turn, campaign, rules, row)
    return row, ""


def _second_level(turn: Turn, campaign: Campaign, rules: Drive, first: Referral) -> None:
    """Whoever brought the inviter has a part in it, where the campaign says so; there is no third."""
    grand = referrals.parent_of(turn.db, first.inviter_id)
    if rules.depth < 2 or grand is None:
        return
    holds = invite_rewards.reserve(turn, rules, campaign.id, grand, 2)
    if not isinstance(holds, str):
        row = _row(turn, campaign, rules, grand, first.invitee_id, level=2)
        row.flags = first.flags
        invite_rewards.add(turn, rules, row, holds)


def _row(turn: Turn, campaign: Campaign, rules: Drive, inviter: int, invitee: int, level: int = 1) -> Referral:
    return Referral(
        id=turn.ids.next(), campaign_id=campaign.id, inviter_id=inviter, invitee_id=invitee, level=level,
        status="pending", reason="", rules=rules.model_dump_json(), order_id=None, bound_at=turn.now, pay_at=None,
        new_since=turn.now - timedelta(days=rules.fresh_days), holds="[]", flags="", decided_by="", note="",
        qualified_at=None, closed_at=None,
    )  # fmt: skip


def _keep(turn: Turn, campaign: Campaign, rules: Drive, inviter: Person, person: Person, why: str) -> None:
    """Show the inviter that somebody came who does not count; once a campaign."""
    if referrals.rows.one(turn.db, campaign_id=campaign.id, invitee_id=person.id, level=1) is None:
        row = _row(turn, campaign, rules, inviter.id, person.id)
        row.status, row.reason, row.closed_at = "rejected", why, turn.now
        referrals.rows.add(turn.db, row)


def _newcomer(turn: Turn, person: Person, inviter: Person, care: Care) -> Newcomer:
    """What we know of somebody, under every name they ever had."""
    if person.id == inviter.id:
        return Newcomer(person.created_at, same_person=True)
    people = members.everyone(turn.db, person.id)
    seen = [known.created_at for one in people if (known := members.find(turn.db, one)) is not None]
    return Newcomer(
        first_seen=min([person.created_at, *seen]),
        staff=is_staff(turn, person, care.staff) or is_staff(turn, inviter, care.staff),
        bound=referrals.parent_of(turn.db, person.id) is not None,
        bought=has_bought(turn, person),
        left=grants.used(turn.db, person, NEWCOMER, "") or follows.has_ended(turn.db, person.id),
    )


def has_bought(turn: Turn, person: Person) -> bool:
    """Whether somebody bought anything, under any name they ever had."""
    return any(shop.has_bought_before(turn.db, one) for one in members.everyone(turn.db, person.id))


def look_alike(turn: Turn, one_id: int, other_id: int) -> bool:
    """Whether two look like one person: a reason for a person to look, never to refuse."""
    one, other = members.find(turn.db, one_id), members.find(turn.db, other_id)
    return bool(one is not None and other is not None and one.avatar and one.avatar == other.avatar)


def is_staff(turn: Turn, person: Person, named: Collection[str]) -> bool:
    """A member who is also a guide, or whose private account the operator named."""
    return any(channel == STAFF or name in named for channel, name in members.identities(turn.db, person.id))


def newcomer_used_up(turn: Turn, person: Person) -> None:
    """Who went away is never new again."""
    grants.claim(turn.db, turn.ids, person, NEWCOMER, "", "", turn.cause, turn.now)
