"""链接 links to media: which may be followed, and to which address. The link came signed, but whoever holds the key
could point it inwards: only named hosts, only public addresses, and the address that was judged is the one called.

Source: document 100719 (a link lives five minutes; its host is the sample's there).
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

LONGEST = 4096
RESOLVE_S = 5.0
_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f-\U0010ffff\\]"
)  # WeCom's links are plain ASCII; parsers disagree about the rest
# Of IPv6 what is given out to the public, without the tunnels that carry an address of IPv4 inside: whoever ends one
# may lead anywhere, as may ::127.0.0.1 and 64:ff9b::7f00:1, which lie outside.
_UNICAST = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))

Resolve = Callable[[str, int], Awaitable[list[str]]]
Network = IPv4Network | IPv6Network


class Unfit(Exception):
    """A link, or what it gives, is not taken; the argument is the reason in one word."""

    @property
    def reason(self) -> str:
        """The word."""
        return str(self.args[0])


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, however it is written."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found not in _UNICAST or any(found in tunnel for tunnel in _TUNNELS):
            return False
    return found.is_global and not found.is_multicast


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them. Raises OSError."""
    async with asyncio.timeout(RESOLVE_S):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Judges links. `hosts`: names, `*` for one label, `:port` where it is not 443; `networks`: addresses that are
    taken though they are not public; `api_base`: a sandbox on this machine may serve links of its own."""

    def __init__(
        self, hosts: Sequence[str], networks: Sequence[str], api_base: str, resolve: Resolve = look_up
    ) -> None:
        self._hosts = [_pattern(host) for host in hosts]
        self._networks: list[Network] = [ip_network(network) for network in networks]
        self._own, self._resolve = _loopback(api_base), resolve

    def judge(self, link: str) -> URL:
        """The link as it may be followed. Raises Unfit("address")."""
        if len(link) > LONGEST or _FORBIDDEN.search(link):
            raise Unfit("address")
        try:
            url = URL(link)
            origin = url.origin()
        except ValueError:
            raise Unfit("address") from None
        if url.user is not None or url.password is not None or not url.host:
            raise Unfit("address")
        if self._own is not None and origin == self._own:
            return url
        if url.scheme != "https" or not any(one.fullmatch(f"{url.host}:{url.port}") for one in self._hosts):
            raise Unfit("address")
        return url

    async def addresses(self, url: URL) -> list[str]:
        """Where a judged link leads; one address that is not public spoils all. Raises Unfit("inner"), OSError."""
        host, port = str(url.host), int(url.port or 443)
        found = await self._resolve(host, port)
        if self._own is not None and url.origin() == self._own:
            return found
        if not found or not all(self._may(address) for address in found):
            raise Unfit("inner")
        return found

    def _may(self, address: str) -> bool:
        return is_public(address) or any(ip_address(address) in network for network in self._networks)


def _pattern(host: str) -> re.Pattern[str]:
    name, _, port = host.lower().partition(":")
    labels = re.escape(name).replace(r"\*", r"[a-z0-9-]+")
    return re.compile(f"{labels}:{port or 443}", re.ASCII)


def _loopback(api_base: str) -> URL | None:
    """The origin of an API on this machine by plain HTTP: a sandbox."""
    url = URL(api_base)
    return url.origin() if url.scheme == "http" and url.host in ("127.0.0.1", "::1", "localhost") else None


class Pinned(AbstractResolver):
    """Knows one host, and of it the addresses that were judged: no second question can be answered differently."""

    def __init__(self, host: str, addresses: Sequence[str]) -> None:
        self._host, self._addresses = host, addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The judged addresses."""
        if host != self._host:
            raise OSError(f"{host} was not judged")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in self._addresses
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""
