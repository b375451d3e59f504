"""没答上的问题 questions: what the knowledge base had no good answer for, so that somebody writes it.

Questions that differ in politeness and punctuation alone are one. Phone numbers, long numbers and addresses of mail are
masked before anything is written; there are never more than `MOST` open ones.
"""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from storage import articles, bigrams
from storage.db import Db
from storage.ids import Ids
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Question

MOST = 2_000
LONGEST, LONGEST_KEY = 200, 80
HIDDEN = "***"
_SECRETS = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # mail
    r"|\d(?:[ \-]?\d){4,}"  # phones, cards, order numbers, however they are grouped
    r"|(?=[a-z0-9]*\d)(?=[a-z0-9]*[a-z])[a-z0-9]{8,}",  # codes
    re.IGNORECASE | re.ASCII,
)

questions = Rows(Question)
_Q = Question.__table__  # type: ignore[attr-defined]
_OPEN = Sql(select(func.count()).where(_Q.c.status == "open"))
_OLDEST = Sql(
    select(_Q.c.id).where(_Q.c.status == "open", _Q.c.times == 1).order_by(_Q.c.last_at, _Q.c.id).limit(1)
)  # fmt: skip
_FORGET = Sql(delete(_Q).where(_Q.c.id == bindparam("question", type_=_Q.c.id.type)))


def masked(text: str) -> str:
    """A question without what says who asks."""
    return _SECRETS.sub(HIDDEN, " ".join(text.split()))[:LONGEST]


def note(db: Db, ids: Ids, text: str, asked_by: str, now: datetime) -> bool:
    """A question had no good answer; `asked_by`: "member" or "guide". False when it says nothing, or there are so many
    that were asked twice that one asked once is not worth its place.

    One that was linked and still finds nothing is open again; one that was ignored stays so.
    """
    said = masked(text)
    key = bigrams.key(said.replace(HIDDEN, " "))[:LONGEST_KEY]
    if not key:
        return False
    if known := questions.one(db, key=key):
        again = {"status": "open", "article_id": None} if known.status == "linked" else {}
        questions.change(db, {"last_at": now, **again}, plus={"times": 1}, id=known.id)
        return True
    if not _make_room(db):
        return False
    questions.add(db, Question(
        id=ids.next(), key=key, text=said, asked_by=asked_by, times=1, first_at=now, last_at=now, status="open",
        article_id=None, decided_by="", decided_at=None,
    ))  # fmt: skip
    return True


def _make_room(db: Db) -> bool:
    """Forget the oldest question that was asked once, where there are too many."""
    count = db.one(_OPEN)
    assert count is not None
    if count[0] < MOST:
        return True
    oldest = db.one(_OLDEST)
    return oldest is not None and bool(db.run(_FORGET, question=oldest[0]))


def link(db: Db, ids: Ids, question: Question, article_id: int, by: str, now: datetime, *, learn: bool) -> bool:
    """An article answers the question from now on; with `learn` it is found by it. False when it was decided before."""
    done = {"status": "linked", "article_id": article_id, "decided_by": by, "decided_at": now}
    if not questions.change(db, done, id=question.id, status="open"):
        return False
    if learn:
        articles.learn(db, ids, article_id, question.text)
    return True


def ignore(db: Db, question: Question, by: str, now: datetime) -> bool:
    """Nobody needs an answer. False when somebody decided first."""
    done = {"status": "ignored", "decided_by": by, "decided_at": now}
    return bool(questions.change(db, done, id=question.id, status="open"))
