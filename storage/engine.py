"""Opening a database: SQLite file or PostgreSQL, with the settings that make a commit mean what it says."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url

from storage.db import Db

_MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
# In KiB, as SQLite counts them when they are negative. Pages of the file are read where they are mapped, so a cache
# holds only what is in the log: for the writer what it changes again and again, for readers what lies in their way.
WRITER_CACHE, READER_CACHE = -32_768, -4_096


class Database:
    """One database by its SQLAlchemy url, such as `sqlite:///data/siyu.db` or `postgresql+psycopg://…`.

    `engine` serves reads, migrations and checks; the writer has a connection of its own (`writer_db`).
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.dialect = parsed.get_backend_name()
        if self.dialect == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ValueError("database.url: SQLite needs a file, several connections share it")
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _engine(parsed)

    def migrate(self) -> None:
        """Bring the schema to the newest revision; the only way a schema is ever made."""
        current, newest = self.revision()
        if current == newest:
            return
        with self.engine.begin() as connection:
            if self.dialect == "postgresql":  # two processes starting at once: the second waits and finds nothing to do
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7305)")
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def revision(self) -> tuple[str | None, str | None]:
        """The schema's revision and the newest one."""
        with self.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        return current, _newest()

    def writer_db(self) -> Db:
        """A connection for the one thread that writes."""
        raw = self.engine.raw_connection()
        connection: Any = raw.driver_connection
        raw.detach()
        if self.dialect == "postgresql":
            _prepare_all(connection)
        else:
            connection.execute(f"PRAGMA cache_size={WRITER_CACHE}")
        return Db(connection, self.dialect)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _prepare_all(connection: Any) -> None:
    """Statements are few and come again for ever: prepare each at its second run, whatever the size of its numbers."""
    from psycopg import RawCursor  # an extra, there only with PostgreSQL
    from psycopg.types.numeric import Int8Dumper

    connection.cursor_factory = RawCursor  # takes $1 as the server does: nothing to translate
    connection.prepare_threshold, connection.prepared_max = 2, 1000
    connection.adapters.register_dumper(int, Int8Dumper)
    # Everything the writer asks has an index. A plan made while a table was small would read all of it for ever.
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET jit = off")  # a plan that must scan then looks dear, and would be compiled for seconds
    connection.commit()


def reading_db(connection: Connection) -> Db:
    """The writer's way of asking, on a connection of the engine: for reads, and only while it is open."""
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return Db(raw, "sqlite")
    from psycopg import RawCursor  # an extra, there only with PostgreSQL

    for setting in ("enable_seqscan", "jit"):  # as in `_prepare_all`, until the transaction ends
        connection.exec_driver_sql(f"SET LOCAL {setting} = off")
    return Db(raw, "postgresql", RawCursor(raw))


@functools.cache
def _newest() -> str | None:
    """The newest revision there is: to find it, every one is read."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _engine(url: Any) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=5, pool_pre_ping=True)
    # isolation_level None: we say BEGIN and COMMIT ourselves, the driver never guesses.
    engine = create_engine(
        url,
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 512,
        },
    )
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # an acknowledged event survives a power cut
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        f"cache_size={READER_CACHE}",
        "mmap_size=1073741824",  # what the cache does not hold is read in place, not copied
        # What undoes half a statement is a copy of every page it changes: 40 MB for 10,000 rows all over a table. In
        # memory it would stay there to its end, and its holes in the heap for good.
        "temp_store=FILE",
        "wal_autocheckpoint=4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
