"""JSON in and out of the control plane; what cannot be done is said in words, with the field's name."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.faults import WrongFault
from sandbox.story import Impossible
from sandbox.world import ApiError

Body = dict[str, Any]
Act = Callable[[web.Request, Body], Any]


def acting(act: Act, after: Callable[[], None]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A request handler around `act`: read JSON, act, answer JSON."""

    async def handle(request: web.Request) -> web.Response:
        try:
            result = act(request, await read(request))
            answer = await result if hasattr(result, "__await__") else result
        except Impossible as error:
            return refusal(error.status, error.field, str(error))
        except WrongFault as error:
            return refusal(422, error.field, str(error))
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # a value of a kind its act cannot use
            return refusal(422, "", f"请求里有一个值的类型不对：{error}")
        except ApiError as error:
            return refusal(422, "", f"{error.errcode} {error.errmsg}")
        after()
        return answered(answer if answer is not None else {"ok": True})

    return handle


async def read(request: web.Request) -> Body:
    if not request.can_read_body:
        return {}
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Impossible("body", "请求体要是 JSON", 400) from None
    if not isinstance(body, dict):
        raise Impossible("body", "请求体要是 JSON 对象", 400)
    return body


def refusal(status: int, name: str, message: str) -> web.Response:
    error = {"code": "sandbox", "message": message, "field": name, "notice": "sandbox, not WeCom"}
    return web.json_response({"error": error}, status=status, dumps=dumps)


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def answered(value: object) -> web.Response:
    """A JSON answer, Chinese as it is."""
    return web.json_response(value, dumps=dumps)
