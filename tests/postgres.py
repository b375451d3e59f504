"""Where tests find PostgreSQL: `SIYU_TEST_PG_URL`, or a server on this machine; each test gets a schema of its own."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest

URL = os.environ.get("SIYU_TEST_PG_URL", "postgresql://postgres@127.0.0.1:5432/test")


@functools.cache
def why_not() -> str:
    """Empty when the server answers, else the reason."""
    try:
        psycopg.connect(URL, connect_timeout=3).close()
    except psycopg.Error as error:
        return f"{URL.rpartition('@')[2]} does not answer ({str(error).strip().splitlines()[0]}); set SIYU_TEST_PG_URL"
    return ""


def needed() -> None:
    """Skip the test, and say why, where no server answers; in CI that is a failure."""
    if reason := why_not():
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL must run in CI: {reason}")
        pytest.skip(f"PostgreSQL not tested: {reason}")


def postgres_url(schema: str) -> str:
    """The test server's url with `schema` as its only search path."""
    return f"{URL}{'&' if '?' in URL else '?'}options=-csearch_path%3D{schema}"


class Schemas:
    """Hands out schemas; several test processes never meet in one."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    @contextlib.contextmanager
    def schema(self) -> Iterator[str]:
        """A fresh schema, dropped at the end."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
            try:
                yield name
            finally:
                connection.execute(f"DROP SCHEMA {name} CASCADE")


SCHEMA_FREE = Schemas()
