"""The judge of what members said: answered at once, in a pause, or not at all."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.trade_checker import words_answered

TABLES = """
CREATE TABLE inbox (id INTEGER PRIMARY KEY, key, source, kind, route DEFAULT ''); CREATE TABLE outbox (cause);
CREATE TABLE audit_log (cause, action); CREATE TABLE timer (id, key, name, status);
INSERT INTO inbox (id, key, source, kind) VALUES
 (1, 'wecom_kf:msg:a', 'wecom_kf', 'TextReceived'), (2, 'wecom_kf:msg:b', 'wecom_kf', 'TextReceived'),
 (3, 'timer:9', 'timer', 'TimerDue'), (4, 'wecom_kf:msg:other', 'wecom_kf', 'TextReceived');
INSERT INTO timer VALUES (9, 'reply_quiet:wecom_kf:msg:a', 'reply_quiet', 'fired');
INSERT INTO outbox VALUES ('timer:9'); INSERT INTO audit_log VALUES ('wecom_kf:msg:other', 'member.untold');
"""


@pytest.fixture
def books():
    """Somebody wrote twice in a breath and was answered in the pause; another could not be told: written down."""
    db = sqlite3.connect(":memory:")
    db.executescript(TABLES)
    yield db
    db.close()


def unanswered(db: sqlite3.Connection, given: str = "") -> list[str]:
    """The words that the judge misses an answer to."""
    chat = {"kf": {"wk": {"messages": [{"msgid": "a"}, {"msgid": "b"}]}}, "external_userid": "wm0"}
    other = {"kf": {"wk": {"messages": [{"msgid": "other"}]}}, "external_userid": "wm1"}
    calls = [{"external_userid": given, "service_state": 2}] if given else []
    world: Any = SimpleNamespace(
        truth={"customers": [chat, other]}, rows=lambda sql: db.execute(sql).fetchall(), effects=lambda path: calls
    )
    return [line.rpartition(":")[2] for line in words_answered(world)]


def test_words_of_one_breath_are_answered_in_the_pause(books: sqlite3.Connection):
    assert unanswered(books) == []


@pytest.mark.parametrize(
    ("crime", "found"),
    [
        ("DELETE FROM outbox", ["a", "b"]),
        ("UPDATE timer SET status = 'cancelled'", ["a", "b"]),
        ("UPDATE inbox SET id = 7 WHERE key = 'wecom_kf:msg:b'", ["b"]),
        ("UPDATE timer SET key = 'reply_quiet:wecom_kf:msg:other'", ["a", "b"]),
        ("DELETE FROM audit_log", ["other"]),
    ],
    ids=["no answer in it", "pause called off", "said after the pause", "another's pause", "nobody told"],
)
def test_word_without_an_answer_is_noticed(books: sqlite3.Connection, crime: str, found: list[str]):
    books.execute(crime)
    assert unanswered(books) == found


def test_who_was_given_to_people_is_theirs_to_answer(books: sqlite3.Connection):
    books.executescript("DELETE FROM outbox; UPDATE inbox SET route = 'member kf.silent' WHERE id < 3")
    assert unanswered(books, given="wm0") == []
    assert unanswered(books) == ["a", "b"]  # the bot says so; the platform knows of nothing
    assert unanswered(books, given="wm1") == ["a", "b"]
