"""权限 policy: who may do what, in one table. A word of staff, an act or a route of the API that names no permission of
it stops the start.

Each row says how far a permission reaches for guides, store managers and admins: `own` members (and what is theirs),
those of their `store`, `all`, or not at all. An owner may everything. Members are not in it: what they say reaches
nothing but what is their own. To add a permission, add its row; to need one, name it: `@router.words(..., may=...)`,
`Act(..., may=...)`, `ACTS` below, `READS` of console/routes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from bot.errors import ConfigError
from bot.router import Play
from bot.sections import StaffSection
from bot.turn import Turn
from storage import staff
from storage.staff import Speaker
from storage.tables import Staff

Scope = Literal["", "own", "store", "all"]
ROLES = ("guide", "manager", "admin", "owner")
NO, OWN, STORE, ALL = "", "own", "store", "all"


class Row(NamedTuple):
    """How far one permission reaches, by role."""

    guide: Scope
    manager: Scope
    admin: Scope
    owner: Scope = "all"


_MINE = Row("own", "store", "all")  # what is about members: one's own, one's store's, everybody
_ANYONE = Row("all", "all", "all")
_MANAGERS = Row("", "store", "all")
_ADMINS = Row("", "", "all")
_OWNERS = Row("", "", "")

TABLE: Mapping[str, Row] = MappingProxyType({
    # members
    "member.find": _MINE,
    "member.read": _MINE,
    "member.tag": _MINE,
    "member.note": _MINE,
    "consent.manage": _MINE,
    "reply.draft": _MINE,
    "media.read": _MINE,
    "order.read": _MINE,
    "points.read": _MINE,
    "referral.read": _MINE,
    # value
    "coupon.redeem": _ANYONE,  # 核销: whoever stands at the counter
    "coupon.issue": _MINE,
    "coupon.approve": _MANAGERS,
    "points.move": _ADMINS,
    "points.approve": _ADMINS,
    "referral.review": _ADMINS,
    "sale.undo": _ADMINS,
    "commission.pay": _ADMINS,  # write down that a payout has left
    "approval.read": _MANAGERS,  # what waits; to decide, one needs the permission that it names
    # a guide's day
    "script.read": _ANYONE,  # 话术
    "task.read": _MINE,
    "task.manage": _MANAGERS,
    "results.read": _MINE,
    "group.read": _MINE,
    "channel.read": _ANYONE,
    "salon.sign_up": _MINE,
    "salon.check_in": _ANYONE,
    "salon.manage": _MANAGERS,
    "distribution.read": _MINE,  # those whom one serves
    "distribution.manage": _MANAGERS,
    "distribution.report": _ADMINS,
    # drives and broadcasts
    "campaign.read": _ANYONE,
    "campaign.manage": _ADMINS,
    "segment.manage": _MANAGERS,
    "broadcast.compose": _MANAGERS,
    "broadcast.approve": _ADMINS,
    "broadcast.stop": _MANAGERS,
    "journey.manage": _ADMINS,
    "group.manage": _ADMINS,
    # what everything rests on
    "catalogue.read": _ANYONE,
    "catalogue.manage": _ADMINS,
    "store.read": _ANYONE,
    "store.manage": _ADMINS,
    "tag.manage": _ADMINS,
    "tier.manage": _ADMINS,
    "knowledge.read": _ANYONE,
    "knowledge.manage": _ADMINS,
    "media.manage": _ADMINS,
    "settlement.read": _MANAGERS,
    "import.run": _ADMINS,
    "export.read": _ADMINS,
    "runtime.read": _ADMINS,  # inbox and outbox, with what people wrote
    "audit.read": _ADMINS,
    "staff.read": _MANAGERS,
    "staff.manage": _OWNERS,
    "token.manage": _OWNERS,
})  # fmt: skip

# What each act of the JSON API needs; acts of plays say it themselves.
ACTS: Mapping[str, str] = MappingProxyType({
    "products": "catalogue.manage",
    "products/change": "catalogue.manage",
    "stores": "store.manage",
    "stores/change": "store.manage",
    "coupon-templates": "catalogue.manage",
    "campaigns": "campaign.manage",
    "campaigns/publish": "campaign.manage",
    "campaigns/pause": "campaign.manage",
    "campaigns/end": "campaign.manage",
    **{f"timetables{step}": "campaign.manage" for step in ("", "/publish", "/pause", "/end")},
    "points": "points.move",
    "points/approve": "points.approve",
    "checkouts/undo": "sale.undo",
    "redemptions/undo": "sale.undo",
    "knowledge/remove": "knowledge.manage",
    "questions/resolve": "knowledge.manage",
    "join-ways": "group.manage",
    "join-ways/update": "group.manage",
    "join-ways/delete": "group.manage",
    "group-welcomes": "group.manage",
    "group-welcomes/update": "group.manage",
    "group-welcomes/delete": "group.manage",
    "launches": "broadcast.compose",
    "launches/approve": "broadcast.approve",
    "launches/stop": "broadcast.stop",
    "broadcasts": "broadcast.compose",
    "broadcasts/change": "broadcast.compose",
    "broadcasts/test": "broadcast.compose",
    "broadcasts/remind": "broadcast.compose",
    "broadcasts/refresh": "broadcast.compose",
    "broadcasts/approve": "broadcast.approve",
    "broadcasts/pause": "broadcast.stop",
    "broadcasts/resume": "broadcast.stop",
    "broadcasts/stop": "broadcast.stop",
    "segments": "segment.manage",
    "segments/change": "segment.manage",
    "segments/archive": "segment.manage",
    "staff": "staff.manage",
    "staff/change": "staff.manage",
    "tokens": "token.manage",
    "tokens/revoke": "token.manage",
    "approvals/approve": "approval.read",
    "approvals/reject": "approval.read",
})  # fmt: skip

# Acts that look themselves whether what is meant is within reach of somebody who reaches only a part. All others are
# done by those alone who reach all.
SCOPED = frozenset({
    "approvals/approve", "approvals/reject", "broadcasts", "broadcasts/change", "broadcasts/test", "broadcasts/remind",
    "broadcasts/refresh", "broadcasts/pause", "broadcasts/resume", "broadcasts/stop",
    "segments", "segments/change", "segments/archive",
})  # fmt: skip

_GRANTS: dict[str, Mapping[str, str]] = {
    role: MappingProxyType({name: scope for name, row in TABLE.items() if (scope := getattr(row, role))})
    for role in ROLES
}
NOTHING: Mapping[str, str] = MappingProxyType({})


def grants(role: str) -> Mapping[str, str]:
    """What a role may, and how far; nothing for a role that is none."""
    return _GRANTS.get(role, NOTHING)


def speaker(row: Staff | None, userid: str, section: StaffSection) -> Speaker:
    """Who a userid is here, by their row. Owners that the settings name are owners whatever it says."""
    name, store_id = (row.name, row.store_id) if row else ("", "")
    if is_owner(userid, section):
        return Speaker(userid, "owner", store_id, name)
    if row is None:
        return Speaker(userid, section.default_role, "", "")
    return Speaker(userid, row.role if row.status == staff.ACTIVE else "", store_id, name)


def admit(turn: Turn, userid: str, section: StaffSection) -> None:
    """Let a turn know who speaks and what they may."""
    turn.staff = speaker(staff.find(turn.db, userid), userid, section)
    turn.grants = grants(turn.staff.role)


def is_owner(userid: str, section: StaffSection) -> bool:
    """Whether the settings name them as an owner, in whatever case."""
    return userid.lower() in (owner.lower() for owner in section.owners)


def require(may: str, whose: str) -> str:
    """A permission of the table. Raises ConfigError."""
    if may not in TABLE:
        raise ConfigError("handlers/policy.py", f"{whose} needs {may!r}, which is no permission of the table")
    return may


def check(plays: Iterable[Play], acts: Iterable[str]) -> None:
    """Every word of staff and every act has a permission. Raises ConfigError."""
    for play in plays:
        for words in play.router.words_taken:
            if words.audience != "member":
                require(words.may, f"{play.router.name}: the word {words.words[0]!r} (may=)")
            elif words.may:
                raise ConfigError(play.router.name, f"{words.words[0]!r} is a member's word: it takes no permission")
        for name, act in play.router.acts.items():
            require(act.may, f"{play.router.name}: the act {name!r} (may=)")
    for name in acts:
        require(ACTS.get(name, ""), f"the act {name!r} (handlers/policy.py ACTS)")
