"""Faults on demand: each does what its name says, by dice that a seed throws again, or scripted for the next call."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

import aiohttp
import pytest

from sandbox.faults import API, CALLBACK
from tests.sandbox.conftest import Desk

TAG = "externalcontact/add_corp_tag"


async def switch(desk: Desk, **faults: Any) -> dict[str, Any]:
    """PUT faults; what is shown then."""
    shown: dict[str, Any] = await desk.do("faults", faults, method="PUT")
    return shown


async def scripted(desk: Desk, fault: str, path: str = TAG, **more: Any) -> None:
    """The next call of a path fails."""
    await desk.do("faults/next", {"path": path, "fault": fault, **more})


async def told(desk: Desk, customers: int) -> list[int]:
    """Some customers join one after the other; who was told of, in the order of arrival."""
    began, order = len(desk.receiver.got), []
    for number in range(customers):
        order.append((await desk.do("customers", {"name": f"顾客{number}"}))["external_userid"])
        await desk.do(f"customers/{order[-1]}/scan", {"userid": "xiaomei"})
    await desk.settle()
    return [next(n for n, customer in enumerate(order) if customer in p) for p in desk.receiver.plains[began:]]


async def called(desk: Desk, name: str = "直播") -> tuple[int, str]:
    """Status and text of one call that makes a tag."""
    query = {"access_token": await desk.new_token()}
    body = {"group_name": "渠道", "tag": [{"name": name}]}
    async with desk.client.post(f"/cgi-bin/{TAG}", params=query, json=body) as response:
        return response.status, await response.text()


def tags(desk: Desk) -> list[str]:
    """The tags that there are."""
    return [tag["name"] for group in desk.sandbox.world.tags.values() for tag in group["tag"]]


async def test_nothing_is_on_at_first(desk: Desk) -> None:
    shown = await desk.do("faults", method="GET")

    assert (shown["callback"], shown["api"], shown["next"], shown["untrusted_ip"]) == (CALLBACK, API, [], False)
    assert await told(desk, 5) == sorted(await told(desk, 5))
    assert [entry for entry in desk.sandbox.journal.entries if entry["type"] == "fault"] == []


async def test_the_same_seed_loses_and_doubles_the_same_callbacks(desk: Desk) -> None:
    runs = []
    for seed in (7, 7, 8):
        await switch(desk, seed=seed, callback={"lose": 0.3, "duplicate": 0.3})
        runs.append(Counter(await told(desk, 15)))
    assert runs[0] == runs[1] != runs[2]
    assert 0 < len(runs[0]) < 15
    assert max(runs[0].values()) > 1


async def test_the_same_seed_shuffles_the_same_way(desk: Desk) -> None:
    desk.sandbox.pusher._gate = asyncio.Semaphore(1)  # one at a time: they arrive in the order in which they left
    runs = []
    for seed in (7, 7, 8):
        await switch(desk, seed=seed, callback={"reorder": 6})
        runs.append(await told(desk, 12))
        assert sorted(runs[-1]) == list(range(12)) != runs[-1]
        assert set(runs[-1][:6]) == set(range(6))  # nobody is held back beyond the window
    assert runs[0] == runs[1] != runs[2]


async def test_every_copy_of_a_doubled_callback_says_the_same(desk: Desk) -> None:
    await switch(desk, callback={"duplicate": 1, "copies": 4})
    await told(desk, 1)

    assert 2 <= len(desk.receiver.got) <= 4
    assert len(set(desk.receiver.plains)) == 1
    assert len({query["msg_signature"] for query, _ in desk.receiver.got}) == len(desk.receiver.got)


async def test_a_lost_callback_never_comes_but_its_customer_is_there(desk: Desk) -> None:
    await switch(desk, callback={"lose": 1})
    assert await told(desk, 2) == []
    assert len((await desk.api("externalcontact/list", userid="xiaomei"))["external_userid"]) == 2


async def test_a_late_callback_lets_the_next_one_pass(desk: Desk) -> None:
    await switch(desk, callback={"late": 1, "late_s": 0.2})
    late = (await desk.do("customers", {"name": "迟到"}))["external_userid"]
    await desk.do(f"customers/{late}/scan", {"userid": "xiaomei"})
    await switch(desk, callback={"late_s": 0.2})
    prompt = (await desk.do("customers", {"name": "准时"}))["external_userid"]
    await desk.do(f"customers/{prompt}/scan", {"userid": "xiaomei"})
    while not desk.receiver.got:
        await asyncio.sleep(0.005)
    await desk.settle()

    assert [prompt in plain for plain in desk.receiver.plains] == [True, False]
    assert late in desk.receiver.plains[1]


async def test_of_a_forged_pair_exactly_one_signature_fits(desk: Desk) -> None:
    await switch(desk, callback={"bad_signature": 1})
    await told(desk, 1)

    entries = [entry for entry in desk.sandbox.journal.entries if entry["type"] == "callback"]
    fits = [
        desk.sandbox.pusher.seal.is_signed(
            entry["query"]["msg_signature"], entry["query"]["timestamp"], entry["query"]["nonce"], entry["cipher"]
        )
        for entry in entries
    ]
    assert sorted(fits) == [False, True]
    assert fits == [not entry["forged"] for entry in entries]


async def test_a_twin_joins_in_the_same_second(desk: Desk) -> None:
    await switch(desk, callback={"twin": 1})
    customer = (await desk.do("customers", {"name": "小明"}))["external_userid"]
    await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei"})
    await desk.settle()
    assert len(set(desk.receiver.plains)) == 2


async def test_the_same_seed_fails_the_same_calls(desk: Desk) -> None:
    runs = []
    for seed in (7, 7, 8):
        await switch(desk, seed=seed, api={"busy": 0.3, "rate": 0.3}, api_paths=["getcallbackip"])
        runs.append([await desk.code("getcallbackip") for _ in range(20)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {0, -1, 45009}


async def test_only_the_named_paths_are_struck(desk: Desk) -> None:
    await switch(desk, api={"busy": 1}, api_paths=["message/"])
    assert await desk.code("getcallbackip") == 0
    assert await desk.code("message/recall", {"msgid": "none"}) == -1


@pytest.mark.parametrize(
    ("fault", "status", "says", "done"),
    [("http_500", 502, "<html>", False), ("html", 200, "<html>", False), ("busy", 200, "-1", False),
     ("rate", 200, "45009", False), ("revoke", 200, "40014", False), ("malformed", 200, "{", True)],
)  # fmt: skip
async def test_a_failing_answer_and_whether_the_deed_is_done(
    desk: Desk, fault: str, status: int, says: str, done: bool
) -> None:
    await scripted(desk, fault)
    got, text = await called(desk)
    assert (got, says in text, tags(desk)) == (status, True, ["直播"] if done else [])
    if fault in ("http_500", "html", "malformed"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


@pytest.mark.parametrize(("fault", "done"), [("commit_then_drop", True), ("timeout_before", False)])
async def test_a_dropped_connection_hides_whether_the_deed_is_done(desk: Desk, fault: str, done: bool) -> None:
    await switch(desk, api={"timeout_s": 0.05})
    await scripted(desk, fault)
    with pytest.raises(aiohttp.ClientError):
        await called(desk)
    assert tags(desk) == (["直播"] if done else [])


async def test_a_slow_answer_is_late_and_right(desk: Desk) -> None:
    await switch(desk, api={"slow_s": 0.1})
    await scripted(desk, "slow")
    began = time.perf_counter()
    _, text = await called(desk)
    assert (time.perf_counter() - began >= 0.1, json.loads(text)["errcode"], tags(desk)) == (True, 0, ["直播"])


async def test_a_revoked_token_stays_revoked_and_the_next_one_is_another(desk: Desk) -> None:
    assert await desk.code("getcallbackip") == 0
    await scripted(desk, "revoke", "getcallbackip")
    assert [await desk.code("getcallbackip") for _ in range(2)] == [40014, 40014]
    old, desk.token = desk.token, ""
    assert await desk.code("getcallbackip") == 0
    assert desk.token != old
