"""Customer groups, the menu and cards through both programs: the API asks, people act, the API shows what became."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.chaos.processes import CORP
from tests.console.conftest import Shop


def ours(shop: Shop) -> str:
    """The group that the sandbox starts with, once the bot has read it."""
    found = shop.until("/api/v1/groups", lambda answer: any(item["name"] for item in answer["items"]))
    return str(next(item["chat_id"] for item in found["items"] if item["name"]))


def phone(shop: Shop, userid: str) -> list[dict[str, Any]]:
    """What a guide's phone shows."""
    url = f"http://127.0.0.1:{shop.world.sandbox_port}/__sandbox/state"
    state = shop._send(url, "GET", {}, None).json
    return next(guide["inbox"] for guide in state["guides"] if guide["userid"] == userid)


def seen_on(shop: Shop, userid: str, wanted: Any, within_s: float = 10) -> dict[str, Any]:
    """The newest message of a phone that is `wanted`, once it is there."""
    deadline = time.monotonic() + within_s
    while True:
        found = [message for message in phone(shop, userid) if wanted(message)]
        if found:
            return found[-1]
        assert time.monotonic() < deadline, phone(shop, userid)[-3:]
        time.sleep(0.1)


@pytest.fixture
def newcomer(shop: Shop) -> str:
    """Somebody who is nobody's contact."""
    return str(shop.sandbox("customers", {"name": "路人🌱"})["external_userid"])


def test_who_comes_by_a_join_way_is_counted_for_it(shop: Shop, newcomer: str) -> None:
    chat_id = ours(shop)
    made = shop.post("/api/v1/join-ways", {"name": "门口海报", "state": "door-1", "chat_ids": [chat_id]})
    assert made.status == 201, made.text
    way = shop.until("/api/v1/join-ways", lambda answer: answer["items"] and answer["items"][0]["qr_code"])["items"][0]
    shop.sandbox(f"join_ways/{way['config_id']}/scan", {"external_userid": newcomer})
    shop.sandbox(f"groups/{chat_id}/rename", {"name": "会员福利群"})  # the look that this owes learns the state as well
    group = shop.until(
        f"/api/v1/groups/{chat_id}",
        lambda answer: any(one["person"] == newcomer and one["state"] for one in answer["member_list"]),
    )
    seat = next(one for one in group["member_list"] if one["person"] == newcomer)

    assert (seat["state"], seat["scene"], seat["invitor"], seat["name"]) == ("door-1", "qr", group["owner"], "路人🌱")
    assert (group["name"], group["status"]) == ("会员福利群", "active")
    assert shop.ask(f"/api/v1/members?external_id={newcomer}").json["items"] == []
    (counted,) = shop.ask("/api/v1/join-ways").json["items"]
    assert (counted["came"], counted["here"], counted["left"], counted["status"]) == (1, 1, 0, "made")

    shop.sandbox(f"groups/{chat_id}/leave", {"external_userid": newcomer, "quit_scene": 1})
    left = shop.until(f"/api/v1/groups/{chat_id}", lambda answer: answer["left_list"])["left_list"][0]
    assert (left["person"], left["how"], left["state"]) == (newcomer, "removed", "door-1")
    (counted,) = shop.ask("/api/v1/join-ways").json["items"]
    assert (counted["came"], counted["here"], counted["left"]) == (1, 0, 1)
    assert shop.post(f"/api/v1/join-ways/{counted['id']}/delete", {}).status == 200
    shop.until("/api/v1/join-ways", lambda answer: not answer["items"])


def test_a_lost_callback_of_a_group_is_made_good_by_the_next(shop: Shop, newcomer: str) -> None:
    chat_id = ours(shop)
    shop.sandbox("faults", {"callback": {"lose_group": 1.0}}, method="PUT")
    shop.sandbox(f"groups/{chat_id}/join", {"external_userid": newcomer})
    shop.sandbox("faults", {"callback": {}}, method="PUT")
    second = shop.sandbox("customers", {"name": "第二位"})["external_userid"]
    shop.sandbox(f"groups/{chat_id}/join", {"external_userid": second, "join_scene": 1, "invitor": newcomer})
    group = shop.until(
        f"/api/v1/groups/{chat_id}",
        lambda answer: {newcomer, second} <= {one["person"] for one in answer["member_list"]},
    )

    assert next(one["invitor"] for one in group["member_list"] if one["person"] == second) == newcomer
    assert group["contacts"] == len([one for one in group["member_list"] if one["kind"] == "contact"])


