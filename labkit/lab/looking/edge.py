"""Looks at the registries, their log and their store: one question to the edge's desk."""

from typing import Any

import msgspec

from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.seen.log import Log
from labkit.seen.registries import Registries, Store

SECTIONS: dict[str, Any] = {"registries": Registries, "log": Log, "store": Store}
"""What the desk tells, each in the form of its section (labkit/edge/desk.py)."""


def look(lab: Lab, sections: list[str]) -> dict[str, Any]:
    """{section: its value}, and under "unobserved" the parts that the edge could not ask. Raises LabError, WireError, or
    msgspec.ValidationError where the edge tells what no edge tells."""
    with lab.wire("edge", PATIENCE) as wire:
        told = wire.get(f"/observation?sections={','.join(sections)}")
    machines = {part.address: part.machine for part in lab.parts.values() if part.address}
    for event in told.get("log", {}).get("events", ()):
        event["machine"] = machines.get(event.pop("client"), "")
    found = {name: msgspec.convert(told[name], SECTIONS[name]) for name in sections}
    return {**found, "unobserved": told.get("unobserved", {})}
