"""推荐有礼 / 老带新 referral: a member brings a newcomer by a code; both are rewarded once the newcomer's first order
stands.

Who brought whom is written once, before the first purchase, and is a forest. The way of a reward is in
`scenarios/invite_rewards.py`, the rules are in `scenarios/invite_rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import shown
from bot.events import (
    Address,
    ApiAnswered,
    ContactAdded,
    ContactDeleted,
    ContactHalfAdded,
    ContactLeft,
    Event,
    TimerDue,
)
from bot.kf_events import KfEntered
from bot.order_events import OrderEntered, OrderReduced
from bot.own_events import ContactFound
from bot.router import Act, CampaignKind, Router
from bot.texts import yuan
from bot.turn import Turn
from scenarios import campaigns, invite_codes, invite_qualify, invite_review, invite_rewards, invite_rules
from scenarios.invite_binding import Care, bind, newcomer_used_up, running
from scenarios.invite_rules import REASONS, Drive, next_rung, parse, short
from storage import follows, members, oneid, referrals, shop
from storage.members import Person
from storage.tables import Campaign, Referral

router = Router("referral")

REFUSED = {
    "unknown": "referral/unknown", "over": "referral/no_drives", "self": "referral/self", "loop": "referral/loop",
    "mine": "referral/bound_already", "bound": "referral/bound_before", "staff": "referral/staff",
    "bought": "referral/not_new", "known": "referral/not_new", "left": "referral/not_new",
    "day": "referral/day_limit", "total": "referral/total_limit", "used_up": "referral/used_up",
}  # fmt: skip
SILENT = {"unknown", "over", "mine"}  # not worth a word to somebody who only added a guide


class Rules(BaseModel):
    """[scenarios.referral] of config.toml. `guides`: whom the QR codes lead to; empty = the inviter's own guide.

    More than `velocity_per_hour` newcomers of one inviter in an hour are looked at by a person.
    """

    model_config = ConfigDict(extra="forbid")

    guides: list[str] = Field(default=[], max_length=100)
    skip_verify: bool = True
    velocity_per_hour: int = Field(default=10, ge=1, le=10_000)
    staff_external_userids: list[str] = []
    shown: int = Field(default=20, ge=1, le=50)

    def care(self) -> Care:
        """What binding watches."""
        return Care(frozenset(self.staff_external_userids), self.velocity_per_hour)


# -- words ------------------------------------------------------------------------------------------------------------


@router.words("推荐有礼", "我的邀请码", "邀请")
def my_code(turn: Turn, event: Event) -> None:
    """A member's code, its QR code, and what it brings."""
    assert event.sender is not None
    campaign = running(turn)
    if campaign is None:
        turn.say(event.sender, "referral/no_drives")
        return
    rules = turn.using(Rules)
    mine = invite_codes.own(turn, turn.ensure_person(event.sender, "word"))
    invite_codes.ask_for_way(turn, mine, rules.guides, skip_verify=rules.skip_verify)
    link = turn.texts.render("referral/link", qr_code=mine.qr_code) if mine.qr_code else ""
    turn.say(event.sender, "referral/code", code=mine.code, terms=_terms(turn, campaign), link=link)


def _terms(turn: Turn, campaign: Campaign) -> str:
    """What a campaign gives, for what, until when."""
    rules = campaigns.rules(campaign, Drive)
    lines = [
        turn.texts.render("referral/for_order", least=yuan(rules.least_fen), days=rules.hold_days)
        if rules.qualify == "order"
        else turn.texts.render("referral/for_contact", days=rules.hold_days)
    ]
    for text, gift in (("referral/you_get", rules.inviter), ("referral/friend_gets", rules.invitee)):
        if gift:
            lines.append(turn.texts.render(text, gift=invite_rewards.gift_text(turn, gift)))
    lines += [
        turn.texts.render("referral/rung_line", count=rung.count, gift=invite_rewards.gift_text(turn, rung.pack))
        for rung in rules.ladder
    ]
    return "\n".join([*lines, turn.texts.render("referral/until", until=shown(campaign.ends_at))])


@router.words("填邀请码", arg="邀请码")
def enter_code(turn: Turn, event: Event, typed: str) -> None:
    """A newcomer says who brought them."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    row, why = bind(turn, person, typed, turn.using(Rules).care())
    if row is None:
        turn.say(event.sender, REFUSED[why])
        return
    _bound(turn, row, partial(turn.say, event.sender))


@router.words("邀请码", arg="邀请码", bare=True, menu=False)
def code_or_mine(turn: Turn, event: Event, typed: str) -> None:
    """The word alone asks for one's own code; with a code behind it, a newcomer means to enter it."""
    if typed:
        enter_code(turn, event, typed)
    else:
        my_code(turn, event)


def _bound(turn: Turn, row: Referral, say: Callable[..., Any]) -> None:
    """Both are told; where joining alone counts, the stay begins."""
    rules = parse(row.rules)
    gift = invite_rewards.gift_text(turn, rules.invitee) if rules.invitee else turn.texts.render("referral/thanks")
    if rules.qualify == "order":
        say("referral/bound", gift=gift, days=rules.hold_days, least=yuan(rules.least_fen))
    else:
        say("referral/bound_contact", gift=gift, days=rules.hold_days)
    turn.tell(row.inviter_id, "referral/friend_came", name=_shown(turn, members.find(turn.db, row.invitee_id)))
    invite_qualify.stays(turn, row.invitee_id)


def _shown(turn: Turn, person: Person | None) -> str:
    return short(person.name if person else "") or turn.texts.render("referral/friend")


