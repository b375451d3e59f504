"""What a vendor sends is taken apart without trust: a valid answer or a named failure, nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from bot.model.answers import content_of, read, tokens_of, without_thoughts
from bot.model.failures import Failure, ModelFailed, name_of
from bot.model.schemas import Answer, strict


class Reply(Answer):
    """The kind of form that plays use."""

    reply: str = Field(max_length=100)
    intent: Literal["price", "other"]
    sure: bool
    cites: list[int] = Field(default=[], max_length=3)


class Outer(Answer):
    """A form within a form, with a field that is called like a word of JSON schema."""

    title: str
    inner: Reply
    pattern: str | None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["reply", "intent", "sure", "cites", "tool_calls", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
GOOD = '{"reply":"x","intent":"other","sure":true}'
PIECES = ["{", "}", '"reply"', ":", "<think>", "</think>", "```json", GOOD, "\x00", "[", "哈", "<|im_end|>"]
TEXTS = st.one_of(
    st.text(max_size=200), JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
)  # fmt: skip


def outcome(work: Callable[[], Any]) -> Any:
    """What comes out, or the failure's name."""
    try:
        return work()
    except ModelFailed as error:
        return error.failure


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_a_text_is_a_valid_answer_or_garbage(text: str) -> None:
    found = outcome(lambda: read(without_thoughts(text), Reply))
    if isinstance(found, Reply):
        assert len(found.reply) <= 100
        assert set(found.model_dump()) == {"reply", "intent", "sure", "cites"}
    else:
        assert found is Failure.GARBAGE


@given(st.one_of(JSON, TEXTS), st.one_of(JSON, st.just("length")), st.one_of(JSON, st.just({"total_tokens": 5})))
@settings(max_examples=300, deadline=None)
def test_whatever_a_completion_is_made_of_has_a_name(content: Any, finish: Any, usage: Any) -> None:
    message = SimpleNamespace(content=content, refusal=None)
    used = SimpleNamespace(**usage) if isinstance(usage, dict) else usage
    answer = SimpleNamespace(choices=[SimpleNamespace(message=message, finish_reason=finish)], usage=used)
    for given_answer in (answer, SimpleNamespace(choices=content, usage=used), content):
        found = outcome(partial(content_of, given_answer))
        assert isinstance(found, Failure) or found.text
    assert (tokens_of(answer) or 0) >= 0


def test_a_form_is_strict_to_its_last_field_and_says_no_limits() -> None:
    made = strict(Outer)

    assert made["required"] == ["title", "inner", "pattern"]
    assert set(made["properties"]) == {"title", "inner", "pattern"}  # names of fields are not words of JSON schema
    inner = made["$defs"]["Reply"]
    assert (inner["required"], inner["additionalProperties"]) == (["reply", "intent", "sure", "cites"], False)
    assert "maxLength" not in json.dumps(made)


def test_every_failure_has_a_name_and_what_nobody_knows_has_one_too() -> None:
    assert name_of(int(Failure.DAY)) == "day"
    assert name_of(None) == "late"
    assert name_of(-1) == "garbage"
