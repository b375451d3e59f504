"""SQLite files as `migrate` makes them: made once a process, then copied, which takes a hundredth of the time."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from storage.engine import Database


def sqlite_in(folder: Path, name: str = "siyu.db") -> str:
    """The url of a new file without a row."""
    shutil.copy(_migrated(), folder / name)
    return f"sqlite:///{folder / name}"


@functools.cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="siyu-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Database(f"sqlite:///{folder / 'siyu.db'}")
    database.migrate()
    database.close()
    return folder / "siyu.db"
