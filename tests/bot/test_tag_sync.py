"""标签两边同步: a bot and the sandbox, with the real client, senders, gate and comparison between them: what either
side changes both show, nothing goes round in circles, and what was lost the night brings together."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels import wecom_app
from bot.channels.gate import Gate
from bot.ids import SeededChance
from bot.order_events import AdminAsked
from bot.reconcile import Reconcile
from bot.scheduler import Scheduler
from bot.senders import WeComSenders
from bot.turn import Work
from bot.wecom.client import WeCom
from sandbox.api_tags import all_tags
from sandbox.app import Options, Sandbox
from sandbox.tag_story import TagStory
from storage import member_tags
from tests.fakes import Bot, start_bot

MARK = "externalcontact/mark_tag"
CUSTOMERS = {"wmW": "王女士🎉", "wmX": "小明"}


@dataclass
class Town:
    """A corp: the bot, WeCom, and people who use WeCom's own client. lina follows both customers, mei the first."""

    bot: Bot
    sandbox: Sandbox
    people: TagStory
    reconcile: Reconcile
    scheduler: Scheduler

    async def settle(self) -> None:
        """Until nobody has anything to tell."""
        for _ in range(4):
            await self.sandbox.pusher.flush()
            await self.bot.deliver()
            await self.scheduler.sweep()
            self.bot.clock.advance(2)
            self.sandbox.clock.offset_s += 2  # two acts in one second would look alike

    async def says(self, words: str) -> None:
        """A guide tags in the app's chat."""
        await self.bot.says(words, "lina")
        await self.settle()

    async def asks(self, act: str, **body: Any) -> None:
        """A program asks."""
        await self.bot.writer.accept(AdminAsked(
            key=f"api:{next(self.bot.numbers)}", source="api", at=self.bot.clock.now(), act=act, body=body
        ))  # fmt: skip
        await self.settle()

    async def marks(self, userid: str, who: str, add: str = "", remove: str = "") -> None:
        """A guide tags in WeCom's client."""
        ids = {f"{group['group_name']}/{tag['name']}": tag["id"] for group, tag in all_tags(self.sandbox.world)}
        self.people.mark(userid, who, [ids[add]] if add else [], [ids[remove]] if remove else [])
        await self.settle()

    async def night(self) -> None:
        """The comparison."""
        row: Any = None
        await self.reconcile.run({}, row)
        await self.settle()

    def shown(self, who: str = "wmW") -> dict[str, set[str]]:
        """What WeCom shows on a customer, by guide."""
        names = {tag["id"]: f"{group['group_name']}/{tag['name']}" for group, tag in all_tags(self.sandbox.world)}
        customer = self.sandbox.world.customers[who]
        return {userid: {names[tag] for tag in pair.tags} for userid, pair in customer.relations.items()}

    def held(self, who: str = "wmW") -> set[str]:
        """What the bot holds: group/tag source."""
        rows = self.bot.rows(
            "SELECT t.group_name, t.name, t.source FROM member_tag t JOIN identity i ON i.member_id = t.member_id "
            "WHERE i.external_id = :w", w=who,
        )  # fmt: skip
        return {f"{row[0]}/{row[1]} {row[2]}" for row in rows}

    def calls(self) -> int:
        """How often WeCom was asked to mark."""
        return sum(1 for one in self.sandbox.journal.entries if one.get("path") == MARK)

    def together(self) -> None:
        """Both sides are one: every pair shows what its member holds, and the ground says so."""
        for who in CUSTOMERS:
            mine = {one.rpartition(" ")[0] for one in self.held(who)}
            assert self.shown(who) == dict.fromkeys(self.shown(who), mine)
        ground = self.bot.rows("SELECT external_userid, userid, group_name, name, state FROM corp_mark "
                               "WHERE state <> 'off'")  # fmt: skip
        assert {row[4] for row in ground} <= {"on"}
        assert {(row[0], row[1], f"{row[2]}/{row[3]}") for row in ground} == {
            (who, userid, tag) for who in CUSTOMERS for userid, tags in self.shown(who).items() for tag in tags
        }  # fmt: skip


@contextlib.asynccontextmanager
async def town_of(url: str) -> AsyncIterator[Town]:
    """A corp, its people met."""
    async with start_bot(url, datetime.now(UTC), {}, {"tagging": {"group": "偏好"}}) as bot:
        options = Options()
        gate = Gate(token=options.token, encoding_aes_key=options.aes_key, receive_id=options.corp_id,
                    replay_window_s=0)  # fmt: skip
        app = web.Application()
        app.add_routes(wecom_app.routes(gate, bot.writer, bot.clock))
        async with TestServer(app, host="127.0.0.1") as door:
            sandbox = Sandbox(dataclasses.replace(options, bot=f"http://127.0.0.1:{door.port}", onebot="off"))
            async with TestServer(sandbox.app(), host="127.0.0.1") as server:
                client = WeCom(api_base=f"http://127.0.0.1:{server.port}", corp_id=options.corp_id,
                               secret=options.secret, agent_id=options.agent_id, clock=bot.clock,
                               chance=SeededChance(3))  # fmt: skip
                bot.delivery._senders |= WeComSenders(client, options.agent_id, bot.clock).table()
                reconcile = Reconcile(client, bot.writer, bot.clock)
                town = Town(bot, sandbox, TagStory(sandbox.story), reconcile, Scheduler(bot.writer, bot.clock))
                await meet(town)
                yield town
                await client.close()


