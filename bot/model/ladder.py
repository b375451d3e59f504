"""梯子 the ladder: how to ask a service for JSON, the surest way first, and which rung each service stands on."""

from __future__ import annotations

import enum
import json
from typing import Any

from bot.clock import Clock
from bot.model.prompts import Prompt
from bot.model.schemas import strict
from bot.texts import Texts

FORGET_S = 6 * 3_600.0  # a service may learn a better rung


@enum.unique
class Rung(enum.Enum):
    """From a schema that the service itself enforces down to JSON found in a text."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    TEXT = "text"


RUNGS = tuple(Rung)


class Ladder:
    """Which rung works, by (base_url, model); remembered while the process lives, six hours at most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[Rung, float]] = {}

    def first(self, service: tuple[str, str]) -> Rung:
        """Where to begin."""
        rung, since = self._known.get(service, (Rung.JSON_SCHEMA, 0.0))
        return Rung.JSON_SCHEMA if self._clock.monotonic() - since > FORGET_S else rung

    def works(self, service: tuple[str, str], rung: Rung) -> None:
        """Begin here the next time."""
        if self.first(service) is not rung:
            self._known[service] = (rung, self._clock.monotonic())


def below(rung: Rung) -> Rung:
    """The next lower rung; the lowest one is tried again."""
    return RUNGS[min(RUNGS.index(rung) + 1, len(RUNGS) - 1)]


def request(rung: Rung, prompt: Prompt, messages: list[dict[str, str]], texts: Texts) -> dict[str, Any]:
    """The part of a request that depends on the rung."""
    schema = strict(prompt.schema)
    name = prompt.front.name.replace("/", "_")
    if rung is Rung.JSON_SCHEMA:
        form = {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
        return {"messages": messages, "response_format": form}
    asked = texts.render("model/as_json", schema=json.dumps(schema, ensure_ascii=False))
    system = {"role": "system", "content": f"{messages[0]['content']}\n\n{asked}"}
    body: dict[str, Any] = {"messages": [system, *messages[1:]]}
    return body | ({"response_format": {"type": "json_object"}} if rung is Rung.JSON_OBJECT else {})
