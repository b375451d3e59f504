"""素材: only what links promise is fetched, from where it may be, and only what it claims to be is kept."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.errors import WeComUnreachable
from bot.media import MediaKeeper
from bot.media_link import Guard, Unfit, is_public
from bot.sections import Media
from sandbox.aibot_media import _sample
from sandbox.crypto import seal_file
from storage.outbox import Call
from tests.bot.test_media_kinds import BAD, GOOD
from tests.chaos.processes import free_port

KEY = bytes(range(32))
AES_KEY = base64.b64encode(KEY).decode()
HOST, QYAPI = "pics.example", "https://qyapi.weixin.qq.com"
NOW = datetime.datetime.now(datetime.UTC)
ROW = Call(7, "media/fetch", "media", "", "{}", 1, "leased", 1, 0, "", None, None, NOW, NOW, None, None, None)
PNG = _sample("image")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Server and client of one host that signed for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - day).not_valid_after(NOW + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = folder / "cert.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


@dataclass
class Store:
    """An object storage that answers as told, and how often it and whoever listens inside were asked."""

    port: int
    folder: Path
    client: ssl.SSLContext
    answer: Answer | None = None
    hits: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    addresses: list[list[str]] = field(default_factory=lambda: [["127.0.0.2"]])
    section: dict[str, Any] = field(default_factory=dict)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The next answer of a name server; the last one stays."""
        self.asked.append(host)
        return self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]

    def keeper(self, networks: tuple[str, ...] = ("127.0.0.2/32",)) -> MediaKeeper:
        section = Media(folder=str(self.folder), hosts=[f"{HOST}:{self.port}"], **self.section)
        return MediaKeeper(section, Guard(section.hosts, networks, QYAPI, self.resolve), AES_KEY, self.client)

    async def fetch(self, url: str = "", media: str = "image", key: str | None = None) -> dict[str, Any]:
        """One item through the sender; its result."""
        item = {"url": url or f"https://{HOST}:{self.port}/a?sign=1", "aes_key": key, "media": media}
        found: dict[str, Any] = (await self.keeper().fetch({"items": [item]}, ROW))["results"][0]
        return found

    def gives(self, data: bytes, disposition: str = "") -> None:
        """Answer with a sealed file."""

        async def answer(_request: web.Request) -> web.Response:
            headers = {"Content-Disposition": disposition} if disposition else {}
            return web.Response(body=seal_file(data, KEY), headers=headers)

        self.answer = answer

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    server, client = certified(tmp_path)
    made = Store(free_port(), tmp_path / "media", client)

    async def outside(request: web.Request) -> web.StreamResponse:
        made.hits.append(request.path_qs)
        assert made.answer is not None
        return await made.answer(request)

    async def inside(request: web.Request) -> web.Response:
        made.inner.append(request.path_qs)
        return web.Response(body=seal_file(PNG, KEY))

    async with contextlib.AsyncExitStack() as stack:
        for host, handler, tls in (("127.0.0.2", outside, server), ("127.0.0.1", inside, server)):
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, host, made.port, ssl_context=tls).start()
        yield made


# -- fetching ----------------------------------------------------------------------------------------------------------


async def test_a_picture_is_fetched_opened_and_put_away_once(store: Store) -> None:
    store.gives(PNG)
    found = await store.fetch()
    again = await store.fetch(key=AES_KEY.rstrip("="))  # keys come with and without their end

    assert found == again
    assert (found["kind"], found["size"], found["width"], found["height"]) == ("png", len(PNG), 48, 32)
    assert [path.relative_to(store.folder).as_posix() for path in store.files()] == [found["path"]]
    assert store.files()[0].read_bytes() == PNG
    assert store.files()[0].stat().st_mode & 0o077 == 0