async def meet(town: Town) -> None:
    """Guides and customers."""
    world = town.sandbox.world
    world.guides.clear()
    world.customers.clear()
    world.groups.clear()
    world.ways.clear()
    for userid in ("lina", "mei"):
        town.sandbox.story.new_guide(userid, userid)
    for who, name in CUSTOMERS.items():
        town.sandbox.story.new_customer(name, external_userid=who)
        town.sandbox.story.scan(who, None, "lina", None)
    town.sandbox.story.scan("wmW", None, "mei", None)
    await town.settle()
    for name in ("羊绒", "真丝"):
        await town.asks("tags", group="偏好", name=name)


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Town]:
    async with town_of(database_url) as made:
        yield made


async def test_what_is_made_and_put_on_here_every_guide_sees_there(town: Town) -> None:
    assert {f"{group['group_name']}/{tag['name']}" for group, tag in all_tags(town.sandbox.world)} == {
        "偏好/羊绒", "偏好/真丝"
    }  # fmt: skip
    assert town.bot.count("corp_tag") == 2
    await town.says("打标签 王女士 +羊绒")
    assert town.shown() == {"lina": {"偏好/羊绒"}, "mei": {"偏好/羊绒"}}
    assert town.shown("wmX") == {"lina": set()}
    calls = town.calls()
    await town.says("打标签 王女士 -羊绒 +真丝")
    assert town.shown() == {"lina": {"偏好/真丝"}, "mei": {"偏好/真丝"}}
    town.together()
    assert town.calls() == calls + 4
    town.sandbox.story.scan("wmX", None, "mei", None)
    await town.says("打标签 小明 +羊绒")
    town.sandbox.story.part("wmX", "mei", "del_follow_user")
    await town.settle()
    town.sandbox.story.scan("wmX", None, "mei", None)  # who comes back finds the tags again
    await town.settle()
    town.together()


async def test_what_a_guide_does_there_comes_in_and_nothing_echoes(town: Town) -> None:
    await town.marks("lina", "wmW", add="偏好/羊绒")
    assert town.held() == {"偏好/羊绒 corp"}
    assert town.bot.rows("SELECT by FROM member_tag")[0][0] == "lina"
    town.together()  # mei sees it too
    calls = town.calls()
    assert calls == 1
    for _ in range(3):
        town.sandbox.story.edit("wmW", "lina", "熟客")  # looked at again and again
        await town.settle()
        await town.night()
    assert town.calls() == calls

    await town.says("打标签 王女士 +真丝")
    await town.marks("mei", "wmW", remove="偏好/羊绒")
    await town.marks("mei", "wmW", remove="偏好/真丝")  # what a person put on here a person may take off there
    assert town.held() == set()
    town.together()
    await town.marks("mei", "wmW", add="偏好/真丝")
    await town.marks("mei", "wmW", remove="偏好/真丝")
    await town.marks("lina", "wmW", add="偏好/真丝")
    assert town.held() == {"偏好/真丝 corp"}
    town.together()


async def test_a_rules_tag_comes_back_while_its_rule_stands(town: Town) -> None:
    await town.asks("tag-groups", name="阶段", corp=True, exclusive=True)
    await town.asks("tag-rules", group="阶段", name="新人", rule={"orders": {"most": 0}})
    await town.asks("tag-rules/run")
    assert town.shown() == {"lina": {"阶段/新人"}, "mei": {"阶段/新人"}}
    assert town.bot.count("tag", "group_name = '阶段'") == 0  # not for hands
    await town.marks("lina", "wmW", remove="阶段/新人")
    assert town.held() == {"阶段/新人 rule"}
    town.together()
    town.people.make("阶段", "老客")
    await town.settle()
    await town.marks("mei", "wmW", add="阶段/老客")  # an exclusive group: people come first
    assert town.held() == {"阶段/老客 corp"}
    town.together()
    await town.asks("tag-rules/run")
    assert town.held() == {"阶段/老客 corp"}


async def test_a_group_that_stays_home_is_not_shown(town: Town) -> None:
    await town.asks("tag-groups", name="内部", corp=False)
    await town.asks("tags", group="内部", name="难缠")
    await town.says("打标签 王女士 +难缠")
    town.people.make("内部", "难缠")
    await town.marks("mei", "wmW", add="内部/难缠")
    await town.night()
    assert (town.held(), town.calls()) == ({"内部/难缠 hand"}, 0)


