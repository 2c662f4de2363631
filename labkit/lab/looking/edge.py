"""Observes the registries, their log and their store, with one request to the edge's desk."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.seen.log import Log, is_look
from labkit.seen.registries import Registries, Store

SECTIONS: dict[str, Any] = {"registries": Registries, "log": Log, "store": Store}
"""What the desk tells, each in the form of its section (labkit/edge/desk.py)."""


def look(lab: Lab, sections: list[str]) -> dict[str, Any]:
    """{section: its value}, and under "unobserved" the parts that the edge could not read. Raises LabError, WireError, or
    msgspec.ValidationError if the answer is not an edge's answer."""
    own = [("own", address) for address in _own(lab)] if "registries" in sections else []
    with lab.wire("edge", PATIENCE) as wire:
        told = wire.get("/observation?" + urlencode([("sections", ",".join(sections)), *own]))
    machines = {part.address: part.machine for part in lab.parts.values() if part.address}
    if "log" in told:
        events = told["log"]["events"]
        told["log"]["events"] = [event for event in events if not is_look(event["action"], event["agent"])]
    for event in told.get("log", {}).get("events", ()):
        event["machine"] = machines.get(event.pop("client"), "")
    found = {name: msgspec.convert(told[name], SECTIONS[name]) for name in sections}
    return {**found, "unobserved": told.get("unobserved", {})}


def _own(lab: Lab) -> Iterator[str]:
    """Addresses, inside the lab, of registries of the learner's own, which are read as any client reads one."""
    for machine in lab.plan.machines:
        if machine.role == "registry" and lab.state(machine.name) == "running":
            yield f"http://{machine.name}:{machine.port}"
