"""What the API shows of a guide's desk, as far as the asker may see."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from console import desk_reads
from console.sight import ALL, Sight
from tests.desk import Desk, start_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url) as made:
        await made.ask("tags", group="偏好", name="羊绒")
        await made.template()
        await made.says("打标签 王女士 +羊绒")
        await made.says("备注 王女士 不吃辣")
        await made.says("发券 王女士 满100减20")
        await made.says("1")
        await made.says("今日任务")
        await made.says("完成 1")
        yield made


def shown(desk: Desk, read: Callable[..., dict[str, Any]], *sight: Sight, **query: str) -> list[dict[str, Any]]:
    """The items of a read; they must be JSON."""
    with desk.bot.database.engine.connect() as connection:
        items: list[dict[str, Any]] = json.loads(json.dumps(read(connection, query, *sight)))["items"]
    return items


async def test_everything_is_shown_to_who_may_see_all(desk: Desk) -> None:
    member = str(desk.member("wm1"))
    (tag,) = shown(desk, desk_reads.tags, group="偏好")
    assert (tag["name"], tag["members"], tag["closed_at"]) == ("羊绒", 1, None)
    assert [task["status"] for task in shown(desk, desk_reads.tasks, ALL, userid="lina")] == ["open", "done"]
    assert shown(desk, desk_reads.tasks, ALL, status="done")[0]["done_by"] == "lina"
    assert [note["text"] for note in shown(desk, desk_reads.notes, ALL, member_id=member)] == ["不吃辣"]
    (handout,) = shown(desk, desk_reads.handouts, ALL, member_id=member)
    assert (handout["userid"], handout["status"], handout["fen"]) == ("lina", "done", 2_000)


async def test_others_desks_are_not_there(desk: Desk) -> None:
    aqiang = Sight("own", "aqiang")
    assert {task["userid"] for task in shown(desk, desk_reads.tasks, aqiang)} == {"aqiang"}
    assert shown(desk, desk_reads.handouts, aqiang) == []
    assert shown(desk, desk_reads.notes, aqiang, member_id=str(desk.member("wm1"))) == []
