"""规则打标签: who fits gets the tag, who fits no more loses it; people's tags are left alone; an exclusive group holds
one; killed anywhere, a walk goes on; the ready sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.events import TimerDue
from bot.rfm_sender import RfmSender
from bot.scheduler import Scheduler
from bot.turn import Work
from scenarios import tag_acts, tag_sets, tag_walk
from scenarios.tag_walk import decide
from scenarios.tagging import router
from storage import member_tags
from storage.tables import TagRule
from storage.tag_windows import Held
from tests.conftest import NOON
from tests.desk import Desk, start_desk

BOUGHT: dict[str, Any] = {"group": "消费", "name": "买过🎉", "rule": {"orders": {"least": 1}}}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with started(database_url) as made:
        yield made


def started(url: str, **rules: Any) -> Any:
    return start_desk(url, {"tagging": {"group": "自定义", **rules}})


def held(desk: Desk, who: str = "wm1", group: str = "消费") -> set[tuple[str, str]]:
    """A member's tags of a group: (tag, source)."""
    rows = desk.bot.rows(
        "SELECT name, source FROM member_tag WHERE member_id = :m AND group_name = :g", m=desk.member(who), g=group
    )
    return {(row[0], row[1]) for row in rows}


async def made(desk: Desk, **more: Any) -> int:
    status, body = await desk.ask("tag-rules", **{**BOUGHT, **more})
    assert status == 200, body
    return int(body["id"])


async def walk(desk: Desk) -> None:
    """All rules over all members, now."""
    assert (await desk.ask("tag-rules/run"))[0] == 200
    await desk.passes(seconds=1)


async def test_who_fits_gets_the_tag_and_loses_it_when_they_fit_no_more(desk: Desk) -> None:
    await desk.pays("wm1", "o1", 9_900)
    rule = await made(desk)
    assert held(desk) == set()
    await desk.passes(minutes=3)  # a rule that was made is at work soon
    assert (held(desk), held(desk, "wm2")) == ({("买过🎉", "rule")}, set())
    assert desk.one("SELECT by FROM member_tag WHERE name = '买过🎉'") == f"tag_rule:{rule}"

    await desk.refunds("o1", 9_900)
    await desk.passes(seconds=10)  # who has orders changed is looked at at once
    assert held(desk) == set()
    await desk.pays("wm2", "o2", 9_900)
    await desk.passes(seconds=10)
    assert held(desk, "wm2") == {("买过🎉", "rule")}


async def test_what_people_and_wecom_put_on_is_never_touched(desk: Desk) -> None:
    await desk.pays("wm1", "o1", 9_900)
    one = desk.member("wm2")

    def others(work: Work) -> None:
        for source in (member_tags.HAND, member_tags.CORP, member_tags.IMPORT):
            member_tags.add(work.db, one, "消费", "买过🎉", source, "lina", work.now)

    await desk.bot.writer.call(others)
    rule = await made(desk)
    await walk(desk)
    assert held(desk, "wm2") == {("买过🎉", "hand"), ("买过🎉", "corp"), ("买过🎉", "import")}
    await desk.ask("tag-rules/end", id=rule)
    await walk(desk)
    assert held(desk) == set()
    assert len(held(desk, "wm2")) == 3


async def test_a_paused_rule_changes_nothing_and_an_ended_one_takes_its_tags_off(desk: Desk) -> None:
    await desk.pays("wm1", "o1", 9_900)
    rule = await made(desk)
    await walk(desk)
    assert (await desk.ask("tag-rules/pause", id=rule))[1]["status"] == "paused"
    await desk.refunds("o1", 9_900)
    await desk.pays("wm2", "o2", 9_900)
    await walk(desk)
    assert (held(desk), held(desk, "wm2")) == ({("买过🎉", "rule")}, set())
    await desk.ask("tag-rules/resume", id=rule)
    await walk(desk)
    assert (held(desk), held(desk, "wm2")) == (set(), {("买过🎉", "rule")})
    assert (await desk.ask("tag-rules/end", id=rule))[0] == 200
    assert (await desk.ask("tag-rules/end", id=rule))[0] == 404  # asked twice
    await walk(desk)
    assert held(desk, "wm2") == set()
    await made(desk)  # its name is free again
    assert desk.bot.count("audit_log", "action LIKE 'tag_rule.%'") == 5


