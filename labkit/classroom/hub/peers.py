"""Whose program is at the other end of a connection on this machine. Every user reaches what listens on loopback; the system
knows who has come (sock_diag(7))."""

import os
import socket
import struct

_HEAD = struct.Struct("=IHHII")
"""Of each message: its length, type, flags, number and sender (netlink(7))."""
_ENDS = struct.Struct("!HH16s16s")
"""Ports and addresses, ours first, in the order of the network."""
_BY_FAMILY, _REQUEST, _SOCK_DIAG = 20, 1, 4
_OWNER = 4 + 48 + 3 * 4
"""Where the user is in an answer: behind the state, both ends, and three numbers."""


def owner(connection: socket.socket) -> int | None:
    """The number of the user whose program is at the other end; None where the system does not say so. For IPv4."""
    try:
        here, there = connection.getsockname(), connection.getpeername()
        ends = _ENDS.pack(there[1], here[1], socket.inet_aton(there[0]), socket.inet_aton(here[0]))
        asked = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends
        asked += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # at any interface; the socket with any number
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as system:
            system.send(_HEAD.pack(_HEAD.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked)
            told = system.recv(4096)
        if _HEAD.unpack_from(told)[1] != _BY_FAMILY:
            return None
        found: int = struct.unpack_from("=I", told, _HEAD.size + _OWNER)[0]
        return found
    except (AttributeError, OSError, struct.error, IndexError):  # no Linux; it has gone
        return None


def known() -> bool:
    """Whether the system says so at all."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as come,
    ):
        return owner(come) == os.geteuid()
