"""Column types: one UTC datetime type for both databases."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import BigInteger, DateTime
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


def zone_named(name: str) -> ZoneInfo:
    """A zone by its name. Raises ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError('no zone of this name; such as "Asia/Shanghai"') from None


class ShopZone(ZoneInfo):
    """The shops' days: what "today" means for limits, expiry, birthdays and daily jobs. One process serves shops of one
    zone; it is said once, before anything runs (`live_in`), and whoever holds this object follows."""

    _place: ZoneInfo

    def live_in(self, name: str) -> None:
        """The zone from now on. Raises ValueError for a name that is none."""
        self._place = zone_named(name)

    def __str__(self) -> str:
        return str(self._place)

    def utcoffset(self, dt: datetime | None, /) -> timedelta | None:
        """As the place has it."""
        return self._place.utcoffset(dt)

    def dst(self, dt: datetime | None, /) -> timedelta | None:
        """As the place has it."""
        return self._place.dst(dt)

    def tzname(self, dt: datetime | None, /) -> str | None:
        """As the place has it."""
        return self._place.tzname(dt)

    def fromutc(self, dt: datetime, /) -> datetime:
        """The wall clock there."""
        return self._place.fromutc(dt.replace(tzinfo=self._place)).replace(tzinfo=self)


ZONE = ShopZone("Asia/Shanghai")
ZONE.live_in("Asia/Shanghai")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=1024)  # the rows of one turn all carry its time
def to_microseconds(value: datetime) -> int:
    """Microseconds since 1970 UTC. A naive datetime is refused: it has no place on a time line."""
    if value.tzinfo is None:
        raise ValueError(f"naive datetime {value!r}: every time is aware UTC")
    return (value - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The aware UTC datetime of `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=value)


# The driver itself adapts bound datetimes, so statements run without SQLAlchemy in between need no processors.
sqlite3.register_adapter(datetime, to_microseconds)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetime: `timestamptz` on PostgreSQL, integer microseconds on SQLite (which would hand back naive
    text)."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Pick the column's type for `dialect`."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive values; SQLite stores microseconds."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            to_microseconds(value)
            return value
        return to_microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give back aware UTC on both databases."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return from_microseconds(value)
