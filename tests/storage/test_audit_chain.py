"""审计链: whatever is done to the rows of the audit is found; several writers make one chain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from storage import audit_chain, audit_log
from storage.checks import CHECKS
from storage.db import Db
from storage.engine import Database
from storage.ids import Ids
from tests.storage.conftest import NOW

NAMES = ["lina", "rule:reach", "王芳🌸", "admin", "rule:orders", "lina"]


def write(db: Db, ids: Ids, actor: str, number: int = 0) -> None:
    at = NOW + timedelta(microseconds=number)
    audit_log.add(db, ids.next(), actor, "thing.done", f"thing:{number}", {"say": "好的 🎉\n"}, f"e{number}", at)


@pytest.fixture
def written(database_url: str) -> Iterator[Database]:
    """Four acts of people among two of rules, in two transactions."""
    database = Database(database_url)
    db = database.writer_db()
    ids = Ids(db)
    for half in (NAMES[:3], NAMES[3:]):
        db.begin()
        for number, actor in enumerate(half):
            write(db, ids, actor, number)
        db.commit()
    yield database
    db.close()
    database.close()


def faults(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        audits = [check for check in CHECKS if check.name.startswith("audit:")]
        return [fault for check in audits for fault in check.violations(connection, NOW)]


def run(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_what_people_do_is_linked_and_what_rules_note_is_not(written: Database) -> None:
    assert faults(written) == []
    with written.engine.connect() as connection:
        links = connection.execute(text("SELECT seq, audit_id FROM audit_link ORDER BY seq")).all()
        acts = connection.execute(text("SELECT id FROM audit_log WHERE actor NOT LIKE 'rule:%' ORDER BY id")).all()
        assert audit_chain.head(connection).seq == 4
    assert [tuple(row) for row in links] == [(seq, row.id) for seq, row in enumerate(acts, 1)]


SECOND = "(SELECT audit_id FROM audit_link WHERE seq = 2)"
LAST = "(SELECT audit_id FROM audit_link WHERE seq = 4)"
COLUMNS = ("actor", "action", "subject", "data", "cause")


@pytest.mark.parametrize(
    "tampering",
    [
        *[[f"UPDATE audit_log SET {name} = 'x' WHERE id = {SECOND}"] for name in COLUMNS],
        [f"UPDATE audit_log SET actor = 'rule:x' WHERE id = {SECOND}"],
        [f"UPDATE audit_log SET made_at = (SELECT min(made_at) FROM audit_log) WHERE id = {SECOND}"],
        [f"DELETE FROM audit_log WHERE id = {SECOND}"],
        [f"DELETE FROM audit_log WHERE id = {SECOND}", "DELETE FROM audit_link WHERE seq = 2"],
        [f"DELETE FROM audit_log WHERE id = {LAST}", "DELETE FROM audit_link WHERE seq = 4"],
        [f"DELETE FROM audit_log WHERE id = {SECOND}", "DELETE FROM audit_link WHERE seq = 2",
         "UPDATE audit_link SET seq = seq - 1 WHERE seq > 2", "UPDATE audit_head SET seq = 3"],
        ["UPDATE audit_link SET seq = -2 WHERE seq = 2", "UPDATE audit_link SET seq = 2 WHERE seq = 3",
         "UPDATE audit_link SET seq = 3 WHERE seq = -2"],
        ["UPDATE audit_link SET hash = 'x' WHERE seq = 3"],
        ["UPDATE audit_head SET hash = 'x'"],
        ["UPDATE audit_head SET seq = 9"],
        ["INSERT INTO audit_log SELECT id + 900, actor, action, subject, data, cause, made_at FROM audit_log "
         "WHERE actor = 'admin'"],
        ["INSERT INTO audit_log SELECT id + 900, actor, action, subject, data, cause, made_at FROM audit_log "
         "WHERE actor = 'admin'",
         "INSERT INTO audit_link SELECT 5, id, 'x' FROM audit_log WHERE id > 900 AND actor = 'admin'",
         "UPDATE audit_head SET seq = 5, hash = 'x'"],
    ],
)  # fmt: skip
def test_tampering_is_found(written: Database, tampering: list[str]) -> None:
    run(written, *tampering)
    assert faults(written) != []


def test_a_chain_made_anew_is_told_by_a_head_that_was_noted(written: Database) -> None:
    with written.engine.connect() as connection:
        noted = audit_chain.head(connection)
        assert audit_chain.holds(connection, noted)
    run(written, f"UPDATE audit_log SET actor = 'somebody' WHERE id = {SECOND}")
    with written.engine.begin() as connection:  # by whoever holds the whole database
        last = ""
        rows = connection.execute(text(
            "SELECT l.seq FROM audit_link l ORDER BY l.seq")).all()  # fmt: skip
        for (seq,) in rows:
            found = connection.execute(
                audit_chain._A.select().join(audit_chain._L, audit_chain._L.c.audit_id == audit_chain._A.c.id).where(
                    audit_chain._L.c.seq == seq)).one()  # fmt: skip
            last = audit_chain.link(last, seq, audit_chain.Row(*found))
            connection.execute(text("UPDATE audit_link SET hash = :h WHERE seq = :s"), {"h": last, "s": seq})
        connection.execute(text("UPDATE audit_head SET hash = :h"), {"h": last})

    assert faults(written) == []
    with written.engine.connect() as connection:
        assert not audit_chain.holds(connection, noted)


def test_a_rollback_leaves_no_link(writer: Callable[[], Db], database: Database) -> None:
    db = writer()
    db.begin()
    write(db, Ids(db), "lina")
    db.rollback()
    db.begin()
    db.commit()
    with database.engine.connect() as connection:
        assert audit_chain.head(connection) == (0, "")
    assert faults(database) == []


@pytest.mark.parametrize("exact", [True, False])
def test_writers_at_once_make_one_chain(writer: Callable[[], Db], database: Database, exact: bool) -> None:
    rounds, errors = 10, []

    def work(db: Db, name: str) -> None:
        ids = Ids(db)
        try:
            for number in range(rounds):
                db.exact = exact
                db.begin()
                write(db, ids, name, number)
                write(db, ids, name, number)
                db.commit()
        except Exception as error:
            errors.append(error)

    dbs = [writer() for _ in range(1 if database.dialect == "sqlite" else 4)]
    threads = [threading.Thread(target=work, args=(db, f"staff{place}")) for place, db in enumerate(dbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert faults(database) == []
    with database.engine.connect() as connection:
        assert audit_chain.head(connection).seq == rounds * 2 * len(dbs)
