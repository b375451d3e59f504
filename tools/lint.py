"""Every check that runs no test: format, lint, types, import rules. With --then-test the tests follow."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

STEPS = {
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "ruff check": ["-m", "ruff", "check", "."],
    "mypy": ["-m", "mypy"],
    "import rules": [str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-logo"],
}


def main() -> int:
    """Run all of them even when one fails, so that one round shows everything."""
    failed = []
    for name, command in STEPS.items():
        print(f"== {name}", flush=True)
        if subprocess.call([sys.executable, *command]) != 0:
            failed.append(name)
    if failed:
        print(f"未通过 failed: {', '.join(failed)}")
        return 1
    if "--then-test" in sys.argv:
        return subprocess.call([sys.executable, "-m", "pytest", "-n", "auto"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
