"""事件 the base of all events: identity, registry, JSON form."""

from __future__ import annotations

import dataclasses
import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

KINDS: dict[str, type[Event]] = {}
"""Every event class by its name. A subclass enters by being defined, wherever it lives."""


class Address(NamedTuple):
    """Who, and on which channel: ("wecom", external_userid), ("wecom_staff", userid)."""

    channel: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`key` is unique per happening: `<source>:msg:<MsgId>` or `<source>:sha256:<hex>`; `at` is aware UTC."""

    kind: ClassVar[str] = "Event"

    key: str
    source: str
    at: datetime
    sender: Address | None = None

    def __init_subclass__(cls) -> None:
        known = KINDS.get(cls.__name__)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two event classes are called {cls.__name__}: {known.__module__} and {cls.__module__}")
        cls.kind = cls.__name__
        KINDS[cls.__name__] = cls  # slots=True builds the class twice; the second, final one stays


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class _Codec(NamedTuple):
    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    dates: tuple[str, ...]
    tuples: tuple[str, ...]
    addresses: tuple[str, ...]


_codecs: dict[type[Event], _Codec] = {}


def _codec(cls: type[Event]) -> _Codec:
    known = _codecs.get(cls)
    if known is None:
        known = _codecs[cls] = _make_codec(cls)
    return known


def _make_codec(cls: type[Event]) -> _Codec:
    fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}

    def typed(*starts: str) -> tuple[str, ...]:
        return tuple(name for name, annotation in fields.items() if annotation.startswith(starts))

    return _Codec(tuple(fields), operator.attrgetter(*fields), typed("datetime"), typed("tuple"), typed("Address"))


def to_json(event: Event) -> str:
    """The event's fields as one JSON object; its `kind` is kept beside it, not in it."""
    codec = _codec(type(event))
    data = dict(zip(codec.names, codec.values(event), strict=True))
    for name in codec.dates:
        if data[name] is not None:
            data[name] = data[name].isoformat()
    return _dumps(data)


def from_json(kind: str, text: str) -> Event:
    """Inverse of `to_json`. Fields that this version does not know are dropped; an unknown kind raises KeyError."""
    cls = KINDS[kind]
    codec = _codec(cls)
    stored = json.loads(text)
    data = {name: stored[name] for name in codec.names if name in stored}
    for name in codec.dates:
        if data.get(name) is not None:
            data[name] = datetime.fromisoformat(data[name])
    for name in codec.tuples:
        if name in data:
            data[name] = tuple(data[name])
    for name in codec.addresses:
        if data.get(name) is not None:
            data[name] = Address(*data[name])
    return cls(**data)
