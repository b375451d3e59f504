"""Takes one guard out and lets its machine tell stories until one fails."""

from __future__ import annotations

import pytest

from tests.controls.model_guards import GUARDS
from tests.machines.house import Ground
from tests.machines.registry import drive


def caught(name: str, examples: int, steps: int) -> str:
    """What the machine saw with the guard missing, in a line; empty when it saw nothing."""
    guard = GUARDS[name]
    ground = Ground(bare=guard.bare, unchecked=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            guard.take_out(patch)
            drive(guard.machine, examples, steps, ground=ground, shrink=False)
    except Exception as error:  # whatever ends a story: a model that differs, a check that fails, a turn that raises
        line = (str(error) or type(error).__name__).strip().splitlines()[0]
        return f"{type(error).__name__}: {line}"[:110]
    finally:
        ground.database.close()
    return ""
