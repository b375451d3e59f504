"""The corp's tags in the sandbox: WeCom's limits and codes, and what people do in its client."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox import api_tags
from tests.sandbox.conftest import Desk

GUIDE = "xiaomei"


async def made(desk: Desk, *names: str, group: str = "偏好") -> list[str]:
    """Tags of the app's own; their ids."""
    answer = await desk.api("externalcontact/add_corp_tag", {"group_name": group, "tag": [{"name": n} for n in names]})
    return [tag["id"] for tag in answer["tag_group"]["tag"]]


async def test_two_changes_of_one_pair_at_a_time_are_refused(desk: Desk) -> None:
    customer, _ = await desk.joined()
    other, _ = await desk.joined()
    (tag,) = await made(desk, "羊绒")
    desk.sandbox.faults.add_next({"path": "externalcontact/mark_tag", "fault": "slow", "times": 3})
    desk.sandbox.faults.api["slow_s"] = 0.2
    body = {"userid": GUIDE, "add_tag": [tag]}
    codes = await asyncio.gather(*[
        desk.code("externalcontact/mark_tag", {**body, "external_userid": who}) for who in (customer, customer, other)
    ])  # fmt: skip
    assert sorted(codes) == [0, 0, 45035]
    assert await desk.code("externalcontact/mark_tag", {**body, "external_userid": customer}) == 0


async def test_only_what_the_app_made_can_it_change(desk: Desk) -> None:
    theirs = await desk.do("tags", {"group_name": "材质", "name": "麻"})
    (ours, second) = await made(desk, "羊绒", "真丝")
    for path, body in (("edit_corp_tag", {"id": theirs["id"], "name": "亚麻"}),
                       ("del_corp_tag", {"tag_id": [theirs["id"]]})):  # fmt: skip
        assert await desk.code(f"externalcontact/{path}", body) == api_tags.NOT_OURS
    assert await desk.code("externalcontact/edit_corp_tag", {"id": ours, "name": "真丝"}) == 40071
    assert await desk.code("externalcontact/edit_corp_tag", {"id": ours, "name": "长" * 31}) == 40058
    assert await desk.code("externalcontact/del_corp_tag", {"tag_id": [ours, second]}) == 0
    left = (await desk.api("externalcontact/get_corp_tag_list", {}))["tag_group"]
    assert [(group["group_name"], [tag["name"] for tag in group["tag"]]) for group in left] == [("材质", ["麻"])]
    assert "by_app" not in left[0]["tag"][0]


async def test_limits_of_the_library_and_of_a_pair(desk: Desk, monkeypatch: Any) -> None:
    customer, _ = await desk.joined()
    monkeypatch.setattr(api_tags, "MOST_TAGS", 3)
    monkeypatch.setattr(api_tags, "MOST_OF_A_PAIR", 2)
    ids = await made(desk, "甲", "乙", "丙")
    assert await made(desk, "甲", "丙") == [ids[0], ids[2]]  # a name that is there stays one tag
    body = {"group_name": "偏好", "tag": [{"name": "丁"}]}
    assert await desk.code("externalcontact/add_corp_tag", body) == 40058
    pair = {"userid": GUIDE, "external_userid": customer}
    assert await desk.code("externalcontact/mark_tag", {**pair, "add_tag": ids}) == 40058
    assert await desk.code("externalcontact/mark_tag", {**pair, "add_tag": ids[:2]}) == 0
    assert await desk.code("externalcontact/mark_tag", {**pair, "add_tag": ids[2:], "remove_tag": ids[:1]}) == 0


async def test_what_people_do_in_the_client_is_told(desk: Desk) -> None:
    customer, _ = await desk.joined()
    theirs = await desk.do("tags", {"group_name": "材质", "name": "麻"})
    await desk.do(f"guides/{GUIDE}/mark_customer", {"external_userid": customer, "add_tag": [theirs["id"]]})
    contact = await desk.api("externalcontact/get", external_userid=customer)
    assert [tag["tag_name"] for tag in contact["follow_user"][0]["tags"]] == ["麻"]
    await desk.do(f"tags/{theirs['id']}/rename", {"name": "亚麻"})
    await desk.do(f"tags/{theirs['group_id']}/delete", {})
    assert (await desk.api("externalcontact/get", external_userid=customer))["follow_user"][0]["tags"] == []
    await desk.do("flush", {})
    told = desk.receiver.plains
    assert sum("edit_external_contact" in plain for plain in told) == 1
    changes = [plain for plain in told if "change_external_tag" in plain]
    assert [plain.split("<ChangeType><![CDATA[")[1].split("]]")[0] for plain in changes] == [
        "create", "create", "update", "delete"
    ]  # fmt: skip
