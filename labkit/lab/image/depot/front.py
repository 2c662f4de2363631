"""Stands in front of a throw-away registry of a trial: passes everything on, tells tags page by page if asked to, counts
what is deleted, and says when the first image is about to be. Runs on the machine `depot`."""

import http.client
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length", "host", "date", "server"}
MOST = 1024 * 1024
"""Bytes of a request."""
DELETED = 202
REFUSED_SHOWN = 3

TAGS = re.compile(r"/v2/.+/tags/list")
ONE = re.compile(r"/v2/.+/manifests/[^/]+")


class Front:
    """Serves 127.0.0.1, at a port that it chooses, until it is closed."""

    def __init__(self, upstream: int, page: int, first_delete: Callable[[], None]) -> None:
        self.upstream, self.page = upstream, page
        self._first_delete, self._lock, self._begun = first_delete, threading.Lock(), False
        self.deleted, self.refused = 0, list[str]()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def deleting(self, path: str) -> None:
        if ONE.fullmatch(path):
            with self._lock:
                begun, self._begun = self._begun, True
                if not begun:
                    self._first_delete()

    def told(self, method: str, path: str, status: int) -> None:
        with self._lock:
            if method == "DELETE" and status == DELETED:
                self.deleted += 1
            elif method == "DELETE" and status != http.client.NOT_FOUND and len(self.refused) < REFUSED_SHOWN:
                self.refused.append(f"{method} {path}: {status}")


def paged(path: str, body: bytes, most: int) -> tuple[bytes, str]:
    """The page of a list of tags that a path with ?n= and ?last= asks for, of so many tags at most, and the next page's path or
    "" (OCI distribution specification, "Listing Tags")."""
    asked = parse_qs(urlsplit(path).query)
    told = json.loads(body)
    names = sorted(told.get("tags") or [])
    after = [name for name in names if name > asked.get("last", [""])[0]]
    wanted = asked.get("n", [""])[0]
    size = min(int(wanted), most) if wanted.isdigit() else most
    page = after[:size]
    more = f"{urlsplit(path).path}?{urlencode({'last': page[-1], 'n': size})}" if page and len(after) > size else ""
    return json.dumps({**told, "tags": page}).encode(), more


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            path = urlsplit(self.path).path
            if self.command == "DELETE":
                front.deleting(path)
            length = int(self.headers.get("Content-Length") or 0)
            if length > MOST:
                self.close_connection = True
                self.send_error(413)
                return
            upstream = http.client.HTTPConnection("127.0.0.1", front.upstream, timeout=30)
            try:
                # All tags, whatever part of them was asked for: the registry behind it knows no pages.
                target = path if TAGS.fullmatch(path) else self.path
                upstream.putrequest(self.command, target, skip_accept_encoding=True)
                for key, value in self.headers.items():  # skopeo says Accept several times
                    if key.lower() not in HOP:
                        upstream.putheader(key, value)
                upstream.putheader("Content-Length", str(length))
                upstream.endheaders(self.rfile.read(length))
                answer = upstream.getresponse()
                body = answer.read()
            except OSError:
                self.close_connection = True
                self.send_error(502)
                return
            finally:
                upstream.close()
            more = ""
            if front.page and answer.status == http.client.OK and TAGS.fullmatch(path):
                body, more = paged(self.path, body, front.page)
            front.told(self.command, path, answer.status)
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in HOP:
                    self.send_header(key, value)
            if more:
                self.send_header("Link", f'<{more}>; rel="next"')
            size = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            if answer.status != http.client.NO_CONTENT:
                self.send_header("Content-Length", size)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_DELETE = do_PUT = do_POST = do_PATCH = pass_on

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