async def test_what_an_admin_does_to_the_library(town: Town) -> None:
    town.people.make("材质", "亚麻")
    await town.settle()
    assert town.bot.count("tag", "group_name = '材质' AND closed_at IS NULL AND made_by = 'wecom'") == 1
    await town.says("打标签 王女士 +亚麻")
    await town.says("打标签 小明 +羊绒")
    ids = {tag["name"]: (tag["id"], group["group_id"]) for group, tag in all_tags(town.sandbox.world)}
    town.people.rename(ids["亚麻"][0], "麻")
    town.people.rename(ids["羊绒"][1], "喜好")
    await town.settle()
    assert town.held() == {"材质/麻 hand"}
    assert town.held("wmX") == {"喜好/羊绒 hand"}
    assert "喜好/羊绒" in {f"{row[0]}/{row[1]}" for row in town.bot.rows(
        "SELECT group_name, name FROM tag WHERE closed_at IS NULL")}  # fmt: skip
    town.together()
    town.people.delete(ids["亚麻"][0])
    town.people.delete(ids["羊绒"][1])
    await town.settle()
    assert (town.held(), town.held("wmX")) == (set(), set())
    assert town.bot.count("tag", "closed_at IS NULL") == 0
    await town.night()
    assert all_tags(town.sandbox.world) == []
    town.together()


async def test_what_was_lost_the_night_brings_together(town: Town) -> None:
    await town.says("打标签 王女士 +羊绒")
    await town.says("打标签 小明 +真丝")
    world = town.sandbox.world
    ids = {tag["name"]: tag["id"] for _, tag in all_tags(world)}
    world.customers["wmW"].relations["mei"].tags = [ids["真丝"]]  # two changes whose callbacks were lost
    group = next(iter(world.tags.values()))
    group["tag"].append({"id": "etLOST", "name": "棉", "create_time": 0, "order": 0})
    world.customers["wmX"].relations["lina"].tags.append("etLOST")

    def behind(work: Work) -> None:
        member = town.bot.rows("SELECT member_id FROM identity WHERE external_id = 'wmX'")[0][0]
        member_tags.add(work.db, member, "偏好", "羊绒", member_tags.IMPORT, "file", work.now)

    await town.bot.writer.call(behind)  # and one of ours that was not shown
    await town.night()
    assert town.held() == {"偏好/真丝 corp"}
    assert town.held("wmX") == {"偏好/真丝 hand", "偏好/棉 corp", "偏好/羊绒 import"}
    town.together()
    assert town.bot.count("audit_log", "action = 'tags.reconciled'") == 1
    await town.night()
    assert town.bot.count("audit_log", "action = 'tags.reconciled'") == 1  # nothing differs any more


async def test_a_call_that_died_is_asked_for_again_by_night(town: Town) -> None:
    town.sandbox.faults.add_next({"path": MARK, "fault": "busy", "errcode": 40063})
    await town.says("打标签 小明 +真丝")
    assert town.bot.count("outbox", "status = 'dead'") == 1
    assert town.shown("wmX") == {"lina": set()}
    with town.bot.database.engine.begin() as connection:  # its answer was lost as well
        connection.exec_driver_sql(
            "INSERT INTO corp_mark VALUES ('wmX', 'lina', '偏好', '真丝', 'asked_on', "
            + ("1" if connection.dialect.name == "sqlite" else "'2020-01-01'") + ")"
        )  # fmt: skip
    await town.night()
    town.together()
    assert town.shown("wmX") == {"lina": {"偏好/真丝"}}


async def test_a_refused_change_is_tried_again_one_at_a_time(town: Town) -> None:
    town.sandbox.faults.add_next({"path": MARK, "fault": "busy", "errcode": 45035, "times": 2})
    await town.says("打标签 王女士 +羊绒")
    for _ in range(6):
        town.bot.clock.advance(10)
        await town.bot.deliver()
    town.together()
    assert town.shown("wmW")["mei"] == {"偏好/羊绒"}
    refused = [one for one in town.sandbox.journal.entries if one.get("path") == MARK and one["reply"].get("errcode")]
    assert [one["reply"]["errcode"] for one in refused] == [45035, 45035]


async def test_an_older_look_judges_nothing_that_came_after_it(town: Town) -> None:
    """The contact was asked for before our own call, and its answer is heard after."""
    await town.says("打标签 王女士 +羊绒")
    before = (town.bot.clock.now() - timedelta(minutes=1)).isoformat()
    await heard(town, before, {"lina": set(), "mei": set()})
    assert town.held() == {"偏好/羊绒 hand"}
    await town.says("打标签 王女士 -羊绒")
    await heard(town, before, {"lina": {"羊绒"}, "mei": {"羊绒"}})
    assert town.held() == set()
    town.together()


async def heard(town: Town, at: str, shown: dict[str, set[str]]) -> None:
    from bot.events import ApiAnswered

    followers = [
        {"userid": userid, "tags": [{"group_name": "偏好", "tag_name": name, "type": 1} for name in sorted(names)]}
        for userid, names in shown.items()
    ]  # fmt: skip
    number = next(town.bot.numbers)
    await town.bot.writer.accept(ApiAnswered(
        key=f"outbox:x{number}", source="outbox", at=town.bot.clock.now(), outbox_id=number,
        call="externalcontact/get", request={"external_userid": "wmW"}, ok=True, errcode=None,
        answer={"external_contact": {"name": "王女士🎉"}, "follow_user": followers, "asked_at": at},
    ))  # fmt: skip
    await town.settle()
