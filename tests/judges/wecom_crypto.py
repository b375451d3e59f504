"""裁判 @wecom/crypto: `python -m tests.judges.wecom_crypto` exchanges callbacks with WeCom's own package, both ways.

Installs the package by npm into a folder that is gone afterwards (node and npm must be there; no test needs them). With
`--record` it also writes the vectors that the tests open ever after: tests/judges/wecom_crypto.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels import wecom_aibot, wecom_app
from bot.channels.gate import Gate
from bot.clock import FrozenClock
from bot.event_base import Event
from bot.events import TextReceived
from sandbox.callbacks import cdata, xml
from sandbox.crypto import Seal
from tests.recording import RecordingInlet
from tests.sealing import AES_KEY, CORP_ID, TOKEN

PACKAGE, VERSION = "@wecom/crypto", "1.0.1"
HERE = Path(__file__).parent
VECTORS = HERE / "wecom_crypto.json"
AT, NONCE = "1700000000", "nonce1"
RECEIVERS = {"app": CORP_ID, "aibot": ""}
EDGES = [("x" * size) for size in range(65)]
SPOKEN = ["你好，小明🎉", "👨‍👩‍👧‍👦家庭装 ×2", "]]>&lt;&amp;", "𠮷野家", "好" * 700, "\u200d\ufe0f", "a\nb\tc"]
BIG = "好🎉ab" * 6_828  # 61,452 bytes: more than a callback may bring, nothing to a cipher
NEARLY = "好" * 15_000  # 45,000 bytes: as much as fits into a body of 64 KiB
Asked = dict[str, Any]


class Missing(Exception):
    """node, npm or the package cannot be had."""


@contextlib.contextmanager
def installed() -> Iterator[Path]:
    """A folder with the package in it. Raises Missing."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise Missing("node and npm are not on this machine")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text("{}", encoding="utf-8")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise Missing(f"npm could not install {PACKAGE}: {done.stderr.strip()[-400:]}")
        yield Path(folder)


class Node:
    """The package, asked line by line."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
        self._process = subprocess.Popen(
            ["node", str(HERE / "wecom_crypto.js")], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, encoding="utf-8",
        )  # fmt: skip

    def ask(self, do: str, **asked: Any) -> dict[str, Any]:
        """`seal` or `open`."""
        values = {"token": TOKEN, "key": AES_KEY, "timestamp": AT, "nonce": NONCE, **asked}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **values}) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in told:
            raise AssertionError(told["error"])
        return told

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


@dataclass
class Doors:
    """The app's door and the AI bot's, over HTTP; `inlet` keeps what came and answers what is put there."""

    client: TestClient[Any, Any]
    inlet: RecordingInlet
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """One more check that held."""
        self.counts[what] = self.counts.get(what, 0) + 1

    async def post(self, door: str, sealed: Asked, **query: str) -> tuple[int, str]:
        """A callback as WeCom posts it to that door."""
        asked = {"msg_signature": sealed["signature"], "timestamp": AT, "nonce": NONCE, **query}
        if door == "app":
            path, body = wecom_app.PATH, f"<xml><ToUserName>{cdata(CORP_ID)}</ToUserName>" \
                f"<Encrypt>{cdata(sealed['encrypt'])}</Encrypt></xml>"  # fmt: skip
        else:
            path, body = wecom_aibot.PATH, json.dumps({"encrypt": sealed["encrypt"]})
        async with self.client.post(path, params=asked, data=body.encode()) as response:
            return response.status, await response.text()


@contextlib.asynccontextmanager
async def doors() -> AsyncIterator[Doors]:
    """Our two doors on a port."""
    inlet, clock, app = RecordingInlet(), FrozenClock(datetime.fromtimestamp(int(AT), UTC)), web.Application()
    gates = {name: Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id=of) for name, of in RECEIVERS.items()}
    app.add_routes(wecom_app.routes(gates["app"], inlet, clock))
    app.add_routes(wecom_aibot.routes(gates["aibot"], inlet, clock))
    async with TestClient(TestServer(app)) as client:
        yield Doors(client, inlet)


def plain(door: str, words: str, number: int) -> str:
    """What stands inside a callback when a guide says something."""
    if door == "app":
        return xml(ToUserName=CORP_ID, FromUserName="lina", CreateTime=int(AT), MsgType="text", Content=words,
                   MsgId=7_300_000_000 + number, AgentID=1000002)  # fmt: skip
    said = {"msgid": f"m{number}", "aibotid": "aib1", "chattype": "single", "from": {"userid": "lina"},
            "msgtype": "text", "text": {"content": words}}  # fmt: skip
    return json.dumps(said, ensure_ascii=False)


async def node_to_bot(node: Node, doors: Doors) -> None:
    """What the package seals our doors open; what is spoilt they refuse."""
    for door, receiver in RECEIVERS.items():
        for number, words in enumerate([*EDGES, *SPOKEN, NEARLY]):
            doors.inlet.accepted.clear()
            sealed = node.ask("seal", receiver=receiver, message=plain(door, words, number))
            assert await doors.post(door, sealed) == (200, ""), (door, len(words))
            event: Event = doors.inlet.accepted[0]
            assert type(event) is TextReceived, event
            assert event.text == words, (door, words[:40])
            doors.count(f"{door}: sealed by node, heard by the bot")
        doors.inlet.accepted.clear()
        good = node.ask("seal", receiver=receiver, message=plain(door, "在吗", 1))
        big = node.ask("seal", receiver=receiver, message=plain(door, BIG, 1))
        other = node.ask("seal", receiver=receiver + "x", message=plain(door, "在吗", 1))
        prefix = node.ask("seal", receiver=receiver[:-1] if receiver else CORP_ID, message=plain(door, "在吗", 1))
        elsewhere = node.ask("seal", token="otherToken", receiver=receiver, message=plain(door, "在吗", 1))
        for sealed, query, status in (
            (good, {"nonce": "nonce2"}, 401), (good, {"timestamp": "1700000001"}, 401), (elsewhere, {}, 401),
            ({**good, "signature": good["signature"].upper()}, {}, 401), (other, {}, 401), (prefix, {}, 401),
            (big, {}, 413),
        ):  # fmt: skip
            assert (await doors.post(door, sealed, **query))[0] == status, (door, query)
            doors.count(f"{door}: spoilt, refused by the bot")
        assert doors.inlet.accepted == []
        await verified(node, doors, door, receiver)


async def verified(node: Node, doors: Doors, door: str, receiver: str) -> None:
    """The GET by which WeCom checks an address."""
    sealed = node.ask("seal", receiver=receiver, message="4608829284573472734")
    query = {"msg_signature": sealed["signature"], "timestamp": AT, "nonce": NONCE, "echostr": sealed["encrypt"]}
    path = wecom_app.PATH if door == "app" else wecom_aibot.PATH
    async with doors.client.get(path, params=query) as response:
        assert (response.status, await response.text()) == (200, "4608829284573472734")
    doors.count(f"{door}: address verified")


async def bot_to_node(node: Node, doors: Doors) -> None:
    """What the bot answers the package opens, and its signature is the package's own."""
    for door, receiver in RECEIVERS.items():
        for number, words in enumerate([*EDGES[1:], *SPOKEN, NEARLY]):
            doors.inlet.reply = words
            sealed = node.ask("seal", receiver=receiver, message=plain(door, "帮助", number))
            status, body = await doors.post(door, sealed)
            assert status == 200
            answer = _reply(door, body)
            opened = node.ask("open", timestamp=answer["timestamp"], nonce=answer["nonce"], encrypt=answer["encrypt"])
            assert opened["receiver"] == receiver
            assert opened["signature"] == answer["signature"]
            found = _content(opened["message"]) if door == "app" else opened["message"]
            most = wecom_app.MAX_REPLY_BYTES if door == "app" else 1 << 20  # what WeCom would cut the bot does not send
            assert found == words.encode()[:most].decode("utf-8", "ignore"), (door, words[:40], found[:40])
            doors.count(f"{door}: answered by the bot, read by node")
    doors.inlet.reply = None


