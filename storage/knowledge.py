"""知识库 knowledge: the best answers that the shop has written down for a question.

    hits = knowledge.search(turn.db, "茶叶受潮了能退吗", 3, now=turn.now)
    if hits and hits[0].enough: ...

Members read what is for all; scripts and whatever is for staff come only to `staff=True`. What is not valid now is not
found. The databases bring candidates by the rarest words of the question (FTS5, or GIN over a `tsvector`);
`storage.ranking` scores them, so that both say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)

from storage import bigrams, ranking
from storage.bigrams import TITLED as MARK
from storage.db import Db
from storage.sql import ListOf, Sql, any_of
from storage.tables import KnowledgeArticle, KnowledgeChunk, KnowledgeTerm

# Below these there is no good answer, whatever is found; chosen and measured in tests/retrieval. A word that stands in
# the text alone is no reason to believe that the text answers the question.
ENOUGH, TITLED = 0.33, 0.1
CANDIDATES = 40  # chunks that are scored
MOST_PLACES = 10_000  # of one word
LOOKED_UP = 1_200  # places of words that one search walks through, in the order of how rare the words are
WORDS_AT_MOST = 120  # words of a question that count
SHORTEST = 0.05  # nothing below is worth showing

_A = KnowledgeArticle.__table__  # type: ignore[attr-defined]
_C = KnowledgeChunk.__table__  # type: ignore[attr-defined]
_T = KnowledgeTerm.__table__  # type: ignore[attr-defined]
_FTS = Table("knowledge_index", MetaData(), Column("rowid", Integer), Column("head", Text), Column("body", Text))


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `text` is what is said or forwarded; `score` from 0 to 1; `matched` and `missed` are words of the
    question."""

    chunk_id: int
    article_id: int
    kind: str
    audience: str
    title: str
    heading: str
    text: str
    category: str
    store: str
    source: str
    version: int
    valid_until: datetime | None
    score: float
    titled: float
    matched: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether it is good enough to be said as the answer."""
        return self.score >= ENOUGH and self.titled >= TITLED

    @property
    def name(self) -> str:
        """Title and heading."""
        return f"{self.title} · {self.heading}" if self.heading and self.heading != self.title else self.title


_COUNTS = Sql(select(_T.c.term, _T.c.chunks).where(any_of(_T.c.term, "terms")))
_NOW: Any = bindparam("now", type_=_A.c.changed_at.type)
_SHOWN = (
    _C.c.id, _C.c.article_id, _A.c.kind, _A.c.audience, _A.c.title, _C.c.heading, _C.c.text, _A.c.category, _A.c.store,
    _A.c.source, _A.c.version, _A.c.valid_until, _C.c.head, _C.c.body,
)  # fmt: skip


def _readable(staff: bool) -> Any:
    """Who reads what is for all, and what is valid now; what is said of one store counts where none is asked for, and
    there."""
    store: Any = bindparam("store", type_=Text())
    return and_(
        or_(_C.c.valid_from.is_(None), _C.c.valid_from <= _NOW),
        or_(_C.c.valid_until.is_(None), _C.c.valid_until > _NOW),
        or_(store == "", _C.c.store == "", _C.c.store == store),
        true() if staff else _C.c.audience == "all",
    )


def _shown(found: Any) -> Sql:
    """The pieces whose ids were found, with all that is shown of them."""
    return Sql(select(*_SHOWN).join(_A, _A.c.id == _C.c.article_id).join(found, found.c.id == _C.c.id))


def _by_fts5(staff: bool) -> Sql:
    """SQLite: candidates in FTS5's own order, words of titles counting three times."""
    index: Any = literal_column("knowledge_index")
    rank = func.bm25(index, 3.0, 1.0)
    return _shown(
        select(_C.c.id.label("id"), rank.label("rank"))
        .select_from(_FTS.join(_C, _C.c.id == _FTS.c.rowid))
        .where(index.op("MATCH")(bindparam("match", type_=Text())), _readable(staff))
        .order_by(rank)
        .limit(CANDIDATES)
        .subquery()
    )


