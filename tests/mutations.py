"""Seeded mutation of callbacks: the same seed gives the same requests, on the wire, in the query and under the seal."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.sealing import Sealed, Sealer

CALLBACKS = Path(__file__).parent / "callbacks"
_TAG = re.compile(rb"<(\w+)>.*?</\1>", re.DOTALL)
_BITES = (
    b"<",
    b">",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"\x00",
    b"\xff\xfe",
    b"<!DOCTYPE x>",
    b"&a;",
    b"</xml>",
    b"<xml>",
    "好".encode(),
)


class Mutant(NamedTuple):
    """One request and the name of what was done to it."""

    how: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]


class Mutator:
    """An endless source of mutants. `now` gives the timestamp to sign, so that the freshness window lets them pass."""

    def __init__(self, seed: int, sealer: Sealer, now: Callable[[], float]) -> None:
        self._dice = random.Random(seed)
        self._sealer, self._now = sealer, now
        self._plains = [path.read_bytes() for path in sorted(CALLBACKS.glob("*.xml"))]
        self._ways = (self.intact, self.wire, self.query, self.plain, self.fields, self.cipher, self.frame, self.bomb)

    def __iter__(self) -> Iterator[Mutant]:
        while True:
            yield self._dice.choice(self._ways)()

    def _seal(self, plain: bytes) -> Sealed:
        return self._sealer.seal(plain, str(int(self._now())), self._noise(8).hex(), self._noise(16))

    def _noise(self, size: int) -> bytes:
        return self._dice.randbytes(size)

    def _some_plain(self) -> bytes:
        return self._dice.choice(self._plains)

    def _bitten(self, data: bytes) -> bytes:
        spoiled = bytearray(data)
        for _ in range(self._dice.randint(1, 6)):
            at, way = self._dice.randrange(len(spoiled) + 1), self._dice.randrange(5)
            if way == 0 and at < len(spoiled):
                spoiled[at] ^= 1 << self._dice.randrange(8)
            elif way == 1:
                del spoiled[at : at + self._dice.randint(1, 40)]
            elif way == 2:
                spoiled[at:at] = self._dice.choice(_BITES)
            elif way == 3:
                spoiled[at:at] = spoiled[at : at + self._dice.randint(1, 80)]
            else:
                spoiled[at:at] = self._noise(self._dice.randint(1, 12))
        return bytes(spoiled)

    def intact(self) -> Mutant:
        """Nothing done: must be accepted."""
        return Mutant("intact", *self._seal(self._some_plain()), {})

    def wire(self) -> Mutant:
        """Bytes of the sealed body changed."""
        query, body = self._seal(self._some_plain())
        return Mutant("wire", query, self._bitten(body), {})

    def query(self) -> Mutant:
        """A query value dropped, emptied, replaced."""
        query, body = self._seal(self._some_plain())
        name = self._dice.choice(list(query))
        values = [
            "",
            "0",
            "-1",
            "签名",
            "９" * 10,
            "\x00",
            "9" * 400,
            query[name] + "0",
            query[name].upper() + "\u00e9",
        ]
        if self._dice.random() < 0.3:
            del query[name]
        else:
            query[name] = self._dice.choice(values)
        return Mutant("query", query, body, {})

    def plain(self) -> Mutant:
        """Bytes of the plaintext changed, then sealed well."""
        return Mutant("plain", *self._seal(self._bitten(self._some_plain())), {})

    def fields(self) -> Mutant:
        """A field dropped, doubled, emptied or swapped, then sealed well."""
        plain = self._some_plain()
        found = list(_TAG.finditer(plain, 5))
        match, other = self._dice.choice(found), self._dice.choice(found)
        name = match[1]
        changed = self._dice.choice(
            (
                b"",
                match[0] * 2,
                b"<%s></%s>" % (name, name),
                b"<%s>%s</%s>" % (name, other[0], name),
                b"<%s>%s</%s>" % (name, b"9" * 30, name),
                other[0],
            )
        )
        return Mutant("fields", *self._seal(plain[: match.start()] + changed + plain[match.end() :]), {})

    def cipher(self) -> Mutant:
        """A well signed ciphertext with broken padding, length, receiver, block size, or plain noise."""
        plain, sealer = self._some_plain(), self._sealer
        ciphertext = self._dice.choice(
            (
                lambda: self._noise(self._dice.randint(0, 200)),
                lambda: self._noise(32 * self._dice.randint(1, 8)),
                lambda: sealer.encrypt(plain, length=self._dice.choice((0, 5, len(plain) + 1, 2**31, 2**32 - 1))),
                lambda: sealer.encrypt(plain, tail=self._dice.choice((b"", b"ww0", b"ww0sandbox0000012", b"\xff\xfe"))),
                lambda: sealer.encrypt(self._noise(self._dice.randint(0, 300))),
                lambda: sealer.encrypt_blocks(plain[: len(plain) // 32 * 32]),
            )
        )()
        return Mutant("cipher", *sealer.sign(ciphertext, str(int(self._now())), "n"), {})

    def frame(self) -> Mutant:
        """The HTTP message itself: empty, huge, compressed, doubled, in another format."""
        query, body = self._seal(self._some_plain())
        return self._dice.choice(
            (
                Mutant("frame", query, b"", {}),
                Mutant("frame", query, body + b" " * 70_000, {}),
                Mutant("frame", query, body * 2, {}),
                Mutant("frame", query, body, {"Content-Encoding": "x-unknown"}),
                Mutant("frame", query, b'{"encrypt":"' + base64.b64encode(body) + b'"}', {}),
                Mutant("frame", query, body, {"Content-Type": "application/json; charset=gbk"}),
            )
        )

    def bomb(self) -> Mutant:
        """What hurts parsers, sealed well and as large as the cap lets through."""
        return Mutant("bomb", *self._seal(self._dice.choice(BOMBS)), {})


_LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
BOMBS = (
    b'<!DOCTYPE xml [<!ENTITY l0 "ha">' + _LAUGHS + b"]><xml><Content>&l9;</Content></xml>",
    b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><Content>&x;</Content></xml>',
    b"<xml>" + b"<a>" * 15_000,
    b"<xml>" + b"<a/>" * 11_000 + b"</xml>",
    b"<xml>" + b"<Item/>" * 6_500 + b"</xml>",
    b"<xml><MemChangeList>" + b"<Item>a</Item>" * 3_200 + b"</MemChangeList></xml>",
    b"<xml " + b"".join(b'a%d="" ' % i for i in range(5_000)) + b"/>",
    b"<xml><a>" + b"]]>" * 15_000 + b"</a></xml>",
    b"<xml>" + b"<a>b</a> " * 5_000 + b"<",
    b"<xml><a>" + b"&#65;" * 9_000 + b"</a></xml>",
)
