"""Where an app's page is to be seen: each service has an address of its own.

Beside the browser that is on loopback, http://NAME.localhost:PORT/. Browsers lead *.localhost to the machine that they run
on. Another name is another site to them: it shares no cookie with JupyterLab, whose name is 127.0.0.1 or localhost.

Under JupyterHub the browser is on another machine: there it is below JupyterLab's own address, and its page is sandboxed
(sandbox.py).
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.lab.engine import processes
from labkit.paths import Home
from labkit.work import keeping

FILE = Path("jupyter") / "apps.json"
"""In the state folder: which process shows the pages, and where. It goes with JupyterLab's other runtime files."""

NAME = r"[a-z0-9](?:[a-z0-9_.-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"(?P<name>{NAME})\.localhost", re.IGNORECASE)
"""A host name that means a service."""


@dataclass(frozen=True)
class Place:
    """The process that shows the pages, and the port at which this machine's browser finds it."""

    pid: int
    port: int

    def address(self, service: str) -> str:
        """ "" for a name that no address can have."""
        return f"http://{service}.localhost:{self.port}/" if HOST.fullmatch(f"{service}.localhost") else ""

    def _told(self) -> dict[str, Any]:
        return {"pid": self.pid, "port": self.port}


@dataclass(frozen=True)
class Below:
    """JupyterLab's process, which shows the pages below its own address: `base`, a path like /user/NAME/labkit/app/. Whoever
    has a page's address may see the page, so it has a mark that nobody can guess, made with `key`. Each service has another
    one: an app's scripts know their own address."""

    pid: int
    base: str
    key: str = field(repr=False)

    def address(self, service: str) -> str:
        """A path of JupyterLab's server; "" for a name that no address can have."""
        return f"{self.base}{self.mark(service)}/{service}/" if HOST.fullmatch(f"{service}.localhost") else ""

    def mark(self, service: str) -> str:
        """43 letters, digits, - and _; the same for a name in capitals."""
        made = hmac.digest(self.key.encode(), service.lower().encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def opens(self, mark: str, service: str) -> bool:
        """Whether that is the mark of this service."""
        return hmac.compare_digest(self.mark(service).encode(), mark.encode())

    def _told(self) -> dict[str, Any]:
        return {"pid": self.pid, "base": self.base, "key": self.key}


def read(home: Home) -> Place | Below | None:
    """Where the pages are shown; None where nothing shows them."""
    place = keeping.load(home.state / FILE, _place, None)
    return place if place and processes.alive(place.pid) else None


def last_port(home: Home) -> int:
    """The port of last time, 0 for none: an address that somebody has kept stays right."""
    place = keeping.load(home.state / FILE, _place, None)
    return place.port if isinstance(place, Place) else 0


def write(home: Home, place: Place | Below) -> None:
    """Raises OSError."""
    (home.state / FILE).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keeping.write_whole(home.state / FILE, f"{json.dumps(place._told())}\n", mode=0o600, lasting=False)


def _place(content: bytes) -> Place | Below:
    """Raises one of keeping.ODD."""
    told: dict[str, Any] = json.loads(content)
    pid = processes.number(str(told["pid"]).encode())
    if "base" in told:
        return Below(pid, str(told["base"]), str(told["key"]))
    port = int(told["port"])
    if not 0 < port < 65536:
        raise ValueError(port)
    return Place(pid, port)
