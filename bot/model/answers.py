"""What a vendor answered, taken apart: nothing in it is believed before it was looked at."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from bot.model.failures import Failure, ModelFailed

MAX_CHARS = 40_000
MOST_OPENINGS = 50  # places at which an object may begin in a text that is tried
_THOUGHT = re.compile(r"<(think|thinking|reasoning|thought)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_THOUGHT_ENDS = re.compile(r"</(?:think|thinking|reasoning|thought)\s*>", re.IGNORECASE)
_THOUGHT_BEGINS = re.compile(r"<(?:think|thinking|reasoning|thought)\b[^>]*>", re.IGNORECASE)
_DECODER = json.JSONDecoder()

M = TypeVar("M", bound=BaseModel)


class Content(NamedTuple):
    """The text of an answer and the tokens that the vendor says it took; None when it does not say."""

    text: str
    tokens: int | None


def content_of(answer: Any) -> Content:
    """The one text of a chat completion. Raises `ModelFailed` with what is wrong with it."""
    if isinstance(answer, str | bytes) or not hasattr(answer, "choices"):
        raise ModelFailed(Failure.WRONG_URL, "the answer is a page, not JSON")
    tokens = tokens_of(answer)
    choices = answer.choices
    if not isinstance(choices, list) or not choices:
        raise ModelFailed(Failure.NO_CHOICES, _told(answer), tokens or 0)
    message, finish = getattr(choices[0], "message", None), getattr(choices[0], "finish_reason", None)
    if finish == "content_filter" or getattr(message, "refusal", None):
        raise ModelFailed(Failure.FILTERED, "", tokens or 0)
    text = getattr(message, "content", None)
    if not isinstance(text, str):
        raise ModelFailed(Failure.EMPTY, "", tokens or 0)
    spoken = without_thoughts(text)
    if finish == "length" or len(spoken) > MAX_CHARS:
        raise ModelFailed(Failure.CUT, "", tokens or 0)
    if not spoken:
        raise ModelFailed(Failure.EMPTY, "", tokens or 0)
    return Content(spoken, tokens)


def tokens_of(answer: Any) -> int | None:
    """`usage.total_tokens` where it is a sane number."""
    total = getattr(getattr(answer, "usage", None), "total_tokens", None)
    return total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total <= 10_000_000 else None


def _told(answer: Any) -> str:
    """What some vendors put beside `choices: null`."""
    error = getattr(answer, "error", None) or getattr(answer, "base_resp", None)
    return str(error)[:200] if error else ""


def without_thoughts(text: str) -> str:
    """A text without what a model thought aloud: whole thoughts, one that began before the text, one never ended."""
    text = _THOUGHT.sub("", text)
    ends = list(_THOUGHT_ENDS.finditer(text))
    if ends:
        text = text[ends[-1].end() :]
    begins = _THOUGHT_BEGINS.search(text)
    return (text[: begins.start()] if begins else text).strip()


def read(text: str, schema: type[M]) -> M:
    """The object that a text is or holds, as `schema`. Raises `ModelFailed` when it holds none that fits."""
    why = "no object in it"
    for found in _objects(text):
        try:
            return schema.model_validate(found)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except (RecursionError, ValueError) as error:
            why = type(error).__name__
    raise ModelFailed(Failure.GARBAGE, why[:300])


def _objects(text: str) -> Any:
    """Every JSON object in a text, the whole text first."""
    place = -1
    for _ in range(MOST_OPENINGS):
        place = text.find("{", place + 1)
        if place < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        yield found
        place = end - 1


# -- what the SDK raises ----------------------------------------------------------------------------------------------

BY_STATUS = {
    401: Failure.REFUSED_KEY, 403: Failure.REFUSED_KEY, 404: Failure.WRONG_URL, 405: Failure.WRONG_URL,
    402: Failure.LIMITED, 429: Failure.LIMITED, 408: Failure.TIMEOUT,
}  # fmt: skip


def failure_of(openai: Any, error: Exception) -> ModelFailed:
    """An error of the SDK (`openai`, imported by whoever calls) by its own name, without the page it may hold."""
    why = " ".join(str(error).split())[:200]
    if isinstance(error, openai.APITimeoutError):
        return ModelFailed(Failure.TIMEOUT, why)
    if isinstance(error, openai.APIConnectionError):
        return ModelFailed(Failure.UNREACHABLE, why)
    if not isinstance(error, openai.APIStatusError):
        return ModelFailed(Failure.GARBAGE, why)
    status = error.status_code
    failure = BY_STATUS.get(status, Failure.DOWN if status >= 500 else Failure.REFUSED)
    return ModelFailed(failure, why, wait_s=_seconds(error.response.headers.get("retry-after")))


def _seconds(header: str | None) -> float:
    """`Retry-After` in seconds; a date or nonsense says nothing."""
    try:
        return min(3_600.0, max(0.0, float(header or 0)))
    except ValueError:
        return 0.0
