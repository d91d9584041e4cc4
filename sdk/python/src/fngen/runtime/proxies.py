"""Which peers are routers, whose word on the client is believed."""

from __future__ import annotations

import ipaddress


class Proxies:
    """Read from "*", for every peer, or from addresses and networks with commas between."""

    def __init__(self, text: str) -> None:
        names = [name.strip() for name in text.split(",") if name.strip()]
        self._all = "*" in names
        self._networks = [ipaddress.ip_network(name, strict=False) for name in names if name != "*"]

    def trusts(self, host: str) -> bool:
        """Say whether host is a router."""
        if self._all:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def client(self, forwarded: str) -> str:
        """Return the client that X-Forwarded-For tells of: who asked the first router."""
        hosts = [_host(part.strip()) for part in forwarded.split(",")]
        if self._all:
            return hosts[0]
        for host in reversed(hosts):
            if not self.trusts(host):
                return host
        return hosts[0]


def _host(text: str) -> str:
    """Return the address of "address", "address:port" or "[address]:port"."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
