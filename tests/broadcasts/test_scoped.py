"""店长的人群与群发: a store manager counts and reaches the store's own members, whatever the rule says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from console.broadcast_preview import Preview
from console.sight import ALL
from tests.broadcasts.office import FREE, QUICK, Office, opened
from tests.office import office_of


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A bot and the sandbox."""
    async with opened(database_url, QUICK) as running:
        yield running


async def test_a_managers_draft_stays_in_the_store_whoever_rewrites_it(office: Office) -> None:
    mine, _ = await office.customers(1), await office.customers(1, "aqiang")
    await office.bot.employs("xiaomei", "guide", "S1")
    everybody = {"name": "全部🎉", "rule": {}}
    async with office_of(office.bot) as api:
        mona = await api.token_of("mona", "manager", "S1")
        _, brands = await api.post("segments", everybody)
        body = {"name": "店庆", "channel": "contact", "text": "来坐坐", "segment_id": brands["id"]}
        _, made = await api.post("broadcasts", body, mona)
        assert (await api.post(f"broadcasts/{made['id']}/change", {**body, "text": "来喝茶"}))[0] == 200
        preview = Preview(FREE)
        with office.bot.database.engine.connect() as connection:
            counted = preview.of(connection, made["id"], ALL, office.bot.clock.now())["audience"]
    assert counted["matched"] == 1
    await office.asks("broadcasts/approve", id=made["id"], by="boss")
    await office.settle()
    assert office.tasks() == [mine]


async def test_a_manager_keeps_segments_of_the_stores_own_members(office: Office) -> None:
    mine, _ = await office.customers(2), await office.customers(3, "aqiang")
    await office.bot.employs("xiaomei", "guide", "S1")
    await office.bot.employs("aqiang", "guide", "S2")
    async with office_of(office.bot) as api:
        mona, max_ = await api.token_of("mona", "manager", "S1"), await api.token_of("max", "manager", "S2")
        _, brands = await api.post("segments", {"name": "全部", "rule": {}})
        status, hers = await api.post("segments", {"name": "本店🎉", "rule": {"points": {"most": 9_999}}}, mona)
        assert (status, hers["says"]) == (201, "门店 S1 的；有积分不超过 9999  的会员")
        counts = [(await api.get(f"segments/{one['id']}", token))[1].get("count")
                  for one in (brands, hers) for token in (mona, max_)]  # fmt: skip
        assert counts == [2, 3, 2, None]
        assert (await api.get(f"segments/{hers['id']}"))[1]["count"] == len(mine)  # an admin counts the same
        assert [one["name"] for one in (await api.get("segments", mona))[1]["items"]] == ["本店🎉", "全部"]
        assert [one["name"] for one in (await api.get("segments", max_))[1]["items"]] == ["全部"]
        acts = [
            await api.post(f"segments/{which}/{act}", {}, token)
            for act in ("change", "archive")
            for which, token in ((brands["id"], mona), (hers["id"], max_))
        ]
        assert [status for status, _ in acts] == [403, 404, 403, 404]
        wider = await api.post(f"segments/{hers['id']}/change", {"rule": {"within_store": "S2"}}, mona)
        assert (wider[0], wider[1]["error"]["field"]) == (422, "rule.within_store")
        body = {"name": "x", "channel": "contact", "text": "y", "segment_id": hers["id"]}
        assert (await api.post("broadcasts", body, max_))[1]["error"]["field"] == "segment_id"
        for _ in range(2):
            assert (await api.post(f"segments/{hers['id']}/archive", {}, mona))[0] == 200
