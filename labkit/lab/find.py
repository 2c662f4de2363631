"""Finds a lab by the labels on its containers. There is no other record of what runs."""

import io
import json
import os
import tarfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit import paths
from labkit.content import personal
from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab import plan as topology
from labkit.lab.engine.engines import Engine, running
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.seen.person import Person


@dataclass(frozen=True)
class Part:
    """One container of a lab as its engine tells it. `state` is Docker's word: running, exited, …"""

    id: str
    machine: str
    role: str
    state: str
    address: str
    port: int | None
    image: str


@dataclass(frozen=True)
class Lab:
    """A lab that was found: whole, broken or half made."""

    engine: Engine
    name: str
    parts: dict[str, Part] = field(default_factory=dict)
    work: Path = Path()
    deadline: float = 0.0
    version: str = ""
    person: Person = field(default_factory=Person)
    workshop: str = ""

    @property
    def nodes(self) -> list[Part]:
        return sorted((part for part in self.parts.values() if part.role == "node"), key=lambda part: part.address)

    @property
    def workers(self) -> int:
        return max(0, len(self.nodes) - 1)

    @property
    def missing(self) -> list[str]:
        """Machines that a lab has and this one lacks, or that do not run."""
        expected = [machine.name for machine in topology.machines(max(self.workers, 1))]
        return [name for name in expected if name not in self.parts or self.parts[name].state != "running"]

    @property
    def expired(self) -> bool:
        return 0 < self.deadline < datetime.now(UTC).timestamp()

    def wire(self, machine: str, timeout: float | None = 10) -> Wire:
        """A connection to that node's engine, or to the edge's desk. Raises LabError where it does not run."""
        part = self.parts.get(machine)
        if part is None or part.state != "running":
            state = part.state if part else "missing"
            raise LabError(
                f"The lab's machine {machine} is not running (it is {state}).", "labkit up   (it repairs the lab)"
            )
        keys = paths.state() / "pki" / "client"
        try:
            tls = tls_context(keys)
        except OSError as error:
            raise LabError(f"The keys of the lab are missing: {keys}.", "labkit down && labkit up") from error
        return Wire(self.url(machine), tls, timeout)

    def url(self, machine: str) -> str:
        part = self.parts[machine]
        return address(machine, part.port, part.role)


def address(machine: str, port: int | None, role: str) -> str:
    """Where this side reaches a machine: its loopback port, or its name where labkit runs inside the lab's network."""
    if inside():
        return f"tcp://{machine}:{topology.ENGINE_PORT if role == 'node' else topology.DESK_PORT}"
    return f"tcp://127.0.0.1:{port}"


def inside() -> bool:
    """Whether this process runs in a container on the lab's network (docker-compose.lab.yml)."""
    return os.environ.get("LABKIT_INSIDE") == "1"


def parts(engine: Engine, name: str) -> list[dict[str, Any]]:
    """The containers of that lab, as the Engine API lists them."""
    filters = quote(json.dumps({"label": [f"{topology.LABEL}={name}"]}))
    with engine.wire() as wire:
        found: list[dict[str, Any]] = wire.get(f"/containers/json?all=1&filters={filters}")
    return found


def on(engine: Engine, name: str | None = None) -> Lab | None:
    """The lab of that name on this engine, if any part of it is there."""
    name = name or paths.LAB
    found = parts(engine, name)
    if not found:
        return None
    labels = {key: value for one in found for key, value in one["Labels"].items()}
    return Lab(
        engine=engine,
        name=name,
        parts={part.machine: part for part in map(_part, found) if part.machine},
        work=paths.work() if inside() else Path(labels.get(topology.WORK) or paths.work()),
        deadline=float(labels.get(topology.DEADLINE) or 0),
        version=labels.get(topology.VERSION, ""),
        person=personal.person(labels.get(topology.LEARNER, ""), labels.get(topology.WORKSHOP, "")),
        workshop=labels.get(topology.WORKSHOP, ""),
    )


def _part(container: dict[str, Any]) -> Part:
    labels = container["Labels"]
    ports = [port["PublicPort"] for port in container.get("Ports", []) if port.get("IP") == "127.0.0.1"]
    networks = container["NetworkSettings"]["Networks"].values()
    return Part(
        id=container["Id"],
        machine=labels.get(topology.MACHINE, ""),
        role=labels.get(topology.ROLE, ""),
        state=container["State"],
        address=next((network["IPAddress"] for network in networks if network["IPAddress"]), ""),
        port=ports[0] if ports else None,
        image=container["Image"],
    )


def any_engine() -> Lab | None:
    """The lab on whichever engine carries it."""
    for engine in running():
        if lab := on(engine):
            _adopt(lab)
            return lab
    return None


def _adopt(lab: Lab) -> None:
    """Takes over the keys of a lab that Docker Compose started: its JupyterLab's container holds them."""
    target = paths.state() / "pki" / "client"
    jupyter = lab.parts.get(topology.JUPYTER)
    if jupyter is None or target.exists():
        return
    with lab.engine.wire() as wire:
        try:
            content = wire.request("GET", f"/containers/{jupyter.id}/archive?path={topology.INSIDE_STATE}/pki/client/.")
        except WireError:
            return  # it is still starting
    target.mkdir(parents=True, mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(target, filter="data")
    contexts.write({part.machine: lab.url(part.machine) for part in lab.nodes})


def current() -> Lab:
    """The running lab. Raises LabError where there is none, or where its time is over."""
    lab = any_engine()
    if lab is None:
        raise LabError("The lab is not running.", "labkit up")
    if lab.expired:
        ended = datetime.fromtimestamp(lab.deadline).astimezone()
        raise LabError(f"The lab's time ended at {ended:%H:%M on %d %B}.", "labkit down && labkit up")
    return lab