async def test_a_change_is_a_version_of_its_own(desk: Desk) -> None:
    await desk.pays("wm1", "o1", 9_900)
    rule = await made(desk)
    await walk(desk)
    status, body = await desk.ask("tag-rules/change", id=rule, rule={"orders": {"least": 2}}, by="boss")
    assert (status, body["version"]) == (200, 2)
    assert (await desk.ask("tag-rules/change", id=rule, rule={"orders": {"least": 2}}))[1]["version"] == 2  # the same
    await walk(desk)
    assert held(desk) == set()
    assert [row[0] for row in desk.bot.rows("SELECT made_by FROM tag_rule_version ORDER BY version")] == ["api", "boss"]


async def test_with_days_a_tag_goes_by_itself_when_its_rule_rests(desk: Desk) -> None:
    await desk.pays("wm1", "o1", 9_900)
    rule = await made(desk, days=4)
    await walk(desk)
    await desk.passes(days=3)
    await walk(desk)  # kept longer
    await desk.passes(days=3)
    assert held(desk) == {("买过🎉", "rule")}
    await desk.ask("tag-rules/pause", id=rule)
    await desk.passes(days=3)
    assert held(desk) == set()


LEVELS = [("高", {"spend_fen": {"least": 100_000}}), ("中", {"spend_fen": {"least": 10_000}}), ("低", {})]


