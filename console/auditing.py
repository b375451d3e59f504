"""Audit: every invariant that the schema knows, one line each; the head of the chain, and the chain as a file."""

from __future__ import annotations

from pathlib import Path

from bot.clock import SystemClock
from console.audit_reads import lines
from storage import audit_chain
from storage.audit_chain import Head
from storage.checks import CHECKS
from storage.engine import Database


def audit_lines(database: Database, since: Head | None = None) -> tuple[list[str], int]:
    """What to print, and how many violations were found. `since`: a head that was noted earlier must still be there."""
    now, said, violations = SystemClock().now(), [], 0
    with database.engine.connect() as connection:
        for check in CHECKS:
            found = check.violations(connection, now)
            violations += len(found)
            said.append(f"{'ok  ' if not found else 'FAIL'} {check.name}")
            said += [f"       {row}" for row in found]
        newest = audit_chain.head(connection)
        if since is not None:
            there = audit_chain.holds(connection, since)
            violations += not there
            said.append(f"{'ok  ' if there else 'FAIL'} audit: the chain still holds {since.seq}:{since.hash}")
    said.append(f"audit chain: head {newest.seq}:{newest.hash or '-'}")
    said.append(f"audit: {len(CHECKS)} checks, {violations} violations")
    return said, violations


def read_head(typed: str) -> Head | None:
    """A head as it is printed; None when it is none."""
    seq, _, digest = typed.partition(":")
    return Head(int(seq), digest) if seq.isascii() and seq.isdigit() and digest else None


def export(database: Database, file: Path) -> int:
    """Write the chain to a file, a line of JSON a link; how many."""
    count = 0
    with database.engine.connect() as connection, file.open("w", encoding="utf-8") as out:
        for _, line in lines(connection):
            out.write(f"{line}\n")
            count += 1
    return count