@router.words("我的推荐")
def my_referrals(turn: Turn, event: Event) -> None:
    """Whom a member brought, what became of it, what it earned, what comes next."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    rows = referrals.rows.all(turn.db, inviter_id=person.id, order="-id", limit=turn.using(Rules).shown)
    if not rows:
        turn.say(event.sender, "referral/none_mine")
        return
    lines = [
        turn.texts.render("referral/line", name=_shown(turn, members.find(turn.db, row.invitee_id)),
                          state=_state(turn, row))
        for row in rows
    ]  # fmt: skip
    points = referrals.earned(turn.db, members.everyone(turn.db, person.id))
    turn.say(event.sender, "referral/mine", lines="\n".join(lines), points=points, next=_next(turn, person))


def _state(turn: Turn, row: Referral) -> str:
    """A referral's state in words."""
    if row.status in ("rejected", "clawed_back"):
        why = turn.texts.render(REASONS.get(row.reason, "referral/why_by_hand"))
        return turn.texts.render("referral/state_no" if row.status == "rejected" else "referral/state_back", why=why)
    if row.status == "held" and row.flags and not row.decided_by:
        return turn.texts.render("referral/state_review")
    if row.pay_at is not None and row.status in ("held", "approved"):
        return turn.texts.render("referral/state_held", until=shown(row.pay_at))
    return turn.texts.render("referral/state_paid" if row.status == "paid" else "referral/state_pending")


def _next(turn: Turn, person: Person) -> str:
    """The next rung of the running campaign, "" when there is none."""
    campaign = running(turn)
    if campaign is None:
        return ""
    paid = referrals.paid_count(turn.db, campaign.id, person.id)
    rung = next_rung(campaigns.rules(campaign, Drive), paid)
    if rung is None:
        return ""
    gift = invite_rewards.gift_text(turn, rung.pack)
    return turn.texts.render("referral/next_rung", missing=rung.count - paid, gift=gift)


# -- how newcomers come -----------------------------------------------------------------------------------------------


@router.on(ContactAdded, ContactHalfAdded, ContactFound)
def contact_came(turn: Turn, event: ContactAdded | ContactHalfAdded | ContactFound) -> None:
    """Somebody added a guide, perhaps by a member's QR code."""
    person = turn.ensure_person(Address("wecom", event.external_userid), "wecom callback")
    if event.state and event.state.startswith(invite_codes.STATE):
        _came(turn, person, event.state.removeprefix(invite_codes.STATE))
    if not isinstance(event, ContactHalfAdded) and not person.fresh:
        invite_qualify.stays(turn, person.id)


def _came(turn: Turn, person: Person, code: str) -> None:
    row, why = bind(turn, person, code, turn.using(Rules).care())
    if row is not None:
        _bound(turn, row, partial(turn.tell, person.id))
    elif why not in SILENT:
        turn.tell(person.id, REFUSED[why])


@router.on(KfEntered)
def came_by_link(turn: Turn, event: KfEntered) -> None:
    """Somebody opened a 客服 link that carries a code."""
    person = turn.ensure_person(Address("wecom", event.external_userid), "kf link")
    if event.scene_param.startswith(invite_codes.STATE):
        _came(turn, person, event.scene_param.removeprefix(invite_codes.STATE))


@router.on(ContactDeleted, ContactLeft)
def contact_went(turn: Turn, event: ContactDeleted | ContactLeft) -> None:
    """Who goes did not stay; who comes back is no newcomer."""
    person = turn.person(Address("wecom", event.external_userid))
    if person is None:
        return
    newcomer_used_up(turn, person)
    if follows.guide_of(turn.db, person.id) is None:
        invite_qualify.went(turn, person.id)


# -- orders, time, merges ---------------------------------------------------------------------------------------------


@router.on(OrderEntered)
def order_entered(turn: Turn, event: OrderEntered) -> None:
    """The newcomer's first order counts, or nothing ever will."""
    order = shop.orders.one(turn.db, id=event.order_id)
    assert order is not None
    invite_qualify.bought(turn, event.member_id, order)


@router.on(OrderReduced)
def order_reduced(turn: Turn, event: OrderReduced) -> None:
    """Money went back: what does not count any more is not paid, or comes back."""
    invite_qualify.reduced(turn, event.order_id, event.kept_fen)


@router.on(TimerDue)
def timer_due(turn: Turn, event: TimerDue) -> None:
    """A reward is due, a newcomer's time is over, two members were found to be one."""
    if event.name == referrals.DUE:
        invite_rewards.settle(turn, event.payload["referral_id"])
    elif event.name == referrals.EXPIRY:
        row = referrals.rows.one(turn.db, id=event.payload["referral_id"], status="pending")
        if row is not None:
            invite_rewards.reject(turn, row, "expired")
    elif event.name == oneid.MERGED:
        invite_qualify.merged(turn, event.payload["member_id"])


@router.on(ApiAnswered)
def api_answered(turn: Turn, event: ApiAnswered) -> None:
    """A member's QR code is made."""
    made = invite_codes.way_answered(turn, event) if event.call == invite_codes.ADD_WAY else None
    if made is not None:
        turn.tell(made[0], "referral/way", qr_code=made[1])


router.campaign = CampaignKind(
    Drive, invite_rules.problems, invite_rules.worst_fen, templates=invite_rules.templates
)  # fmt: skip
router.acts = {
    "referrals/approve": Act(invite_review.Decision, invite_review.approve, may="referral.review"),
    "referrals/reject": Act(invite_review.Decision, invite_review.reject, may="referral.review"),
}
