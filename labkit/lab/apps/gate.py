"""Shows apps' pages to a browser on this machine, at a port of its own on loopback.

The app is somebody else's program, and its page runs somebody else's scripts. So the page has an origin of its own, never
JupyterLab's; what passes here is changed only where a page could otherwise reach further (GUARDS, `told_head`).
"""

import contextlib
import html
import os
import re
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from labkit.errors import LabError
from labkit.lab.apps import address
from labkit.lab.apps.address import HOST, Place
from labkit.lab.apps.way import Way
from labkit.paths import Home
from labkit.text import visible

HERE, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104  (in a container, which publishes it on 127.0.0.1)

INSIDE_PORT = 8889
"""The port in JupyterLab's container in docker-compose.lab.yml."""

AT_ONCE, PATIENCE = 8, 30.0
"""How many requests are passed on at the same time, and how many seconds one more waits for its turn: each is a process on a
node."""

LARGEST = 10 * 1024**2
"""The most bytes of a browser's request."""

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")
INTERIM = b"1"
"""The first digit of an interim status, which another answer follows (RFC 9110, 15.2)."""

FOLD = re.compile(rb"\r?\n[ \t]+")
"""A header that continues in the next line (RFC 9112, 5.2): a search for a word in it would miss it."""

LENGTH = re.compile(r"[0-9]{1,9}")

HEAD_END = re.compile(rb"\r?\n\r?\n")
"""Apps that are a line of shell end their lines with only a newline."""

LONGEST_HEAD = 64 * 1024
"""The most bytes of an answer's headers."""

PLAIN_HOSTS = ("localhost", HERE, "[::1]")

