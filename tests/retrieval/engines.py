"""对照 engines: the same pieces searched by us on both databases and by what others would take, in one run.

A rival gets each piece's title, ways to ask, heading and text as one text, and shows its best three by name.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage import articles, bigrams, knowledge
from storage.articles import Draft
from storage.db import Db
from storage.engine import Database
from storage.ids import Ids
from tests.postgres import SCHEMA_FREE, postgres_url, why_not
from tests.retrieval import sets
from tests.retrieval.sets import Piece, Question

JIEBA = "jieba==0.42.1"
Find = Callable[[str], list[str]]


@dataclass(frozen=True)
class Answers:
    """What an engine found for every question, and what it took."""

    name: str
    found: dict[str, list[str]]
    index_ms: float
    query_ms: float


def run(name: str, asked: Sequence[Question], index: Callable[[], Find]) -> Answers:
    """Index, then ask all questions once to be warm and once to be timed."""
    started = time.perf_counter()
    find = index()
    indexed = time.perf_counter()
    for question in asked:
        find(question.text)
    warm = time.perf_counter()
    found = {question.text: find(question.text) for question in asked}
    took = time.perf_counter() - warm
    return Answers(name, found, (indexed - started) * 1000, took / len(asked) * 1000)


# -- ours -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def database(kind: str) -> Iterator[Database]:
    """An empty, migrated database of a kind. Raises SystemExit where there is no server."""
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="siyu-retrieval-"))
            url = f"sqlite:///{Path(home) / 'knowledge.db'}"
        else:
            if reason := why_not():
                raise SystemExit(reason)
            url = postgres_url(stack.enter_context(SCHEMA_FREE.schema()))
        made = Database(url)
        made.migrate()
        yield made
        made.close()


def teach(db: Db, sources: dict[str, list[Draft]]) -> None:
    """Take files in as an import does, in one transaction; leaves another one open."""
    db.rollback()
    db.begin()
    ids = Ids(db)
    for source, drafts in sources.items():
        articles.replace(db, ids, source, drafts, "bench", sets.NOW)
    db.commit()
    db.begin()


def ours(kind: str, asked: Sequence[Question]) -> Answers:
    """Our search, as a turn asks it."""
    with database(kind) as made:
        db = made.writer_db()

        def index() -> Find:
            teach(db, sets.sources())
            return lambda text: [hit.name for hit in knowledge.search(db, text, 3, now=sets.NOW)]

        answers = run(f"ours, {kind}", asked, index)
        db.rollback()
        db.close()
        return answers


# -- rivals ---------------------------------------------------------------------------------------------------------


def fts5(name: str, tokenizer: str, terms: Callable[[str], Sequence[str]], asked: Sequence[Question]) -> Answers:
    """FTS5 as it comes: the text as it is, all terms of the question joined by OR, bm25."""

    def index() -> Find:
        there = sets.pieces()
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE VIRTUAL TABLE piece USING fts5(text, tokenize='{tokenizer}')")
        db.executemany("INSERT INTO piece(rowid, text) VALUES (?, ?)", [(at, p.text) for at, p in enumerate(there)])
        sql = "SELECT rowid FROM piece WHERE piece MATCH ? ORDER BY rank LIMIT 30"

        def find(text: str) -> list[str]:
            match = " OR ".join(f'"{term}"' for term in dict.fromkeys(terms(text)) if '"' not in term)
            return names(there, [row[0] for row in db.execute(sql, [match])]) if match else []

        return find

    return run(name, asked, index)


def names(there: Sequence[Piece], best: Sequence[int]) -> list[str]:
    """The three best names; a piece of many parts counts once."""
    return list(dict.fromkeys(there[at].name for at in best))[:3]


def blanks(text: str) -> list[str]:
    """What unicode61 makes of a question: runs without a blank or a mark."""
    return "".join(char if char.isalnum() else " " for char in text).split()


def threes(text: str) -> list[str]:
    """Every three characters that stand together."""
    return [run[at : at + 3] for run in blanks(text) for at in range(len(run) - 2)]


def jieba(asked: Sequence[Question], python: str) -> Iterator[Answers]:
    """jieba's words with BM25: texts as they are, and after our folding of width, script and words alike."""
    for name, before in (("jieba BM25", _plain), ("jieba BM25, our folding", bigrams.folded)):
        there = sets.pieces()
        given = {"texts": [before(p.text) for p in there], "questions": [before(q.text) for q in asked]}
        command = [python, str(Path(__file__).with_name("jieba_bm25.py"))]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        found = {q.text: names(there, best) for q, best in zip(asked, told["best"], strict=True)}
        yield Answers(name, found, told["index_s"] * 1000, told["query_ms"])


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


@contextlib.contextmanager
def jieba_python(given: str) -> Iterator[str]:
    """A Python that has jieba: the one that was given, or a new environment that is thrown away. "" when pip cannot
    bring it. The project itself does not depend on it."""
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="siyu-jieba-") as home:
        python = str(Path(home) / "bin" / "python")
        made = subprocess.run([sys.executable, "-m", "venv", home], capture_output=True, check=False)
        got = made.returncode == 0 and subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", JIEBA],
            capture_output=True, check=False,
        ).returncode == 0  # fmt: skip
        yield python if got else ""
