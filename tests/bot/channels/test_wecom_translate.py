"""Every documented callback becomes its typed event; whatever does not fit becomes UnknownReceived, never an error."""

from __future__ import annotations

import dataclasses
import re
import typing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from bot import events
from bot.channels.wecom_translate import EVENTS, MESSAGES, translate
from bot.events import Address, Event, UnknownReceived, from_json, to_json
from tests.bot.channels.expected import EXPECTED, LINA, NEEDED, WM
from tests.mutations import CALLBACKS

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILES = sorted(CALLBACKS.glob("*.xml"))


def read(plain: bytes) -> Event:
    return translate(plain, received_at=NOW)


def top_fields(plain: bytes) -> list[re.Match[bytes]]:
    """The fields directly under the root: the documents nest no tag in one of the same name at that level."""
    return list(re.finditer(rb"<(\w+)>.*?</\1>", plain[5:-6], re.DOTALL))


def cut(plain: bytes, match: re.Match[bytes], instead: bytes) -> bytes:
    inside = plain[5:-6]
    return b"<xml>" + inside[: match.start()] + instead + inside[match.end() :] + b"</xml>"


def check_types(event: Event) -> None:
    """Nothing but what the annotations promise may come out of a spoiled document."""
    for name, hint in typing.get_type_hints(type(event)).items():
        if typing.get_origin(hint) is typing.ClassVar:
            continue
        value = getattr(event, name)
        allowed = tuple(
            dict if typing.is_typeddict(part) else typing.get_origin(part) or part
            for part in (typing.get_args(hint) if "|" in str(hint) else (hint,))
        )
        assert isinstance(value, allowed), (name, value)
        if isinstance(value, tuple) and not isinstance(value, Address):
            assert all(isinstance(entry, str) for entry in value)


def test_each_file_has_its_expectation() -> None:
    assert {path.stem for path in FILES} == set(EXPECTED)


