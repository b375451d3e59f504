"""CQ 码: what is written is read back, words never become codes, and nothing that comes in raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.onebot_cq import Segment, at, escape, parse, read, render, text, unescape
from sandbox.onebot_cq import understood, written

NAMES = st.text(alphabet="abcXYZ019._-", min_size=1, max_size=8)
VALUES = st.text(max_size=12) | st.text(alphabet="&[],=#;amp0123456789 CQ:", max_size=24)
CODES = st.builds(Segment, NAMES.filter(lambda name: name != "text"), st.dictionaries(NAMES, VALUES, max_size=3))
WORDS = st.builds(text, VALUES.filter(bool))


def joined(segments: list[Segment]) -> list[Segment]:
    """Neighbouring words are one piece once they are written."""
    out: list[Segment] = []
    for segment in segments:
        if segment.kind == "text" and out and out[-1].kind == "text":
            out[-1] = text(out[-1].data["text"] + segment.data["text"])
        else:
            out.append(segment)
    return out


@given(st.lists(CODES | WORDS, max_size=6).map(joined))
def test_what_is_written_is_read_back(segments: list[Segment]) -> None:
    assert parse(render(segments)) == segments


@given(VALUES)
def test_escaping_is_undone_and_leaves_no_bracket(words: str) -> None:
    for inside in (False, True):
        safe = escape(words, inside=inside)
        assert unescape(safe) == words
        assert not set("[]") & set(safe)
    assert "," not in escape(words, inside=True)


@given(st.text(max_size=60) | st.text(alphabet="[]CQ:,=&#;914amp ab", max_size=60))
def test_any_string_is_read_without_an_error_and_reads_the_same_again(message: str) -> None:
    segments = parse(message)
    assert parse(render(joined(segments))) == joined(segments)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "data", "text", "qq"]), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_message_field_is_read_without_an_error(message: object) -> None:
    assert all(isinstance(value, str) for segment in read(message) for value in segment.data.values())


@given(st.lists(CODES | WORDS, max_size=6).map(joined))
def test_the_sandbox_reads_what_we_write_and_we_read_what_it_writes(segments: list[Segment]) -> None:
    plain = [{"type": segment.kind, "data": segment.data} for segment in segments]
    assert understood(render(segments)) == plain
    assert read(written(plain)) == segments == read(plain)


@pytest.mark.parametrize(
    ("message", "segments"),
    [
        ("[CQ:at,qq=10001] 签到", [at("10001"), text(" 签到")]),
        ("&#91;CQ:at,qq=all&#93;", [text("[CQ:at,qq=all]")]),
        ("&amp;#91;", [text("&#91;")]),
        ("[CQ:share,title=a&#44;b&amp;c,url=http://x/?a=1]", [
            Segment("share", {"title": "a,b&c", "url": "http://x/?a=1"}),
        ]),
        ("[CQ:face]", [Segment("face", {})]),
        ("没有结束 [CQ:at,qq=1", [text("没有结束 [CQ:at,qq=1")]),
        ("[cq:at,qq=1]", [text("[cq:at,qq=1]")]),
        ("", []),
    ],
)  # fmt: skip
def test_strings_of_the_standard(message: str, segments: list[Segment]) -> None:
    assert parse(message) == segments


def test_a_name_with_a_code_in_it_stays_words() -> None:
    name = "[CQ:at,qq=all]&#91;CQ:at,qq=all&#93;"
    assert [segment.kind for segment in parse(render([text(f"欢迎 {name}")]))] == ["text"]


def test_numbers_and_nothing_in_an_array_are_read() -> None:
    message = [{"type": "at", "data": {"qq": 10001}}, {"type": "text", "data": {"text": "签到", "x": None}}, "?", {}]
    assert read(message) == [at("10001"), text("签到")]
