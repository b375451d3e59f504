"""知识条目 articles: how the shop's answers are kept: by source and key, every version for ever, the newest one
searched.

A source is what a file was: read again, it says all that it has to say, and what it says no more is withdrawn.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select

from storage import bigrams
from storage.db import Db
from storage.ids import Ids
from storage.ranking import ASKS_APART
from storage.rows import Rows
from storage.sql import Insert, Sql
from storage.tables import KnowledgeArticle, KnowledgeChunk, KnowledgeTerm, KnowledgeVersion

articles, versions, chunks = Rows(KnowledgeArticle), Rows(KnowledgeVersion), Rows(KnowledgeChunk)
_COUNT = Insert(KnowledgeTerm, "add", ["term"], ["chunks"])
_C = KnowledgeChunk.__table__  # type: ignore[attr-defined]
_WORDS = Sql(select(_C.c.head, _C.c.body).where(_C.c.article_id == bindparam("article", type_=_C.c.article_id.type)))
_CLEAR = Sql(delete(_C).where(_C.c.article_id == bindparam("article", type_=_C.c.article_id.type)))


class Section(NamedTuple):
    """A piece of an article under its heading: what is found and shown as one."""

    heading: str
    text: str


@dataclass(frozen=True)
class Draft:
    """What a file says of one article. Days are kept as moments: from the first, until the second (excluded)."""

    key: str
    kind: str
    title: str
    sections: tuple[Section, ...]
    asks: tuple[str, ...] = ()
    audience: str = "all"
    category: str = ""
    store: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def content(self) -> str:
        """All of it as JSON, the same for the same."""
        said = asdict(self) | {"sections": [tuple(section) for section in self.sections]}
        return json.dumps(said, ensure_ascii=False, default=datetime.isoformat, sort_keys=True)

    @property
    def digest(self) -> str:
        """Tells one content from another."""
        return hashlib.sha256(self.content().encode()).hexdigest()


class Kept(NamedTuple):
    """What becomes of a source: articles that are new, say something new, say the same, say nothing any more."""

    new: int
    changed: int
    same: int
    withdrawn: int


@dataclass
class Compared:
    """What a source says beside what is kept of it: drafts that say something new, rows that are said no more."""

    said: list[tuple[Draft, KnowledgeArticle | None]] = field(default_factory=list)
    unsaid: list[KnowledgeArticle] = field(default_factory=list)
    same: int = 0

    @property
    def kept(self) -> Kept:
        """In numbers."""
        new = sum(known is None for _, known in self.said)
        return Kept(new, len(self.said) - new, self.same, len(self.unsaid))


def compared(db: Db, source: str, drafts: Sequence[Draft]) -> Compared:
    """What `replace` would do."""
    found, there = Compared(), {row.key: row for row in articles.all(db, source=source)}
    for draft in drafts:
        known = there.pop(draft.key, None)
        if known is not None and (known.status, known.digest) == ("live", draft.digest):
            found.same += 1
        else:
            found.said.append((draft, known))
    found.unsaid = [row for row in there.values() if row.status == "live"]
    return found


def replace(db: Db, ids: Ids, source: str, drafts: Sequence[Draft], by: str, now: datetime) -> Kept:
    """Let a source say exactly `drafts` from now on."""
    found, counts = compared(db, source, drafts), Counter[str]()
    with db.collecting():
        # What asks the database comes before what is only added: a question would write out what was collected.
        for row in found.unsaid:
            _withdraw(db, row, by, now, counts)
        for _, known in found.said:
            if known is not None:
                _clear(db, known.id, counts)
        for draft, known in sorted(found.said, key=lambda said: said[1] is None):
            row = _kept(source, draft, known, by, now)
            row.id = known.id if known else ids.next()
            _keep(db, row, draft, new=known is None)
            _index(db, ids, row, draft.sections, counts)
        _count(db, counts)
    return found.kept


def _kept(source: str, draft: Draft, known: KnowledgeArticle | None, by: str, now: datetime) -> KnowledgeArticle:
    """The row that an article has from now on."""
    return KnowledgeArticle(
        id=0, source=source, key=draft.key, kind=draft.kind, audience=draft.audience, title=draft.title,
        category=draft.category, store=draft.store, asks=_dumps(draft.asks),
        learned=known.learned if known else "[]", valid_from=draft.valid_from, valid_until=draft.valid_until,
        digest=draft.digest, version=known.version + 1 if known else 1, status="live", changed_by=by,
        created_at=known.created_at if known else now, changed_at=now,
    )  # fmt: skip


def _keep(db: Db, row: KnowledgeArticle, draft: Draft, *, new: bool) -> None:
    """One version more."""
    if new:
        articles.add(db, row)
    else:
        articles.change(db, row.model_dump(exclude={"id", "source", "key", "created_at"}), id=row.id)
    versions.add(db, KnowledgeVersion(
        article_id=row.id, version=row.version, content=draft.content(), made_by=row.changed_by,
        made_at=row.changed_at,
    ))  # fmt: skip


def _dumps(asks: Iterable[str]) -> str:
    return json.dumps(list(asks), ensure_ascii=False)


def _clear(db: Db, article_id: int, counts: Counter[str]) -> None:
    """Let nobody find an article any more."""
    for head, body in db.all(_WORDS, article=article_id):
        counts.subtract(_standing(head, body))
    db.run(_CLEAR, article=article_id)


def _index(db: Db, ids: Ids, row: KnowledgeArticle, sections: Sequence[Section], counts: Counter[str]) -> None:
    """Let an article be found: by its title, its heading and the other ways to ask, and by its text."""
    asks = [row.title, *json.loads(row.asks), *json.loads(row.learned)]
    for place, section in enumerate(sections):
        named = f"{row.title} {section.heading}" if section.heading not in ("", row.title) else ""
        ways = [bigrams.titled(ask) for ask in [*asks, section.heading, named] if ask]
        head, body = f" {ASKS_APART} ".join(dict.fromkeys(ways)), " ".join(bigrams.words(section.text))
        counts.update(_standing(head, body))
        chunks.add(db, KnowledgeChunk(
            id=ids.next(), article_id=row.id, place=place, heading=section.heading, text=section.text, head=head,
            body=body, reading=bigrams.READING, audience=row.audience, store=row.store, valid_from=row.valid_from,
            valid_until=row.valid_until,
        ))  # fmt: skip


def _standing(head: str, body: str) -> set[str]:
    """What a chunk is counted by: its words, those of its titles once more with their mark, and the empty one."""
    return {"", *head.split(), *head.replace(bigrams.TITLED, "").split(), *body.split()} - {ASKS_APART}


def _count(db: Db, counts: Counter[str]) -> None:
    for term, times in counts.items():
        if times:
            db.sum(_COUNT, (term,), (times,))


def _withdraw(db: Db, row: KnowledgeArticle, by: str, now: datetime, counts: Counter[str]) -> None:
    articles.change(db, {"status": "withdrawn", "changed_by": by, "changed_at": now}, id=row.id)
    _clear(db, row.id, counts)


def any_live(db: Db) -> bool:
    """Whether there is anything to find."""
    return bool(articles.all(db, status="live", limit=1))


def withdraw(db: Db, article_id: int, by: str, now: datetime) -> bool:
    """Let an article be found no more; its versions stay. False when it was not to be found."""
    row = articles.one(db, id=article_id, status="live")
    if row is None:
        return False
    counts: Counter[str] = Counter()
    _withdraw(db, row, by, now, counts)
    _count(db, counts)
    return True


def learn(db: Db, ids: Ids, article_id: int, ask: str) -> None:
    """One more way to ask for an article; it survives the next reading of its file."""
    row = articles.one(db, id=article_id, status="live")
    assert row is not None
    row.learned = _dumps(dict.fromkeys([*json.loads(row.learned), ask]))
    articles.change(db, {"learned": row.learned}, id=row.id)
    _again(db, ids, row)


def _again(db: Db, ids: Ids, row: KnowledgeArticle) -> None:
    counts: Counter[str] = Counter()
    sections = [Section(chunk.heading, chunk.text) for chunk in chunks.all(db, article_id=row.id, order="place")]
    _clear(db, row.id, counts)
    _index(db, ids, row, sections, counts)
    _count(db, counts)


def read_again(db: Db, ids: Ids, after: int, most: int) -> tuple[int, int]:
    """Index `most` live articles beyond the id `after` as words are read now; the last id, and how many."""
    rows = articles.all(db, id__gt=after, status="live", limit=most)
    for row in rows:
        _again(db, ids, row)
    return (rows[-1].id if rows else after), len(rows)