def _by_gin(staff: bool) -> Sql:
    """PostgreSQL: candidates in the order of what their words weigh together. Each word is looked up for itself
    (LATERAL, LIMIT): a plan for all at once would compare each of them with every piece."""
    asked = func.unnest(
        bindparam("terms", type_=ListOf(Text())), bindparam("weighs", type_=ListOf(Float()))
    ).table_valued(Column("term", Text), Column("weight", Float), name="asked").render_derived()  # fmt: skip
    words: Any = literal_column("knowledge_chunk.knowledge_index_words")
    stands = words.op("@@")(func.plainto_tsquery(literal_column("'simple'"), asked.c.term))
    at = select(_C.c.id).where(stands, _readable(staff)).limit(MOST_PLACES).lateral()
    weight = func.sum(asked.c.weight)
    return _shown(
        select(at.c.id.label("id"), weight.label("weight"))
        .select_from(asked.join(at, true()))
        .group_by(at.c.id)
        .order_by(weight.desc(), at.c.id)
        .limit(CANDIDATES)
        .subquery()
    )


_FIND = {
    ("sqlite", True): _by_fts5(staff=True), ("sqlite", False): _by_fts5(staff=False),
    ("postgresql", True): _by_gin(staff=True), ("postgresql", False): _by_gin(staff=False),
}  # fmt: skip


def search(db: Db, text: str, n: int = 3, *, now: datetime, staff: bool = False, store: str = "") -> list[Hit]:
    """The best `n` articles for a question, best first, each by the piece that fits best; empty when nothing does.

    The best may still be no good: `Hit.enough` says so.
    """
    asked = dict.fromkeys(bigrams.words(text)[:WORDS_AT_MOST])
    marked = {MARK + word: word for word in asked}
    counts = dict(db.all(_COUNTS, terms=["", *asked, *marked])) if asked else {}
    chunks = counts.pop("", 0)
    weigh = ranking.weights(asked, counts, chunks)
    rare = _rarest(counts)
    if not rare:
        return []
    weighs = [weigh[marked.get(word, word)] for word in rare]
    given = {"match": " OR ".join(f'"{word}"' for word in rare), "terms": rare, "weighs": weighs}
    best: dict[int, Hit] = {}
    for *shown, head, body in db.all(_FIND[db.dialect, staff], now=now, store=store, **given):
        hit = Hit(*shown, *ranking.score(weigh, head, body))  # type: ignore[call-arg]
        known = best.get(hit.article_id)
        if hit.score >= SHORTEST and (known is None or _order(hit) < _order(known)):
            best[hit.article_id] = hit
    return sorted(best.values(), key=_order)[:n]


_PIECE = {
    staff: Sql(
        select(*_SHOWN)
        .join(_A, _A.c.id == _C.c.article_id)
        .where(_C.c.id == bindparam("chunk", type_=_C.c.id.type), _readable(staff))
    ) for staff in (True, False)
}  # fmt: skip


def piece(db: Db, chunk_id: int, *, now: datetime, staff: bool = False) -> Hit | None:
    """What was found before, by its chunk; None when it is not to be had any more."""
    row = db.one(_PIECE[staff], chunk=chunk_id, now=now, store="")
    return Hit(*row[:-2], 1.0, 1.0, (), ()) if row else None  # type: ignore[call-arg]


def _order(hit: Hit) -> tuple[float, int]:
    """The better first; of equals the older, so that both databases agree."""
    return -round(hit.score, 6), hit.chunk_id


def _rarest(counts: dict[str, int]) -> list[str]:
    """The words that are looked up, of titles and of texts: the rarest ones, so that a common word never walks through
    everything."""
    taken: list[str] = []
    walked = 0
    for word in sorted((word for word, count in counts.items() if count), key=lambda word: (counts[word], word)):
        if taken and walked + counts[word] > LOOKED_UP:
            break
        taken.append(word)
        walked += counts[word]
    return taken
