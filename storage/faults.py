"""What a driver's exception means: told apart by name, so that no driver has to be imported."""

from __future__ import annotations

# SQLITE_ERROR is not here: a wrong statement is our fault, not the database's.
_SQLITE_REFUSES = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_NOMEM",
    "SQLITE_PROTOCOL",
)
_POSTGRES_REFUSES = (
    "08",
    "25006",
    "53",
    "55",
    "57",
    "58",
    "XX",
)  # connection, read only, resources, locks, operator, system
_LOST_RACE = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation


class Conflict(Exception):
    """Another writer was faster; the transaction should be run again."""


def is_conflict(error: BaseException) -> bool:
    """Whether running the same transaction again can succeed: a unique key met, a deadlock, a lost guarded write."""
    if isinstance(error, Conflict):
        return True
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is not None:
        return sqlstate in _LOST_RACE
    return type(error).__name__ == "IntegrityError" and "UNIQUE" in str(error)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database itself refused: locked, full, gone. Nothing is wrong with the work; it must come again."""
    code = getattr(error, "sqlite_errorname", None)
    if code is not None:
        return str(code).startswith(_SQLITE_REFUSES)
    if is_conflict(error):
        return False
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(_POSTGRES_REFUSES)
    return bool({cls.__name__ for cls in type(error).__mro__} & {"OperationalError", "InterfaceError"})
