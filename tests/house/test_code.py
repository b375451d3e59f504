"""House rules of the code that no linter keeps: size, first lines, where sentences live, who may reach run.py."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.tree import PRODUCT, docstrings, name, parsed, python_files

LONGEST_FILE = 300
RECORDS = "storage/migrations/versions/"  # what was once done to a database, frozen as it was generated
LONGEST_FUNCTION = 40
WRITTEN = [*PRODUCT, "tests", "tools", "bench"]
# bootstrap and its texts must be readable by Pythons too old to know the future import.
OLD_SYNTAX = {"tools/bootstrap.py", "tools/remedies.py"}
# Words that people type and rules listen to are data, not sentences.
HAN = re.compile(r"[\u3400-\u9fff]")
LISTENING = {"words", "ask"}
DATA_MODULES = {
    "handlers/words.py", "bot/model/pii_words.py", "scenarios/facts/vocabulary.py", "scenarios/facts/patterns.py",
    "scenarios/spoken.py", "bot/birthdays.py",
}  # fmt: skip


def test_the_walk_sees_the_house() -> None:
    assert {"bot", "handlers", "scenarios", "storage"} <= {name(p).split("/")[0] for p in python_files(*PRODUCT)}


def test_files_stay_small() -> None:
    lengths = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files(*PRODUCT)}
    long = {file: lines for file, lines in lengths.items() if lines > LONGEST_FILE and not file.startswith(RECORDS)}
    assert long == {}


def test_functions_stay_small() -> None:
    long = {
        f"{name(p)}:{node.name}": lines
        for p in python_files(*PRODUCT)
        if not name(p).startswith(RECORDS)
        for node in ast.walk(parsed(p))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    assert [name(p) for p in python_files(*WRITTEN) if not ast.get_docstring(parsed(p))] == []


def test_every_module_with_code_reads_annotations_lazily() -> None:
    # An empty package or one of a docstring only has no annotation to read.
    bare = [
        name(p)
        for p in python_files(*WRITTEN)
        if len(parsed(p).body) > 1 and "from __future__ import annotations" not in p.read_text(encoding="utf-8")
    ]
    assert set(bare) - OLD_SYNTAX == set()


def sentences(path: Path) -> list[str]:
    """Chinese string literals that are neither docstrings nor the words a play listens to."""
    module = parsed(path)
    allowed = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LISTENING:
            allowed |= {id(inner) for inner in ast.walk(node)}
    return [
        f"{name(path)}:{node.lineno}: {node.value}"
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in allowed and HAN.search(node.value)
    ]


def test_sentences_for_people_live_in_prompts() -> None:
    files = [p for p in python_files("bot", "handlers", "scenarios", "storage") if name(p) not in DATA_MODULES]
    assert [line for p in files for line in sentences(p)] == []


def test_a_sentence_in_code_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.house.tree.ROOT", tmp_path)
    file = tmp_path / "play.py"
    file.write_text(
        '"""砍价 bargain."""\n@router.words("帮砍")\ndef cut(turn):\n    turn.say("你好")\n', encoding="utf-8"
    )
    assert sentences(file) == ["play.py:4: 你好"]


def imported(path: Path) -> Counter[str]:
    """Top-level names of what a module imports."""
    found: Counter[str] = Counter()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            found[node.module.split(".")[0]] += 1
    return found


def test_nobody_imports_run() -> None:
    # import-linter watches packages only, and run.py is a module.
    below = python_files("bot", "handlers", "scenarios", "storage", "console", "sandbox")
    assert [name(p) for p in below if "run" in imported(p)] == []


def test_test_folders_are_packages() -> None:
    # Two test files of one name in two folders would otherwise hide each other from the type checker.
    folders = {p.parent for p in python_files("tests")}
    assert [name(f) for f in folders if not (f / "__init__.py").exists()] == []
