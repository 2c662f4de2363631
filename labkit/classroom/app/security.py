"""What surrounds every answer: headers, the size of what is sent to us, and where a form may come from."""

import asyncio
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "__Host-labkit-classroom"
"""The prefix makes browsers insist on Secure, on the path /, and on this very host."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

LARGEST = {"/api/results": 8_000_000, "/workshop/roster": 3_000_000, "/marks/export/nbgrader": 64_000_000}
LARGEST_ELSE = 1_000_000
"""Bytes of a request's body, by path. A text of 100,000 characters has at most 400,000; a form writes some of them longer."""


BODY = 60.0
"""Seconds in which a request's body has come: 8 MB over the worst of wireless networks."""


class Guard:
    """Adds the headers to every answer, and ends a request whose body is too large as soon as it is, or takes too long."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = headers.get("Content-Security-Policy", "")
                framed = "frame-ancestors" in policy and "frame-ancestors 'none'" not in policy  # it says by whom
                for name, value in HEADERS.items():
                    if not (framed and name == "X-Frame-Options"):
                        headers.setdefault(name, value)
            await send(message)

        most = LARGEST.get(scope["path"], LARGEST_ELSE)
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isascii() or not told.isdigit() or int(told) > most:
            await self._too_large(most)(scope, receive, guarded)
            return
        count, whole, until = 0, False, asyncio.get_running_loop().time() + BODY

        async def counted() -> Message:
            nonlocal count, whole
            if whole:  # what comes now is only that the other side has gone
                return await receive()
            async with asyncio.timeout_at(until):
                message = await receive()
            whole = not message.get("more_body", False)
            count += len(message.get("body", b""))
            if count > most:
                raise TooLarge
            return message

        try:
            await self.app(scope, counted, guarded)
        except TooLarge:
            await self._too_large(most)(scope, receive, guarded)
        except TimeoutError:
            if whole:
                raise
            late = PlainTextResponse("The request took too long.\n", 408, {"Connection": "close"})
            await late(scope, receive, guarded)

    @staticmethod
    def _too_large(most: int) -> ASGIApp:
        return PlainTextResponse(f"At most {most:,} bytes can be sent here.\n", 413)


class TooLarge(Exception):
    """The body is longer than what may be sent here."""


TERMINAL = HEADERS["Content-Security-Policy"].replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""The policy of a page with a terminal: xterm.js writes its own style sheet into the page. Scripts stay ours alone."""


def socket_from_here(socket: HTTPConnection) -> bool:
    """Whether one of our own pages opens this WebSocket. Browsers always say where it comes from, and no rule of theirs keeps
    another site from opening one."""
    return _ours(socket.headers.get("origin", "null"), socket)


def from_here(request: Request) -> bool:
    """Whether a form comes from one of our own pages, as far as the browser says."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if origin is None:
        return site in ("same-origin", "none")
    return _ours(origin, request)


def _ours(origin: str, asked: HTTPConnection) -> bool:
    """Whether this is the origin of our own pages. Anybody can write anything there."""
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    return (found.scheme, found.netloc) == ("https", asked.headers.get("host", ""))


def address(request: Request) -> str:
    """Where a request comes from. Proxies' headers are not believed: anybody can send them."""
    return plain_address(request.client.host) if request.client else ""


def plain_address(host: str) -> str:
    """An address in its one form: an IPv4 address that came over IPv6 as itself, an IPv6 address with all its digits, so that
    those of one network begin alike."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(found.ipv4_mapped or found.exploded) if isinstance(found, ipaddress.IPv6Address) else str(found)


def bearer(request: Request) -> str:
    """The token of an API's request, "" for none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