def _reply(door: str, body: str) -> dict[str, str]:
    if door == "aibot":
        told = json.loads(body)
        return {"encrypt": told["encrypt"], "signature": told["msgsignature"], "timestamp": str(told["timestamp"]),
                "nonce": told["nonce"]}  # fmt: skip
    root = ElementTree.fromstring(body)  # noqa: S314 - our own answer
    names = {"encrypt": "Encrypt", "signature": "MsgSignature", "timestamp": "TimeStamp", "nonce": "Nonce"}
    return {name: root.findtext(tag) or "" for name, tag in names.items()}


def _content(message: str) -> str:
    return ElementTree.fromstring(message).findtext("Content") or ""  # noqa: S314 - our own answer


def sandbox_and_node(node: Node, counts: Doors) -> None:
    """The sandbox's sealing, which is written apart from the bot's: each opens what the other sealed."""
    for door, receiver in RECEIVERS.items():
        seal = Seal(TOKEN, AES_KEY, receiver)
        for words in [*EDGES, *SPOKEN, NEARLY, BIG]:
            encrypted = seal.encrypt(words)
            opened = node.ask("open", encrypt=encrypted)
            assert (opened["message"], opened["receiver"]) == (words, receiver)
            assert opened["signature"] == seal.sign(AT, NONCE, encrypted)
            theirs = node.ask("seal", receiver=receiver, message=words)
            assert seal.decrypt(theirs["encrypt"]) == words
            assert seal.is_signed(theirs["signature"], AT, NONCE, theirs["encrypt"])
            counts.count(f"{door}: sandbox and node, both ways")


def vectors(node: Node) -> list[Asked]:
    """What the package makes of known input: every padding, for a receiver and for none."""
    made = []
    for receiver in RECEIVERS.values():
        for number, words in enumerate([*EDGES[:41], *SPOKEN]):
            given = {"receiver": receiver, "message": words, "random": f"{number:032x}",
                     "timestamp": str(int(AT) + number), "nonce": f"n{number}"}  # fmt: skip
            made.append({**given, **node.ask("seal", **given)})
    return made


async def examine(node: Node) -> dict[str, int]:
    """Everything; how many checks held, by what they were. Raises AssertionError."""
    async with doors() as made:
        await node_to_bot(node, made)
        await bot_to_node(node, made)
        sandbox_and_node(node, made)
    return made.counts


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.judges.wecom_crypto", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write {VECTORS.name} anew")
    chosen = parser.parse_args()
    try:
        with installed() as folder:
            node = Node(folder)
            counts = asyncio.run(examine(node))
            if chosen.record:
                head = {"made_by": f"{PACKAGE} {VERSION}", "token": TOKEN, "key": AES_KEY}
                lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors(node))
                text = json.dumps(head)[:-1] + f', "vectors": [\n{lines}\n]}}\n'
                VECTORS.write_text(text, encoding="utf-8")
            node.close()
    except Missing as missing:
        sys.stdout.write(f"not judged: {missing}\n")
        return 2
    sys.stdout.write("".join(f"{what}: {count}\n" for what, count in counts.items()))
    sys.stdout.write(f"{PACKAGE} {VERSION} and we agree: {sum(counts.values())} exchanges\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
