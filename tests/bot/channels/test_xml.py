"""The parser reads WeCom's documents and refuses everything that hurts, quickly."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path

import pytest
import xmltodict

from bot.channels import xml as callback_xml
from bot.channels.xml import XmlError, parse
from tests.mutations import BOMBS, CALLBACKS

FILES = sorted(CALLBACKS.glob("*.xml"))
BOMB_S = 0.005
SLACK = 4  # a busy machine; the best of several runs is taken as well


def best_s(data: bytes) -> float:
    """The shortest of five runs, in seconds: what the work costs without the neighbours."""
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        with contextlib.suppress(XmlError):
            parse(data)
        best = min(best, time.perf_counter() - started)
    return best


def refusal(data: bytes) -> str:
    with pytest.raises(XmlError) as caught:
        parse(data)
    return str(caught.value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reads_what_xmltodict_reads(path: Path) -> None:
    theirs = xmltodict.parse(path.read_bytes(), postprocessor=lambda _path, key, value: (key, value or ""))["xml"]
    assert parse(path.read_bytes()) == theirs


def test_both_ways_of_reading_agree_on_mutants() -> None:
    dice, flat = random.Random(11), 0
    plains = [path.read_text(encoding="utf-8") for path in FILES]
    bites = ("", "\r", "\t", "\x01", "&", "&amp;", "]", "]]>", "<a>", "é", "\ufffe", " ", ":", "1")
    for _ in range(5_000):
        text = dice.choice(plains)
        at = dice.randrange(len(text))
        text = text[:at] + dice.choice(bites) + text[at + dice.randrange(3) :]
        doc = callback_xml._parse_flat(text)
        if doc is not None:
            flat += 1
            assert callback_xml._parse_tree(text) == doc
    assert flat > 400


def test_one_entry_many_entries_no_entry() -> None:
    assert parse(b"<xml><L><Item>a</Item></L></xml>") == {"L": {"Item": "a"}}
    assert parse(b"<xml><L><Item>a</Item><Item>b</Item><Item/></L></xml>") == {"L": {"Item": ["a", "b", ""]}}
    assert parse(b"<xml><L></L></xml>") == {"L": ""}


def test_text_is_kept_as_it_is() -> None:
    assert parse("<xml><C><![CDATA[ <b>&amp; 好\n]]></C><D>&lt;&#20320;</D></xml>".encode()) == {
        "C": " <b>&amp; 好\n",
        "D": "<你",
    }
    assert parse(b"<xml><C>a<![CDATA[b]]>c</C></xml>") == {"C": "abc"}
    long = "长" * 9_000
    assert parse(f"<xml><C><![CDATA[]{long}]]></C></xml>".encode()) == {"C": "]" + long}


def test_mark_blanks_and_declaration_may_stand_before() -> None:
    assert parse('\ufeff \n<?xml version="1.0" encoding="GBK"?>\n<xml><A>好</A></xml>\n'.encode()) == {"A": "好"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "opening"),
        (b"{}", "opening"),
        (b"<XML><a>1</a></XML>", "opening"),
        (b"<!-- --><xml><a>1</a></xml>", "opening"),
        (b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd"><xml><a>1</a></xml>', "opening"),
        (b'<?xml version="1.0"?><!DOCTYPE xml><xml><a>1</a></xml>', "opening"),
        (b"<xml/>", "empty"),
        (b"<xml>text</xml>", "empty"),
        (b"<xml></xml>", "empty"),
        (b"<xml><a>&b;</a></xml>", "syntax"),
        (b"<xml><a>1</b></xml>", "syntax"),
        (b"<xml><a>1</a>", "syntax"),
        (b"<xml><a>1</a></xml><xml/>", "syntax"),
        (b"<xml><a>\x00</a></xml>", "syntax"),
        (b"<xml><!DOCTYPE x><a>1</a></xml>", "syntax"),
        (b"<xml><a>\xff</a></xml>", "utf8"),
        (b"<xml>" + b"<a>" * 8 + b"</a>" * 8 + b"</xml>", "depth"),
        (b"<xml>" + b"<a/>" * 64 + b"</xml>", "nodes"),
        (b"<xml><L>" + b"<Item/>" * 1_001 + b"</L></xml>", "entries"),
        (b"<xml><a>" + b"x" * 65_536 + b"</a></xml>", "size"),
    ],
)
def test_refuses(data: bytes, reason: str) -> None:
    assert refusal(data) == reason


def test_limits_are_reached_exactly() -> None:
    assert parse(b"<xml>" + b"<a>" * 7 + b"b" + b"</a>" * 7 + b"</xml>")
    assert len(parse(b"<xml>" + b"<a/>" * 63 + b"</xml>")["a"]) == 63
    assert len(parse(b"<xml><L>" + b"<Item/>" * 1_000 + b"</L></xml>")["L"]["Item"]) == 1_000


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:24].decode())
def test_a_bomb_that_fits_the_cap_costs_five_milliseconds_at_most(bomb: bytes) -> None:
    assert len(bomb) < callback_xml.MAX_BYTES
    assert best_s(bomb) < BOMB_S * SLACK


@pytest.mark.parametrize(
    "bomb", [b"<xml>" + b"<a>" * 200_000, b"<xml>" + b"<a/>" * 1_000_000, b"<xml>" + b"<Item>" * 200_000]
)
def test_a_bomb_above_the_cap_costs_nothing(bomb: bytes) -> None:
    assert best_s(bomb) < BOMB_S
