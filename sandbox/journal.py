"""The journal: every callback and call in order, on disk before anyone is answered, live on the page."""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.clock import VirtualClock

KEPT = 5000  # entries in memory; the file keeps all


class Journal:
    """Entries with ascending `seq`. The file is flushed and fsynced per entry: it is evidence in the crash tests."""

    def __init__(self, clock: VirtualClock, file: Path | None) -> None:
        self._clock = clock
        self._file = file.open("a", encoding="utf-8") if file else None
        self._seq = 0
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[tuple[str, dict[str, Any]]]] = set()

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Write an entry."""
        self._seq += 1
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"seq": self._seq, "at": at, "vat": self._clock.iso(), "type": kind, **fields}
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        self._tell("entry", entry)
        return entry

    def changed(self) -> None:
        """Tell the page that the world looks different."""
        self._tell("state", {})

    def since(self, seq: int, limit: int) -> list[dict[str, Any]]:
        """Entries after `seq`, oldest first."""
        return [entry for entry in self.entries if entry["seq"] > seq][:limit]

    def listen(self) -> asyncio.Queue[tuple[str, dict[str, Any]]]:
        """A queue of everything from now on; a slow reader loses the oldest."""
        queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(maxsize=2000)
        self._listeners.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[tuple[str, dict[str, Any]]]) -> None:
        """Listen no more."""
        self._listeners.discard(queue)

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait((kind, data))
