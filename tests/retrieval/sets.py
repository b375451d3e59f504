"""题目 sets: the questions with their answers in two halves, the showroom's knowledge to search, and how to count."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from console.imports.report import Report
from console.knowledge import taking
from storage.articles import Draft

QUESTIONS = Path(__file__).with_name("questions.txt")
UNSEEN = Path(__file__).with_name("unseen.txt")
SHOWROOM = Path(__file__).parents[2] / "console" / "showroom_knowledge"
NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
NONE = "-"


@dataclass(frozen=True)
class Question:
    """What is typed, and the names of the answers that are right; none when there is no answer."""

    text: str
    right: frozenset[str]

    @property
    def dev(self) -> bool:
        """Of the half that numbers were chosen by; the other was counted, six times meanwhile. Chance decides."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True)
class Piece:
    """A chunk of the showroom as any engine may index it."""

    name: str
    text: str


def unseen() -> list[Question]:
    """Those that nobody had tried when the numbers were chosen."""
    return questions(UNSEEN)


def questions(path: Path = QUESTIONS) -> list[Question]:
    """All of a file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [line.split(" -> ") for line in lines]
    return [
        Question(text, frozenset(name.strip() for name in right.split("|")) - {NONE}) for text, right in pairs
    ]  # fmt: skip


def sources() -> dict[str, list[Draft]]:
    """The showroom's files as drafts."""
    found = {}
    for path in sorted(SHOWROOM.iterdir()):
        report = Report("knowledge")
        with path.open(encoding="utf-8-sig", newline="") as text:
            found[path.name] = [draft for _, draft in taking.reader(path.name, text, report, NOW)]
        assert not report.wrong, report.wrong
    return found


def pieces() -> list[Piece]:
    """What members may read, chunk by chunk: title, other ways to ask, heading, text."""
    drafts = [draft for found in sources().values() for draft in found if draft.audience == "all"]
    return [
        Piece(
            f"{draft.title} · {section.heading}" if section.heading else draft.title,
            "\n".join([draft.title, *draft.asks, section.heading, section.text]),
        )
        for draft in drafts
        for section in draft.sections
    ]


@dataclass(frozen=True)
class Counted:
    """How often the first answer was right, and one of the first three; in permille, and of how many."""

    top1: int
    top3: int
    asked: int

    def __str__(self) -> str:
        return f"{100 * self.top1 / self.asked:5.1f} % {100 * self.top3 / self.asked:7.1f} %   ({self.asked})"


def count(asked: Iterable[Question], find: Callable[[str], list[str]]) -> Counted:
    """Over the questions that have an answer."""
    with_answer = [question for question in asked if question.right]
    found = [(question, find(question.text)) for question in with_answer]
    return Counted(
        sum(bool(question.right & set(names[:1])) for question, names in found),
        sum(bool(question.right & set(names[:3])) for question, names in found),
        len(found),
    )
