"""规模 scale: as many pieces as asked for, made of the showroom's sentences with characters changed by chance, and how
long an import and a search among them take."""

from __future__ import annotations

import random
import re
import statistics
import time
from dataclasses import dataclass

from storage import knowledge
from storage.articles import Draft, Section
from tests.retrieval import sets
from tests.retrieval.engines import database, teach

CHANGED = 0.12  # of the characters
PER_SOURCE = 2_000


@dataclass(frozen=True)
class Pace:
    """Seconds for the import, milliseconds a search."""

    kind: str
    pieces: int
    import_s: float
    median_ms: float
    p99_ms: float
    worst_ms: float


def drafts(count: int) -> dict[str, list[Draft]]:
    """Sources with `count` articles of one piece each."""
    chance = random.Random(7)
    texts = "".join(piece.text for piece in sets.pieces())
    clauses = [part for part in re.split(r"[，。；、\n]", texts) if len(part) > 3]
    usual = sorted(set(texts))

    def changed(text: str) -> str:
        return "".join(chance.choice(usual) if chance.random() < CHANGED else char for char in text)

    def article(number: int) -> Draft:
        title = changed(chance.choice(clauses))[:40]
        text = "，".join(changed(chance.choice(clauses)) for _ in range(8))
        return Draft(str(number), "faq", f"{title}{number}", (Section("", text),))

    made = [article(number) for number in range(count)]
    return {f"{at}.csv": made[at : at + PER_SOURCE] for at in range(0, count, PER_SOURCE)}


def pace(kind: str, count: int, rounds: int = 5) -> Pace:
    """How fast, beside the showroom's own pieces."""
    with database(kind) as made:
        db = made.writer_db()
        teach(db, sets.sources())
        sources = drafts(count)
        started = time.perf_counter()
        for source, found in sources.items():
            teach(db, {source: found})
        imported = time.perf_counter() - started
        asked = [question.text for question in sets.questions()]
        took = []
        for _ in range(rounds):
            for text in asked:
                before = time.perf_counter()
                knowledge.search(db, text, 3, now=sets.NOW)
                took.append((time.perf_counter() - before) * 1000)
        took.sort()
        db.rollback()
        db.close()
        return Pace(kind, count, imported, statistics.median(took), took[int(len(took) * 0.99)], took[-1])
