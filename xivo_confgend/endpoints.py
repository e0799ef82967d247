"""Where to listen, as text: addresses, paths of sockets, and Twisted's endpoint strings. Opens nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from ipaddress import ip_address

EVERYWHERE = "*"
"""All addresses of the machine, of both families."""
LONGEST_PATH = 107
"""Bytes of the path of a socket: see unix(7)."""
MOST_PORTS = 65535
HOST_NAME = re.compile(r"(?![\d.]+$)[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")


@dataclass(frozen=True)
class Endpoint:
    """An endpoint string taken apart: `tcp:8669:interface=::1` has the kind `tcp` and one argument beside `named`."""

    kind: str
    arguments: tuple[str, ...] = ()
    named: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, place: int = -1, default: str = "") -> str:
        """The argument `name`, which may also be given without its name at `place`."""
        given = self.arguments[place] if 0 <= place < len(self.arguments) else default
        return self.named.get(name, given)


def parse(text: str) -> Endpoint:
    """Take an endpoint string apart: colons separate, a backslash takes the next character as it is."""
    parts: list[list[str]] = [[""]]
    characters = iter(text)
    for character in characters:
        if character == ":":
            parts.append([""])
        elif character == "=" and len(parts[-1]) == 1:
            parts[-1].append("")
        else:
            parts[-1][-1] += next(characters, "") if character == "\\" else character
    return Endpoint(
        parts[0][0],
        tuple(part[0] for part in parts[1:] if len(part) == 1),
        {part[0]: part[1] for part in parts[1:] if len(part) == 2},
    )


def tcp(address: str, port: int) -> str:
    """The endpoint string of a TCP port at `address`."""
    return f"tcp:{port}:interface={plain(address).replace(':', chr(92) + ':')}"


def plain(address: str) -> str:
    """`address` without the brackets that an IPv6 address has in a URL."""
    return address[1:-1] if address.startswith("[") and address.endswith("]") else address


def written(host: str, port: int) -> str:
    """An address with its port, as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address_problem(address: str) -> str:
    """Why `address` cannot be listened on; empty for an IP address, a host name or `*`."""
    name = plain(address)
    if name == EVERYWHERE or HOST_NAME.fullmatch(name):
        return ""
    try:
        ip_address(name)
    except ValueError:
        return f"expected an IP address, a host name or {EVERYWHERE}, found {address}"
    return ""


def path_problem(path: str) -> str:
    """Why there can be no socket at `path`; empty if there can."""
    length = len(os.fsencode(path))
    return f"the path of a socket has at most {LONGEST_PATH} bytes, this one has {length}" * (length > LONGEST_PATH)


def problem(text: str) -> str:
    """Why the endpoint string `text` cannot be listened on, as far as the text tells; empty if nothing is wrong."""
    endpoint = parse(text)
    if endpoint.kind == "tcp":
        port = endpoint.get("port", 0)
        if not (port.isascii() and port.isdigit() and int(port) <= MOST_PORTS):
            return f"expected a port number, found {port or 'none'}"
        interface = endpoint.get("interface")
        return address_problem(interface) if interface else ""
    if endpoint.kind == "unix":
        path = endpoint.get("address", 0)
        return path_problem(path) if path else "expected the path of a socket"
    return ""
