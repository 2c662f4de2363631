"""What passes between a browser and an app whose page is shown below JupyterLab's own address.

There the page's name is that of JupyterLab and JupyterHub. So the browser is told, with every answer, to treat the page as one
of no origin at all: its scripts have no cookies, no storage, and nothing in common with the server's other pages. And they
reach no other path of it.
"""

import re
from collections.abc import Iterable
from email.message import Message
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

from labkit.errors import LabError
from labkit.lab.apps.gate import HOP, read_head

MAY = "allow-scripts allow-forms allow-modals"
"""What the page may nevertheless do. Not: be of this origin, open windows, lead another window, download."""

ALWAYS = {
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "same-origin",  # of no origin is no other: so an address with its mark is told to nobody
    # To the browser each request of the page comes from another origin. Whoever knows the mark may read the page.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "*",
}
"""Headers of every answer, beside the policy."""

OURS = ALWAYS | {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
}
"""Headers of our own pages, which need no script."""

KEPT = {
    "accept-ranges",
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "last-modified",
    "retry-after",
    "x-content-type-options",
}
"""An app's headers that the browser gets. Others may concern the whole server: cookies, storage (Clear-Site-Data), TLS for all
ports, reports, passwords, other ways to it; or a proxy in between."""

NOT_SENT = HOP | {
    "authorization",
    "proxy-authorization",
    "cookie",
    "accept-encoding",
    "forwarded",
    "x-real-ip",
    "x-scheme",
}
NOT_SENT |= {"x-xsrftoken", "origin", "referer", "host", "content-length"}
NOT_SENT_LIKE = ("x-forwarded-", "sec-fetch-")
"""A browser's headers that the app does not get, or gets otherwise."""

HOSTS = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
"""A host name and port that can be part of a policy."""

Header = tuple[str, str]


def policy(host: str, prefix: str) -> str:
    """The policy of a page below `prefix`, a path that ends in a slash, at that host name and port."""
    own = f"{host}{prefix}"
    return "; ".join(
        (
            f"sandbox {MAY}",
            f"default-src {own} 'unsafe-inline' 'unsafe-eval' data: blob:",
            f"connect-src {own}",
            f"form-action {own}",
            f"base-uri {own}",
            "frame-src 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
        )
    )


def asked(
    method: str, target: str, browser: Iterable[Header], seen: tuple[str, str, str], cookies: str, body: bytes
) -> bytes:
    """The request for the app: HTTP/1.0, so that the end of the connection ends the answer. `target` is the app's own path;
    `seen` with which protocol, under which host name and port, and below which path the browser sees the page."""
    protocol, host, prefix = seen
    told = [
        (name, value)
        for name, value in browser
        if name.lower() not in NOT_SENT and not name.lower().startswith(NOT_SENT_LIKE) and _whole(value)
    ]
    told += [("Host", host), ("Origin", f"{protocol}://{host}")] if method not in ("GET", "HEAD") else [("Host", host)]
    told += [("Cookie", cookies)] if cookies else []
    told += [("X-Forwarded-Proto", protocol), ("X-Forwarded-Host", host), ("X-Forwarded-Prefix", prefix.rstrip("/"))]
    if body or method in ("POST", "PUT", "PATCH"):
        told.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.0", *(f"{name}: {value}" for name, value in told), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


def kept(headers: Message) -> list[Header]:
    """Which of an app's headers the browser gets. Not Location, whose address changes (links.py)."""
    found = []
    for name, value in headers.items():
        plain = re.sub(r"[\r\n]+[ \t]+", " ", str(value)).strip()
        if name.lower() == "content-type" and re.search("multipart|message", plain, re.IGNORECASE):
            plain = "application/octet-stream"  # its parts would have headers of their own
        if name.lower() in KEPT and _whole(plain):
            found.append((name, plain))
    return found


def _whole(value: str) -> bool:
    return not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value)


def answered(pieces: Iterable[bytes], method: str) -> HTTPResponse:
    """The answer that an app gives piece by piece. Raises LabError if it is not HTTP."""
    parts = iter(pieces)
    head, rest = read_head(parts)
    said = HTTPResponse(_Pieces([head, b"\r\n\r\n", rest], parts), method=method)  # type: ignore[arg-type]
    try:
        said.begin()
    except (HTTPException, ValueError) as error:
        raise LabError("The app began an answer that is not HTTP.", "") from error
    return said


class _Pieces(RawIOBase):
    """What has come and what comes, as what http.client takes for a socket."""

    def __init__(self, begun: list[bytes], more: Iterable[bytes]) -> None:
        self._begun, self._more = [part for part in begun if part], iter(more)

    def makefile(self, _: str) -> BufferedReader:
        return BufferedReader(self, 65536)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        part = self._begun.pop(0) if self._begun else next(self._more, b"")
        if len(part) > len(into):
            self._begun.insert(0, part[len(into) :])
            part = part[: len(into)]
        into[: len(part)] = part
        return len(part)
