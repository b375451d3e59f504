"""Fuzz a callback URL over HTTP, repeatably: python -m tests.fuzz_callbacks --count 100000 --seed 7 --url URL | --self.

Prints how many requests ended with which status, and how long the event loop or /healthz kept others waiting. Ends with
code 1 when an answer is none of 200, 400, 401, 413, when the lag passes --max-lag-ms or when the bot has gone.
"""

# ruff: noqa: T201 - a command: its output is for the terminal

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web
from loguru import logger
from yarl import URL

from bot.channels.gate import Gate
from bot.channels.wecom_app import PATH, routes
from bot.clock import SystemClock
from bot.events import Event
from tests.mutations import Mutant, Mutator
from tests.recording import RecordingInlet
from tests.sealing import AES_KEY, CORP_ID, TOKEN, Sealer

ALLOWED = {200, 400, 401, 413}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="callback URL of a running bot, such as http://127.0.0.1:8080/wecom/app")
    where.add_argument("--self", dest="alone", action="store_true", help="serve the gate, measure its loop's lag")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--aes-key", default=AES_KEY)
    parser.add_argument("--corp-id", default=CORP_ID)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--max-lag-ms", type=float, default=20)
    return parser.parse_args()


class ForgetfulInlet(RecordingInlet):
    """Keeps nothing: a growing heap would be counted as lag when it is collected."""

    async def accept(self, event: Event) -> str | None:
        """Take it and forget it."""
        return None


class Lags:
    """Waiting times in milliseconds."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    def __str__(self) -> str:
        ordered = sorted(self.ms) or [0.0]
        at = {share: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99, 0.999)}
        shares = "  ".join(f"p{share * 100:g} {ms:.1f}" for share, ms in at.items())
        return f"{shares}  max {ordered[-1]:.1f} ms  n {len(ordered)}"

    async def tick(self, step_s: float = 0.001) -> None:
        """How late a one-millisecond sleep of this loop wakes up."""
        while True:
            started = time.perf_counter()
            await asyncio.sleep(step_s)
            self.ms.append((time.perf_counter() - started - step_s) * 1000)

    async def poll(self, session: aiohttp.ClientSession, url: URL, step_s: float = 0.005) -> None:
        """How long /healthz takes while others are served; includes this program's own queueing."""
        while True:
            started = time.perf_counter()
            async with session.get(url) as response:
                await response.read()
            self.ms.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(step_s)


async def work(
    session: aiohttp.ClientSession, url: URL, mutants: Iterator[Mutant], ends: Counter[str], odd: list[str]
) -> None:
    """Post one mutant after the other until they run out."""
    for mutant in mutants:
        try:
            async with session.post(url, params=mutant.query, data=mutant.body, headers=mutant.headers) as response:
                await response.read()
                ends[str(response.status)] += 1
                ends[f"  {mutant.how} {response.status}"] += 1
                if response.status not in ALLOWED or (mutant.how == "intact" and response.status != 200):
                    odd.append(f"{response.status} for {mutant.how}: {mutant.query} {mutant.body[:300]!r}")
        except aiohttp.ClientError as error:
            ends[type(error).__name__] += 1
            odd.append(f"{type(error).__name__} for {mutant.how}: {mutant.query} {mutant.body[:300]!r}")


@contextlib.asynccontextmanager
async def gate_alone(options: argparse.Namespace) -> AsyncIterator[tuple[URL, Gate]]:
    """The gate with a recording inlet, served on a free port."""
    gate = Gate(token=options.token, encoding_aes_key=options.aes_key, receive_id=options.corp_id)
    app = web.Application()
    app.add_routes(routes(gate, ForgetfulInlet(), SystemClock()))

    async def healthz(_: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"), gate
    finally:
        await runner.cleanup()


async def serve(pipe: Connection, options: argparse.Namespace) -> None:
    """Serve until told otherwise, then tell this loop's lags and the gate's counters."""
    lags = Lags()
    async with gate_alone(options) as (url, gate):
        pipe.send(str(url))
        watch = asyncio.create_task(lags.tick())
        await asyncio.to_thread(pipe.recv)
        watch.cancel()
    pipe.send((lags.ms, dict(gate.stats)))


def child(pipe: Connection, options: argparse.Namespace) -> None:
    """The server's own process: the client's work would count as its lag otherwise."""
    logger.remove()
    asyncio.run(serve(pipe, options))


async def fuzz(url: URL, options: argparse.Namespace, lags: Lags) -> bool:
    """Run all mutants against `url`, print the tally, answer whether all was well."""
    sealer = Sealer(options.token, options.aes_key, options.corp_id)
    mutants = itertools.islice(Mutator(options.seed, sealer, time.time), options.count)
    ends: Counter[str] = Counter()
    odd: list[str] = []
    started = time.perf_counter()
    timeout = aiohttp.ClientTimeout(total=30)
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=options.in_flight)) as session,
        aiohttp.ClientSession(timeout=timeout) as other,
    ):
        watch = asyncio.create_task(lags.poll(other, url.with_path("/healthz")))
        await asyncio.gather(*(work(session, url, mutants, ends, odd) for _ in range(options.in_flight)))
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        async with other.get(url.with_path("/healthz")) as response:
            alive = response.status == 200
    took = time.perf_counter() - started
    print(f"{options.count} mutants, seed {options.seed}, {took:.1f} s, {options.count / took:.0f}/s")
    for end, count in sorted(ends.items()):
        print(f"{count:8d} {end}")
    print(f"alive: {alive}   odd answers: {len(odd)}")
    for line in odd[:10]:
        print(line)
    return alive and not odd


def run(options: argparse.Namespace) -> bool:
    """Fuzz what the options name; True when all was well."""
    waits = Lags()
    if not options.alone:
        well = asyncio.run(fuzz(URL(options.url), options, waits))
        print(f"/healthz meanwhile: {waits}")
        return well and max(waits.ms, default=0) <= options.max_lag_ms
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=child, args=(theirs, options), daemon=True)
    server.start()
    well = asyncio.run(fuzz(URL(ours.recv()), options, waits))
    ours.send("stop")
    lags = Lags()
    lags.ms, stats = ours.recv()
    server.join()
    print(f"/healthz meanwhile: {waits}")
    print(f"the server's event loop lag: {lags}")
    for reason, count in sorted(stats.items()):
        print(f"{count:8d} {reason}")
    return well and max(lags.ms) <= options.max_lag_ms


if __name__ == "__main__":
    sys.exit(0 if run(arguments()) else 1)
