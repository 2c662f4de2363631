"""What a vendor keeps beside images: projects, robots, rules, a clock that was moved. A JSON file for each registry, on the
edge's volume, so that it outlives the edge as the images do."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from ..grammar import clean

KEY = "key"
"""What a registry keeps that nobody has made."""


class Kept:
    """One registry's. `said` is the whole of it, read once; whoever changes it calls `save`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.said: dict[str, Any] = _read(file)

    def table(self, name: str) -> dict[str, Any]:
        """What is kept under this name, an empty table at first; it may be changed."""
        found = self.said.get(name)
        if not isinstance(found, dict):
            found = self.said[name] = {}
        return found

    def key(self) -> bytes:
        """By which the registry knows again what it gave out itself, also in an edge's next life. Raises OSError."""
        if not isinstance(self.said.get(KEY), str):
            self.said[KEY] = secrets.token_hex(32)
            self.save()
        return str(self.said[KEY]).encode()

    def save(self) -> None:
        """Writes all of it, whole or not at all. Raises OSError."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        with new.open("w") as file:
            json.dump(self.said, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)

    def forget(self) -> None:
        """Begins anew, as in a lab that has just started. Raises OSError."""
        self.said.clear()
        self._file.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    """What the file says; nothing where there is none, or none that can be read: a lab starts all the same."""
    try:
        said = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {clean(key): value for key, value in said.items()} if isinstance(said, dict) else {}
