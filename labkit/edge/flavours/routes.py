"""A table of a vendor's own API: what is asked by method and path, and the function that answers with plain values. Knows no
vendor and no web server."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..shelf import Shelf

LARGEST = 64 * 1024
"""Bytes of a body that is read."""


@dataclass(frozen=True)
class Call:
    """What was asked. `parts` are the named parts of the path, `user` who signed in, None for nobody."""

    method: str
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    """JSON, or the fields of a form; None for what is neither."""
    user: str | None
    shelf: Shelf
    headers: Mapping[str, str] = field(default_factory=dict)
    """By small letters."""
    sent: bytes = b""
    """The body as it came."""


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = None
    """JSON, None for none; bytes for another type, which `headers` names."""
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Any, Call], Reply]
"""A method of a flavour."""


class Routes:
    """`routes.on("GET", "/projects/{name}")` before a method of a flavour has it answer that; `{name*}` may have slashes."""

    def __init__(self, root: str = "", host: str = "", *, signed: bool = False, tops: tuple[str, ...] = ()) -> None:
        """`root` begins the paths of the API; `host` is its own name, where it has one. `signed`: who asks is not said by
        Basic, but in a way of the vendor's own, which its methods look at. `tops` are what the whole paths begin with, where
        they have no one root."""
        self.root, self.host, self.signed = root, host, signed
        self._tops = tops or ((root,) if root or host else ())
        self._table: list[tuple[str, re.Pattern[str], Answer]] = []

    def on(self, method: str, path: str) -> Callable[[Answer], Answer]:
        form = re.compile(re.sub(r"\{(\w+)(\*?)\}", _part, self.root + path))

        def take(answer: Answer) -> Answer:
            self._table.append((method, form, answer))
            return answer

        return take

    def holds(self, path: str, host: str = "") -> bool:
        """Whether this path, at a host with or without a port, belongs to the vendor's API."""
        if self.host and host.partition(":")[0].lower() != self.host:
            return False
        return any(path.startswith(f"{top}/") for top in self._tops)

    def find(self, method: str, path: str) -> tuple[Answer, dict[str, str]] | None:
        for known, form, answer in self._table:
            if known == method and (match := form.fullmatch(path)):
                return answer, match.groupdict()
        return None


def _part(named: re.Match[str]) -> str:
    return f"(?P<{named[1]}>{'.+' if named[2] else '[^/]+'})"


def table(value: Any) -> dict[str, Any]:
    """An object of JSON; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def parsed(body: bytes) -> Any:
    """A body as JSON; None for what is none."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None
