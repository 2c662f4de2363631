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
from labkit.errors import LabError
from labkit.lab.engine.execute import printed
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.lab.looking.swarm import nodes_of
from labkit.seen.pages import Page

SECONDS = 1.0
"""What an app may take to answer."""

LONGEST = 256 * 1024
"""Bytes that a node may tell."""

SAMPLE = Path(__file__).parents[1] / "image" / "myapp" / "index.html"


def look(lab: Lab) -> dict[str, Any]:
    """{"pages": {machine: what its tasks answered}} of the machines that run such tasks, and under "unobserved" those that
    could not be asked. Raises LabError or WireError where the manager does not answer."""
    services = exercises.asked()
    machines = [name for name in nodes_of(lab, services) if lab.state(name) == "running"] if services else []
    seen: dict[str, tuple[Page, ...]] = {}
    gaps: dict[str, str] = {}
    with ThreadPoolExecutor(max(len(machines), 1)) as pool:
        for name, asking in [(name, pool.submit(_ask, lab, name, services)) for name in machines]:
            try:
                seen[name] = asking.result()
            except (LabError, WireError, msgspec.MsgspecError, ValueError, TypeError) as error:
                gaps[f"pages/{name}"] = f"the apps on {name} could not be asked: {error}."
    return {"pages": seen, "unobserved": gaps}


def _ask(lab: Lab, machine: str, services: Collection[str]) -> tuple[Page, ...]:
    """Raises what cannot be asked or read: whatever runs on a node, what it tells is of this form or none."""
    program = Path(__file__).with_name("ask_apps.py").read_text()
    wanted = json.dumps({"services": list(services), "seconds": SECONDS})
    command = ["python3", "-I", "-S", "-c", program, wanted]
    text = printed(lab.engine, lab.running(machine).id, command, LONGEST, PATIENCE)
    told = json.loads(text.strip().rpartition("\n")[2])["pages"]
    sample = f"sha256:{hashlib.sha256(SAMPLE.read_bytes()).hexdigest()}"
    return tuple(msgspec.convert({**page, "sample": page["digest"] == sample}, Page) for page in told)
