"""Events keep everything through JSON, and every kind is known by its name."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.events import KINDS, Address, ApiAnswered, ContactAdded, Event, TextReceived, TimerDue, from_json, to_json

AT = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
SAMPLES: dict[str, Any] = {
    "str": "砍价 ]]> \"'\\ 😀",
    "str | None": None,
    "int": -3,
    "int | None": 7,
    "bool": True,
    "float": 31.230416,
    "float | None": None,
    "datetime": AT,
    "datetime | None": AT,
    "Address": Address("onebot", "1:2"),
    "Address | None": Address("wecom", "wmAAA"),
    "tuple[str, ...]": ("a", "b"),
    "tuple[int, ...]": (1, 3),
    "Door | None": {"via": "callback", "kind": "message", "userid": "lina", "chat": "wr1", "group": True},
    "dict[str, Any] | None": {"msgtype": "text"},
    "dict[str, Any]": {"数": [1, None, {"x": "y"}]},
    "dict[str, str]": {"unionid": "o1"},
    "list[dict[str, Any]]": [{"sku": "A", "qty": 2}],
    "dict[str, list[str]]": {"q": ["1", "2"]},
}


def sample(kind: str) -> Event:
    cls = KINDS[kind]
    return cls(**{field.name: SAMPLES[str(field.type)] for field in dataclasses.fields(cls)})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_survives_json(kind: str) -> None:
    event = sample(kind)
    again = from_json(kind, to_json(event))
    assert again == event
    assert type(again) is type(event)
    assert event.kind == kind


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_defaults_survive_json(kind: str) -> None:
    cls = KINDS[kind]
    needed = {
        field.name: SAMPLES[str(field.type)]
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    event = cls(**needed)
    assert from_json(kind, to_json(event)) == event


def test_types_come_back_as_they_were() -> None:
    event = from_json("GroupMemberJoined", to_json(sample("GroupMemberJoined")))
    assert isinstance(event.sender, Address)
    assert isinstance(event.at, datetime)
    assert event.at.tzinfo is UTC
    assert dataclasses.asdict(event)["members"] == ("a", "b")


def test_a_field_of_a_later_version_is_dropped() -> None:
    text = to_json(sample("ContactAdded"))[:-1] + ',"colour":"red"}'
    assert from_json("ContactAdded", text) == sample("ContactAdded")


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        from_json("NoSuchEvent", "{}")


def test_an_event_cannot_be_changed() -> None:
    event = sample("TextReceived")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.key = "x"  # type: ignore[misc]


def test_two_classes_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="ContactAdded"):
        type("ContactAdded", (Event,), {"__module__": __name__, "__slots__": ()})
    assert KINDS["ContactAdded"] is ContactAdded


def test_the_same_values_make_equal_events() -> None:
    assert sample("TimerDue") == sample("TimerDue")
    assert isinstance(sample("TimerDue"), TimerDue)
    assert isinstance(sample("ApiAnswered"), ApiAnswered)
    assert TextReceived(key="k", source="s", at=AT, msg_id="1", text="a") != sample("TextReceived")
