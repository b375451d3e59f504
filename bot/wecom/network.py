"""网络 network: WeCom's own addresses, for firewalls. Entries may hold `*`; they change, ask again daily."""

from __future__ import annotations

from bot.wecom.transport import Transport


class Network:
    """getcallbackip, get_api_domain_ip (92520, 92521)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def getcallbackip(self) -> list[str]:
        """Where callbacks come from."""
        return list((await self._transport.call("getcallbackip")).get("ip_list", []))

    async def get_api_domain_ip(self) -> list[str]:
        """Where the API is."""
        return list((await self._transport.call("get_api_domain_ip")).get("ip_list", []))
