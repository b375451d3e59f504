"""权限矩阵: every route, every act and every word of staff, by everybody, on what is their own and what is another's:
cell by cell as the table of handlers/policy.py says. What is not in the matrix fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.router import Words, load_plays
from bot.settings import Settings
from bot.texts import Texts
from console.routes import POSTS, READS, SPECIAL, parted
from console.server import POLICY
from handlers import admin, policy
from handlers.plays import Plays
from tests.console.conftest import Shop
from tests.console.everybody import OBJECTS, REFUSED, STAFF, World, every_play, reach, sees, sees_store, world_of
from tests.console.objects import OF_STORES, TOUCHED, VISIBLE
from tests.office import TOKEN


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with world_of(database_url) as there:
        yield there


def test_every_route_of_the_api_is_in_the_table(world: World) -> None:
    routes = world.office.client.app
    assert routes is not None
    paths = {(route.method, route.resource.canonical) for route in routes.router.routes() if route.resource}
    known = {("GET", f"/api/v1/{path}") for path in READS} | {("POST", f"/api/v1/{path}") for path in POSTS}
    special = {(method, f"/api/v1/{path}") for method, path in SPECIAL}
    assert {(method, path) for method, path in paths if method != "HEAD"} == known | special


async def test_nobody_reads_more_than_the_table_says(world: World) -> None:
    wrong = {}
    for path, reading in READS.items():
        for userid, token in world.tokens.items():
            scope = "" if userid in REFUSED else reach(userid, reading.may)
            status, _ = await world.office.get(_filled(world, path), token)
            expected = REFUSED.get(userid) or (403 if not scope or (scope != "all" and not parted(reading)) else 0)
            if (status if status in (401, 403) else 0) != expected or status >= 500:
                wrong[path, userid] = (status, expected)
        status, _ = await world.office.get(_filled(world, path), TOKEN)
        if status in (401, 403):
            wrong[path, "the owner's token"] = (status, 0)
    assert wrong == {}


def _filled(world: World, path: str) -> str:
    """A path with some value for what it names."""
    return path.replace("{id}", "1").replace("{chat_id}", "wr-lina").replace("{userid}", "lina")


async def test_nobody_does_more_than_the_table_says(world: World) -> None:
    """An empty body is refused by its fields, where it is not refused before that."""
    plays = Plays(load_plays(every_play(), Settings().play_tables))
    wrong = {}
    for path, act in POSTS.items():
        may = admin.needed(act, plays)
        for userid, token in [*world.tokens.items(), ("", TOKEN)]:
            enough = {"all", "own", "store"} if admin.scoped(act, plays) else {"all"}
            allowed = not userid or (userid not in REFUSED and reach(userid, may) in enough)
            filled = _filled(world, path.replace("{id}", "999999999")).replace("{sku}", "X").replace("{code}", "X")
            status, answer = await world.office.post(filled, {}, token)
            expected = REFUSED.get(userid) or (0 if allowed else 403)
            if (status if status in (401, 403) else 0) != expected or status >= 500 or may not in policy.TABLE:
                wrong[act, userid] = (status, answer)
    assert wrong == {}


async def test_what_is_neither_a_read_nor_an_act(world: World) -> None:
    wrong = {}
    for (method, path), may in SPECIAL.items():
        for userid, token in world.tokens.items():
            headers = {"Authorization": f"Bearer {token}"}
            url = f"/api/v1/{_filled(world, path)}".replace("{kind}", "members")
            async with world.office.client.request(method, url, headers=headers) as response:
                status = response.status
            scope = "" if userid in REFUSED else reach(userid, may)
            expected = REFUSED.get(userid) or (0 if scope == "all" or (scope and path in VISIBLE) else 403)
            if (status if status in (401, 403) else 0) != expected or status >= 500:
                wrong[path, userid] = (status, expected)
    assert wrong == {}


async def test_nobody_sees_what_is_not_within_their_reach(world: World) -> None:
    scoped = {path: reading.may for path, reading in READS.items() if parted(reading)}
    scoped |= {path: may for (method, path), may in SPECIAL.items() if path in VISIBLE}
    wrong = {}
    for path, may in scoped.items():
        for userid in STAFF:
            if not reach(userid, may):
                continue
            for owner in OBJECTS:
                expected = (sees_store if path in OF_STORES else sees)(userid, owner, may)
                shown = await VISIBLE[path](world, world.tokens[userid], owner)
                if shown != expected:
                    wrong[path, userid, owner] = (shown, expected)
    assert wrong == {}


async def test_a_manager_tries_a_broadcast_with_the_stores_own_members_only(world: World) -> None:
    seen = [
        (await world.office.post(
            f"broadcasts/{world.broadcasts['ma']}/test", {"userids": ["ma"], "member_id": world.members[who]},
            world.tokens["ma"],
        ))[0]
        for who in ("lina", "mei")
    ]  # fmt: skip
    assert seen == [200, 404]


async def test_nobody_touches_what_is_not_within_their_reach(world: World) -> None:
    plays = Plays(load_plays(every_play(), Settings().play_tables))
    wrong = {}
    for act, touched in TOUCHED.items():
        may = admin.needed(act, plays)
        for userid in STAFF:
            if not reach(userid, may):
                continue
            for owner in OBJECTS:
                done = await touched(world, world.tokens[userid], owner)
                if done != (sees_store if act in OF_STORES else sees)(userid, owner, may):
                    wrong[act, userid, owner] = done
    assert wrong == {}


def words_of_staff() -> list[Words]:
    """Every word that staff can say."""
    plays = load_plays(every_play(), Settings().play_tables)
    return [words for play in plays for words in play.router.words_taken if words.audience != "member"]


async def test_nobody_says_more_than_the_table_allows(world: World) -> None:
    """A word that takes no effect without what follows it is said with something that means nothing."""
    refusal = Texts().render("staff/may_not", word="@").split("@")[1]
    wrong = {}
    for words in words_of_staff():
        for userid in STAFF:
            for word in words.words:
                answer = await world.mall.bot.says(f"{word} 呣呣" if words.arg else word, userid)
                if (refusal in answer) != (reach(userid, words.may) == ""):
                    wrong[word, userid] = answer
        answer = await world.mall.bot.says(words.words[0], "gone")
        if answer != Texts().render("staff/nobody"):
            wrong[words.words[0], "gone"] = answer
    assert wrong == {}


async def test_help_offers_what_the_table_allows(world: World) -> None:
    for userid in STAFF:
        answer = await world.mall.bot.says("帮助", userid)
        for words in words_of_staff():
            if words.menu:
                line = words.words[0] + (f" {words.arg}" if words.arg else "")
                assert (f". {line}\n" in answer + "\n") == (reach(userid, words.may) != ""), (userid, line)


def test_the_guard_is_not_asleep() -> None:
    """The matrix has refusals and permissions of every kind in it: one that said yes to all would be seen."""
    cells = {reach(userid, may) for userid in STAFF for may in policy.TABLE}
    assert cells == {"", "own", "store", "all"}


@pytest.mark.parametrize("path", [path for path in POLICY if path != "/api/v1/"])
def test_what_is_no_route_of_the_api_lets_nobody_in_unsigned(shop: Shop, path: str) -> None:
    filled = path.replace("{source}", "mall")
    got = shop.ask(filled, token=None).status
    posted = shop._send(f"http://127.0.0.1:{shop.world.bot_port}{filled}", "POST", {}, b"{}").status
    if POLICY[path] == "open":
        assert (got, posted) == (200, 405)
    else:
        assert {got, posted} <= {400, 401, 403, 404, 405}
