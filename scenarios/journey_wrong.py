"""旅程文件的错处: what is wrong with a journey's file, by its field and with what to write instead."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from pydantic import ValidationError

from bot.texts import Texts


class Wrong(ValueError):
    """What a file says that it may not: the field ("" = the part it stands in), a text of prompts/, its values."""

    def __init__(self, field: str, text: str, **values: object) -> None:
        super().__init__(text)
        self.field, self.text, self.values = field, text, values


# What the type checks of the fields find, in plain words; `known` are the values that pydantic tells.
_FOUND = {
    "literal_error": ("journey/wrong_choice", ("expected",)),
    "missing": ("journey/wrong_missing", ()),
    "greater_than_equal": ("journey/wrong_least", ("ge",)),
    "less_than_equal": ("journey/wrong_most", ("le",)),
    "string_too_short": ("journey/wrong_short", ("min_length",)),
    "too_short": ("journey/wrong_short", ("min_length",)),
    "string_too_long": ("journey/wrong_long", ("max_length",)),
    "too_long": ("journey/wrong_long", ("max_length",)),
    "string_pattern_mismatch": ("journey/wrong_name", ()),
}
_NAMES = {"expected": "known", "ge": "least", "le": "most", "min_length": "least", "max_length": "most"}


@cache
def texts() -> Texts:
    """The texts, read when the settings are: before there is a turn."""
    return Texts()


def told(file: str, error: ValidationError, known: Any) -> str:
    """The first thing that is wrong with a file, as whoever wrote it needs it; `known`: names of the fields there."""
    first = error.errors()[0]
    field, found = ".".join(map(str, first["loc"])), first.get("ctx", {}).get("error")
    if isinstance(found, Wrong):
        field = ".".join(filter(None, [field, found.field]))
        why = texts().render(found.text, **found.values)
    elif first["type"] == "extra_forbidden":
        names = known(first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), names, 1)
        why = texts().render("journey/wrong_key", known=", ".join(near or sorted(names)))
    elif first["type"] in _FOUND:
        text, keys = _FOUND[first["type"]]
        why = texts().render(text, **{_NAMES[key]: str(first["ctx"][key]).replace("or", "/") for key in keys})
    else:
        why = texts().render("journey/wrong_kind", why=first["msg"])
    return texts().render("journey/wrong_file", file=file, field=field, why=why)
