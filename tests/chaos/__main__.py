"""混沌 chaos: `python -m tests.chaos --events 2000 --kills 30 --seed 1 --db sqlite|postgresql [--controls]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.chaos import checker
from tests.chaos.driver import Driver, Plan, Played, play
from tests.chaos.evidence import Evidence
from tests.chaos.mutants import GUARDS
from tests.chaos.processes import World
from tests.chaos.trade_driver import TradeDriver
from tests.postgres import SCHEMA_FREE, postgres_url

CONTROL_EVENTS, CONTROL_KILLS = 120, 8


def say(line: str) -> None:
    """Tell whoever started the run, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def database(kind: str, workdir: Path) -> Iterator[str]:
    """An empty database of a kind."""
    if kind == "sqlite":
        yield f"sqlite:///{workdir / 'chaos.db'}"
        return
    with SCHEMA_FREE.schema() as name:
        yield postgres_url(name)


def trial(plan: Plan) -> tuple[Played, dict[str, list[str]], str]:
    """One run and its verdict: what was played, what each rule found, the words for it."""
    played = asyncio.run(play(plan))
    evidence = Evidence(plan.world.workdir, plan.world.database_url)
    verdict = checker.judge(evidence, (plan.driver or Driver).rules)
    if not played.drained:
        verdict["drained"] = [f"not empty in time: {played.left}"]
    if not played.audit.endswith(" 0 violations"):
        verdict["audit"] = [played.audit]
    return played, verdict, _summary(plan, played, evidence)


def _summary(plan: Plan, played: Played, evidence: Evidence) -> str:
    boots, faults = plan.world.boots, Counter(call["fault"] for call in evidence.calls if call["fault"])
    in_time, codes = checker.welcomed(evidence)
    lost = len(evidence.told) - len(evidence.accepted())
    return "\n".join([
        f"seed={plan.world.seed} events={plan.events} kills={played.kills} seconds={played.seconds:.1f} "
        f"steps={dict(played.steps)}",
        f"callbacks: distinct={len(evidence.told)} deliveries={evidence.deliveries} never_acknowledged={lost}",
        f"calls={len(evidence.calls)} faults={sum(faults.values())} {dict(faults)}",
        f"boots={len(boots)} median={statistics.median(boots):.2f}s slowest={max(boots):.2f}s",
        f"welcomed={in_time}/{codes} of the joins acknowledged with a code",
        f"audit: {played.audit}",
    ])  # fmt: skip


def run(
    kind: str, seed: int, events: int, kills: int, *, guard: str = "", pace: float = 25.0, plain: bool = False
) -> dict[str, list[str]]:
    """Play once, say what was seen; the evidence stays when something was violated."""
    workdir = Path(tempfile.mkdtemp(prefix="chaos-"))
    with database(kind, workdir) as url:
        world = World(workdir, url, guard, seed)
        _, verdict, summary = trial(Plan(world, events, kills, pace, Driver if plain else TradeDriver))
    say(summary)
    say(checker.report(verdict))
    if any(verdict.values()) and not guard:
        say(f"evidence: {workdir}")
        more = " --plain" if plain else ""
        say(f"replay: python -m tests.chaos --events {events} --kills {kills} --seed {seed} --db {kind}{more}")
    else:
        shutil.rmtree(workdir)
    return verdict


def controls(kind: str, seed: int) -> bool:
    """Every guard taken out in turn; whether the checker caught them all."""
    survived = []
    for guard in GUARDS:
        say(f"control {guard}:")
        verdict = run(kind, seed, CONTROL_EVENTS, CONTROL_KILLS, guard=guard, pace=15, plain=True)
        caught = [rule for rule, found in verdict.items() if found]
        say(f"control {guard}: {'caught by ' + ', '.join(caught) if caught else 'SURVIVED'}")
        survived += [] if caught else [guard]
    say(f"controls: {len(GUARDS) - len(survived)} of {len(GUARDS)} caught")
    return not survived


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=25.0, help="events a second")
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--controls", action="store_true", help="take each guard out and see that it is noticed")
    parser.add_argument("--plain", action="store_true", help="only who follows whom: no orders, no drives")
    given = parser.parse_args()
    if given.controls:
        return 0 if controls(given.db, given.seed) else 1
    return int(any(run(given.db, given.seed, given.events, given.kills, pace=given.pace, plain=given.plain).values()))


if __name__ == "__main__":
    sys.exit(main())
