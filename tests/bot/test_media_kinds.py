"""What is inside a file that was sent: opened strictly, known by its content and by nothing else."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest

from bot.media import decrypt
from bot.media_kinds import kind_of
from bot.media_link import Unfit
from sandbox.aibot_media import _sample
from sandbox.crypto import seal_file

KEY = bytes(range(32))
AES_KEY = base64.b64encode(KEY).decode()
PNG = _sample("image")


@pytest.mark.parametrize(
    ("sealed", "key"),
    [(b"", AES_KEY), (b"x" * 31, AES_KEY), (b"x" * 32, AES_KEY), (seal_file(b"", KEY), AES_KEY),
     (seal_file(b"a", KEY), ""), (seal_file(b"a", KEY), "short"),
     (seal_file(b"a", KEY), "签" * 43), (seal_file(b"a", KEY)[:16], AES_KEY),
     (seal_file(b"a", bytes(32)), AES_KEY), (seal_file(b"a" * 100, KEY)[:-1] + b"\0", AES_KEY)],
)  # fmt: skip
def test_what_does_not_open_is_refused(sealed: bytes, key: str) -> None:
    with pytest.raises(Unfit, match="broken"):
        decrypt(sealed, key)


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


BOOK = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc00011080010002003012200021101031101ffd9")
GOOD = {
    "png": PNG, "jpeg": JPEG, "gif": b"GIF89a\x20\x00\x10\x00\x00\x00\x00;",
    "webp": b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x1f\xc0\x03\x00\x00\x00\x00",
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "xlsx": zipped(BOOK), "csv": "门店,人数\n南山🏬,3\n".encode(),
}  # fmt: skip
BAD = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">a,b</svg>',
    "html": b"<!doctype html><script>a,b</script>",
    "script": b"#!/bin/sh\nrm -rf a,b\n", "exe": b"MZ\x90\x00,\x00", "elf": b"\x7fELF,", "zip": zipped({"a": b"x"}),
    "macros": zipped({**BOOK, "xl/vbaProject.bin": b"x"}), "bomb": zipped({**BOOK, "xl/a.xml": b"\0" * (60 << 20)}),
    "huge png": PNG[:16] + (100_000).to_bytes(4, "big") * 2 + PNG[24:], "no jpeg": b"\xff\xd8\xff" + b"\0" * 40,
    "flat gif": b"GIF89a\x00\x00\x00\x00;", "cut png": PNG[:10], "cut pdf": b"%PDF-1.7\n",
    "words": "只是一句话".encode(), "nul": b"a,b\x00\n", "late png": b"\n" + PNG,
    "json": b'{"a":1,"b":2}', "tar": b"a,b" + b"\0" * 509, "one": b"x",
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_is_kept_is_known_by_its_content(name: str) -> None:
    found = kind_of(GOOD[name], picture=False)
    assert found is not None
    assert found.name == name
    assert (found.width > 0) == (name in ("png", "jpeg", "gif", "webp"))
    promised = kind_of(GOOD[name], picture=True)
    assert (promised is not None) == (name in ("png", "jpeg", "gif", "webp"))


def test_the_sizes_of_pictures_are_read() -> None:
    sizes = {name: kind_of(GOOD[name], picture=True) for name in ("jpeg", "gif", "webp")}
    assert {name: (found.width, found.height) for name, found in sizes.items() if found} == dict.fromkeys(
        sizes, (32, 16)
    )
