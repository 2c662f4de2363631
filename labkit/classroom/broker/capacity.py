"""Measures what one learner takes on this machine: a lab and a JupyterLab at rest, made for this and removed again."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from labkit.classroom.broker.planning import NETWORKS, Cost, Room
from labkit.errors import LabError
from labkit.lab.engine import images
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import network, provision, sweep
from labkit.lab.plan import Plan
from labkit.lab.share import Share
from labkit.paths import Home
from labkit.work import files

if TYPE_CHECKING:
    import psutil

SETTLES, SPAN = 5.0, 10.0
"""Seconds that a lab gets to come to rest, and for which it is watched then."""

AT_ONCE = 64
"""Containers that the engine is asked about at the same time."""
PATIENCE = 60.0
DISK = 1024**3
"""Bytes of disk for a learner's images: an assumption, as nothing limits them (docs/security.md)."""


def room(engine: Engine) -> Room:
    """What is left for labs, beside what runs now. Memory that only caches files counts as left."""
    import psutil

    with engine.wire() as wire:
        told = wire.get("/info")
    memory = psutil.virtual_memory()
    here = abs(memory.total - told["MemTotal"]) < memory.total // 20  # an engine in a virtual machine has its own
    return Room(
        memory=memory.available if here else told["MemTotal"],
        total=told["MemTotal"],
        cores=told["NCPU"],
        networks=min(NETWORKS, sum(1 for _ in network.free())),
        ports=_ports(),
        disk=images.free_bytes(engine),
    )


def _ports() -> int:
    try:
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    except OSError:
        return Room.ports
    return int(last) - int(first) + 1


@dataclass(frozen=True)
class Measured:
    cost: Cost
    machines: dict[str, int]
    """{machine: bytes of memory}"""
    engine: int
    """Bytes of memory of the processes that the engine runs for the lab's containers; 0 where they cannot be seen."""


def measure(engine: Engine, workers: int, say: Say, jupyter: bool = True, share: Share | None = None) -> Measured:
    """Starts a lab and a JupyterLab with a kernel, and removes both again. Raises LabError."""
    with tempfile.TemporaryDirectory(prefix="labkit-capacity-", ignore_cleanup_errors=True) as place:
        root = Path(place)
        name = f"capacity-{secrets.token_hex(4)}"
        home = Home(name, root / "state", root / "work", root / "cache", engine=engine.url)
        try:
            with provision.lock(home, say):
                images.ensure(engine, say)
                began = time.monotonic()
                plan = Plan(name, home.work, workers, round(time.time() + 3600), share=share)
                lab = provision.up(engine, home, plan, say)
                took = time.monotonic() - began
            files.prepare(home.work, lab.person)
            with contextlib.ExitStack() as running:
                server = running.enter_context(_jupyter(home, say)) if jupyter else None
                say(f"watching it at rest for {SETTLES + SPAN:.0f} s")
                time.sleep(SETTLES)
                return _watched(engine, lab, _family(server), took)
        finally:
            with provision.lock(home, say):
                sweep.everything(engine, home, say)


def _watched(engine: Engine, lab: Lab, processes: "list[psutil.Process]", took: float) -> Measured:
    began, before = time.monotonic(), _processor(engine, lab, processes)
    time.sleep(SPAN)
    ended, after = time.monotonic(), _processor(engine, lab, processes)
    used, span = after - before, ended - began
    told = stats(engine, [part.id for part in lab.parts.values()])
    machines = {part.machine: memory(one) for part, one in zip(lab.parts.values(), told, strict=True)}
    shims = _shims([part.id for part in lab.parts.values()])
    cost = Cost(
        lab=sum(machines.values()) + shims,
        jupyter=sum(map(_own, processes)),
        cores=round(used / span, 4),
        ports=len(machines) + 1 + len(processes) * 5,
        disk=DISK,
        start=round(took, 2),
    )
    return Measured(cost, machines, shims)


def stats(engine: Engine, containers: Sequence[str]) -> list[dict[str, Any]]:
    """What the engine says of each container, by id. All are asked at once: it answers when its next second begins."""

    def one(container: str) -> dict[str, Any]:
        with engine.wire(30) as wire:
            told: dict[str, Any] = wire.get(f"/containers/{container}/stats?stream=false&one-shot=1")
        return told

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, containers))


def processor(told: Sequence[dict[str, Any]]) -> float:
    """Seconds of a core that these containers have used since they started."""
    return float(sum(one["cpu_stats"]["cpu_usage"]["total_usage"] for one in told) / 1e9)


def memory(stats: dict[str, Any]) -> int:
    """Bytes that a container cannot give back, as `docker stats` counts them: without files that nobody used lately."""
    told = stats["memory_stats"]
    held = told.get("stats", {})
    return int(told.get("usage", 0) - held.get("total_inactive_file", held.get("inactive_file", 0)))


def _processor(engine: Engine, lab: Lab, processes: "list[psutil.Process]") -> float:
    """Seconds of a core that all of it has used so far."""
    labs = processor(stats(engine, [part.id for part in lab.parts.values()]))
    return labs + sum(sum(one.cpu_times()[:2]) for one in processes if one.is_running())


def _family(server: "psutil.Process | None") -> "list[psutil.Process]":
    """A server with its kernels."""
    return [server, *server.children(recursive=True)] if server else []


def _own(process: "psutil.Process") -> int:
    """Bytes of a process, with its part of what it shares."""
    import psutil

    try:
        told = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(told, "pss", 0) or told.uss)


def _shims(containers: list[str]) -> int:
    import psutil

    found = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if command and "containerd-shim" in command[0] and set(command) & set(containers):
                found += _own(process)
    return found


@contextlib.contextmanager
def _jupyter(home: Home, say: Say) -> "Iterator[psutil.Process]":
    """A JupyterLab in that lab, with a kernel. Raises LabError."""
    import psutil

    places = {
        "LABKIT_LAB": home.name,
        "LABKIT_STATE": str(home.state),
        "LABKIT_WORK": str(home.work),
        "LABKIT_CACHE": str(home.cache),
        "LABKIT_ENGINE": home.engine,
    }
    environment = {**{key: value for key, value in os.environ.items() if not key.startswith("LABKIT_")}, **places}
    command = [sys.executable, "-m", "labkit", "jupyter"]
    say("starting JupyterLab")
    try:
        begun = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        if begun.returncode:
            raise LabError(
                f"JupyterLab did not start: {begun.stderr.strip()}", "labkit classroom capacity --no-jupyter"
            )
        told = json.loads(next((home.state / "jupyter").glob("jpserver-*.json")).read_text())
        _kernel(told["url"], told["token"])
        yield psutil.Process(told["pid"])
    finally:
        subprocess.run([*command, "--stop"], env=environment, capture_output=True, check=False, timeout=60)
        shutil.rmtree(home.work, ignore_errors=True)


def _kernel(url: str, token: str) -> None:
    """Starts a kernel; it comes to rest within SETTLES. Raises LabError."""
    head = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    asked = Request(f"{url}api/kernels", json.dumps({"name": "python3"}).encode(), head)  # noqa: S310  (its own address)
    with urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
        if answer.status != 201:
            raise LabError(f"JupyterLab started no kernel: {answer.status}.", "labkit classroom capacity --no-jupyter")
