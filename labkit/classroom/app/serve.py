"""Serves a room over TLS, and makes the keys for that: an authority of the classroom's own, as a lab has one."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from labkit import reaching
from labkit.classroom.app import application, patience
from labkit.classroom.app.room import Room
from labkit.classroom.app.tls import Chooser, Outside
from labkit.errors import LabError
from labkit.work import keeping

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (compared with, not bound to)


GOODBYE = 0.5
"""Seconds that the other side of a connection which we have closed gets to close it too."""


@dataclass(frozen=True)
class Place:
    """Where a classroom listens, and with which keys."""

    host: str
    port: int
    keys: Path
    """A folder; what is missing there is made."""
    outside: Outside | None = None
    """What browsers are shown that ask for its name."""

    @property
    def shown(self) -> tuple[Path, Path]:
        """The files of the certificate that browsers are to know, and of its key."""
        if self.outside:
            return self.outside.chain, self.outside.key
        return self.keys / "server.pem", self.keys / "server-key.pem"


def names(host: str) -> list[str]:
    """What this machine may be called: for all of its addresses, where it listens on all."""
    found = ["localhost", "127.0.0.1", socket.gethostname(), reaching.NAME]
    if host in EVERYWHERE:
        import psutil

        found += [
            one.address
            for some in psutil.net_if_addrs().values()
            for one in some
            if one.family is socket.AF_INET and not ipaddress.ip_address(one.address).is_link_local
        ]
    return list(dict.fromkeys([*found, *([] if host in EVERYWHERE else [host, *_addresses(host)])]))


def _addresses(host: str) -> list[str]:
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        return []


def address(place: Place, port: int) -> str:
    """What to type into a browser."""
    if place.outside and place.outside.host:
        return written(place.outside.host, port)
    if place.host not in EVERYWHERE:
        return written(place.host, port)
    outward = [one for one in names(place.host)[4:] if not one.startswith("127.")]
    return written(outward[0] if outward else socket.gethostname(), port)


def written(host: str, port: int | None) -> str:
    """The address as browsers write it: without the usual port."""
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}" if port in (None, 443) else f"https://{shown}:{port}"


def keys(place: Place) -> bytes:
    """Makes what is missing of the authority, and a certificate for today's addresses. Returns the authority's certificate, as
    PEM. Raises LabError."""
    import trustme

    fix = "free some space, or choose another folder with LABKIT_STATE"
    with keeping.writing("The classroom's keys", fix):
        place.keys.mkdir(parents=True, mode=0o700, exist_ok=True)
        own, secret = place.keys / "ca.pem", place.keys / "ca-key.pem"
        if own.is_file() and secret.is_file():
            authority = trustme.CA.from_pem(own.read_bytes(), secret.read_bytes())
        else:
            authority = trustme.CA(organization_name="Registry Lab classroom")
            keeping.write_whole(secret, authority.private_key_pem.bytes(), mode=0o600)
            keeping.write_whole(own, authority.cert_pem.bytes(), mode=0o644)
        leaf = authority.issue_cert(*names(place.host))
        chain = b"".join(one.bytes() for one in leaf.cert_chain_pems)
        keeping.write_whole(place.keys / "server.pem", chain, mode=0o600)
        keeping.write_whole(place.keys / "server-key.pem", leaf.private_key_pem.bytes(), mode=0o600)
        return own.read_bytes()


def listen(place: Place) -> socket.socket:
    """Raises LabError where the port is taken."""
    try:
        made = socket.socket(socket.AF_INET6 if ":" in place.host else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((place.host, place.port))
        made.listen(256)
    except OSError as error:
        raise LabError(
            f"The classroom cannot listen on {place.host}, port {place.port}: {error.strerror}.",
            "choose another port: --port 8444",
        ) from error
    return made


def server(room: Room, place: Place) -> "Server":
    """The server of this room, not running yet."""
    config = uvicorn.Config(
        application.build(room),
        ssl_certfile=str(place.keys / "server.pem"),
        ssl_keyfile=str(place.keys / "server-key.pem"),
        log_level="warning",
        server_header=False,
        http=patience.Patient,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        lifespan="on",
        ws="wsproto",
        ws_max_size=65_536,
    )
    if place.outside:
        config.load()
        assert config.ssl is not None
        config.ssl.sni_callback = Chooser(place.outside)
    return Server(config)


def cut_off(transport: asyncio.WriteTransport) -> None:
    """Aborts a connection. Python 3.11's TLS raises AttributeError for one that was closed twice: that one is gone already."""
    with contextlib.suppress(AttributeError):
        transport.abort()


class Server(uvicorn.Server):
    """Ends the boards' streams first: it would wait for them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # an impatient second Ctrl-C; it ends within seconds, and hurrying prints tracebacks
            return
        super().handle_exit(
            sig, frame
        )  # before end(): where it ends already, uvicorn takes a Ctrl-C for the second one
        self.end()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cuts what is still open at the end: TLS would wait for the other side to say goodbye."""
        there = [one.transport for one in self.server_state.connections if getattr(one, "transport", None)]

        def cut_closed() -> None:
            for one in there:
                if one.is_closing():
                    cut_off(one)

        cut = asyncio.get_running_loop().call_later(GOODBYE, cut_closed)
        await super().shutdown(sockets)
        cut.cancel()
        for transport in there:
            cut_off(transport)
        for _ in range(5):
            await asyncio.sleep(0)

    def end(self) -> None:
        self.config.app.state.live.close()  # type: ignore[union-attr]
        self.should_exit = True


def run(room: Room, place: Place, opened: socket.socket) -> None:
    """Serves until Ctrl-C or SIGTERM."""
    server(room, place).run(sockets=[opened])


@contextlib.contextmanager
def beside(room: Room, place: Place, opened: socket.socket) -> Iterator[None]:
    """Serves in a thread while the block runs: for the demonstration, and for tests."""
    one = server(room, place)
    thread = threading.Thread(target=one.run, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        one.end()
        thread.join(10)
