"""A load generator that costs less than what it measures: raw sockets, requests built beforehand, a process of its own.

python -m bench.load PORT < requests   (pickled list of bytes; the answer is one JSON line)
"""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Answered:
    """What a run of requests showed: requests a second, latency quantiles in milliseconds, answers by status."""

    per_second: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]

    @property
    def clean(self) -> bool:
        """Whether every request was answered 200."""
        return set(self.statuses) == {"200"}


class _Client(asyncio.Protocol):
    """One keep-alive connection with one request in flight; takes the next from what all connections share."""

    def __init__(self, run: _Run) -> None:
        self._run, self._buffer, self._sent = run, b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._run.requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        end = buffer.find(HEAD_END)
        if end < 0:
            return
        head = buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 : (head.find(b"\r\n", at) + 1 or len(head) + 1) - 1]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        self._buffer = b""
        self._run.answered(buffer[9:12], time.perf_counter() - self._sent)
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        self._run.closed()


class _Run:
    def __init__(self, requests: Sequence[bytes], connections: int) -> None:
        self.requests = iter(requests)
        self._waits: list[float] = []
        self._statuses: dict[bytes, int] = {}
        self._open = connections
        self.done = asyncio.get_running_loop().create_future()

    def answered(self, status: bytes, took: float) -> None:
        self._waits.append(took)
        self._statuses[status] = self._statuses.get(status, 0) + 1

    def closed(self) -> None:
        self._open -= 1
        if not self._open:
            self.done.set_result(None)

    def result(self, elapsed: float) -> Answered:
        waits = sorted(self._waits)
        statuses = {status.decode(): count for status, count in self._statuses.items()}
        at = [waits[int(len(waits) * share)] * 1000 for share in (0.5, 0.99)]
        return Answered(len(waits) / elapsed, at[0], at[1], statuses)


async def drive(port: int, requests: Sequence[bytes], in_flight: int) -> Answered:
    """Send every request once, `in_flight` at a time."""
    loop = asyncio.get_running_loop()
    run = _Run(requests, in_flight)
    started = time.perf_counter()
    for _ in range(in_flight):
        await loop.create_connection(lambda: _Client(run), "127.0.0.1", port)
    await run.done
    return run.result(time.perf_counter() - started)


def measure(port: int, requests: Sequence[bytes], in_flight: int) -> Answered:
    """`drive` in a process of its own, so that its garbage and its turns of the loop are nobody else's."""
    command = [sys.executable, "-m", "bench.load", str(port), str(in_flight)]
    done = subprocess.run(command, input=pickle.dumps(list(requests)), stdout=subprocess.PIPE, check=True)  # noqa: S603
    return Answered(**json.loads(done.stdout))


def main() -> None:
    """Read the requests, drive them, print what came."""
    port, in_flight = int(sys.argv[1]), int(sys.argv[2])
    requests = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    gc.disable()
    print(json.dumps(vars(asyncio.run(drive(port, requests, in_flight)))))


if __name__ == "__main__":
    main()
