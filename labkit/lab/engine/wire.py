"""Reads HTTP APIs that answer with JSON: Docker Engines on a socket or with mutual TLS, and the lab's edge.

Every check needs it, so it uses the standard library: importing the docker SDK takes 120 ms (docs/performance.md), longer than
a whole observation.
"""

import contextlib
import http.client
import json
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class WireError(Exception):
    """The other side could not be reached or answered with an error. `cause` is the system's own error, if there is one."""

    def __init__(self, message: str, status: int = 0, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def tls_context(folder: Path) -> ssl.SSLContext:
    """Mutual TLS with ca.pem, cert.pem and key.pem from `folder` (the layout of DOCKER_CERT_PATH)."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


class Wire:
    """One kept-alive connection to `url` (unix:///path, tcp://host:port, with `tls` https). Not for two threads at once.

    Each answer is closed where it has been read: http.client hands the connection over to an answer that ends with it, and then
    `close` does not reach it.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None = None, timeout: float | None = 10) -> None:
        self.url = url
        self._read: socket.socket | None = None
        """What a long answer is read from: http.client lets go of it where the other side says that it will close."""
        parts = urlsplit(url)
        self._connection: http.client.HTTPConnection
        if parts.scheme == "unix":
            self._connection = _UnixConnection(parts.path, timeout)
        elif parts.hostname is None:
            raise WireError(f"{url} is not the address of an engine")
        elif tls is not None:
            self._connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=tls)
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer's body. Raises WireError."""
        data = None if body is None else json.dumps(body)
        headers = {"User-Agent": "labkit", **({"Content-Type": "application/json"} if data else {})}
        try:
            self._connection.request(method, path, data, headers)
            with self._connection.getresponse() as answer:
                content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise WireError(f"{self.url}: {error or type(error).__name__}", cause=error) from error
        if answer.status >= 400:
            raise WireError(_message(content), answer.status)
        return content

    def bounded(self, method: str, path: str, body: Any, most: int, seconds: float) -> bytes:
        """The body of an answer that might never end. Raises WireError if it is larger than `most` bytes or takes longer."""
        until = time.monotonic() + seconds
        content = b""
        try:
            headers = {"User-Agent": "labkit", "Content-Type": "application/json"}
            self._connection.request(method, path, json.dumps(body), headers)
            with self._connection.getresponse() as answer:
                while part := answer.read1(65536):
                    content += part
                    if len(content) > most or time.monotonic() > until:
                        raise WireError(f"{self.url}: the answer did not end")
        except (OSError, http.client.HTTPException) as error:
            raise WireError(f"{self.url}: {error or type(error).__name__}", cause=error) from error
        finally:
            self._connection.close()
        if answer.status >= 400:
            raise WireError(_message(content), answer.status)
        return content

    def get(self, path: str) -> Any:
        """The answer as JSON. Raises WireError."""
        return json.loads(self.request("GET", path))

    def lines(self, path: str, method: str = "GET", body: Any = None, most: int = 0) -> Iterator[Any]:
        """Each JSON line of a continuous answer as it comes, until the other side or `cut` ends it. Raises WireError, also for
        a line of more than `most` bytes, if that is said."""
        data = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, data, {"User-Agent": "labkit"})
            self._read = self._connection.sock
            with self._connection.getresponse() as answer:
                if answer.status >= 400:
                    raise WireError(_message(answer.read(most or None)), answer.status)
                while line := answer.readline(most + 1 if most else -1):
                    if 0 < most < len(line):
                        raise WireError(f"{self.url}: a line of its answer has more than {most} bytes")
                    if line.strip():
                        yield json.loads(line)
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            # http.client answers with an AttributeError where `cut` took the socket away below it.
            raise WireError(f"{self.url}: {error or type(error).__name__}", cause=error) from error
        finally:
            self._connection.close()

    def pieces(self, path: str) -> Iterator[bytes]:
        """The body of a long answer, as it comes. Raises WireError."""
        try:
            self._connection.request("GET", path, headers={"User-Agent": "labkit"})
            with self._connection.getresponse() as answer:
                if answer.status >= 400:
                    raise WireError(_message(answer.read()), answer.status)
                while piece := answer.read(1024 * 1024):
                    yield piece
        except (OSError, http.client.HTTPException) as error:
            raise WireError(f"{self.url}: {error or type(error).__name__}", cause=error) from error
        finally:
            self._connection.close()

    def stream(self, path: str, body: Any) -> "Stream":
        """Posts, and then takes over the connection for both directions. Raises WireError."""
        headers = {"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": "tcp"}
        try:
            self._connection.request("POST", path, json.dumps(body), headers)
            answer = self._connection.getresponse()
            if answer.status >= 400:
                raise WireError(_message(answer.read()), answer.status)
            return Stream(self._connection.sock, answer)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise WireError(f"{self.url}: {error or type(error).__name__}", cause=error) from error
        except WireError:
            self._connection.close()
            raise

    def cut(self) -> None:
        """Stops another thread's reading from this connection."""
        with contextlib.suppress(OSError, AttributeError):
            (self._read or self._connection.sock).shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Stream:
    """Bytes in both directions over a connection that was taken over. One thread may read while another one writes. With TLS
    they must not be in its code at the same time, so neither waits there."""

    def __init__(self, sock: socket.socket, answer: http.client.HTTPResponse) -> None:
        self._socket = sock
        self._lock = threading.Lock()
        sock.setblocking(False)
        self._early = b""
        with contextlib.suppress(ssl.SSLWantReadError):  # nothing yet
            self._early = answer.fp.read1(65536) or b""  # what came right behind the headers
        answer.close()

    def read(self, size: int = 65536) -> bytes:
        """What comes next, b"" at the end."""
        if early := self._early:
            self._early = b""
            return early
        while True:
            try:
                with self._lock:
                    data = self._socket.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(select.POLLIN)
            except (OSError, ValueError):
                return b""
            else:
                return data

    def write(self, data: bytes) -> None:
        """Raises OSError if the other side is gone."""
        self._send(data, self._socket.send)

    def _send(self, data: bytes, send: Callable[[memoryview], int]) -> None:
        left = memoryview(data)
        while left:
            try:
                with self._lock:
                    left = left[send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT)

    def end(self) -> None:
        """Says that nothing more will be written."""
        with contextlib.suppress(OSError):
            if isinstance(self._socket, ssl.SSLSocket):
                self._send(self._farewell(self._socket), partial(os.write, self._socket.fileno()))
            else:
                self._socket.shutdown(socket.SHUT_WR)

    def _farewell(self, sock: ssl.SSLSocket) -> bytes:
        """The bytes of the alert that ends one direction of TLS. After sending it, OpenSSL reads, and ends both directions if
        anything has arrived (SSL_shutdown(3)); so this uses a connection on which nothing arrives."""
        near, far = socket.socketpair()
        near.setblocking(False)
        with self._lock, near, far:
            kept = os.dup(sock.fileno())
            try:
                os.dup2(near.fileno(), sock.fileno(), inheritable=False)
                with contextlib.suppress(ssl.SSLWantReadError):
                    sock.unwrap()
                return far.recv(4096)
            finally:
                os.dup2(kept, sock.fileno(), inheritable=False)
                os.close(kept)

    def close(self) -> None:
        """Ends it; a thread that is reading notices."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        poll.poll()


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()
