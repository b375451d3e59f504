"""Callbacks as WeCom sends them, each another new contact, sealed before anything is measured."""

from __future__ import annotations

import secrets
import time
from urllib.parse import urlencode

from tests.sealing import AES_KEY, CORP_ID, TOKEN, Sealer

__all__ = ["AES_KEY", "CORP_ID", "TOKEN", "joins", "posts"]

GUIDES, CHANNELS = 20, 8


def _plain(run: str, number: int, at: int) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>"
        f"<CreateTime>{at}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[change_external_contact]]></Event>"
        f"<ChangeType><![CDATA[add_external_contact]]></ChangeType>"
        f"<UserID><![CDATA[guide{number % GUIDES:02d}]]></UserID>"
        f"<ExternalUserID><![CDATA[wm{run}{number:09d}]]></ExternalUserID>"
        f"<State><![CDATA[channel{number % CHANNELS}]]></State>"
        f"<WelcomeCode><![CDATA[WC{run}{number:09d}]]></WelcomeCode></xml>"
    ).encode()


def joins(count: int) -> list[tuple[dict[str, str], bytes]]:
    """`count` different contacts adding a guide: query and body of each."""
    sealer, run, at = Sealer(), secrets.token_hex(6), int(time.time())
    made = []
    for number in range(count):
        sealed = sealer.seal(_plain(run, number, at), str(at), f"n{number}", secrets.token_bytes(16))
        made.append((sealed.query, sealed.body))
    return made


def posts(count: int, path: str) -> list[bytes]:
    """The same as whole HTTP requests."""
    return [
        (
            f"POST {path}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        + body
        for query, body in joins(count)
    ]