async def test_every_item_of_a_message_has_its_result(store: Store) -> None:
    store.gives(PNG)
    items = [{"url": f"https://{HOST}:{store.port}/{n}", "aes_key": None, "media": "image"} for n in range(3)]
    items[1]["url"] = "https://other.example/1"
    results = (await store.keeper().fetch({"items": items}, ROW))["results"]
    assert [found.get("refused") for found in results] == [None, "address", None]
    assert store.hits == ["/0", "/2"]


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [(301, {"Location": "/b"}, "redirect"), (302, {"Location": "https://127.0.0.1/"}, "redirect"),
     (304, {}, "redirect"), (403, {}, "gone"), (404, {}, "gone"), (410, {}, "gone")],
)  # fmt: skip
async def test_what_will_not_get_better_is_refused(
    store: Store, status: int, headers: dict[str, str], reason: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    store.answer = answer
    assert await store.fetch() == {"refused": reason}
    assert len(store.hits) == 1
    assert store.inner == []


async def test_what_may_get_better_is_tried_again(store: Store) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        if len(store.hits) == 1:
            return web.Response(status=503)
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return response

    store.answer = broken
    for _ in range(2):
        with pytest.raises(WeComUnreachable):
            await store.fetch()


async def test_too_much_is_given_up_while_it_comes(store: Store) -> None:
    store.section = {"most_mb": 1}
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                await response.write(b"x" * 65_536)
                sent += 65_536
        return response

    store.answer = endless
    assert await store.fetch() == {"refused": "too_big"}
    assert sent < 32 << 20  # what the sockets' buffers hold is sent; a thousand times the cap is not

    store.gives(b"x" * (2 << 20))  # says so beforehand
    assert await store.fetch() == {"refused": "too_big"}


async def test_a_slow_body_ends_with_the_time(store: Store) -> None:
    store.section = {"timeout_s": 1.0}

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.1)
        return response

    store.answer = drip
    async with asyncio.timeout(5):
        with pytest.raises(WeComUnreachable, match="Timeout"):
            await store.fetch()


async def test_a_packed_body_is_not_unpacked(store: Store) -> None:
    async def packed(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"\0" * (8 << 20)), headers={"Content-Encoding": "gzip"})

    store.answer = packed
    assert await store.fetch() == {"refused": "broken"}


# -- where links lead --------------------------------------------------------------------------------------------------