async def test_an_exclusive_group_holds_one_and_people_come_first(desk: Desk) -> None:
    await desk.ask("tag-groups", name="消费力", exclusive=True)
    for place, (name, rule) in enumerate(LEVELS):
        await made(desk, group="消费力", name=name, rule=rule, place=place)
    await desk.pays("wm1", "o1", 20_000)
    await walk(desk)
    assert [held(desk, who, "消费力") for who in ("wm1", "wm2")] == [{("中", "rule")}, {("低", "rule")}]
    await desk.pays("wm1", "o2", 90_000)
    await desk.passes(seconds=10)
    assert held(desk, "wm1", "消费力") == {("高", "rule")}

    await desk.bot.employs("boss", "admin")
    await desk.ask("tags", group="消费力", name="大客户")
    await desk.says("打标签 王女士 +大客户")
    assert held(desk, "wm1", "消费力") == {("大客户", "hand")}
    await walk(desk)
    assert held(desk, "wm1", "消费力") == {("大客户", "hand")}  # a rule gives way to people
    await desk.says("打标签 王女士 -大客户")
    await walk(desk)
    assert held(desk, "wm1", "消费力") == {("高", "rule")}
    status, body = await desk.ask("tag-groups", name="自定义", exclusive=True)
    assert status == 200
    await desk.ask("tags", group="杂", name="甲")
    await desk.says("打标签 王女士 +甲")
    status, body = await desk.ask("tag-groups", name="杂", exclusive=True)
    assert (status, "互斥" in body["error"]["message"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"rule": {"orders": {}}}, 422, "rule.orders"), ({"rule": {"order": {"least": 1}}}, 422, "orders"),
        ({"name": "a/b"}, 422, "斜杠"), ({"name": "长" * 31}, 422, ""), ({"days": -1}, 422, ""),
        ({}, 409, "已经有一条规则"),
        ({"name": "x", "exclusive": True}, 409, "exclusive"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_rule_is_said(desk: Desk, body: dict[str, Any], status: int, said: str) -> None:
    await made(desk)
    answer, told = await desk.ask("tag-rules", **{**BOUGHT, **body})
    assert (answer, said in told["error"]["message"]) == (status, True), told
    assert (await desk.ask("tag-rules/change", id=404, days=1))[0] == 404


async def test_a_walk_killed_in_any_window_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        await desk.joins(f"n{number}", f"新{number}")
        await desk.pays(f"n{number}", f"p{number}", 5_000)
    await made(desk)
    assert (await desk.ask("tag-rules/run"))[0] == 200
    run, step, at = desk.one("SELECT id FROM tag_run"), tag_walk.step, 0

    def small(turn: Any, run_id: int, after: int, most: int = 0) -> None:
        step(turn, run_id, after, 2)
        if after and not turn.db.exact and at % 3 == 0:
            raise RuntimeError("killed before the commit")

    monkeypatch.setattr(tag_walk, "step", small)
    for _ in range(60):
        at += 1
        await desk.scheduler.sweep()
        desk.bot.clock.advance(5)
        if desk.one("SELECT status FROM tag_run") == "done":
            break
    assert desk.one("SELECT status FROM tag_run") == "done"
    assert desk.one("SELECT put FROM tag_run") == 12
    assert desk.bot.count("member_tag", "name = '买过🎉'") == 12
    windows = desk.one("SELECT windows FROM tag_run")
    event = TimerDue(key="again", source="timer", at=NOON, timer_id=1, name=tag_walk.MORE,
                     payload={"run": run, "after": 0})  # fmt: skip
    await desk.bot.writer.accept(event)  # a window that is through already
    assert desk.one("SELECT windows FROM tag_run") == windows >= 7


async def test_a_night_by_quintiles(database_url: str) -> None:
    async with started(database_url, sets=["rfm"], rfm="quintiles") as desk:
        desk.bot.delivery._senders |= RfmSender(desk.bot.database, desk.bot.clock).table()
        for number in range(10):
            await desk.joins(f"n{number}", f"新{number}")
            for more in range(1 + number // 2):
                await desk.pays(f"n{number}", f"p{number}-{more}", 1_000 * (number + 1))
        desk.scheduler = Scheduler(desk.bot.writer, desk.bot.clock, dailies=router.dailies)
        await start(desk)
        await desk.passes(days=1)
        await desk.bot.deliver()
        await desk.passes(seconds=2)
        assert desk.one("SELECT how FROM rfm_scale") == "quintiles"
        assert desk.bot.count("member_tag", "group_name = 'RFM'") == 10
        assert held(desk, "n9", "RFM") == {("重要价值", "rule")}
        assert held(desk, "n0", "RFM") < {("一般发展", "rule"), ("一般挽留", "rule")}


async def start(desk: Desk) -> None:
    """The bot is started."""
    number = next(desk.bot.numbers)
    await desk.bot.writer.accept(TimerDue(
        key=f"start{number}", source="timer", at=desk.bot.clock.now(), timer_id=number, name=tag_acts.START, payload={}
    ))  # fmt: skip


async def test_the_ready_sets_are_put_up_once_and_leave_what_people_changed(database_url: str) -> None:
    async with started(database_url, sets=["rfm", "layers"]) as desk:
        for code, kind in (("S1", "商场店"), ("S2", "社区店")):
            assert (await desk.ask("stores", code=code, name=code, type=kind))[0] == 201
        await start(desk)
        await start(desk)
        assert desk.bot.count("tag_rule", "origin = 'rfm'") == 8
        assert desk.bot.count("tag_rule", "origin = 'layers'") == 12
        await desk.pays("wm1", "o1", 60_000, store="S1")
        await desk.pays("wm2", "o2", 2_000, store="S1")
        await desk.passes(minutes=3)
        await desk.pays("wm2", "o3", 2_000, store="S2")
        await desk.passes(minutes=3)
        assert held(desk, "wm1", "RFM") == {("重要发展", "rule")}
        assert held(desk, "wm1", "会员分层") == {("普通·商场店", "rule")}
        assert held(desk, "wm2", "会员分层") == {("普通·社区店", "rule")}
        assert held(desk, "wm3", "RFM") == set()

        rule = desk.one("SELECT id FROM tag_rule WHERE name = '重要发展'")
        assert (await desk.ask("tag-rules/end", id=rule))[0] == 409
        await desk.ask("tag-rules/change", id=rule, rule={"orders": {"least": 5}})
        await start(desk)
        assert desk.one("SELECT version FROM tag_rule WHERE name = '重要发展'") == 2


async def test_a_set_whose_word_is_gone_ends(database_url: str) -> None:
    async with started(database_url, sets=["rfm"]) as desk:
        await start(desk)
        rules = tag_sets.Rules(sets=[])

        def less(work: Any) -> bool:
            from bot.turn import Turn

            turn = Turn(work.db, work.ids, work.now, "t", work.texts, work.chance, None, {})  # type: ignore[arg-type]
            return tag_sets.install(turn, rules)

        assert await desk.bot.writer.call(less)
        assert desk.bot.count("tag_rule", "ended_at IS NULL") == 0
        await start(desk)  # the word is back
        assert desk.bot.count("tag_rule", "ended_at IS NULL") == 8


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"sets": ["rmf"]}, "there is no rmf.toml; ready made are layers, rfm"), ({"rfm_days": [1, 2, 2, 3]}, "larger"),
        ({"rfm": "fifths"}, "quintiles"),
    ],
)  # fmt: skip
def test_a_wrong_word_in_config_is_said_at_the_start(config: dict[str, Any], said: str) -> None:
    from bot.errors import ConfigError
    from bot.router import load_plays

    with pytest.raises(ConfigError, match=said):
        load_plays(["tagging"], {"tagging": config})


