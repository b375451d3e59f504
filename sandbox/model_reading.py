"""What a model gets to read: the messages, the data between marks, the form that the answer must have."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_MARKED = re.compile(r"<<(?P<name>\w+) (?P<fence>\w+)>>\n(?P<text>.*?)\n<</(?P=name) (?P=fence)>>", re.DOTALL)
_SCHEMA = re.compile(r"\{.*\"properties\".*\}", re.DOTALL)
QUESTIONS = ("question", "message", "said", "text")


@dataclass
class Asked:
    """One request, taken apart. `inputs`: the data by its names; `schema`: None when no form was asked for."""

    system: str
    user: str
    inputs: dict[str, str] = field(default_factory=dict)
    schema: dict[str, Any] | None = None
    number: int = 0

    @property
    def question(self) -> str:
        """What somebody wants to know."""
        return next((self.inputs[name] for name in QUESTIONS if name in self.inputs), self.user)

    @property
    def known(self) -> str:
        """All the other data."""
        return "\n".join(text for name, text in self.inputs.items() if name not in QUESTIONS)


def read(body: dict[str, Any], number: int) -> Asked:
    """A request's body as a model sees it."""
    messages = [one for one in body.get("messages") or [] if isinstance(one, dict)]
    system = "\n".join(str(one.get("content") or "") for one in messages if one.get("role") in ("system", "developer"))
    user = "\n".join(str(one.get("content") or "") for one in messages if one.get("role") == "user")
    inputs = {match["name"]: match["text"] for match in _MARKED.finditer(user)}
    return Asked(system, user, inputs, _schema(body, system), number)


def _schema(body: dict[str, Any], system: str) -> dict[str, Any] | None:
    form = body.get("response_format") or {}
    given = (form.get("json_schema") or {}).get("schema") if isinstance(form, dict) else None
    if isinstance(given, dict):
        return given
    found = _SCHEMA.search(system)
    try:
        made = json.loads(found[0]) if found else None
    except ValueError:
        return None
    return made if isinstance(made, dict) else None


def tokens(text: str) -> int:
    """As this vendor counts: a Chinese character is one, four letters are one."""
    ascii_chars = sum(1 for char in text if char.isascii())
    return len(text) - ascii_chars + (ascii_chars + 3) // 4


# -- filling in a form ----------------------------------------------------------------------------------------------

TEXTS = ("reply", "text", "answer", "content", "words", "draft", "suggest", "message")
SURE = ("enough", "sure", "known", "can_", "confident", "grounded", "ok", "answered")
UNSURE = ("hand", "human", "doubt", "unsure", "people", "unknown")
NEUTRAL = ("other", "unknown", "none", "neutral", "")


def filled(schema: dict[str, Any], text: str, *, choice: int = -1) -> Any:
    """An answer of the schema that says `text`; `choice` picks among the values of an enum, -1 = the neutral one."""
    return _fill(schema, schema, "", text, choice)


def _fill(node: Any, root: dict[str, Any], name: str, text: str, choice: int) -> Any:
    if "$ref" in node:
        node = root.get("$defs", {}).get(str(node["$ref"]).rpartition("/")[2], {})
    options = node.get("anyOf")
    if options:
        return _fill(options[0], root, name, text, choice)
    if "enum" in node:
        return _chosen(node["enum"], choice)
    if "const" in node:
        return node["const"]
    kind = node.get("type")
    if kind == "object":
        return {key: _fill(value, root, key, text, choice) for key, value in node.get("properties", {}).items()}
    if kind == "boolean":
        return bool(text) if _named(name, SURE) else (not text if _named(name, UNSURE) else False)
    if kind == "string":
        return text if _named(name, TEXTS) else ""
    return {"array": [], "integer": 0, "number": 0}.get(str(kind))


def _named(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)


def _chosen(values: list[Any], choice: int) -> Any:
    if choice >= 0:
        return values[choice % len(values)]
    return next((value for value in NEUTRAL if value in values), values[0])