def test_each_documented_name_has_a_file() -> None:
    plains = b"".join(path.read_bytes() for path in FILES).lower()
    for name in EVENTS:
        assert f"<event><![cdata[{name}]]>".encode() in plains, name
    for name in MESSAGES:
        assert f"<msgtype><![cdata[{name}]]>".encode() in plains, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_becomes_its_event(path: Path) -> None:
    kind, own = EXPECTED[path.stem]
    event = read(path.read_bytes())
    assert event.kind == kind
    assert {name: getattr(event, name) for name in own} == own
    assert (event.source, event.at) == ("wecom_app", AT)
    assert from_json(kind, to_json(event)) == event
    check_types(event)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sender_is_who_did_it(path: Path) -> None:
    event = read(path.read_bytes())
    if isinstance(event, events.ContactEvent):
        assert event.sender == Address("wecom", WM)
    elif b"<FromUserName>" not in path.read_bytes() or b"<FromUserName><![CDATA[sys]]>" in path.read_bytes():
        assert event.sender is None or event.kind == "AcquisitionReceived"
    else:
        assert event.sender == Address("wecom_staff", LINA)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_key_is_the_message_id_or_the_digest(path: Path) -> None:
    plain = path.read_bytes()
    event = read(plain)
    if isinstance(event, events.MessageReceived):
        assert event.key == f"wecom_app:msg:{event.msg_id}"
    else:
        assert event.key == f"wecom_app:sha256:{sha256(plain).hexdigest()}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_field_dropped(path: Path) -> None:
    plain, (kind, _) = path.read_bytes(), EXPECTED[path.stem]
    needed = NEEDED[kind] | {"CreateTime", "MsgType"} | (set() if "MsgId" in NEEDED[kind] else {"Event"})
    if path.stem.startswith("tag_") and path.stem != "tag_shuffle":
        needed = needed | {"Id"}
    for match in top_fields(plain):
        event = read(cut(plain, match, b""))
        check_types(event)
        assert event.kind == ("UnknownReceived" if match[1].decode() in needed else kind), match[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_field_doubled(path: Path) -> None:
    plain = path.read_bytes()
    whole = read(plain)
    for match in top_fields(plain):
        event = read(cut(plain, match, match[0] * 2))
        check_types(event)
        if not isinstance(event, UnknownReceived):
            # Not read at all, or handed on as raw fields: nothing typed may differ.
            names = [field.name for field in dataclasses.fields(event) if field.name not in ("key", "fields")]
            assert [getattr(event, name) for name in names] == [getattr(whole, name) for name in names]


VALUES = [b"", b" ", b"<a>1</a>", b"-", b"99999999999999999999", "９".encode(), b"nan", b"1e999"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_field_replaced(path: Path) -> None:
    plain = path.read_bytes()
    for match in top_fields(plain):
        for value in VALUES:
            event = read(cut(plain, match, b"<%s>%s</%s>" % (match[1], value, match[1])))
            check_types(event)
            stored = to_json(event)
            assert from_json(event.kind, stored) == event
            assert not re.search(r"[:\[,](NaN|-?Infinity)", stored)


def test_names_are_compared_in_lower_case() -> None:
    plain = (CALLBACKS / "location_report.xml").read_bytes()
    assert read(plain.replace(b"[LOCATION]", b"[location]")).kind == "LocationReported"
    assert read(plain.replace(b"[LOCATION]", b"[Location_Select]")).kind == "UnknownReceived"


@pytest.mark.parametrize(
    ("file", "old", "new", "name"),
    [
        ("click", b"[click]", b"[brand_new]", "event.brand_new"),
        ("text", b"[text]", b"[file]", "file"),
        (
            "add_external_contact",
            b"[add_external_contact]",
            b"[new_change]",
            "event.change_external_contact.new_change",
        ),
        ("chat_create", b"[create]", b"[merge]", "event.change_external_chat.merge"),
        ("chat_change_name", b"[change_name]", b"[change_icon]", "event.change_external_chat.update"),
    ],
)
def test_an_unknown_kind_is_kept(file: str, old: bytes, new: bytes, name: str) -> None:
    event = read((CALLBACKS / f"{file}.xml").read_bytes().replace(old, new))
    assert isinstance(event, UnknownReceived)
    assert event.name == name
    assert event.fields["ToUserName"] == "ww0sandbox000001"
    assert event.at == AT


def test_an_unknown_message_keeps_its_message_id_as_key() -> None:
    event = read((CALLBACKS / "text.xml").read_bytes().replace(b"[text]", b"[file]"))
    assert event.key == "wecom_app:msg:7300000000000000001"
    assert event.sender == Address("wecom_staff", LINA)


@pytest.mark.parametrize("msg_id", [b"", b"a b", b"1" * 129, "７".encode()])
def test_a_message_id_of_another_form_is_no_key(msg_id: bytes) -> None:
    event = read((CALLBACKS / "text.xml").read_bytes().replace(b"7300000000000000001", msg_id))
    assert isinstance(event, UnknownReceived)
    assert event.key.startswith("wecom_app:sha256:")


@pytest.mark.parametrize("seconds", [b"", b"0", b"-5", b"1e9", b"253402300800", b"9" * 40])
def test_a_wrong_time_is_replaced_by_the_time_of_arrival(seconds: bytes) -> None:
    event = read((CALLBACKS / "click.xml").read_bytes().replace(b"1700000000", seconds))
    assert isinstance(event, UnknownReceived)
    assert event.at == NOW


def test_a_card_without_a_choice_has_none() -> None:
    plain = (CALLBACKS / "template_card_menu_event.xml").read_bytes()
    event = read(plain.replace(b"template_card_menu_event", b"template_card_event"))
    assert isinstance(event, events.CardClicked)
    assert event.selected == {}


def test_twins_of_one_second_have_two_keys() -> None:
    plain = (CALLBACKS / "add_external_contact.xml").read_bytes()
    assert read(plain).key != read(plain.replace(WM.encode(), b"wmBBB")).key


def test_an_empty_text_is_a_text() -> None:
    event = read((CALLBACKS / "text.xml").read_bytes().replace("积分 明细".encode(), b""))
    assert isinstance(event, events.TextReceived)
    assert event.text == ""


def test_five_hundred_members_join_at_once() -> None:
    items = b"".join(b"<Item>wm%030d</Item>" % number for number in range(500))
    plain = (CALLBACKS / "chat_add_member.xml").read_bytes().replace(b"<Item>wmAAAsandbox0001</Item>", items)
    event = read(plain)
    assert isinstance(event, events.GroupMemberJoined)
    assert len(event.members) == 500
