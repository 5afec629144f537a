"""Which network addresses a stranger's URL may lead to: only those that are public, however they are spelled."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable

from dlm_build.errors import InfraError, ItemHostile, shown

Resolve = Callable[[str, int], tuple[str, ...]]
"""Host and port to addresses; raises OSError where there are none."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_CARRIERS = tuple(
    ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fec0::/10")
)
"""IPv6 ranges that carry an IPv4 address inside, or are old private ones."""
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of `host`, by the system's resolver."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


def is_public(address: str) -> bool:
    """Whether `address` (an IP address in any textual form) is on the public internet."""
    try:
        parsed: _Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    if mapped is not None:
        parsed = mapped
    if parsed.version == 6 and any(parsed in network for network in _CARRIERS):
        return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


def is_oddly_numeric(host: str) -> bool:
    """Whether `host` is an address in a spelling that only some programs read: `127.1`, `0x7f000001`, `0177.0.0.1`."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.removesuffix(".").rpartition(".")[2]
        return _NUMERIC_LABEL.fullmatch(last) is not None
    return False


def public_addresses(host: str, port: int, resolver: Resolve = resolve) -> tuple[str, ...]:
    """The addresses of `host`, all of them public.

    Raises ItemHostile where one is not, and InfraError where there is none.
    """
    try:
        addresses = resolver(host, port)
    except (OSError, UnicodeError) as problem:
        raise unresolved(host, problem) from problem
    for address in addresses:
        if not is_public(address):
            raise ItemHostile(
                f"host {shown(host)} leads to {shown(address)}, which is not a public address", public_fix(host)
            )
    return addresses


def public_fix(host: str) -> str:
    """For a host that is not public: its author's part first, then the reader's."""
    return f"give a public address, or, where that is a server of your own, {allowing(host)}"


def allowing(host: str) -> str:
    return f"add {shown(host)} to `network.allow_hosts` in the settings"


def unresolved(host: str, problem: Exception) -> InfraError:
    detail = getattr(problem, "strerror", None) or str(problem)
    return InfraError(
        f"cannot resolve host {shown(host)}: {detail}",
        "check the spelling and the network; behind a proxy set HTTPS_PROXY",
    )
