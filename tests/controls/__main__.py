"""`python -m tests.controls [NAME ...] [--examples 200] [--steps 40]`: takes out one guard after the other and lets its
machine look for it. Ends with `controls: N of N caught`, and with 1 when one was missed."""

from __future__ import annotations

import argparse
import sys
import time

from tests.controls.catching import caught
from tests.controls.model_guards import GUARDS


def main() -> int:
    """Try every guard, or those that were named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *GUARDS], metavar="NAME")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    names, seen = given.names or list(GUARDS), 0
    for name in names:
        began = time.monotonic()
        found = caught(name, given.examples, given.steps)
        seen += bool(found)
        took = time.monotonic() - began
        verdict = f"caught  {found}" if found else "MISSED"
        sys.stdout.write(f"{name:26} {GUARDS[name].machine:10} {took:5.1f} s  {verdict}\n")
        sys.stdout.flush()
    sys.stdout.write(f"controls: {seen} of {len(names)} caught\n")
    return 0 if seen == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
