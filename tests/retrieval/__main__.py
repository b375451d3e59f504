"""检索 retrieval: `python -m tests.retrieval [--pieces 20000] [--jieba PYTHON]`: the first answer and the first three,
ours on both databases beside jieba-BM25, raw unicode61 and FTS5's trigram, on the same questions in one run.

One half of the questions chose the numbers of storage/ranking.py and the words of storage/bigrams.toml, the other
half was counted, six times while choosing: it is somewhat flattered. `unseen` are 121 questions more, written without
trying one. Their first run, 2026-11-24, with nothing changed since: top 1 / top 3 of ours 56.2 / 66.9 % on both
databases, of jieba-BM25 40.5 / 55.4 %: more than twenty points less than on the halves. jieba is no part of the
project: without `--jieba` (a Python that has it) pip brings it into an environment that is thrown away.
"""

from __future__ import annotations

import argparse
import sys

from typer import echo as say

from storage import knowledge
from tests.postgres import why_not
from tests.retrieval import engines, sets
from tests.retrieval.scale import pace
from tests.retrieval.sets import Question


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=20_000, help="how many more to search among; 0 = leave it out")
    parser.add_argument("--jieba", default="", help="a Python with jieba in it")
    return parser.parse_args()


def compare(asked: list[Question], kinds: list[str], jieba: str) -> list[engines.Answers]:
    """Every engine in turn."""
    found = [engines.ours(kind, asked) for kind in kinds]
    with engines.jieba_python(jieba) as python:
        if python:
            found += engines.jieba(asked, python)
        else:
            say("jieba: not measured, pip could not bring it")
    found.append(engines.fts5("FTS5 trigram", "trigram", engines.threes, asked))
    found.append(engines.fts5("FTS5 unicode61", "unicode61", engines.blanks, asked))
    return found


def threshold(asked: list[Question], name: str) -> str:
    """What is said without a doubt: how much of it is right, and what of the unanswerable is answered all the same."""
    with engines.database("sqlite") as made:
        db = made.writer_db()
        engines.teach(db, sets.sources())
        said = [(question, hits[0].name) for question in asked
                if (hits := knowledge.search(db, question.text, 1, now=sets.NOW)) and hits[0].enough]  # fmt: skip
        db.rollback()
        db.close()
    right = sum(found in question.right for question, found in said)
    answerable, none = sum(bool(question.right) for question in asked), sum(not question.right for question in asked)
    wrong = sum(bool(question.right) and found not in question.right for question, found in said)
    without = sum(not question.right for question, _ in said)
    return (
        f"{name:9} said {len(said)}: right {right} of {answerable}, another answer {wrong}, "
        f"no answer exists {without} of {none}"
    )


def main() -> int:
    """Print everything; 1 when ours is not the best of the run."""
    given = arguments()
    asked, unseen = sets.questions(), sets.unseen()
    halves = {"chosen by": [q for q in asked if q.dev], "counted": [q for q in asked if not q.dev], "unseen": unseen}
    kinds = ["sqlite"] + ([] if why_not() else ["postgresql"])
    answers = compare([*asked, *unseen], kinds, given.jieba)
    say(f"{len(sets.pieces())} pieces, {sum(bool(q.right) for q in asked)} questions with an answer, "
          f"{sum(not q.right for q in asked)} without\n")  # fmt: skip
    say(f"{'':26} {'':9} {'top 1':>8} {'top 3':>9}   {'':5} {'index ms':>9} {'query ms':>9}")
    tops: dict[str, dict[str, int]] = {half: {} for half in halves}
    for found in answers:
        for half, questions in halves.items():
            counted = sets.count(questions, lambda text, found=found: found.found[text])  # type: ignore[misc]
            say(f"{found.name:26} {half:9} {counted}   {found.index_ms:9.1f} {found.query_ms:9.2f}")
            tops[half][found.name] = counted.top1
    say(f"\nfrom a score of {knowledge.ENOUGH} on it is said as the answer:")
    for half, questions in halves.items():
        say(threshold(questions, half))
    for kind in kinds if given.pieces else []:
        took = pace(kind, given.pieces)
        say(f"\n{kind}: {took.pieces:,} more pieces imported in {took.import_s:.1f} s; a search takes "
              f"{took.median_ms:.1f} ms, p99 {took.p99_ms:.1f} ms, worst {took.worst_ms:.1f} ms")  # fmt: skip
    return int(any(_beaten(tops[half]) for half in ("counted", "unseen")))


def _beaten(tops: dict[str, int]) -> bool:
    return max(tops.values()) > min(top for name, top in tops.items() if name.startswith("ours"))


if __name__ == "__main__":
    sys.exit(main())
