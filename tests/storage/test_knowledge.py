"""知识库: what is kept is found, by whom it may be, while it is valid, alike on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from storage import articles, knowledge, questions
from storage.articles import Draft, Section
from storage.db import Db
from storage.ids import Ids
from tests.storage.conftest import NOW

RETURNS = Draft("退货", "faq", "怎么退货", (Section("", "签收后七天内可以申请，联系导购。"),), ("东西不想要了能退吗",))
FREIGHT = Draft("运费", "faq", "退货的运费谁出", (Section("", "质量问题由我们承担。"),))
SOOTHE = Draft("安抚", "script", "退货安抚", (Section("", "给您添麻烦了，我马上处理退货。"),), audience="staff")
GUIDE = Draft(
    "泡茶", "doc", "泡茶指南",
    (Section("绿茶", "水温八十度，先注水三分之一。"), Section("普洱", "沸水洗茶一遍，再冲泡。")),
)  # fmt: skip
ALL = [RETURNS, FREIGHT, SOOTHE, GUIDE]


def keep(db: Db, ids: Ids, drafts: list[Draft], at: datetime = NOW, source: str = "a.csv") -> articles.Kept:
    return articles.replace(db, ids, source, drafts, "test", at)


def found(db: Db, text: str, at: datetime = NOW, **more: Any) -> list[str]:
    return [hit.name for hit in knowledge.search(db, text, now=at, **more)]


def counts(kept: articles.Kept) -> tuple[int, int, int, int]:
    return kept.new, kept.changed, kept.same, kept.withdrawn


@pytest.fixture
def full(db: Db, ids: Ids) -> Db:
    """A database that knows four things."""
    assert counts(keep(db, ids, ALL)) == (4, 0, 0, 0)
    return db


def test_the_answer_that_fits_comes_first(full: Db) -> None:
    assert found(full, "請問怎麼退貨啊")[0] == "怎么退货"
    assert found(full, "不想要了 能退么")[0] == "怎么退货"
    assert found(full, "邮费谁承担")[0] == "退货的运费谁出"
    assert found(full, "普洱怎么冲泡")[0] == "泡茶指南 · 普洱"
    assert found(full, "今天股市怎么样") == [] or not knowledge.search(full, "今天股市怎么样", now=NOW)[0].enough
    assert found(full, "？？？") == found(full, "") == []


def test_a_hit_says_why(full: Db) -> None:
    hit = knowledge.search(full, "退货发票", now=NOW)[0]
    assert "退货" in hit.matched
    assert "发票" in hit.missed
    assert 0 < hit.score < 1
    assert knowledge.search(full, "怎么退货", now=NOW)[0].score == pytest.approx(1.0)


def test_scripts_reach_staff_alone(full: Db) -> None:
    assert "退货安抚" in found(full, "退货安抚", staff=True)
    assert "退货安抚" not in found(full, "退货安抚")


def test_what_is_not_valid_is_not_found(db: Db, ids: Ids) -> None:
    day = timedelta(days=1)
    keep(db, ids, [Draft("早", "faq", "双十一怎么玩", (Section("", "看页面"),), valid_from=NOW, valid_until=NOW + day)])
    assert [found(db, "双十一怎么玩", at) for at in (NOW - day, NOW, NOW + day)] == [[], ["双十一怎么玩"], []]


def test_a_stores_answer_is_found_there_and_where_none_is_asked_for(db: Db, ids: Ids) -> None:
    keep(db, ids, [Draft("时间", "faq", "营业时间", (Section("", "十点到十点"),), store="store-001")])
    assert [found(db, "营业时间", store=store) for store in ("", "store-001", "store-002")] == [
        ["营业时间"], ["营业时间"], []]  # fmt: skip


def test_a_source_says_what_its_file_says_now(full: Db, ids: Ids) -> None:
    changed = Draft("退货", "faq", "如何退货退款", (Section("", "十五天内可以申请。"),))
    assert counts(keep(full, ids, [changed, FREIGHT])) == (0, 1, 1, 2)
    assert found(full, "泡茶指南", staff=True) == []
    hit = knowledge.search(full, "怎么退货", now=NOW)[0]
    assert (hit.title, hit.text, hit.version) == ("如何退货退款", "十五天内可以申请。", 2)
    assert counts(keep(full, ids, ALL)) == (0, 3, 1, 0)
    assert found(full, "泡茶指南")[0].startswith("泡茶指南")
    of = articles.articles.one(full, source="a.csv", key="退货")
    assert of is not None
    said = [row.content for row in articles.versions.all(full, article_id=of.id, order="version")]
    assert [text.count("十五天") for text in said] == [0, 1, 0]


def test_another_source_is_left_alone(full: Db, ids: Ids) -> None:
    assert counts(keep(full, ids, [RETURNS], source="b.csv")) == (1, 0, 0, 0)
    assert counts(keep(full, ids, [], source="b.csv")) == (0, 0, 0, 1)
    assert found(full, "怎么退货")[0] == "怎么退货"


def test_what_is_withdrawn_is_found_no_more(full: Db, ids: Ids) -> None:
    hit = knowledge.search(full, "怎么退货", now=NOW)[0]
    assert articles.withdraw(full, hit.article_id, "test", NOW)
    assert not articles.withdraw(full, hit.article_id, "test", NOW)
    assert "怎么退货" not in found(full, "怎么退货")


def test_a_rollback_leaves_the_index_as_it_was(writer: Callable[[], Db]) -> None:
    db = writer()
    db.begin()
    keep(db, Ids(db), [RETURNS])
    db.commit()
    db.begin()
    keep(db, Ids(db), [FREIGHT])
    db.rollback()
    db.begin()
    assert found(db, "退货的运费") == ["怎么退货"]
    if db.dialect == "sqlite":
        db.connection.execute("INSERT INTO knowledge_index(knowledge_index) VALUES ('integrity-check')")
    db.rollback()


def test_questions_that_mean_the_same_are_one(full: Db, ids: Ids) -> None:
    for said in ("请问可以刷医保卡吗？", "可以刷医保卡嗎", "刷医保卡  13800138000"):
        assert questions.note(full, ids, said, "member", NOW)
    assert not questions.note(full, ids, "？？ 13800138000", "member", NOW)
    rows = questions.questions.all(full)
    assert sorted((row.text, row.times) for row in rows) == [("刷医保卡 ***", 1), ("请问可以刷医保卡吗？", 2)]


def test_a_linked_question_finds_its_article_whatever_the_file_says_later(full: Db, ids: Ids) -> None:
    questions.note(full, ids, "买错口味了咋整", "member", NOW)
    (question,) = questions.questions.all(full)
    returns = articles.articles.one(full, key="退货")
    assert returns is not None
    assert questions.link(full, ids, question, returns.id, "王店长", NOW, learn=True)
    assert not questions.link(full, ids, question, returns.id, "王店长", NOW, learn=True)
    keep(full, ids, [Draft("退货", "faq", "退货怎么弄", (Section("", "新的说法"),)), FREIGHT])
    assert knowledge.search(full, "买错口味了咋整", now=NOW)[0].text == "新的说法"
    assert questions.note(full, ids, "买错口味了咋整", "member", NOW)  # it finds nothing any more
    again = questions.questions.one(full, id=question.id)
    assert again is not None
    assert (again.status, again.times) == ("open", 2)


def test_there_are_never_too_many_questions(full: Db, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MOST", 2)
    assert questions.note(full, ids, "问题甲", "member", NOW)
    for at in range(2):
        assert questions.note(full, ids, "问题乙", "member", NOW + timedelta(hours=at))
    assert questions.note(full, ids, "问题丙", "member", NOW + timedelta(hours=3))
    assert sorted(row.text for row in questions.questions.all(full)) == ["问题丙", "问题乙"]
