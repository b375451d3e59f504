"""The 客服 chat on the page: what it needs is there, what it asks is served, no address becomes code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.sandbox.conftest import Desk
from tests.sandbox.kf_desk import HUMAN, POOL, Chat, new_chat
from tests.sandbox.test_page_safety import BASE, DANGEROUS, HTML, Markup, requests, served

PAGE = Path(__file__).parents[2] / "sandbox" / "page"
SCRIPT = (PAGE / "kf.js").read_text(encoding="utf-8")
ACTS = {"enter", "say", "servicer_say", "take", "end", "servicer", "refuse"}


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A stranger with the furnished account."""
    return await new_chat(desk)


def test_the_page_asks_for_each_act_of_a_chat_and_each_is_served() -> None:
    asked = {path.rsplit("/", 1)[1] for method, path in requests() if path.startswith(f"{BASE}kf/*/")}
    assert asked == ACTS
    assert all(served("POST", f"{BASE}kf/wk1/{act}") for act in ACTS)


def test_the_second_chat_hides_until_it_is_chosen_and_every_field_has_a_name() -> None:
    elements = {attributes["id"]: (tag, attributes) for tag, attributes in Markup().elements if "id" in attributes}
    assert "hidden" in elements["kf-pane"][1]
    assert "hidden" in elements["kf-desk-phone"][1]
    assert elements["with-guide"][1]["aria-pressed"] == "true"
    for name in ("kf-text", "kf-desk-text", "kf-select"):
        assert elements[name][1].get("aria-label")
    assert elements["kf-chat"][1]["aria-live"] == "polite"


def test_what_is_hidden_is_hidden_whatever_its_style() -> None:
    assert "[hidden] { display: none !important; }" in (PAGE / "page.css").read_text(encoding="utf-8")


def test_only_a_web_address_becomes_a_link() -> None:
    made = re.findall(r"el\('a', \{ href: (\w+)", SCRIPT)
    body = SCRIPT[SCRIPT.index("function anchor(") : SCRIPT.index("function words(")]
    assert made == ["address"]
    assert body.index("if (!/^https?:/i.test(address)) return el('span'") < body.index("el('a'")
    assert "rel: 'noopener noreferrer'" in body
    assert DANGEROUS.findall(SCRIPT) == []


def test_the_three_states_are_named_and_the_way_in_is_a_button() -> None:
    for word in ("机器人", "排队", "人工", "已结束"):
        assert word in SCRIPT
    assert re.search(r'<button id="kf-enter"[^>]*>进入会话</button>', HTML)


async def test_the_state_holds_what_the_page_draws(chat: Chat) -> None:
    await chat.say("查积分")
    await chat.code("msgmenu", {"head_content": "要办什么？"})
    await chat.trans(POOL)
    await chat.do("take", userid="xiaomei")
    await chat.do("servicer_say", userid="xiaomei", text="我来")
    state = await chat.desk.do("state", method="GET")
    (customer,) = [one for one in state["customers"] if one["external_userid"] == chat.customer]
    shown = customer["kf"][chat.kfid]

    assert (shown["state"], shown["servicer_userid"], shown["left"], shown["refuses"]) == (HUMAN, "xiaomei", 4, False)
    assert [(one["from"], one["msgtype"], one["text"]) for one in shown["messages"]] == [
        ("customer", "text", "查积分"), ("bot", "msgmenu", "要办什么？"), ("servicer", "text", "我来"),
    ]  # fmt: skip
    assert all({"at", "from", "msgtype", "body", "msgid"} <= set(one) for one in shown["messages"])
    assert shown["messages"][2]["userid"] == "xiaomei"
    assert [one["kf"] for one in state["customers"] if one["external_userid"] != chat.customer] == [{}, {}, {}]
