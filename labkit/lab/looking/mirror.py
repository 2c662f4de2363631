"""Observes the lab's registry mirror: what it says of itself, and which machines use it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.seen.mirror import MACHINE, Mirror
from labkit.seen.registries import Holdings, Registries


def look(lab: Lab) -> Mirror:
    """A lab without one is told as such. Raises LabError, WireError, or msgspec.ValidationError for an answer of no mirror."""
    if lab.state(MACHINE) != "running":
        return Mirror()
    nodes = [part.machine for part in lab.nodes if part.state == "running"]
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        used = pool.map(lambda machine: _used(lab, machine), nodes)
        try:
            with lab.wire(MACHINE, PATIENCE) as wire:
                told = wire.get("/")
        except WireError as error:
            if isinstance(error.cause, ConnectionRefusedError):
                return Mirror()  # it has ended since the lab was found
            raise
        users = dict(zip(nodes, used, strict=True))
    return _mirror(told, lab, users)


def _mirror(told: dict[str, Any], lab: Lab, users: dict[str, list[str]]) -> Mirror:
    machines = {part.address: part.machine for part in lab.parts.values() if part.address}
    served = [{**request, "machine": machines.get(request["client"], "")} for request in told["served"]]
    port = told["port"]
    value = {
        "there": True,
        "running": bool(port),
        "upstream": told["upstream"],
        "names": [f"{name}:{port}" for name in (MACHINE, lab.parts[MACHINE].address)] if port else [],
        "repositories": told["repositories"],
        "users": users,
        "served": [{key: given for key, given in request.items() if key != "client"} for request in served],
    }
    return msgspec.convert(value, Mirror)


def _used(lab: Lab, machine: str) -> list[str]:
    with lab.wire(machine, PATIENCE) as wire:
        return list(wire.get("/info")["RegistryConfig"]["Mirrors"] or [])


def beside(registries: Registries, mirror: Mirror) -> Registries:
    """The registries, with the mirror as one more where it runs."""
    if not mirror.running:
        return registries
    name = mirror.names[0]
    held = Holdings(title=name, host=name, hosts=(MACHINE,), repositories=mirror.repositories)
    return msgspec.structs.replace(registries, known={**registries.known, name: held})
