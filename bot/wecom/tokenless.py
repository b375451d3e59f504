"""无令牌 posts without a token: the address itself is the secret, so no error and no log line names it."""

from __future__ import annotations

import json

import aiohttp

from bot.errors import WeComUnreachable
from bot.wecom.answers import JSON, Answer

TOTAL_S, CONNECT_S = 10.0, 5.0
LARGEST_ANSWER = 1 << 16


class Tokenless:
    """POSTs JSON to whole addresses: a webhook robot's (99110), an AI bot's response_url (101138)."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, name: str, url: str, body: JSON) -> JSON:
        """The answer's object; `name` stands for the address in errors. Raises WeComError."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S)
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout)
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(url, data=data, headers=headers, allow_redirects=False) as response:
                raw = await response.content.read(LARGEST_ANSWER)
                return Answer(name, response.status, response.content_type, raw).json()
        except aiohttp.ClientConnectorError as error:
            raise WeComUnreachable(name, type(error).__name__, ambiguous=False) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise WeComUnreachable(name, type(error).__name__, ambiguous=True) from None

    async def close(self) -> None:
        """End what is under way."""
        if self._session is not None:
            await self._session.close()
            self._session = None
