"""The judge examined: an honest world passes, and each rule notices the one thing that it is there for."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from tests.chaos.checker import RULES, judge
from tests.chaos.evidence import Evidence

TABLES = """
CREATE TABLE inbox (key, source, status, error); CREATE TABLE identity (channel, external_id, member_id);
CREATE TABLE member (id, merged_into); CREATE TABLE "grant" (member_id, campaign, status);
CREATE TABLE balance (account, asset, amount); CREATE TABLE transfer (credit, asset, amount);
CREATE TABLE coupon (member_id, template, status); CREATE TABLE outbox (id, call, payload, status, error);
CREATE TABLE follow (external_userid, userid, status);
"""
JOIN = (
    "<xml><CreateTime>1</CreateTime><ChangeType>add_external_contact</ChangeType><UserID>lina</UserID>"
    "<ExternalUserID>wm0</ExternalUserID><State>live</State><WelcomeCode>WC0</WelcomeCode></xml>"
)
TEXT = "<xml><FromUserName>lina</FromUserName><MsgType>text</MsgType><Content>帮助</Content><MsgId>9</MsgId></xml>"
JOIN_KEY = f"wecom_app:sha256:{hashlib.sha256(JOIN.encode()).hexdigest()}"
NOTICE = {"touser": "lina", "text": {"content": "新客户：顾客00000号（渠道：live）"}}
REPLY = {"touser": "lina", "text": {"content": "可以对我说"}}
WELCOME = {"welcome_code": "WC0", "text": {"content": "你好"}}
TAG = {"external_userid": "wm0", "userid": "lina"}
SENDS = (("message/send", NOTICE), ("message/send", REPLY), ("externalcontact/send_welcome_msg", WELCOME),
         ("externalcontact/mark_tag", TAG))  # fmt: skip


def call(path: str, body: dict) -> dict:
    """A call that had its effect."""
    return {"type": "call", "path": path, "body": body, "effect": "delivered", "fault": None}


def told(plain: str, status: int | None) -> dict:
    """A callback."""
    return {"type": "callback", "plain": plain, "status": status}


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, sqlite3.Connection]:
    """One customer who joined and one guide who asked for help, all as it should be."""
    put = {
        "script.jsonl": [{"op": "join", "customer": "wm0", "name": "顾客00000号", "unionid": "u0"}],
        "sandbox.jsonl": [told(JOIN, None), told(JOIN, 200), told(JOIN, 200), told(TEXT, 200),
                          *[call(path, body) for path, body in SENDS]],
        "truth.json": [{"customers": [{"external_userid": "wm0", "guides": [
            {"userid": "lina", "state": "live", "status": "active", "tags": ["live"]}]}]}],
        "rules.json": [{"points": 100, "coupons": {"券": 1}}],
    }  # fmt: skip
    for name, lines in put.items():
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    db = sqlite3.connect(tmp_path / "chaos.db", isolation_level=None)
    db.executescript(TABLES)
    db.executemany("INSERT INTO inbox VALUES (?, 'wecom_app', 'done', NULL)", [(JOIN_KEY,), ("wecom_app:msg:9",)])
    db.executescript("""
        INSERT INTO identity VALUES ('wecom', 'wm0', 1), ('unionid', 'u0', 1); INSERT INTO member VALUES (1, NULL);
        INSERT INTO "grant" VALUES (1, 'sign_up', 'granted'); INSERT INTO balance VALUES ('member:1', 'points', 100);
        INSERT INTO transfer VALUES ('member:1', 'points', 100); INSERT INTO coupon VALUES (1, '券', 'active');
        INSERT INTO follow VALUES ('wm0', 'lina', 'active');
    """)
    rows = [(i, path, json.dumps(body)) for i, (path, body) in enumerate(SENDS)]
    db.executemany("INSERT INTO outbox VALUES (?, ?, ?, 'sent', NULL)", rows)
    return tmp_path, db


def guilty(workdir: Path) -> set[str]:
    """The rules that found something."""
    return {rule for rule, found in judge(Evidence(workdir, f"sqlite:///{workdir / 'chaos.db'}")).items() if found}


def test_honest_world_has_no_violations(world):
    assert guilty(world[0]) == set()


DATABASE_CRIMES = {
    "inbox_once": f"DELETE FROM inbox WHERE key = '{JOIN_KEY}'",
    "inbox_done": "UPDATE inbox SET status = 'dead'",
    "members_once": "INSERT INTO member VALUES (2, NULL)",
    "unionids": "UPDATE identity SET member_id = 2 WHERE channel = 'unionid'",
    "gifts_once": """INSERT INTO "grant" VALUES (1, 'sign_up', 'granted')""",
    "points_exact": "UPDATE balance SET amount = 99",
    "coupons_exact": "INSERT INTO coupon VALUES (1, '券', 'active')",
    "calls_have_causes": "DELETE FROM outbox WHERE call = 'externalcontact/mark_tag'",
    "outbox_settled": "UPDATE outbox SET status = 'leased' WHERE id = 1",
    "follows_true": "UPDATE follow SET status = 'left'",
}


@pytest.mark.parametrize("rule", DATABASE_CRIMES)
def test_crime_in_the_database_is_noticed(world, rule: str):
    world[1].execute(DATABASE_CRIMES[rule])
    assert guilty(world[0]) == {rule}


DELIVERY_CRIMES = {
    "welcome_once": [call(*SENDS[2])],
    "notices_once": [call(*SENDS[0])],
    "replies_once": [call(*SENDS[1])],
}


@pytest.mark.parametrize("rule", DELIVERY_CRIMES)
def test_second_delivery_is_noticed(world, rule: str):
    with (world[0] / "sandbox.jsonl").open("a") as log:
        log.writelines(json.dumps(entry) + "\n" for entry in DELIVERY_CRIMES[rule])
    assert guilty(world[0]) == {rule, "calls_have_causes"}


@pytest.mark.parametrize(("rule", "line"), [("notices_once", 4), ("replies_once", 5)])
def test_lost_message_is_noticed(world, rule: str, line: int):
    log = world[0] / "sandbox.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:line] + lines[line + 1 :]))
    assert guilty(world[0]) == {rule}


def test_missing_tag_is_noticed(world):
    truth = world[0] / "truth.json"
    truth.write_text(truth.read_text().replace('"tags": ["live"]', '"tags": []'))
    assert guilty(world[0]) == {"tags_true"}


def test_every_rule_is_examined():
    examined = {*DATABASE_CRIMES, *DELIVERY_CRIMES, "tags_true"}
    assert {rule.__name__ for rule in RULES} == examined
