"""Reaches a classroom over HTTPS, as a machine that knows its authority."""

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from labkit.errors import LabError

PATIENCE = 20.0
"""Seconds for one answer."""

NAME = "classroom.registry-lab.internal"
"""The name by which a classroom's own certificate is asked for, at whatever address: browsers may be shown another one."""


def ask(
    address: str, ca: str, method: str, path: str, data: dict[str, Any], token: str = ""
) -> tuple[int, dict[str, Any]]:
    """Status and answer. Raises LabError where none comes."""
    with connection(address, trusting(ca)) as made:
        made.request(method, path, json.dumps(data), headers(token))
        answer = made.getresponse()
        body = answer.read(1_000_000)
    return answer.status, told(body)


def told(body: bytes) -> dict[str, Any]:
    """An answer's JSON; {} for what is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def headers(token: str) -> dict[str, str]:
    return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})


def trusting(ca: str) -> ssl.SSLContext:
    """Raises LabError where this is no certificate."""
    try:
        return ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        raise LabError(
            "What was kept of the classroom's certificate is damaged.", "join the classroom again"
        ) from error


class _Connection(http.client.HTTPSConnection):
    """To the classroom of whose authority the context knows."""

    def __init__(self, host: str, port: int | None, tls: ssl.SSLContext, patience: float) -> None:
        super().__init__(host, port, timeout=patience, context=tls)
        self._tls = tls

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=NAME)


@contextmanager
def connection(address: str, tls: ssl.SSLContext, patience: float = PATIENCE) -> Iterator[http.client.HTTPSConnection]:
    """Raises LabError for what is no address, and for what goes wrong in here."""
    try:
        place = urlsplit(address)
        host, port = place.hostname, place.port
    except ValueError:
        place, host, port = urlsplit(""), None, None
    if place.scheme != "https" or not host:
        raise LabError(f"{address} is not a classroom's address.", "it looks like https://HOST:8443")
    made = _Connection(host, port, tls, patience)
    try:
        yield made
    except (OSError, http.client.HTTPException) as error:
        why = str(error) or type(error).__name__
        raise LabError(f"The classroom at {address} does not answer: {why}.", "try again when it does") from error
    finally:
        made.close()
