"""拒绝: how an act of the admin API is read and refused: by its field, in plain words."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from bot.turn import Turn


class Refused(Exception):
    """An act that cannot be done."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.field = status, code, field


def read(turn: Turn, model: type[Any], body: dict[str, Any], under: str = "") -> Any:
    """A body as `model` declares it. Raises `Refused` with the first field that is wrong."""
    try:
        return model(**body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([under, *map(str, first["loc"])] if under else map(str, first["loc"]))
        if first["type"] == "value_error":  # our own words: "field: why"
            name, _, why = str(first["ctx"]["error"]).partition(": ")
            raise Refused(422, "wrong_value", why, f"{under}.{name}" if under else name) from None
        raise Refused(422, "wrong_value", turn.texts.render("admin/wrong_value", why=first["msg"]), where) from None


def refused(turn: Turn, field: str, text: str, **values: object) -> Refused:
    """A value that cannot be taken, with a text of prompts/."""
    return Refused(422, "wrong_value", turn.texts.render(text, **values), field)


def refuse(turn: Turn, field: str, text: str, **values: object) -> None:
    """Raise it."""
    raise refused(turn, field, text, **values)
