"""对照的登记: what a guard is, and where all of them are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Guard:
    """`machine` must fail once `take_out` has patched it away; `bare` are tables that lose their constraints."""

    machine: str
    take_out: Patch
    bare: tuple[str, ...] = ()


GUARDS: dict[str, Guard] = {}


def guard(machine: str, *bare: str) -> Callable[[Patch], Patch]:
    """Name a patch after its function."""

    def register(patch: Patch) -> Patch:
        GUARDS[patch.__name__] = Guard(machine, patch, bare)
        return patch

    return register