INNER = [
    "127.0.0.1", "127.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "198.18.0.1", "192.0.0.1", "224.0.0.1", "255.255.255.255", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]",
    "[fd00:ec2::254]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[ff02::1]", "localhost", "LOCALHOST", "localhost.",
    "metadata.google.internal", "metadata.tencentyun.com", "①②⑦.⓪.⓪.①", "１２７.0.0.1", "127。0。0。1",
    "%31%32%37.0.0.1", "127.0.0.1%00.pics.example", "127.0.0.1%23.pics.example",
]  # fmt: skip
TRICKS = [
    "http://{good}/", "HTTP://{good}/", "ftp://{good}/", "file:///etc/passwd", "gopher://{good}/",
    "data:image/png;base64,AA", "//{good}/", "https:{good}", "https:///{good}/", "https://", "https://{good}@127.0.0.1/",
    "https://127.0.0.1@{good}/",
    "https://a:b@{good}/", "https://{good}\\@127.0.0.1/", "https://127.0.0.1\\@{good}/", "https://127.0.0.1#@{good}/",
    "https://127.0.0.1?@{good}/", "https://127.0.0.1/{good}", "https://127.0.0.1 .{good}/",
    "https://{good}\r\nHost: x/",
    "https://{good}\t/", " https://{good}/", "https://{good}\x00/", "https://{good}.evil.example/", "https://evil{good}/",
    "https://sub.{good}/", "https://pics.example/", "https://pics.example.:{port}/", "https://pics.example:22/",
    "https://pics.example:{port}:80/", "https://pics．example:{port}/", "https://рics.example:{port}/",
    "https://pics.example%2f@127.0.0.1/", "https://pics.example:{port}/" + "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("inner", INNER)
async def test_no_address_inside_is_ever_called(store: Store, inner: str) -> None:
    """As a literal, in every spelling; and as what an allowed name leads to."""
    store.gives(PNG)
    assert await store.fetch(f"https://{inner}:{store.port}/a") == {"refused": "address"}
    bare = inner.strip("[]").replace("%25", "%")
    with contextlib.suppress(ValueError):
        is_public(bare)
        for found in ([bare], ["127.0.0.2", bare], [bare, "127.0.0.2"]):
            store.addresses = [found]
            assert await store.fetch() == {"refused": "inner"}
    assert (store.hits, store.inner) == ([], [])


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_trick_of_writing_leads_elsewhere(store: Store, trick: str) -> None:
    store.gives(PNG)
    url = trick.format(good=f"{HOST}:{store.port}", port=store.port)
    assert await store.fetch(url) == {"refused": "address"}
    assert (store.hits, store.inner, store.asked) == ([], [], [])


async def test_a_name_that_changes_its_mind_is_asked_once(store: Store) -> None:
    store.gives(PNG)
    store.addresses = [["127.0.0.2"], ["127.0.0.1"]]
    assert (await store.fetch())["kind"] == "png"
    assert (len(store.asked), len(store.hits), store.inner) == (1, 1, [])
    assert await store.fetch() == {"refused": "inner"}


async def test_a_name_nobody_knows_is_asked_again_later(store: Store) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    store.resolve = nowhere  # type: ignore[method-assign]
    with pytest.raises(WeComUnreachable):
        await store.fetch()


async def test_the_certificate_must_be_the_hosts(store: Store) -> None:
    store.gives(PNG)
    store.client = ssl.create_default_context()
    with pytest.raises(WeComUnreachable, match="Certificate"):
        await store.fetch()
    assert store.hits == []


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "119.29.29.29"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_the_documents_own_host_is_allowed_and_its_neighbours_are_not() -> None:
    guard = Guard(Media().hosts, [], QYAPI)
    for region in ("ap-guangzhou", "ap-shanghai"):
        link = f"https://ww-aibot-img-1258476243.cos.{region}.myqcloud.com/BHoPdA3/75?sign=q-sign-algorithm%3Dsha1"
        assert str(guard.judge(link)) == link
    for host in ("ww-aibot-img-1258476243.cos.a.b.myqcloud.com", "evil-1.cos.ap-guangzhou.myqcloud.com",
                 "ww-aibot-img-1258476243.cos.ap-guangzhou.myqcloud.com.evil.example"):  # fmt: skip
        with pytest.raises(Unfit):
            guard.judge(f"https://{host}/a")


@pytest.mark.parametrize("base", ["http://10.0.0.5:9100", "http://sandbox.example:9100", QYAPI])
def test_only_a_sandbox_on_this_machine_serves_plain_links(base: str) -> None:
    with pytest.raises(Unfit):
        Guard([], [], base).judge(f"{base}/aibot/media/1")
    own = Guard([], [], "http://127.0.0.1:9100")
    assert own.judge("http://127.0.0.1:9100/aibot/media/1").port == 9100
    for other in ("http://127.0.0.1:9101/", "http://localhost:9100/", "https://127.0.0.1:9100/", "http://127.0.0.1/"):
        with pytest.raises(Unfit):
            own.judge(other)


# -- what is kept ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BAD)
async def test_what_is_none_of_them_is_not_kept(store: Store, name: str) -> None:
    store.gives(BAD[name])
    for media in ("image", "file"):
        assert await store.fetch(media=media) == {"refused": "kind"}
    assert store.files() == []


async def test_no_name_from_outside_reaches_the_disk(store: Store) -> None:
    names = ["../../etc/passwd", "..%2f..%2fx.php", "a.png%00.html", "/abs", "C:\\x", "con", "a" * 300, "名字🎉.svg",
             ".htaccess", "x.png/../../y", "~/.ssh/id", "$(id)", ";id", "a\u202egnp.exe", "-rf"]  # fmt: skip
    for number, name in enumerate(names):
        quoted = name.encode("ascii", "replace").decode().replace("\\", "")
        store.gives(GOOD["csv"] + b"%d\n" % number, disposition=f'attachment; filename="{quoted}"')
        with contextlib.suppress(UnicodeError, ValueError):
            await store.fetch(f"https://{HOST}:{store.port}/{name}", media="file")
    kept = sorted(path.relative_to(store.folder).as_posix() for path in store.files())
    assert len(kept) >= 10
    assert all(len(path) == 71 and path[:2] == path[3:5] and path.endswith(".csv") for path in kept)
    assert sorted(path.name for path in store.folder.parent.iterdir()) == ["cert.pem", "media"]
