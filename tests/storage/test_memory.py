"""What a SQLite connection holds in memory while one statement changes a whole table. In a process of its own, because
the heap of this one has grown already."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from storage.engine import Database

ROWS, PAGE = 20_000, 4_096
WIDE_MB = ROWS * PAGE >> 20  # each row lies on a page of its own
CHANGING = """
import sys
from pathlib import Path
from storage.engine import Database

def most_mb():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10

run = Database(sys.argv[1]).writer_db().connection.execute
run("PRAGMA mmap_size=0")  # the file's own pages are not what is measured
before = most_mb()
run("BEGIN IMMEDIATE")
changed = run("UPDATE wide SET state = 1").rowcount
run("COMMIT")
print(changed, most_mb() - before)
"""


def test_what_would_undo_a_large_statement_is_not_kept_in_memory(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wide.db'}"
    with closing(Database(url).writer_db()) as db:
        db.connection.execute(
            "CREATE TABLE wide (id INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state < 9), filling BLOB)"
        )
        db.connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO wide SELECT i, 0, zeroblob(?) FROM n", (ROWS, PAGE * 3 // 4),
        )  # fmt: skip
    command = [sys.executable, "-c", CHANGING, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    changed, grown_mb = map(int, done.stdout.split())

    assert changed == ROWS
    assert grown_mb < WIDE_MB
