"""知识库审计: what is found is what is kept, and no script can reach a member; as queries, part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select

from storage import bigrams, tables

t: Any = tables


def not_as_kept(_: datetime) -> Select[Any]:
    """Live articles, and only they, have pieces that are searched."""
    a, c = t.KnowledgeArticle, t.KnowledgeChunk
    has = select(c.id).where(c.article_id == a.id).exists()
    wrong = or_(and_(a.status == "live", ~has), and_(a.status != "live", has))
    return select(a.id.label("article"), a.status).where(wrong)


def of_nothing(_: datetime) -> Select[Any]:
    """No piece without its article."""
    a, c = t.KnowledgeArticle, t.KnowledgeChunk
    return select(c.id.label("chunk"), c.article_id).where(~select(a.id).where(a.id == c.article_id).exists())


def for_others(_: datetime) -> Select[Any]:
    """A piece is for whom, where and when its article is."""
    a, c = t.KnowledgeArticle, t.KnowledgeChunk
    same = [getattr(a, name).is_not_distinct_from(getattr(c, name))
            for name in ("audience", "store", "valid_from", "valid_until")]  # fmt: skip
    return select(c.id.label("chunk"), c.audience).join(a, a.id == c.article_id).where(~and_(*same))


def not_newest(_: datetime) -> Select[Any]:
    """Every article stands as the last of its versions, which are numbered without a gap."""
    a, v = t.KnowledgeArticle, t.KnowledgeVersion
    return (
        select(a.id.label("article"), a.version, func.max(v.version).label("newest"))
        .outerjoin(v, v.article_id == a.id)
        .group_by(a.id, a.version)
        .having(or_(func.coalesce(func.max(v.version), 0) != a.version, func.count(v.version) != a.version))
    )


def script_for_all(_: datetime) -> Select[Any]:
    """话术 are for staff."""
    a = t.KnowledgeArticle
    return select(a.id.label("article"), a.audience).where(a.kind == "script", a.audience != "staff")


def miscounted(_: datetime) -> Select[Any]:
    """The pieces are as many as their words are counted by."""
    w, c = t.KnowledgeTerm, t.KnowledgeChunk
    there = select(func.count(c.id)).scalar_subquery()
    counted = func.coalesce(select(w.chunks).where(w.term == "").scalar_subquery(), 0)
    wrong = select(literal("*").label("term"), counted.label("counted")).where(counted != there)
    return select(wrong.union_all(select(w.term, w.chunks).where(w.chunks < 0)).subquery())


def read_otherwise(_: datetime) -> Select[Any]:
    """Every piece is indexed as words are read now; if not: run.py knowledge reindex."""
    c = t.KnowledgeChunk
    return select(c.article_id, c.reading).where(c.reading != bigrams.READING)


def linked_to_nothing(_: datetime) -> Select[Any]:
    """A question that is answered names an article."""
    q, a = t.Question, t.KnowledgeArticle
    return select(q.id.label("question"), q.article_id).where(
        q.article_id.is_not(None), ~select(a.id).where(a.id == q.article_id).exists()
    )  # fmt: skip


KNOWLEDGE = (
    ("knowledge: what is live is found, and nothing else", not_as_kept),
    ("knowledge: each piece is of an article", of_nothing),
    ("knowledge: each piece is for whom its article is", for_others),
    ("knowledge: each article stands as its newest version", not_newest),
    ("knowledge: scripts are for staff", script_for_all),
    ("knowledge: pieces are counted", miscounted),
    ("knowledge: words are indexed as they are read now", read_otherwise),
    ("knowledge: linked questions have their article", linked_to_nothing),
)