def rule_of(number: int, group: str = "g", status: str = "running", place: int = 0) -> TagRule:
    return TagRule(id=number, group_name=group, name=f"t{number}", rule="{}", days=0, place=place, status=status,
                   version=1, origin="", made_by="", made_at=NOON, changed_at=NOON, ended_at=None)  # fmt: skip


def test_who_gets_what_is_decided_by_values() -> None:
    rules = [rule_of(1), rule_of(2), rule_of(3, status="paused"), rule_of(4, "h")]
    fits = {1: [7], 2: [7, 8, 9], 4: [7, 8]}
    there = [
        Held(7, "g", "t2", "tag_rule:2", None), Held(8, "g", "t3", "tag_rule:3", None),
        Held(9, "g", "t5", "tag_rule:5", None), Held(6, "g", "t3", "tag_rule:3", None),
        Held(8, "h", "t4", "tag_rule:4", NOON), Held(7, "h", "t4", "tag_rule:4", NOON + timedelta(days=9)),
    ]  # fmt: skip
    made = decide(rules, fits, there, {(9, "g")}, {"g"}, {4: NOON + timedelta(days=3)})
    assert made.put == {1: [7], 2: [8]}
    assert made.off == {
        ("g", "t2", "tag_rule:2"): [7], ("g", "t3", "tag_rule:3"): [8], ("g", "t5", "tag_rule:5"): [9]
    }  # fmt: skip
    assert made.renew == {4: [8]}


async def test_a_profile_shows_tags_by_group_with_who_put_them_on(desk: Desk) -> None:
    await desk.ask("tags", group="偏好", name="羊绒")
    await desk.ask("tags", group="偏好", name="真丝")
    await desk.says("打标签 王女士 +羊绒 30天")
    one = desk.member("wm1")

    def others(work: Work) -> None:
        member_tags.add(work.db, one, "偏好", "真丝", member_tags.CORP, "lina", work.now)
        member_tags.add(work.db, one, "偏好", "羊绒", member_tags.RULE, "sign_up", work.now)
        member_tags.add(work.db, one, "来源", "老系统", member_tags.IMPORT, "", work.now)

    await desk.bot.writer.call(others)
    assert "偏好：真丝（企微）、羊绒；来源：老系统（导入）；渠道：live（规则）" in await desk.says("画像 王女士")
