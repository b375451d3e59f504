"""Audit: every invariant that the schema knows, one line each."""

from __future__ import annotations

from bot.clock import SystemClock
from storage.checks import CHECKS
from storage.engine import Database


def audit_lines(database: Database) -> tuple[list[str], int]:
    """What to print, and how many violations were found."""
    now, lines, violations = SystemClock().now(), [], 0
    with database.engine.connect() as connection:
        for check in CHECKS:
            found = check.violations(connection, now)
            violations += len(found)
            lines.append(f"{'ok  ' if not found else 'FAIL'} {check.name}")
            lines += [f"       {row}" for row in found]
    lines.append(f"audit: {len(CHECKS)} checks, {violations} violations")
    return lines, violations
