"""A request that cannot be answered, in the API's one shape."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


class Refused(Exception):
    """`field` names the reason's place; `more` is said beside it."""

    def __init__(self, status: int, code: str, message: str, field: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.field, self.more = status, code, field, more

    def answer(self) -> web.Response:
        """The error's one shape."""
        body = {"code": self.code, "message": str(self), **({"field": self.field} if self.field else {}), **self.more}
        return web.json_response({"error": body}, status=self.status, dumps=dumps)


def dumps(value: object) -> str:
    """JSON with Chinese as it is."""
    return json.dumps(value, ensure_ascii=False)
