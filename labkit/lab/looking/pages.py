"""Looks at what the apps of tasks answer: asks each on the node where it runs (ask_apps.py), of those services only that an
exercise asks (exercise.toml: `asks`)."""

import hashlib
import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from labkit.content import exercises
from labkit.edge.grammar import clean
from labkit.errors import LabError
from labkit.lab.engine import execute
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.seen.pages import Page
from labkit.seen.swarm import Service, Swarm

SECONDS = 1.0
"""Seconds that an app may take to answer."""

LONGEST = 256 * 1024
"""The most bytes of a node's report."""

LONGEST_TEXT = 500
"""The most characters of each text of a page."""

UNREADABLE = (
    LabError,
    WireError,
    msgspec.MsgspecError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""The errors of a node that cannot be asked, or that reports nonsense."""

SAMPLE = Path(__file__).parents[1] / "image" / "myapp" / "index.html"


def look(lab: Lab, swarm: Swarm) -> dict[str, Any]:
    """{"pages": {machine: what its tasks answered}} of the machines that run such tasks, and under "unobserved" those that
    could not be asked."""
    services = exercises.asked()
    machines = [name for name in nodes(swarm, services) if lab.state(name) == "running"]
    seen: dict[str, tuple[Page, ...]] = {}
    gaps: dict[str, str] = {}
    with ThreadPoolExecutor(max(len(machines), 1)) as pool:
        for name, asking in [(name, pool.submit(_ask, lab, name, services)) for name in machines]:
            try:
                seen[name] = asking.result()
            except UNREADABLE as error:
                gaps[f"pages/{name}"] = f"the apps on {name} could not be asked: {error}."
    return {"pages": seen, "unobserved": gaps}


def nodes(swarm: Swarm, services: Collection[str]) -> list[str]:
    """The nodes that run tasks of these services, also if a stack put its name before the service's."""
    chosen = [service for service in swarm.services.values() if any(_is(service, name) for name in services)]
    return sorted({task.node for service in chosen for task in service.tasks if task.state == "running"} - {""})


def _is(service: Service, name: str) -> bool:
    return name in (service.name, service.stack) or service.name == f"{service.stack}_{name}"


def _ask(lab: Lab, machine: str, services: Collection[str]) -> tuple[Page, ...]:
    """Raises an error if the node cannot be asked or its report cannot be read: whatever runs on a node, its report has this
    form or is not used."""
    program = Path(__file__).with_name("ask_apps.py").read_text()
    wanted = json.dumps({"services": list(services), "seconds": SECONDS})
    command = ["python3", "-I", "-S", "-c", program, wanted]
    told = execute.told(lab.engine, lab.running(machine).id, command, LONGEST, PATIENCE)["pages"]
    sample = f"sha256:{hashlib.sha256(SAMPLE.read_bytes()).hexdigest()}"
    return tuple(msgspec.convert({**_cleaned(page), "sample": page["digest"] == sample}, Page) for page in told)


def _cleaned(page: dict[str, Any]) -> dict[str, Any]:
    """With texts that can be saved and sent, of limited length."""
    return {key: clean(value, LONGEST_TEXT) if isinstance(value, str) else value for key, value in page.items()}
