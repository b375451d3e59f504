"""Rows of a table: what is read is what the constructor would have made, and may be changed like it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from sqlmodel import SQLModel

from storage import tables
from storage.rows import Rows
from tests.conftest import NOON

MODELS = [one for _, one in inspect.getmembers(tables, inspect.isclass) if hasattr(one, "__table__")]


def values(model: type[SQLModel]) -> dict[str, Any]:
    """Something of the right kind for every column."""
    kinds = {"str": "字", "int": 3, "datetime": NOON, "bytes": b"x"}
    found = {}
    for name, field in model.model_fields.items():
        shown = str(field.annotation)
        found[name] = next((value for kind, value in kinds.items() if kind in shown), None)
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_a_row_is_made_as_by_its_constructor(model: type[SQLModel]) -> None:
    rows, given = Rows(model), values(model)
    slowly = model(**given)
    quickly = rows._made(tuple(given[name] for name in rows._names))

    assert quickly.model_dump() == slowly.model_dump() == given
    assert quickly.model_fields_set == slowly.model_fields_set
    assert {**quickly.__dict__, "_sa_instance_state": 0} == {**slowly.__dict__, "_sa_instance_state": 0}


def test_a_row_that_was_read_can_be_changed() -> None:
    rows = Rows(tables.JourneyRun)
    given = values(tables.JourneyRun)
    run = rows._made(tuple(given[name] for name in rows._names))
    run.status = "done"
    run.step += 1

    assert (run.status, run.step, run.model_dump()["status"]) == ("done", 4, "done")
