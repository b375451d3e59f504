"""What the documents promise is what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from storage.tables import Bargain, Inbox, Outbox, Team
from tests.house.tree import ROOT

CHINESE = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH = (ROOT / "README.en.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "README.en.md", "CONTRIBUTING.md", "CHANGELOG.md"]
BOTH = pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of one language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def targets() -> set[str]:
    """What the Makefile can make."""
    rules = re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return {word for rule in rules for word in rule.split()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_named_exists(document: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE))
    assert named - targets() == set()


@BOTH
def test_the_first_thing_is_the_two_commands(text: str) -> None:
    first = blocks(text, "sh")[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make run", "make test"]
    assert text.index("make run") < 200


def test_both_languages_have_the_same_shape() -> None:
    def shape(text: str) -> dict[str, object]:
        return {
            "headings": [len(mark) for mark in re.findall(r"^(#+) ", text, re.MULTILINE)],
            "fences": re.findall(r"^ *```(\w+)", text, re.MULTILINE),
            "table rows": len(re.findall(r"^\|", text, re.MULTILINE)),
            "commands": re.findall(r"^ *(make \w+|export SIYU_\w+|\.venv/bin/python \S+ \w+)", text, re.MULTILINE),
            "paths": re.findall(r"`(?:GET|POST|GET\|POST) (/[^`?]*)", text),
            "measured": re.findall(r"<!-- measured:\w+ -->", text),
        }

    assert shape(CHINESE) == shape(ENGLISH)


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert re.search(r"^make test\b", CHINESE, re.MULTILINE)
    assert subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=False).returncode == 0


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@BOTH
@pytest.mark.parametrize("table", [Inbox, Outbox, Team, Bargain], ids=["inbox", "outbox", "team", "bargain"])
def test_drawn_states_are_the_states_of_the_table(text: str, table: Any) -> None:
    constraints = table.__table__.constraints
    condition = next(str(c.sqltext) for c in constraints if str(c.name).endswith("_status"))
    declared = set(re.findall(r"'(\w+)'", condition))
    drawings = [set(re.findall(r"\b[a-z]{4,}\b", " ".join(_ends(drawing)))) for drawing in blocks(text, "mermaid")]
    assert declared in drawings


def _ends(drawing: str) -> list[str]:
    """Both ends of every arrow of a state diagram."""
    return [end for pair in re.findall(r"^ *(\S+) --> (\S+?):", drawing, re.MULTILINE) for end in pair]


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"python run\.py ([a-z]+)", CHINESE))
    help_text = subprocess.run(
        [sys.executable, "run.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert {word for word in named if not re.search(rf"\b{word}\b", help_text)} == set()
    assert len(named) > 5