def test_a_welcome_says_that_the_owner_must_apply_it(shop: Shop) -> None:
    made = shop.post("/api/v1/group-welcomes", {"name": "默认", "text": "欢迎 %NICKNAME%"})
    assert made.status == 201
    assert "群主" in made.json["how"]
    items = shop.until("/api/v1/group-welcomes", lambda answer: answer["items"][0]["template_id"])["items"]
    assert items[0]["body"]["text"]["content"] == "欢迎 %NICKNAME%"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/groups?status=sleeping", 400),
        ("/api/v1/groups?limit=0", 400),
        ("/api/v1/groups?colour=red", 400),
        ("/api/v1/groups/wrNobody", 404),
        ("/api/v1/groups?owner=nobody", 200),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(shop: Shop, path: str, status: int) -> None:
    assert shop.ask(path).status == status


def somebody_changes_the_menu(shop: Shop) -> None:
    """By hand, past the bot."""
    api = f"http://127.0.0.1:{shop.world.sandbox_port}/cgi-bin/"
    who = f"corpid={CORP['corp_id']}&corpsecret={CORP['secret']}"
    token = shop._send(f"{api}gettoken?{who}", "GET", {}, None).json["access_token"]
    body = json.dumps({"button": [{"type": "click", "name": "旧的", "key": "旧的"}]}).encode()
    url = f"{api}menu/create?agentid={CORP['agent_id']}&access_token={token}"
    assert shop._send(url, "POST", {"Content-Type": "application/json"}, body).json["errcode"] == 0


def test_the_menu_goes_up_is_tapped_and_is_compared_by_the_doctor(shop: Shop) -> None:
    assert "└ 核销" in shop.world.run("menu", "--dry-run").stdout
    assert "应用还没有菜单" in shop.world.run("doctor").stdout
    done = shop.world.run("menu")
    assert done.returncode == 0, done.stderr
    assert "与开着的玩法一致" in shop.world.run("doctor").stdout
    somebody_changes_the_menu(shop)
    other = shop.world.run("doctor")
    assert (other.returncode, "和开着的玩法不一样" in other.stdout) == (1, True)

    shop.sandbox("guides/xiaomei/click", {"key": "群数据"})
    assert "今天进" in seen_on(shop, "xiaomei", lambda message: "你的客户群" in message["text"])["text"]
    assert "撤掉了" in shop.world.run("menu", "--delete").stdout


def test_a_coupon_is_used_by_the_tap_on_its_card(shop: Shop) -> None:
    member = next(item for item in shop.ask("/api/v1/members").json["items"] if item["coupons"])
    code = next(coupon["code"] for coupon in member["coupons"] if coupon["status"] == "active")
    shop.sandbox("guides/xiaomei/say", {"text": f"核销 {code}"})
    shown = seen_on(shop, "xiaomei", lambda message: message["msgtype"] == "template_card")["body"]
    tap = {"task_id": shown["task_id"], "response_code": shown["response_code"], "key": shown["button_list"][0]["key"]}
    shop.sandbox("guides/xiaomei/click", tap)
    seen_on(shop, "xiaomei", lambda message: "已核销" in (message.get("replaced") or ""))
    time.sleep(1.1)  # within one second the same tap is the same event
    shop.sandbox("guides/xiaomei/click", tap)

    seen_on(shop, "xiaomei", lambda message: "不会再做一次" in message["text"])
    after = shop.ask(f"/api/v1/members?id={member['id']}").json["items"][0]
    assert [one["status"] for one in after["coupons"] if one["code"] == code] == ["redeemed"]
