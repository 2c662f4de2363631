"""Checks this machine: what the lab needs, what is there, and how to fix what is missing."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.errors import LabError
from labkit.lab.engine import capabilities, images, own
from labkit.lab.engine import engines as engine
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import WireError
from labkit.paths import Home
from labkit.text import visible

MEMORY = 1024**3
"""Bytes that a lab with three nodes takes with some to spare (measured: docs/performance.md)."""


@dataclass(frozen=True)
class Finding:
    """`state`: ok; warning, if the lab works without it; or broken."""

    name: str
    state: str
    found: str
    fix: str = ""

    def line(self) -> str:
        symbol = {"ok": "✓", "warning": "!", "broken": "✗"}[self.state]
        fix = f"\n    → {visible(self.fix)}" if self.fix else ""
        return f"{symbol} {visible(f'{self.name:<12} {self.found}')}{fix}"


def examine(home: Home | None = None) -> list[Finding]:
    """Every finding, the engine first. Without an engine, what needs one is left out."""
    home = home or paths.home()
    if home.guest:
        return [Finding("engine", "ok", "it is the lab owner's; you are a guest"), _command()]
    found: Engine | None = None
    try:
        found = engine.find(home)
        first = _engine(found)
    except LabError as error:
        first = _no_engine(home, error)
    looks: list[Callable[[Engine], Finding]] = [_capabilities, _memory, _disk, _image]
    findings = [first, _command(), _ipvs(), _overlay()]
    if found:
        findings += [look(found) for look in looks]
    return findings


def as_json(findings: list[Finding]) -> list[dict[str, Any]]:
    return [asdict(one) for one in findings]


def _engine(found: Engine) -> Finding:
    with found.wire() as wire:
        version = wire.get("/version")
    own = ", started by the lab" if found.own else ""
    return Finding("engine", "ok", f"Docker Engine {version['Version']} at {found.url}{own}")


def _no_engine(home: Home, error: LabError) -> Finding:
    chosen = engine.chosen(home)
    if own.can_start() and not (chosen and chosen[0] != engine.own_url(home)):
        return Finding("engine", "warning", "none is running", "labkit up starts one for the lab")
    return Finding("engine", "broken", error.what, error.fix)


def _command() -> Finding:
    docker = shutil.which("docker")
    if docker is None:
        return Finding(
            "docker", "broken", "the docker command is missing", "apt-get install docker.io   (or docker-cli)"
        )
    version = subprocess.run([docker, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Finding("docker", "ok", f"{version or 'a docker command'} at {docker}")


def _ipvs() -> Finding:
    if sys.platform != "linux":
        return Finding("ipvs", "ok", "part of Docker Desktop's kernel")
    here = Path("/proc/net/ip_vs").exists() or Path("/sys/module/ip_vs").exists()
    loadable = (
        subprocess.run(["modprobe", "-n", "ip_vs"], capture_output=True, check=False).returncode == 0
        if _has("modprobe")
        else False
    )
    if here or loadable:
        return Finding("ipvs", "ok", "the kernel has IPVS: the Swarm's routing mesh works")
    return Finding(
        "ipvs",
        "warning",
        "the kernel lacks IPVS, so the Swarm has no routing mesh; no exercise needs it",
        "to publish ports of your own services, use mode=host",
    )


def _has(command: str) -> bool:
    return shutil.which(command) is not None


def _overlay() -> Finding:
    if sys.platform != "linux":
        return Finding("overlay", "ok", "part of Docker Desktop's kernel")
    known = "\toverlay\n" in Path("/proc/filesystems").read_text()
    if known or (
        _has("modprobe") and subprocess.run(["modprobe", "overlay"], capture_output=True, check=False).returncode == 0
    ):
        return Finding("overlay", "ok", "the kernel has overlay file systems")
    return Finding("overlay", "broken", "the kernel has no overlay file system", "modprobe overlay")


def _capabilities(found: Engine) -> Finding:
    lacking = capabilities.of_engine(found)
    essential = [name for name in lacking if name in capabilities.ESSENTIAL]
    if essential:
        text = f"this host withholds {', '.join(essential)}, so no Docker Engine can run inside a container"
        return Finding("capabilities", "broken", text, "run the lab in a virtual machine")
    if lacking:
        text = f"this host withholds {', '.join(lacking)}, so the nodes run without --privileged"
        return Finding("capabilities", "ok", f"{text} (under Docker Compose, set LABKIT_PRIVILEGED=false)")
    return Finding("capabilities", "ok", "all available: the nodes run with --privileged")


def _memory(found: Engine) -> Finding:
    with found.wire() as wire:
        total = wire.get("/info")["MemTotal"]
    text = f"{total / 1024**3:.1f} GB for the engine"
    if total < MEMORY:
        return Finding(
            "memory", "broken", text + f"; the lab needs {MEMORY / 1024**3:.0f} GB", "give Docker more memory"
        )
    return Finding("memory", "ok", text)


def _disk(found: Engine) -> Finding:
    free = images.free_bytes(found)
    if free is None:
        return Finding("disk", "ok", "the engine's disk is in its virtual machine")
    text = f"{free / 1024**3:.1f} GB free for the engine"
    if free < images.ROOM:
        fix = "docker system df   (shows what Docker uses)"
        return Finding("disk", "broken", f"{text}; the lab needs {images.ROOM / 1024**3:.0f} GB", fix)
    return Finding("disk", "ok", text)


def _image(found: Engine) -> Finding:
    try:
        there = images.exists(found)
    except WireError as error:
        return Finding("image", "broken", f"the engine does not say: {error}", "restart Docker")
    if there:
        return Finding("image", "ok", f"{images.name()} is there")
    return Finding(
        "image",
        "warning",
        f"{images.name()} is not there yet",
        "labkit up builds it; without internet: labkit image load FILE",
    )
