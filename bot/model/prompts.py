"""提示词 prompts for models: prompts/<feature>/<name>.prompt.md, each with its name, version and inputs.

The body is the whole system message and names no data; the inputs follow as fenced data. `$fence` in the body is the
mark of the call.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import ConfigError
from bot.model.fencing import clean, fenced
from bot.model.schemas import Answer, strict
from bot.texts import PROMPTS

SUFFIX = ".prompt.md"
_MARK = "+++\n"
MARKS, AROUND = 60, 300  # bytes at most: the marks of one input, what the rungs and the vendor's own frame add
SCHEMAS: dict[str, type[Answer]] = {}

A = TypeVar("A", bound=type[Answer])


class Front(BaseModel):
    """The front matter, TOML between two lines of `+++`. `inputs`: name = characters at most. `repeats`: the input
    that nobody may ask again and again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: int = Field(ge=1)
    max_tokens: int = Field(ge=1, le=4_000)
    inputs: dict[str, int] = Field(min_length=1)
    repeats: str = ""


@dataclass(frozen=True)
class Prompt:
    """One prompt as it stands in its file."""

    front: Front
    body: str

    @property
    def schema(self) -> type[Answer]:
        """What must be answered; the module that asks declares it."""
        return SCHEMAS[self.front.name]

    def cleaned(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """The inputs as data, in the prompt's order. Raises KeyError when they are not the prompt's."""
        if set(inputs) != set(self.front.inputs):
            raise KeyError(f"{self.front.name} takes {sorted(self.front.inputs)}, not {sorted(inputs)}")
        return {name: clean(inputs[name], chars) for name, chars in self.front.inputs.items()}

    def messages(self, fence: str, inputs: Mapping[str, str]) -> list[dict[str, str]]:
        """What is sent: the instructions, then cleaned inputs between marks."""
        system = Template(self.body).substitute(fence=fence)
        return [{"role": "system", "content": system}, {"role": "user", "content": fenced(fence, inputs)}]

    def estimate(self, inputs: Mapping[str, str]) -> int:
        """Tokens that a first request may use at most, on any rung, with the longest answer."""
        form = json.dumps(strict(self.schema), ensure_ascii=False)
        marks = MARKS * (1 + len(inputs))
        return most_tokens(self.body, form, *inputs.values()) + marks + AROUND + self.front.max_tokens


def most_tokens(*texts: str) -> int:
    """More tokens than that no vendor makes of texts: each stands for a byte at least."""
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def answers(name: str) -> Callable[[A], A]:
    """The decorated schema is what the prompt `name` must be answered with."""

    def register(schema: A) -> A:
        if SCHEMAS.setdefault(name, schema) is not schema:
            raise ConfigError(f"prompts/{name}{SUFFIX}", "two schemas claim this prompt")
        return schema

    return register


@cache
def prompts(root: Path = PROMPTS) -> Mapping[str, Prompt]:
    """Every prompt, read once, by its name."""
    return {
        name: _read(name, path)
        for path in sorted(root.rglob(f"*{SUFFIX}"))
        if (name := path.relative_to(root).as_posix().removesuffix(SUFFIX))
    }


def _read(name: str, path: Path) -> Prompt:
    where = f"prompts/{name}{SUFFIX}"
    head, front, body = [*path.read_text(encoding="utf-8").split(_MARK, 2), "", ""][:3]
    if head.strip() or not front:
        raise ConfigError(where, "front matter between two lines of +++ comes first")
    try:
        made = Front(**_table(front))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(where, str(error).replace("\n", " ")) from None
    if made.name != name or (made.repeats and made.repeats not in made.inputs):
        raise ConfigError(where, "`name` is the file's path, `repeats` one of the inputs")
    if set(Template(body).get_identifiers()) != {"fence"}:
        raise ConfigError(where, "the body says where data begins and ends by $fence, and has no other placeholder")
    return Prompt(made, body.strip())


def _table(front: str) -> dict[str, Any]:
    return tomllib.loads(front)
