"""A rival: jieba's words ranked by BM25. Runs in an environment of its own, with nothing but jieba in it: texts and
questions come in as JSON, the best three of each question go out."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections import Counter

import jieba  # type: ignore[import-not-found,unused-ignore]

K1, B = 1.5, 0.75


def words(text: str) -> list[str]:
    """jieba's words; marks and blanks are none."""
    return [word for word in jieba.lcut(text) if word[0].isalnum()]


def ranked(texts: list[str], questions: list[str]) -> dict[str, object]:
    """The places of the best three texts of each question, and how long it took."""
    started = time.perf_counter()
    counted = [Counter(words(text)) for text in texts]
    lengths = [sum(counts.values()) for counts in counted]
    usual = sum(lengths) / len(lengths)
    holds = Counter(word for counts in counted for word in counts)
    rare = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in holds.items()}
    indexed = time.perf_counter()
    best = [_best(words(question), counted, lengths, usual, rare) for question in questions]
    asked = time.perf_counter()
    return {
        "best": best, "index_s": indexed - started, "query_ms": (asked - indexed) / max(1, len(questions)) * 1000
    }  # fmt: skip


def _best(
    asked: list[str], counted: list[Counter[str]], lengths: list[int], usual: float, rare: dict[str, float]
) -> list[int]:
    scores = []
    for place, counts in enumerate(counted):
        norm = K1 * (1 - B + B * lengths[place] / usual)
        total = sum(rare[word] * counts[word] * (K1 + 1) / (counts[word] + norm) for word in asked if counts[word])
        scores.append((-total, place))
    return [place for total, place in sorted(scores)[:30] if total]


if __name__ == "__main__":
    jieba.setLogLevel(logging.ERROR)
    jieba.initialize()
    given = json.load(sys.stdin)
    json.dump(ranked(given["texts"], given["questions"]), sys.stdout)
