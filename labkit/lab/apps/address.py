"""Where an app's page is to be seen: each service has an address of its own on loopback, http://NAME.localhost:PORT/.

Browsers lead *.localhost to the machine that they run on. Another name is another site to them: it shares no cookie with
JupyterLab, whose name is 127.0.0.1 or localhost.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab.engine import processes
from labkit.paths import Home
from labkit.work import keeping

FILE = Path("jupyter") / "apps.json"
"""In the state folder: which process shows the pages, and at which port. It goes with JupyterLab's other runtime files."""

HOST = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9_.-]{0,61}[a-z0-9])?)\.localhost", re.IGNORECASE)
"""A host name that means a service."""


@dataclass(frozen=True)
class Place:
    """The process that shows the pages, and the port at which this machine's browser finds it."""

    pid: int
    port: int

    def address(self, service: str) -> str:
        """ "" for a name that no address can have."""
        return f"http://{service}.localhost:{self.port}/" if HOST.fullmatch(f"{service}.localhost") else ""


def read(home: Home) -> Place | None:
    """Where the pages are shown; None where nothing shows them."""
    place = keeping.load(home.state / FILE, _place, None)
    return place if place and processes.alive(place.pid) else None


def last_port(home: Home) -> int:
    """The port of last time, 0 for none: an address that somebody has kept stays right."""
    place = keeping.load(home.state / FILE, _place, None)
    return place.port if place else 0


def write(home: Home, place: Place) -> None:
    """Raises OSError."""
    (home.state / FILE).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    told = json.dumps({"pid": place.pid, "port": place.port})
    keeping.write_whole(home.state / FILE, f"{told}\n", lasting=False)


def _place(content: bytes) -> Place:
    """Raises one of keeping.ODD."""
    told: dict[str, Any] = json.loads(content)
    port = int(told["port"])
    if not 0 < port < 65536:
        raise ValueError(port)
    return Place(processes.number(str(told["pid"]).encode()), port)
