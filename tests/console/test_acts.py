"""Whatever somebody does over the API leaves one row of the audit with their name, and takes no field it does not
know."""

from __future__ import annotations

import re

import pytest

from console.routes import POSTS
from handlers.refusals import SIGNED
from tests.console.acts import STORY, as_text, audit_of, world_of

# What a program could gain by writing it: money, stock, states, names and roles.
DANGEROUS = (
    "id", "status", "role", "userid", "store_id", "approved_by", "decided_by", "approved", "signer", "actor", "may",
    "amount", "points", "tier", "worst_fen", "liability_fen", "discount_fen", "price_fen", "refunded_fen",
    "remaining", "taken", "total", "member_id", "revoked_at", "expires_at",
)  # fmt: skip
# The fields of an act that the story leaves out. Whoever adds a field to an act writes it down here.
OPTIONAL: dict[str, set[str]] = {
    "products/change": {"status"},
    "points": {"member_id"},
    "staff": {"role", "store_id"},
    "staff/change": {"status"},
    "tokens": {"expires_at"},
    "broadcasts/test": {"member_id"},
    "salons": {"points"},
}

IN_PATH = {act: re.findall(r"{(\w+)}", path) for path, act in POSTS.items()}  # what the path says, the path decides


async def test_every_act_leaves_one_row_with_its_actor(database_url: str) -> None:
    wrong = {}
    async with world_of(database_url) as world:
        for place, (act, (who, way)) in enumerate(STORY.items()):
            path, body = await way(world)
            key = f"story{place:03}"
            answer = await world.office.post(path, body, world.tokens[who], key=key)
            assert answer[0] < 300, (act, as_text(answer[1]))
            world.answers[act] = answer[1]
            rows = audit_of(world, key)
            again = await world.office.post(path, body, world.tokens[who], key=key)
            count = [actor for actor, _ in rows].count(who)
            if count != 1 or rows != audit_of(world, key) or again[0] >= 500:
                wrong[act] = rows
    assert wrong == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is refused never reaches a database
async def test_no_act_takes_a_field_that_it_does_not_know(database_url: str) -> None:
    taken = []
    async with world_of(database_url) as world:
        for act, (who, way) in STORY.items():
            path, body = await way(world)
            known = {*body, *SIGNED, *OPTIONAL.get(act, ()), *IN_PATH[act]}
            for name in DANGEROUS:
                if name in known:
                    continue
                answer = await world.office.post(path, {**body, name: 1}, world.tokens[who])
                if answer[0] != 422 or answer[1]["error"]["field"] != name:
                    taken.append((act, name, answer[0]))
            answer = await world.office.post(path, body, world.tokens[who])
            assert answer[0] < 300, (act, as_text(answer[1]))
            world.answers[act] = answer[1]
    assert taken == []
