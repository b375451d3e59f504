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


SIGNED = ("by", "made_by")  # the fields that name who asks


def read(turn: Turn, model: type[Any], body: dict[str, Any], under: str = "") -> Any:
    """A body as `model` declares it. Raises `Refused` with the first field that is wrong.

    Somebody's own token speaks for them alone: who asks is filled in, and another name is refused.
    """
    if not under and turn.staff is not None and turn.staff.userid:
        body = _signed(turn, model, body, turn.staff.userid)
    try:
        return model(**body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([under, *map(str, first["loc"])] if under else map(str, first["loc"]))
        if first["type"] == "value_error":  # our own words: "field: why"
            name, _, why = str(first["ctx"]["error"]).partition(": ")
            place = [under, *map(str, first["loc"])] if under else [*map(str, first["loc"])]
            raise Refused(
                422, "wrong_value", why, ".".join(place if place[-1:] == [name] else [*place, name])
            ) from None
        raise Refused(422, "wrong_value", turn.texts.render("admin/wrong_value", why=first["msg"]), where) from None


def _signed(turn: Turn, model: type[Any], body: dict[str, Any], userid: str) -> dict[str, Any]:
    for field in SIGNED:
        if field in model.model_fields:
            if body.get(field, userid) != userid:
                raise Refused(403, "wrong_person", turn.texts.render("admin/wrong_person", userid=userid), field)
            body = {**body, field: userid}
    return body


def refused(turn: Turn, field: str, text: str, **values: object) -> Refused:
    """A value that cannot be taken, with a text of prompts/."""
    return Refused(422, "wrong_value", turn.texts.render(text, **values), field)


def refuse(turn: Turn, field: str, text: str, **values: object) -> None:
    """Raise it."""
    raise refused(turn, field, text, **values)