GUARDS = {
    # A page's scripts speak to its own app only, and no other page shows it in a frame.
    "Content-Security-Policy": "connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}
"""Headers of every answer. A page of the app's own policy keeps that as well: browsers apply both."""

OURS = GUARDS | {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""Headers of the gate's own pages, which need no script."""

HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
"""Headers that only concern two neighbours (RFC 9110, 7.6.1), and those that make no sense for an answer in one piece."""

REPLACED = {"connection", "keep-alive", "cache-control", "cross-origin-opener-policy", "upgrade"}
"""An app's headers that GUARDS replace, or that are not true here."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
:root {{ color-scheme: light dark; }}</style><main><h1>{title}</h1>{body}</main></html>
"""


def start(home: Home, told_port: int = 0) -> Place | None:
    """Shows pages from now on, in a thread of this process. Returns where; None if no port is free, or if the place cannot
    be recorded. `told_port` is the port that a browser uses, if a container publishes another one."""
    host = EVERYWHERE if home.inside else HERE
    for port in (INSIDE_PORT,) if home.inside else (address.last_port(home), 0):
        with contextlib.suppress(OSError):
            gate = Gate((host, port), Way(home))
            place = Place(os.getpid(), told_port or gate.server_port)
            try:
                address.write(home, place)
            except OSError:
                gate.server_close()
                return None
            threading.Thread(target=gate.serve_forever, name="labkit-apps", daemon=True).start()
            return place
    return None


class Gate(ThreadingHTTPServer):
    """A thread for each connection; AT_ONCE of them pass requests on."""

    daemon_threads = True

    def __init__(self, where: tuple[str, int], way: Way) -> None:
        super().__init__(where, Request)
        self.way = way
        self.turns = threading.BoundedSemaphore(AT_ONCE)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that disconnects is not an error."""


class Request(BaseHTTPRequestHandler):
    """One request. The connection ends after it."""

    server: Gate
    timeout = PATIENCE
    server_version, sys_version = "labkit", ""

    def _take(self) -> None:
        host = re.sub(r":\d+$", "", self.headers.get("Host", "")).lower()
        try:
            if service := HOST.fullmatch(host):
                self._pass_on(service["name"])
            elif host in PLAIN_HOSTS:
                self._list()
            else:  # a name of somebody else's that leads here
                self._say(
                    421, "Nothing is shown under this name", "Each app has an address of its own.", "labkit status"
                )
        except LabError as error:
            self._say(502, "No page", error.what, error.fix)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _take

    def _list(self) -> None:
        port = self.headers.get("Host", "").rpartition(":")[2]
        names = [name for name in self.server.way.services() if HOST.fullmatch(f"{name}.localhost")]
        rows = "".join(f'<li><a href="http://{name}.localhost:{port}/">{name}</a></li>' for name in names)
        if not port.isdigit() or not rows:
            return self._say(200, "Apps in the lab", "The Swarm has no service yet.", "docker service ls")
        self._answer(200, "Apps in the lab", f"<p>Each service has a page of its own:</p><ul>{rows}</ul>")

    def _say(self, status: int, title: str, what: str, fix: str) -> None:
        then = f"<p>Next: <code>{html.escape(visible(fix))}</code></p>" if fix else ""
        self._answer(status, title, f"<p>{html.escape(visible(what))}</p>{then}")

    def _answer(self, status: int, title: str, body: str) -> None:
        content = PAGE.format(title=title, body=body).encode()
        self.send_response(status)
        for name, value in OURS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _pass_on(self, service: str) -> None:
        """Raises LabError if the app's answer has not begun."""
        request = self._request()
        if not self.server.turns.acquire(timeout=PATIENCE):
            raise LabError(f"{AT_ONCE} other requests are still waiting for their apps.", "load this page again")
        try:
            answer = self.server.way.ask(service, request)
            try:
                pieces = answer.pieces()
                head, rest = read_head(pieces)
                self.wfile.write(told_head(head, answer.place))
                self.wfile.write(rest)
                for piece in pieces:
                    self.wfile.write(piece)
            finally:
                answer.close()
        finally:
            self.server.turns.release()

    def _request(self) -> bytes:
        """The request for the app: HTTP/1.0, so that the end of the connection ends the answer. Raises LabError."""
        size = self.headers.get("Content-Length", "0")
        if not LENGTH.fullmatch(size) or int(size) > LARGEST or self.headers.get("Transfer-Encoding"):
            raise LabError(f"Your request is longer than {LARGEST:,} bytes, or does not say how long it is.", "")
        if not self.path.startswith("/"):
            raise LabError("This is not the address of a page.", "")
        lines = [f"{self.command} {self.path} HTTP/1.0"]
        for name, value in self.headers.items():
            if name.lower() not in HOP and "\n" not in value and "\r" not in value:
                lines.append(f"{name}: {value}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        return head + self.rfile.read(int(size))

    def log_message(self, *_: Any) -> None:
        pass


def read_head(pieces: Iterable[bytes]) -> tuple[bytes, bytes]:
    """The head of an answer, and the part of the body that came with it. An interim answer is left out: it would get the
    GUARDS, and a browser keeps only those of the last answer. Raises LabError if there is no head, or no end of it."""
    data, heads = b"", 0
    for piece in pieces:
        data += piece
        while end := HEAD_END.search(data):
            status = STATUS.fullmatch(re.split(rb"\r?\n", data[: end.start()])[0])
            if status and not status[1].startswith(INTERIM):
                return data[: end.start()], data[end.end() :]
            if not status or heads + len(data) > LONGEST_HEAD:
                raise LabError("The app began an answer that is not HTTP.", "")
            data, heads = data[end.end() :], heads + end.end()
        if heads + len(data) > LONGEST_HEAD:
            break
    raise LabError("The app began an answer that is not HTTP.", "")


def told_head(head: bytes, place: str) -> bytes:
    """The head as a browser gets it: with GUARDS, and without cookies that would be sent to other names as well."""
    status, *lines = re.split(rb"\r?\n", FOLD.sub(b" ", head))
    kept = [status]
    for line in lines:
        name, _, value = line.partition(b":")
        word = name.strip().lower().decode("latin-1")
        if word in REPLACED or b"\r" in line:
            continue
        if word == "set-cookie" and re.search(rb";\s*domain\s*=", value, re.IGNORECASE):
            continue
        kept.append(line)
    kept += [f"{name}: {value}".encode() for name, value in GUARDS.items()]
    kept += [f"X-Answered-By: {place}".encode("ascii", "replace"), b"", b""]
    return b"\r\n".join(kept)
