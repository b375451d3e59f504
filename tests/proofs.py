"""What the proofs by one command have in common: both databases in turn, each empty, and a line about each."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.files import sqlite_in
from tests.postgres import SCHEMA_FREE, postgres_url, why_not


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """A database of a kind, gone afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield sqlite_in(Path(folder))
    else:
        with SCHEMA_FREE.schema() as name:
            yield postgres_url(name)


def command(doc: str | None, numbers: dict[str, int], run: Callable[..., tuple[list[str], str]]) -> int:
    """`run(url, *numbers)` on the databases that `--db` names; 1 when anything was wrong on one. `numbers` are its
    options, with what they are usually."""
    asked = argparse.ArgumentParser(description=doc)
    for name, usual in numbers.items():
        asked.add_argument(f"--{name}", type=int, default=usual)
    asked.add_argument("--db", choices=["sqlite", "postgresql", "both"], default="both")
    given = asked.parse_args()
    failed = 0
    for kind in ("sqlite", "postgresql") if given.db == "both" else (given.db,):
        if kind == "postgresql" and (reason := why_not()):
            sys.stdout.write(f"postgresql: not run: {reason}\n")
            continue
        with database(kind) as url:
            wrong, line = run(url, *[getattr(given, name) for name in numbers])
        sys.stdout.write("\n".join([f"{kind}: {line}: {len(wrong)} wrong", *wrong[:10], ""]))
        sys.stdout.flush()
        failed += len(wrong)
    return int(failed > 0)
