"""The paths of the JSON API: what each shows or does, and which permission it needs (handlers/policy.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from console import (
    audit_reads,
    broadcast_reads,
    desk_reads,
    distribution_reads,
    distribution_report,
    group_reads,
    journey_reads,
    launch_reads,
    media_reads,
    reads,
    referral_reads,
    salon_reads,
    segment_reads,
    settlements,
    staff_reads,
    tag_reads,
    tier_reads,
    timetable_reads,
)
from console.knowledge import reads as knowledge
from handlers import policy
from handlers.broadcasts import ACTS as BROADCAST_ACTS
from handlers.campaigns import STEPS
from handlers.group_assets import ACTS as GROUP_ACTS
from handlers.knowledge import ACTS as KNOWLEDGE_ACTS
from handlers.segments import ACTS as SEGMENT_ACTS

Read = Callable[..., dict[str, Any]]  # (connection, query), and `sight` where it is `scoped`


class Reading(NamedTuple):
    """Who answers a GET, the permission it needs, the parameters it takes. Only one that is `scoped` is asked on behalf
    of somebody who sees but a part; it leaves out what they do not see. One that is `timed` is, and told the time."""

    read: Read
    may: str
    known: tuple[str, ...] = ()
    scoped: bool = False
    timed: bool = False


_PAGE = ("limit", "after")

READS: Mapping[str, Reading] = MappingProxyType({
    "members": Reading(reads.members, "member.read", ("external_id", "id", "name", *_PAGE), scoped=True),
    "inbox": Reading(reads.inbox, "runtime.read", ("status", "key", "kind", *_PAGE)),
    "outbox": Reading(reads.outbox, "runtime.read", ("status", "member_id", "call", *_PAGE)),
    "ledger": Reading(reads.ledger, "points.read", ("member_id", *_PAGE), scoped=True),
    "channels": Reading(reads.channels, "channel.read"),
    "products": Reading(reads.products, "catalogue.read", ("sku", "category", *_PAGE)),
    "coupon-templates": Reading(reads.coupon_templates, "catalogue.read", ("name", "kind", *_PAGE)),
    "checkouts": Reading(reads.checkouts, "order.read", ("code", "member_id", "status", *_PAGE), scoped=True),
    "campaigns": Reading(reads.campaigns, "campaign.read", ("kind", "name", "status", *_PAGE)),
    "campaigns/{id}": Reading(reads.campaign, "campaign.read"),
    "campaigns/{id}/stats": Reading(reads.campaign_stats, "campaign.read"),
    "launches": Reading(launch_reads.launches, "campaign.manage", ("status", *_PAGE)),
    "launches/{id}": Reading(launch_reads.launch, "campaign.manage"),
    "posts": Reading(launch_reads.posts, "group.manage", ("status", *_PAGE)),
    "posts/{id}": Reading(launch_reads.post, "group.manage"),
    "timetables": Reading(timetable_reads.timetables, "campaign.read", ("kind", "status", *_PAGE)),
    "timetables/{id}": Reading(timetable_reads.timetable, "campaign.read"),
    "stores": Reading(reads.stores, "store.read", ("franchise", *_PAGE)),
    "settlements": Reading(settlements.settlements, "settlement.read", ("from", "to"), scoped=True),
    "referrals": Reading(
        referral_reads.referrals, "referral.read", ("status", "inviter", "campaign_id", "review", *_PAGE), scoped=True
    ),
    "groups": Reading(group_reads.groups, "group.read", ("owner", "status", *_PAGE), scoped=True),
    "groups/{chat_id}": Reading(group_reads.group, "group.read", scoped=True),
    "staff": Reading(staff_reads.people, "staff.read", ("role", "store_id", "status"), scoped=True),
    "tokens": Reading(staff_reads.tokens, "token.manage", ("userid", *_PAGE)),
    "permissions": Reading(staff_reads.permissions, "store.read"),
    "approvals": Reading(
        staff_reads.approvals, "approval.read", ("status", "kind", "made_by", "member_id", *_PAGE), scoped=True
    ),
    "audit": Reading(audit_reads.audit, "audit.read", ("actor", "action", "subject", "from", "to", *_PAGE)),
    "media": Reading(media_reads.media, "media.read", ("code", "kind", "userid", *_PAGE), scoped=True),
    "journeys": Reading(journey_reads.journeys, "journey.manage"),
    "journeys/why": Reading(journey_reads.why, "member.read", ("member_id", "name"), scoped=True),
    "salons": Reading(salon_reads.salons, "salon.sign_up", ("status", *_PAGE), scoped=True),
    "salons/{id}": Reading(salon_reads.salon, "salon.sign_up", scoped=True),
    "join-ways": Reading(group_reads.join_ways, "group.manage"),
    "tags": Reading(desk_reads.tags, "catalogue.read", ("group",)),
    "tag-groups": Reading(tag_reads.groups, "catalogue.read"),
    "tag-rules": Reading(tag_reads.rules, "catalogue.read", ("group", "status", "set", *_PAGE)),
    "tag-rules/preview": Reading(tag_reads.preview, "tag.manage", ("rule", "group", "name"), timed=True),
    "tag-rules/{id}": Reading(tag_reads.rule, "catalogue.read"),
    "tag-runs": Reading(tag_reads.runs, "catalogue.read", _PAGE),
    "tasks": Reading(desk_reads.tasks, "task.read", ("userid", "member_id", "kind", "status", *_PAGE), scoped=True),
    "notes": Reading(desk_reads.notes, "member.read", ("member_id", *_PAGE), scoped=True),
    "handouts": Reading(desk_reads.handouts, "coupon.issue", ("userid", "member_id", "status", *_PAGE), scoped=True),
    "broadcasts": Reading(broadcast_reads.broadcasts, "broadcast.compose", ("status", *_PAGE), scoped=True),
    "broadcasts/{id}": Reading(broadcast_reads.broadcast, "broadcast.compose", scoped=True),
    "broadcasts/{id}/audience": Reading(
        broadcast_reads.audience, "broadcast.compose", ("status", "reason", "userid", *_PAGE), scoped=True
    ),
    "tiers": Reading(tier_reads.tiers, "campaign.read"),
    "tiers/changes": Reading(tier_reads.changes, "points.read", ("member_id", *_PAGE), scoped=True),
    "group-welcomes": Reading(group_reads.welcomes, "group.manage"),
    "knowledge": Reading(
        knowledge.articles, "knowledge.read", ("kind", "status", "source", "category", "title", *_PAGE)
    ),
    "knowledge/{id}": Reading(knowledge.article, "knowledge.read"),
    "questions/unanswered": Reading(knowledge.unanswered, "knowledge.manage", ("status", "limit")),
    "distribution/distributors": Reading(
        distribution_reads.distributors, "distribution.read", ("status", "manager", "member_id", "code", *_PAGE),
        scoped=True,
    ),
    "distribution/changes": Reading(
        distribution_reads.changes, "distribution.read", ("distributor_id", *_PAGE), scoped=True
    ),
    "distribution/customers": Reading(
        distribution_reads.customers, "distribution.read", ("distributor_id", "review", *_PAGE), scoped=True
    ),
    "distribution/commissions": Reading(
        distribution_reads.commissions, "distribution.read", ("distributor_id", "status", "order_no", *_PAGE),
        scoped=True,
    ),
    "distribution/payouts": Reading(
        distribution_reads.payouts, "distribution.read", ("distributor_id", "status", *_PAGE), scoped=True
    ),
    "distribution/report": Reading(distribution_report.report, "distribution.report", ("from", "to")),
    "segments": Reading(segment_reads.segments, "segment.manage", ("name", *_PAGE), scoped=True),
    "segments/count": Reading(segment_reads.count, "segment.manage", ("rule",), timed=True),
    "segments/{id}": Reading(segment_reads.segment, "segment.manage", timed=True),
    "segments/{id}/members": Reading(segment_reads.members, "segment.manage", _PAGE, timed=True),
})  # fmt: skip

# The act that a POST asks for; what it needs is said in handlers/policy.py ACTS, or by the play that answers it.
POSTS: Mapping[str, str] = MappingProxyType({
    **{name: name for name in ("products", "stores", "coupon-templates", "campaigns", "tags")},
    "products/{sku}": "products/change",
    "stores/{code}": "stores/change",
    **{f"campaigns/{{id}}/{step}": f"campaigns/{step}" for step in STEPS},
    "timetables": "timetables",
    "launches": "launches",
    **{f"launches/{{id}}/{step}": f"launches/{step}" for step in ("approve", "stop")},
    "posts": "posts",
    **{f"posts/{{id}}/{step}": f"posts/{step}" for step in ("pause", "resume", "stop")},
    **{f"timetables/{{id}}/{step}": f"timetables/{step}" for step in STEPS},
    "tiers": "tiers",
    **{name: name for name in ("points", "checkouts/undo", "redemptions/undo")},
    "points/{id}/approve": "points/approve",
    **{f"referrals/{{id}}/{step}": f"referrals/{step}" for step in ("approve", "reject")},
    **{
        act.replace("/", "/{id}/"): act
        for act in (*GROUP_ACTS, *BROADCAST_ACTS, *SEGMENT_ACTS, *KNOWLEDGE_ACTS)
    },
    "members/{id}/consent": "members/consent",
    **{f"journeys/{step}": f"journeys/{step}" for step in ("pause", "resume", "stop")},
    "salons": "salons",
    **{f"salons/{{id}}/{step}": f"salons/{step}" for step in ("change", "cancel")},
    "salons/check-in": "salons/check-in",
    "tags": "tags",
    "tag-groups": "tag-groups",
    "tag-rules": "tag-rules",
    "tag-rules/run": "tag-rules/run",
    **{f"tag-rules/{{id}}/{step}": f"tag-rules/{step}" for step in ("change", "pause", "resume", "end")},
    **{
        f"distribution/distributors/{{id}}/{step}": f"distribution/distributors/{step}"
        for step in ("assign", "suspend", "resume", "terminate")
    },
    "distribution/hand-over": "distribution/hand-over",
    **{f"distribution/customers/{{id}}/{step}": f"distribution/customers/{step}" for step in ("approve", "reject")},
    **{f"distribution/payouts/{{id}}/{step}": f"distribution/payouts/{step}" for step in ("pay", "reject")},
    "staff": "staff",
    "staff/{userid}": "staff/change",
    "tokens": "tokens",
    "tokens/{id}/revoke": "tokens/revoke",
    **{f"approvals/{{id}}/{step}": f"approvals/{step}" for step in ("approve", "reject")},
})  # fmt: skip


# What is neither a read of a page nor an act, and the permission it needs.
SPECIAL: Mapping[tuple[str, str], str] = MappingProxyType({
    ("GET", "broadcasts/{id}/preview"): "broadcast.compose",
    ("GET", "audit/export"): "export.read",
    ("POST", "imports/{kind}"): "import.run",
    ("POST", "knowledge"): "knowledge.manage",
    ("GET", "knowledge/search"): "knowledge.read",
    ("POST", "tiers/preview"): "tier.manage",
    ("GET", "distribution/report.csv"): "distribution.report",
})  # fmt: skip


def parted(reading: Reading) -> bool:
    """Whether somebody who sees but a part may ask."""
    return reading.scoped or reading.timed


def check() -> None:
    """Every route has a permission of the table. Raises ConfigError."""
    for (method, path), may in SPECIAL.items():
        policy.require(may, f"{method} /api/v1/{path} (console/routes.py)")
    for path, reading in READS.items():
        policy.require(reading.may, f"GET /api/v1/{path} (console/routes.py)")
