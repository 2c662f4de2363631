"""Processor seconds of a call, from the three places that pay for it: this process's children, the engine that carries the lab,
and the lab's own containers. What else runs on the machine is not in them, but for what its engines do for others."""

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from labkit.classroom.broker import capacity

ENGINE = ("dockerd", "containerd", "containerd-shim", "docker-proxy")
"""Beginnings of the names of an engine's processes. Those that it starts and ends (runc, iptables) count as their children."""


@dataclass(frozen=True)
class Spent:
    """Processor seconds. `engine` is 0 where the engine cannot be seen from here (it runs in a virtual machine)."""

    command: float
    engine: float
    containers: float

    @property
    def all(self) -> float:
        return self.command + self.engine + self.containers


def spent(call: Callable[[], None], containers: Callable[[], float]) -> Spent:
    """What the call cost. `containers` tells what the lab's containers have used since they started: new ones, all of it."""
    command, engine, before = _children(), _engine(), containers()
    call()
    return Spent(_children() - command, _engine() - engine, containers() - before)


def of_containers(engine, identifiers) -> float:
    """Processor seconds of these containers, as `docker stats` counts them."""
    return capacity.processor(capacity.stats(engine, identifiers))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _engine() -> float:
    """Of every engine on this machine, with the children that each process has seen end. An engine inside a container is in
    another process namespace, and counted with its container."""
    here, total = Path("/proc/self/ns/pid").stat().st_ino, 0.0
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"].startswith(ENGINE) and Path(f"/proc/{process.pid}/ns/pid").stat().st_ino == here:
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        except (OSError, psutil.Error):
            continue
    return total
