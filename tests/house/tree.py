"""What the house tests look at: the files of the repository, and nothing else on the machine."""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("bot", "handlers", "scenarios", "storage", "console", "sandbox", "run.py")


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, new ones included. A copy without git (a release archive) is walked instead."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        hidden = (".venv", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__")
        return tuple(p for p in ROOT.rglob("*") if p.is_file() and not set(hidden) & set(p.parts))
    return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())


def name(path: Path) -> str:
    """As a person would type it, from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def python_files(*tops: str) -> list[Path]:
    """Python files below these folders (or these files themselves)."""
    return [p for p in tracked() if p.suffix == ".py" and name(p).split("/")[0] in tops]


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def docstrings(module: ast.Module) -> set[int]:
    """The identities of all docstring nodes."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found
