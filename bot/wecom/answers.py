"""应答 answers: what came back over HTTP, read carefully. Whatever is not plain JSON with an errcode is no answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from bot.errors import WeComError, WeComUnreachable
from bot.wecom.codes import verdict

JSON = dict[str, Any]

# "access_token expired, hint: [1700000000_28_abc], from ip: 1.2.3.4, more info at ..." (document 90664)
_HINT = re.compile(r"[,.]?\s*hint:\s*\[([^\]]*)\](?:,\s*(from ip:\s*[\d.a-fA-F:]+))?.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    path: str
    status: int
    content_type: str
    raw: bytes

    def bytes_or_json(self) -> bytes | JSON:
        """Media: bytes, or JSON that tells of an error. A text file is bytes too, so an errcode decides."""
        self._check_status()
        if not re.search(r"json|^text/", self.content_type):
            return self.raw
        try:
            told = json.loads(self.raw)
        except ValueError:
            return self.raw
        return self.json() if isinstance(told, dict) and "errcode" in told else self.raw

    def json(self) -> JSON:
        """The object WeCom answered. Raises WeComError for its refusals, WeComUnreachable for what is no answer."""
        self._check_status()
        try:
            # Names may hold control characters, and bytes of an emoji cut in two: neither may hide the rest.
            told = json.loads(self.raw.decode("utf-8", "replace"), strict=False)
        except ValueError:
            raise self._no_answer("not JSON") from None
        if not isinstance(told, dict):
            raise self._no_answer("not a JSON object")
        errcode = told.get("errcode", 0)  # some successes have none (document 90664)
        if not isinstance(errcode, int):
            raise self._no_answer("errcode is no number")
        if errcode != 0:
            raise refusal(self.path, errcode, str(told.get("errmsg", "")))
        whole: JSON = _without_halves(told) if b"\\ud" in self.raw.lower() else told
        return whole

    def _check_status(self) -> None:
        # A redirect is not followed: the token is in the query, and WeCom sends none.
        if not 200 <= self.status < 300:
            raise self._no_answer(f"HTTP {self.status}")

    def _no_answer(self, why: str) -> WeComUnreachable:
        # Only a 4xx says that nothing was done; behind anything else the call may have been carried out.
        refused = 400 <= self.status < 500
        return WeComUnreachable(self.path, why, ambiguous=not refused)


def refusal(path: str, errcode: int, errmsg: str) -> WeComError:
    """WeCom's errcode as an error; the hint, which differs each time, apart from the message."""
    hint = _HINT.search(errmsg)
    action, wait_s = verdict(errcode)
    message = _HINT.sub("", errmsg)
    return WeComError(
        errcode, message, path, action=action, wait_s=wait_s, hint=" ".join(filter(None, hint.groups())) if hint else ""
    )


def _without_halves(told: JSON) -> Any:
    """Half an emoji (a lone surrogate) becomes the replacement character: no database stores it."""
    text = json.dumps(told, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), strict=False)
