"""How to ask for what is somebody's own: for each read that shows a part to some, and each act that some may do on a
part. One that is missing here fails tests/house/test_policy.py: add a line to `VISIBLE` or to `TOUCHED`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from storage import tables
from tests.conftest import NOON
from tests.console.everybody import SEGMENT, STAFF, World

Shown = Callable[[World, str, str], Awaitable[bool]]


def listed(query: str) -> Shown:
    """Whether a list has it. `{who}` and `{member}` name whose it is."""

    async def shown(world: World, token: str, who: str) -> bool:
        asked = query.format(
            who=who, member=world.members[who], store=STAFF[who][1], promoter=world.promoters[who]
        )  # fmt: skip
        status, answer = await world.office.get(asked, token)
        assert status in (200, 404), answer
        return status == 200 and bool(answer.get("items", answer))

    return shown


async def settled(world: World, token: str, who: str) -> bool:
    """Whether the settlement shows the store's line."""
    _, answer = await world.office.get("settlements?from=2026-11-01&to=2026-12-01", token)
    return any(item["store"] == STAFF[who][1] for item in answer["items"])


async def employed(world: World, token: str, who: str) -> bool:
    """Whether the list of staff has them."""
    _, answer = await world.office.get("staff", token)
    return any(item["userid"] == who for item in answer["items"])


def opened(path: str) -> Shown:
    """Whether one that is named is there."""

    async def shown(world: World, token: str, who: str) -> bool:
        status, answer = await world.office.get(
            path.format(broadcast=world.broadcasts[who], salon=world.salons[who]), token
        )
        assert status in (200, 404), answer
        return status == 200

    return shown


async def opened_salons(world: World, token: str, who: str) -> bool:
    """Whether the list of salons has that of their store."""
    _, answer = await world.office.get("salons", token)
    return any(item["store"] == STAFF[who][1] for item in answer["items"])


def fitting(path: str) -> Shown:
    """Whether a member is among those who fit a segment that everybody fits."""

    async def shown(world: World, token: str, who: str) -> bool:
        status, answer = await world.office.get(path, token)
        assert status == 200, answer
        return any(item["id"] == world.members[who] for item in answer.get("sample", answer.get("items")))

    return shown


async def composed(world: World, token: str, who: str) -> bool:
    """Whether the list of broadcasts has theirs."""
    _, answer = await world.office.get("broadcasts", token)
    return any(item["made_by"] == who for item in answer["items"])


async def kept(world: World, token: str, who: str) -> bool:
    """Whether the list of segments has theirs, and it opens when it is named."""
    _, answer = await world.office.get("segments", token)
    there = any(item["made_by"] == who for item in answer["items"])
    for path in ("segments/{}", "segments/{}/members"):
        status, _ = await world.office.get(path.format(world.segments[who]), token)
        assert status == (200 if there else 404)
    return there


VISIBLE: dict[str, Shown] = {
    "members": listed("members?external_id=wm-{who}"),
    "ledger": listed("ledger?member_id={member}"),
    "tiers/changes": listed("tiers/changes?member_id={member}"),
    "journeys/why": listed("journeys/why?member_id={member}"),
    "checkouts": listed("checkouts?member_id={member}"),
    "referrals": listed("referrals?inviter={member}"),
    "groups": listed("groups?owner={who}"),
    "groups/{chat_id}": listed("groups/wr-{who}"),
    "settlements": settled,
    "staff": employed,
    "approvals": listed("approvals?made_by={who}&kind=x"),
    "salons": opened_salons,
    "salons/{id}": opened("salons/{salon}"),
    "segments": kept,
    "segments/count": fitting('segments/count?rule={"channels":["live"]}'),
    "segments/{id}": fitting(f"segments/{SEGMENT}"),
    "segments/{id}/members": fitting(f"segments/{SEGMENT}/members"),
    "tag-rules/preview": fitting('tag-rules/preview?rule={"channels":["live"]}'),
    "tasks": listed("tasks?userid={who}"),
    "notes": listed("notes?member_id={member}"),
    "handouts": listed("handouts?userid={who}"),
    "media": listed("media?userid={who}"),
    "distribution/distributors": listed("distribution/distributors?manager={who}"),
    **{
        f"distribution/{name}": listed(f"distribution/{name}?distributor_id={{promoter}}")
        for name in ("changes", "customers", "commissions", "payouts")
    },
    "broadcasts": composed,
    "broadcasts/{id}": opened("broadcasts/{broadcast}"),
    "broadcasts/{id}/audience": opened("broadcasts/{broadcast}/audience"),
    "broadcasts/{id}/preview": opened("broadcasts/{broadcast}/preview"),
}


