"""What commands about one registry share: which one is meant, and how the lab's edge is asked to change it."""

from typing import Any

from labkit.edge.facts import Facts, registries
from labkit.errors import LabError, nearest
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab


def named(text: str, command: str) -> Facts:
    """The registry of this key, title or host. Raises LabError."""
    known = registries()
    for facts in known.values():
        if text.lower() in {facts.key, facts.title.lower(), facts.host, *facts.hosts}:
            return facts
    raise LabError(f"There is no registry {text!r}: {nearest(text, list(known))}", f"labkit {command} --help")


def ask(lab: Lab, command: str, facts: Facts, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the edge's desk answers (labkit/edge/desk.py) to a command. Raises LabError."""
    try:
        return lab.access.desk(lab, method, path, body)
    except WireError as error:
        if error.status == 400:
            raise LabError(f"{facts.title}: {error}.", f"labkit {command} --help") from error
        raise LabError(f"{facts.title} could not be told to: {error}", "labkit status") from error
