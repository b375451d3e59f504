"""What the JSON API shows of knowledge: articles with their versions, what a search finds and why, open questions."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from console.paging import as_json, bad, limit_of, number, one_of, page
from console.refusals import Refused
from storage import knowledge, tables
from storage.engine import reading_db
from storage.knowledge import ENOUGH, Hit

t: Any = tables
KINDS, STATES = ("faq", "doc", "script"), ("live", "withdrawn")
QUESTION_STATES = ("open", "linked", "ignored")
YES, NO = ("1", "true", "yes"), ("0", "false", "no")
FOUND = 5


def _json(row: Any, *texts: str) -> dict[str, Any]:
    """A row as JSON shows it; `texts` are columns that hold JSON."""
    return as_json(row, **{name: json.loads(getattr(row, name)) for name in texts})


def articles(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """Articles, newest first; `after` is the last id of the page before."""
    a = t.KnowledgeArticle
    rows = select(a.__table__)
    for name, value in (
        ("kind", one_of(query, "kind", KINDS)), ("status", one_of(query, "status", STATES, "live")),
        ("source", query.get("source", "")), ("category", query.get("category", "")),
    ):  # fmt: skip
        rows = rows.where(getattr(a, name) == value) if value else rows
    if "title" in query:
        rows = rows.where(a.title.contains(query["title"], autoescape=True))
    found, following = page(connection, query, rows, a.id)
    return {"items": [_json(row, "asks", "learned") for row in found], "next": following}


def article(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """One article: what it says now, in pieces, and every version."""
    a, c, v = t.KnowledgeArticle, t.KnowledgeChunk, t.KnowledgeVersion
    if not query["id"].isascii() or not query["id"].isdigit() or len(query["id"]) > 18:
        raise Refused(404, "not_found", "id 要填数字", "id")
    row = connection.execute(select(a.__table__).where(a.id == int(query["id"]))).one_or_none()
    if row is None:
        raise Refused(404, "not_found", f"没有编号是 {query['id']} 的知识", "id")
    pieces = select(c.id, c.heading, c.text).where(c.article_id == row.id).order_by(c.place)
    versions = select(v.version, v.content, v.made_by, v.made_at).where(v.article_id == row.id).order_by(v.version)
    return _json(row, "asks", "learned") | {
        "pieces": [_json(piece) for piece in connection.execute(pieces)],
        "versions": [_json(version, "content") for version in connection.execute(versions)],
    }


def search(connection: Connection, query: dict[str, str], now: datetime) -> dict[str, Any]:
    """命中测试: what a question finds, with the score, the words that stand in it, and why it is not good enough.

    As a member would find it; with `staff=1` as a guide would.
    """
    if not query.get("q", "").strip():
        raise bad("q", "必填：要找的话")
    staff = one_of(query, "staff", YES + NO) in YES
    n, store = number(query, "n", FOUND, 20, 1) or FOUND, query.get("store", "")
    hits = knowledge.search(
        reading_db(connection), query["q"], n, now=now, staff=staff, store=store
    )  # fmt: skip
    return {"q": query["q"], "enough": ENOUGH, "items": [_hit(hit) for hit in hits]}


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "article_id": hit.article_id, "chunk_id": hit.chunk_id, "name": hit.name, "kind": hit.kind,
        "audience": hit.audience, "category": hit.category, "store": hit.store, "source": hit.source,
        "version": hit.version, "text": hit.text, "score": round(hit.score, 3), "good": hit.enough,
        "matched": list(hit.matched), "missed": list(hit.missed), "why": _why(hit),
    }  # fmt: skip


def _why(hit: Hit) -> str:
    """Why a hit is no answer; "" when it is one."""
    if hit.enough:
        return ""
    if hit.score >= ENOUGH:
        return "只有正文里有这些字，标题和相似问里没有；是同一个意思就给它加一条相似问"
    pairs = [word for word in hit.missed if len(word) > 1] or list(hit.missed)
    missed = "".join(f"「{word}」" for word in pairs[:6])
    lacks = f"问题里的{missed}在这一条里没有" if missed else "用到的字都有，但都不在标题和相似问里"
    return f"{hit.score:.2f} 低于 {ENOUGH}：{lacks}；是同一个意思就给它加一条相似问"


def unanswered(connection: Connection, query: dict[str, str]) -> dict[str, Any]:
    """没答上的问题: what was asked most comes first."""
    q = t.Question
    status = one_of(query, "status", QUESTION_STATES, "open")
    where = q.status == status
    rows = select(q.__table__).where(where).order_by(q.times.desc(), q.last_at.desc(), q.id).limit(limit_of(query))
    total = connection.execute(select(func.count()).select_from(q.__table__).where(where)).scalar_one()
    return {"items": [as_json(row) for row in connection.execute(rows)], "total": total}
