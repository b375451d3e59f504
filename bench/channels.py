"""Events a second through every door, beside the app's door in one run: python -m bench.channels [--db postgresql].

Each door is the whole bot as a process of its own on a fresh database, told in the door's own sealed or signed
language; an event counts once it is committed. What the bot owes in answer is written, not delivered. HTTP doors have
`--in-flight` requests under way; a WebSocket is one connection, whose reader rests with a thousand waiting; 微信客服
is pulled in pages of a hundred, one transaction each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass

from bench.callbacks import a_database, a_port
from bench.doors import ENVIRONMENT, KINDS, POSTED
from bench.load import measure
from bench.requests import posts
from bench.servers import running
from bench.wires import WIRES, Store
from bot.channels.wecom_app import PATH

STORED = {"200", "204"}
SAYS = {
    "app": "WeCom app callback: a guide's words",
    "app_joins": "WeCom app callback: a new contact signs up",
    "kf": "KF sync_msg pages: members' words",
    "aibot": "AI bot callback: a guide's words",
    "aibot_ws": "AI bot WebSocket frames: a guide's words",
    "onebot": "OneBot HTTP POST: words in a group",
    "onebot_ws": "OneBot reverse WebSocket: words in a group",
    "orders": "order webhook (hmac): a member paid",
}


@dataclass(frozen=True)
class Seen:
    """One door in one round; latencies where somebody waits for an answer."""

    per_second: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=4_000, help="people a door; hundreds, as pages are")
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--only", choices=SAYS, action="append", help="these doors beside the app's")
    return parser.parse_args()


def posted(name: str, url: str, given: argparse.Namespace) -> Seen:
    """A door that is posted to: everybody once, then once more with the clock running."""
    port = a_port()
    with running("doors", port, url, environment=ENVIRONMENT):
        for run in ("a", "b"):
            requests = posts(given.count, PATH) if name == "app_joins" else POSTED[name](run, given.count)
            answered = measure(port, requests, given.in_flight)
            if not set(answered.statuses) <= STORED:
                raise SystemExit(f"{name} answered {answered.statuses}")
    return Seen(answered.per_second, answered.p50_ms, answered.p99_ms)


def wired(name: str, url: str, given: argparse.Namespace) -> Seen:
    """A door with another side that must be there first."""
    port, bot_port = a_port(), a_port()
    base = f"http://127.0.0.1:{port}"
    mode = "websocket" if name == "aibot_ws" else "callback"
    own = {"SIYU_WECOM__AIBOT__MODE": mode, "SIYU_WECOM__AIBOT__WS_URL": f"ws://127.0.0.1:{port}/ws"}
    command = [sys.executable, "-m", "bench.wires", name, str(port), str(bot_port), url, str(given.count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:  # noqa: S603 - ourselves
        try:
            with running("doors", bot_port, url, environment={**ENVIRONMENT, "SIYU_WECOM__API_BASE": base, **own}):
                told, _ = other.communicate(timeout=600)
        finally:
            other.kill()
    if other.returncode:
        raise SystemExit(f"{name}: the other side failed")
    return Seen(**json.loads(told))


def main() -> None:
    """Measure in turns, so that a slow minute of the machine hits everybody; print medians and ratios to the app."""
    given = arguments()
    given.count = max(100, given.count // 100 * 100)
    names = [name for name in SAYS if not given.only or name in ("app", *given.only)]
    seen: dict[str, list[Seen]] = {name: [] for name in names}
    for _ in range(given.rounds):
        for name in names:
            with a_database(given.db) as url:
                seen[name].append((wired if name in WIRES else posted)(name, url, given))
                if (done := Store(url, KINDS[name]).count()) != 2 * given.count:
                    raise SystemExit(f"{name}: {done} of {2 * given.count} events are done")
    app = statistics.median(run.per_second for run in seen["app"])
    for name, runs in seen.items():
        rate, p50, p99 = (
            statistics.median(getattr(run, at) for run in runs) for at in ("per_second", "p50_ms", "p99_ms")
        )
        waits = f"p50 {p50:5.1f} ms  p99 {p99:5.1f} ms" if p50 else " " * 28
        print(f"{name:9} {rate:7.0f} events/s  {waits}  {name}/app = {rate / app:.2f}   {SAYS[name]}")
    print(f"database = {given.db}, people = {given.count}, in flight = {given.in_flight}, rounds = {given.rounds}")


if __name__ == "__main__":
    main()
