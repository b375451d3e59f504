"""营销旅程: begun once for an occasion, on its own version to the end; what was not done is written down with why."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.order_events import AdminAsked
from bot.router import load_plays
from bot.turn import Work
from console import journey_reads
from scenarios.journey_files import FOLDER, Definition, load
from scenarios.journey_steps import in_control
from storage.rows import Rows
from storage.tables import MemberProfile
from tests.shop import Shop, start_shop

PROFILES = Rows(MemberProfile)
COUPON = {"name": "满100减20券", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 50}


def written(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(f'name = "{name}"\ntitle = "试"\n{text}', encoding="utf-8")


def plays(on: list[str], folder: Path | str = "") -> dict[str, dict[str, Any]]:
    return {"journey": {"on": on, "folder": str(folder)}, "points": {}, "coupons": {}, "consent": {}}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """The ready-made journeys."""
    async with start_shop(database_url, plays(["birthday", "after_order", "wake_up", "nurture"])) as selling:
        assert (await ask(selling, "coupon-templates", **COUPON))[0] == 201
        yield selling


async def ask(mall: Shop, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    event = AdminAsked(key=f"api:{next(mall.bot.numbers)}", source="api", at=mall.bot.clock.now(), act=act, body=body)
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    return answer["status"], answer["body"]


def member(mall: Shop, who: str) -> int:
    return int(mall.one("SELECT member_id FROM identity WHERE external_id = :who AND channel = 'wecom'", who=who))


def runs(mall: Shop, name: str) -> list[tuple[str, str]]:
    """(contact, state) of a journey."""
    return [tuple(row) for row in mall.bot.rows(
        "SELECT i.external_id, r.status FROM journey_run r JOIN identity i ON i.member_id = r.member_id "
        "AND i.channel = 'wecom' WHERE r.name = :name ORDER BY r.id", name=name,
    )]  # fmt: skip


def notes(mall: Shop, who: str, name: str) -> list[tuple[str, str]]:
    with mall.bot.database.engine.connect() as connection:
        found = journey_reads.why(connection, {"member_id": str(member(mall, who)), "name": name})
    return [(note["what"], note["why"]) for run in found["items"] for note in run["notes"]]


async def born(mall: Shop, who: str, day: str) -> None:
    def put(work: Work) -> None:
        PROFILES.add(work.db, MemberProfile(
            member_id=member(mall, who), birthday=day, birth_year=None, zone=None, source="test", changed_at=work.now,
        ))  # fmt: skip

    await mall.bot.writer.call(put)


async def until(mall: Shop, when: datetime) -> None:
    """Days pass, and what is due each day happens on it."""
    while mall.bot.clock.now() < when:
        step = min(when - mall.bot.clock.now(), timedelta(days=1))
        await mall.passes(seconds=step.total_seconds())
        await mall.scheduler.sweep()


async def test_a_birthday_is_kept_once_a_year_and_29_february_on_the_28th(mall: Shop) -> None:
    await born(mall, "wm1", "11-13")
    await born(mall, "wm2", "02-29")
    since = mall.one("SELECT max(id) FROM outbox")
    await until(mall, datetime(2026, 11, 14, 4, 0, tzinfo=UTC))
    assert mall.heard(since).count("会员1，生日快乐！88 积分已经到账，现在一共 88 积分") == 1
    assert mall.bot.points("wm1") == 88
    assert mall.one("SELECT count(*) FROM guide_task WHERE kind = 'journey'") == 1
    await until(mall, datetime(2027, 2, 28, 1, 0, tzinfo=UTC))
    assert mall.bot.points("wm2") == 0  # 09:00 on the 28th
    await until(mall, datetime(2027, 2, 28, 2, 0, tzinfo=UTC))
    assert mall.bot.points("wm2") == 88
    await until(mall, datetime(2027, 11, 15, 4, 0, tzinfo=UTC))
    assert mall.bot.points("wm1") == 176


async def test_after_an_order_a_coupon_comes_a_week_later(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    since = mall.one("SELECT max(id) FROM outbox")
    await until(mall, mall.bot.clock.now() + timedelta(days=8))
    heard = mall.heard(since)
    assert "用着还好吗？送你一张「满100减20券」，券码 " in heard
    assert mall.bot.count("coupon", "template = '满100减20券'") == 1
    assert runs(mall, "after_order") == [("wm1", "done")]
    assert notes(mall, "wm1", "after_order") == [("grant", ""), ("send", "")]


async def test_who_buys_again_leaves_and_begins_anew(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    await until(mall, mall.bot.clock.now() + timedelta(days=3))
    await mall.pays("wm1", "o2", 10_000)
    assert runs(mall, "after_order") == [("wm1", "left"), ("wm1", "running")]
    await until(mall, mall.bot.clock.now() + timedelta(days=8))
    assert mall.bot.count("coupon", "template = '满100减20券'") == 1


async def test_newcomers_without_an_order_are_helped_and_others_left_alone(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    since = mall.one("SELECT max(id) FROM outbox")
    await until(mall, mall.bot.clock.now() + timedelta(days=4))
    heard = mall.heard(since)
    assert "会员2，第一次下单有立减" in heard
    assert "会员1，第一次" not in heard
    assert dict(runs(mall, "nurture"))["wm1"] == "left"
    await mall.bot.leaves("wm2")
    await mall.bot.joins("wm2")
    assert len([who for who, _ in runs(mall, "nurture") if who == "wm2"]) == 1


async def test_sleepers_are_woken_once_and_some_are_left_to_compare(mall: Shop) -> None:
    for who in ("wm1", "wm2", "wm3", "wm4", "wm5"):
        await mall.pays(who, f"o{who}", 10_000)
    await until(mall, mall.bot.clock.now() + timedelta(days=75))
    states = [state for _, state in runs(mall, "wake_up")]
    assert len(states) == 5
    assert set(states) <= {"done", "control"}
    assert mall.bot.points("wm1") in (100, 150)  # of the order, and for waking up


async def test_who_wants_no_marketing_gets_none_and_it_says_why(mall: Shop) -> None:
    await mall.says("wm1", "退订")
    await born(mall, "wm1", "11-13")
    since = mall.one("SELECT max(id) FROM outbox")
    await until(mall, datetime(2026, 11, 14, 4, 0, tzinfo=UTC))
    assert "生日快乐" not in mall.heard(since)
    assert notes(mall, "wm1", "birthday") == [("grant", ""), ("send", "opted_out"), ("task", "")]


async def test_pause_holds_resume_goes_on_and_stop_ends(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    assert (await ask(mall, "journeys/pause", name="after_order"))[0] == 200
    await until(mall, mall.bot.clock.now() + timedelta(days=9))
    assert runs(mall, "after_order") == [("wm1", "running")]
    assert (await ask(mall, "journeys/resume", name="after_order"))[0] == 200
    await mall.passes(minutes=1)
    assert runs(mall, "after_order") == [("wm1", "done")]
    await mall.pays("wm2", "o2", 10_000)
    status, body = await ask(mall, "journeys/stop", name="after_order")
    assert (status, body["runs"]) == (200, 1)
    assert runs(mall, "after_order")[-1] == ("wm2", "stopped")
    assert (await ask(mall, "journeys/resume", name="after_order"))[0] == 409
    assert (await ask(mall, "journeys/pause", name="nothing"))[0] == 404


async def test_whoever_is_on_a_version_stays_on_it(database_url: str, tmp_path: Path) -> None:
    text = (
        'trigger = "order"\nagain = "each"\nmarketing = false\n'
        '[[steps]]\ndo = "wait"\ndays = 1\n[[steps]]\ndo = "send"\ntext = "%s"'
    )
    written(tmp_path, "own", text % "第一版")
    async with start_shop(database_url, plays(["own"], tmp_path)) as mall:
        await mall.pays("wm1", "o1", 10_000)
    written(tmp_path, "own", text % "第二版")
    async with start_shop(database_url, plays(["own"], tmp_path)) as mall:
        await mall.pays("wm2", "o2", 10_000)
        since = mall.one("SELECT max(id) FROM outbox")
        await until(mall, mall.bot.clock.now() + timedelta(days=2))
        heard = mall.heard(since)
    assert heard.count("第一版") == 1
    assert heard.count("第二版") == 1


def test_control_is_the_same_whenever_it_is_asked_and_about_its_share() -> None:
    [made] = load(["wake_up"], "")
    drawn = [in_control(made, member_id, "x") for member_id in range(2_000)]

    assert drawn == [in_control(made, member_id, "x") for member_id in range(2_000)]
    assert 120 < sum(drawn) < 280  # a tenth


SEND = '[[steps]]\ndo = "send"\ntext = "x"'


@pytest.mark.parametrize(("text", "why"), [
    (f'trigger = "moon"\n{SEND}', "trigger：只能写.*coupon_ending"),
    (SEND, "trigger：缺这一项"),
    ('trigger = "order"\n[[steps]]\ndo = "send"', "steps.0：send 要写 text"),
    ('trigger = "order"\n[[steps]]\ndo = "wait"', "wait 要写 days 或 hours"),
    ('trigger = "order"\n[[steps]]\ndo = "wait"\ndays = 999', "steps.0.days：最大写 366"),
    ('trigger = "order"\n[[steps]]\ndo = "grant"\npoints = 5\ncoupon = "x"', "grant 要写 points 或 coupon"),
    ('trigger = "order"\n[[steps]]\ndo = "send"\ntext = "$price"', r"steps.0.text：能填的只有.*\$points"),
    ('trigger = "order"\n[[steps]]\ndo = "branch"\notherwise = 9', "steps.0.otherwise：写一个后面的步骤"),
    ('trigger = "order"\nsteps = []', "steps：太短"),
    (f'trigger = "order"\ncontroll = 5\n{SEND}', "controll：没有这一项，可以写的是 control"),
    (f'trigger = "order"\nguard = {{ order_least = 5 }}\n{SEND}', "guard.order_least：.*orders_least"),
    (f'trigger = "order"\nguard = {{ orders_least = 5, orders_most = 4 }}\n{SEND}', "guard.orders_most：最小写 5"),
    (f'trigger = "order"\ndays_before = 3\n{SEND}', "days_before：只有触发是 coupon_ending 才写"),
    (f'trigger = "team_short"\n{SEND}', "again：触发是 team_short 时.*each"),
    (f'trigger = "joined"\nagain = "nth"\n{SEND}', "again：写 nth.*order"),
    (f'trigger = "team_short"\nagain = "each"\nhours_before = 0\n{SEND}', "hours_before：最小写 1"),
    (f'trigger = "order"\ncontrol = "half"\n{SEND}', "control：值不对"),
    ("trigger = order", "own.toml 不是能读的 TOML"),
])  # fmt: skip
def test_a_wrong_file_is_refused_at_the_start(tmp_path: Path, text: str, why: str) -> None:
    written(tmp_path, "own", text)

    with pytest.raises(ConfigError, match=why):
        load_plays(["journey"], {"journey": {"on": ["own"], "folder": str(tmp_path)}})


def test_a_file_that_is_called_otherwise_says_so(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(f'name = "other"\ntitle = "试"\ntrigger = "order"\n{SEND}', encoding="utf-8")

    with pytest.raises(ConfigError, match=r"own.toml 的 name：要写成 own"):
        load_plays(["journey"], {"journey": {"on": ["own"], "folder": str(tmp_path)}})


def test_a_file_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"没有 birthdays.toml；现成的有 after_order, bargain_nudge, birthday"):
        load_plays(["journey"], {"journey": {"on": ["birthdays"]}})


def test_every_ready_made_journey_is_whole() -> None:
    made = load(sorted(path.stem for path in FOLDER.glob("*.toml")), "")

    assert len(made) == 10
    assert all(isinstance(one, Definition) for one in made)
