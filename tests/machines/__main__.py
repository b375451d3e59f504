"""`python -m tests.machines [NAME ...] [--examples 500] [--steps 50] [--seed 1] [--db sqlite|postgresql]`: long
stories. Prints examples, steps and seconds of each machine, and `0 violations` or the shortest story that fails."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from tests.machines.house import Ground
from tests.machines.registry import MACHINES, drive


def main() -> int:
    """Run the machines that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MACHINES], metavar="NAME")
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--db", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    ground, failed, all_steps, began = Ground(given.db), [], 0, time.monotonic()
    for name in given.names or MACHINES:
        started, counts = time.monotonic(), Counter[str]()
        try:
            examples, steps = drive(name, given.examples, given.steps, ground=ground, dice=given.seed, counts=counts)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(name)
            sys.stdout.write(f"{name:12} FAILED\n{''.join(traceback.format_exception_only(error))}\n")
            continue
        all_steps += steps
        took = time.monotonic() - started
        sys.stdout.write(f"{name:12} {examples:6} examples {steps:8} steps {took:7.1f} s  0 violations\n")
        if counts["questions"]:
            asked = f"{counts['asked']} of {counts['questions']} questions"
            told = f"a model asked in {counts['with_model']} steps, by {asked}"
            more = f"{counts['said']} of its answers read, {counts['drafts']} drafts decided"
            sys.stdout.write(f"{'':12} {told}; {more}\n")
    took = time.monotonic() - began
    verdict = f"failed: {', '.join(failed)}" if failed else "0 violations"
    sys.stdout.write(f"machines: {all_steps} steps on {given.db} in {took:.0f} s, seed {given.seed}: {verdict}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