async def agreed(world: World, token: str, owner: str) -> bool:
    """Whether somebody may decide what waits there. An own wish is another matter: nobody grants it to themselves."""
    status, _ = await world.office.post(f"approvals/{world.waits[owner]}/reject", {}, token)
    with world.mall.bot.database.engine.begin() as connection:
        table = tables.Approval.__table__  # type: ignore[attr-defined]
        connection.execute(table.update().where(table.c.id == world.waits[owner]).values(
            status="waiting", decided_by="", decided_at=None))  # fmt: skip
    return status == 200


async def consented(world: World, token: str, owner: str) -> bool:
    """Whether somebody may enter what a member said."""
    body = {"state": "out", "channel": "phone"}
    return (await world.office.post(f"members/{world.members[owner]}/consent", body, token))[0] == 200


async def composed_for(world: World, token: str, owner: str) -> bool:
    """Whether somebody may have it sent by a member of staff."""
    body = {"name": "x", "channel": "contact", "text": "x", "senders": [owner]}
    return (await world.office.post("broadcasts", body, token))[0] == 201


async def chosen_for(world: World, token: str, owner: str) -> bool:
    """Whether somebody may keep a rule about the members of their store."""
    rule = {"within_store": STAFF[owner][1]}
    name = f"{owner} {await world.office.bot.writer.call(lambda work: work.ids.next())}"
    return (await world.office.post("segments", {"name": name, "rule": rule}, token))[0] == 201


def reruled(step: str) -> Shown:
    """Whether a segment is there to change; it is what it was afterwards."""

    async def done(world: World, token: str, owner: str) -> bool:
        status, answer = await world.office.post(f"segments/{world.segments[owner]}/{step}", {}, token)
        assert status in (200, 404), answer
        with world.mall.bot.database.engine.begin() as connection:
            table = tables.Segment.__table__  # type: ignore[attr-defined]
            connection.execute(table.update().where(table.c.id == world.segments[owner]).values(archived_at=None))
        return status == 200

    return done


def acted(step: str) -> Shown:
    """Whether a broadcast is there to act on; what cannot be done with it now is another matter."""

    async def done(world: World, token: str, owner: str) -> bool:
        status, answer = await world.office.post(f"broadcasts/{world.broadcasts[owner]}/{step}", {}, token)
        assert status in (200, 404, 409, 422), answer
        return status != 404

    return done


async def held(world: World, token: str, owner: str) -> bool:
    """Whether somebody may hold a salon in a store."""
    times = {"starts_at": NOON + timedelta(days=1), "ends_at": NOON + timedelta(days=1, hours=1)}
    body = {"title": "x", "place": "x", "seats": 1, "store": STAFF[owner][1]}
    body |= {name: at.isoformat() for name, at in times.items()}
    return (await world.office.post("salons", body, token))[0] == 200


def salon(step: str) -> Shown:
    """Whether a store's salon is there to act on."""

    async def done(world: World, token: str, owner: str) -> bool:
        status, answer = await world.office.post(f"salons/{world.salons[owner]}/{step}", {}, token)
        assert status in (200, 404, 409), answer
        return status != 404

    return done


def promoted(path: str, **body: str) -> Shown:
    """Whether a distributor whom they serve, or a customer of theirs, is there to act on."""

    async def done(world: World, token: str, owner: str) -> bool:
        number = world.promoters[owner]
        status, answer = await world.office.post(f"distribution/{path.format(number)}", body, token)
        assert status in (200, 404, 409, 422), answer
        return status != 404

    return done


STEPS = ("change", "test", "remind", "refresh", "pause", "resume", "stop")
TOUCHED: dict[str, Shown] = {
    "approvals/approve": agreed,
    "approvals/reject": agreed,
    "members/consent": consented,
    "salons": held,
    "salons/change": salon("change"),
    "salons/cancel": salon("cancel"),
    "distribution/distributors/assign": promoted("distributors/{}/assign", role="service", userid="ada"),
    **{
        f"distribution/distributors/{step}": promoted(f"distributors/{{}}/{step}")
        for step in ("suspend", "resume", "terminate")
    },
    **{f"distribution/customers/{step}": promoted(f"customers/{{}}/{step}") for step in ("approve", "reject")},
    "broadcasts": composed_for,
    **{f"broadcasts/{step}": acted(step) for step in STEPS},
    "segments": chosen_for,
    "segments/change": reruled("change"),
    "segments/archive": reruled("archive"),
}

# What is a store's, not a person's.
OF_STORES = {"salons", "salons/{id}", "salons/change", "salons/cancel"}
