"""What a model must answer: a pydantic model per prompt, and its JSON schema as strict vendors take it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

# Strict vendors refuse schemas with these; pydantic checks them all the same once the answer is here.
_UNSAID = frozenset({
    "title", "default", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "examples",
})  # fmt: skip


class Answer(BaseModel):
    """What a prompt asks for. What a model adds of its own is dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def strict(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema with every field required and nothing besides."""
    made: dict[str, Any] = _strict(schema.model_json_schema())
    return made


def _strict(node: Any, *, names: bool = False) -> Any:
    """`names`: the keys of this object are somebody's fields, not words of JSON schema."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {
        key: _strict(value, names=key in ("properties", "$defs") and not names)
        for key, value in node.items()
        if names or key not in _UNSAID
    }
    if not names and made.get("type") == "object":
        made |= {"required": list(made.get("properties", {})), "additionalProperties": False}
    return made
