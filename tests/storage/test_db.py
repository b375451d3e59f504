"""The writer's connection: collected rows are never missed, ids never used twice, a rollback leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from storage import inbox, members, timers
from storage.db import Db
from storage.engine import Database
from storage.faults import is_conflict
from storage.ids import Ids
from storage.types import from_microseconds, to_microseconds
from tests.storage.conftest import NOW


def test_a_collected_row_is_seen_by_the_next_question(db: Db, ids: Ids) -> None:
    for number in range(70):
        members.create(db, ids, ("wecom", f"wm{number}"), "test", NOW)

    assert len(members.of(db, [("wecom", f"wm{number}") for number in range(70)])) == 70
    db.commit()


def test_a_rollback_drops_what_was_collected_and_what_was_written(db: Db, ids: Ids) -> None:
    members.create(db, ids, ("wecom", "written"), "test", NOW)
    db.flush()
    members.create(db, ids, ("wecom", "collected"), "test", NOW)

    db.rollback()
    ids.drop()
    db.begin()

    assert members.of(db, [("wecom", "written"), ("wecom", "collected")]) == {}
    db.commit()


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65, 200])
def test_any_number_of_rows_is_written_whole(db: Db, ids: Ids, rows: int) -> None:
    for number in range(rows):
        timers.add(db, ids.next(), f"t{number}", "x", {"n": number}, NOW, NOW)
    db.commit()

    db.begin()
    assert [due.payload for due in timers.due(db, NOW, 1000)] == [f'{{"n": {number}}}' for number in range(rows)]
    db.commit()


def _the_same_name_twice(db: Db, ids: Ids) -> None:
    for _ in range(2):
        members.create(db, ids, ("wecom", "wm1"), "test", NOW)
    db.commit()


def test_a_name_met_twice_is_a_conflict_on_either_road(writer: Callable[[], Db]) -> None:
    for exact in (True, False):
        db = writer()
        ids = Ids(db)
        db.exact = exact
        db.begin()
        with pytest.raises(Exception, match=r"(?i)unique") as caught:
            _the_same_name_twice(db, ids)
        assert is_conflict(caught.value)
        db.rollback()


def test_two_writers_never_get_the_same_id(writer: Callable[[], Db]) -> None:
    seen: list[int] = []
    for _ in range(3):
        db = writer()
        db.begin()
        ids = Ids(db, block=5)
        seen += [ids.next() for _ in range(12)]
        db.commit()

    assert len(set(seen)) == 36


def test_ids_of_a_rolled_back_block_are_given_up(writer: Callable[[], Db]) -> None:
    db = writer()
    db.begin()
    ids = Ids(db, block=5)
    lost = ids.next()
    db.rollback()
    ids.drop()
    db.begin()

    other = Ids(db, block=5)
    mine, theirs = [ids.next() for _ in range(7)], [other.next() for _ in range(7)]
    db.commit()

    assert len({*mine, *theirs}) == 14
    assert lost in mine  # its block was never committed, so nobody can hold a row by it


def test_times_come_back_as_they_went_in(db: Db, ids: Ids) -> None:
    odd = NOW + timedelta(microseconds=123_457)
    timers.add(db, ids.next(), "odd", "x", {}, odd, NOW)

    assert timers.next_due(db) == odd
    db.commit()


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_microseconds(datetime(2026, 11, 11))  # noqa: DTZ001 - the point of the test
    assert from_microseconds(to_microseconds(NOW)) == NOW


def test_known_events_are_told_with_their_answers(db: Db, ids: Ids) -> None:
    for number, answer in enumerate([None, "好的 🎉"]):
        entry = inbox.Entry(ids.next(), f"k{number}", "X", "test", "done", "{}", "", "{}", 1, answer, 1, None, NOW,
                            None, NOW)  # fmt: skip
        inbox.add(db, entry)

    (rows,) = db.all_of([inbox.asking(["k0", "k1", "k2"])])
    assert dict(rows) == {"k0": None, "k1": "好的 🎉"}
    db.commit()


def test_no_statement_of_the_writer_is_compiled_first(db: Db) -> None:
    if db.dialect == "postgresql":
        assert db.connection.execute("SHOW jit").fetchone()[0] == "off"


def test_the_migrations_make_what_the_tables_declare(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlmodel import SQLModel

    database.migrate()  # a second time changes nothing
    current, newest = database.revision()
    with database.engine.connect() as connection:
        # The full-text index is of each database's own making and has no declaration.
        declared = {"compare_type": True, "include_name": lambda name, *_: not str(name).startswith("knowledge_index")}
        context = MigrationContext.configure(connection, opts=declared)
        differences = compare_metadata(context, SQLModel.metadata)

    assert current == newest
    assert differences == []
