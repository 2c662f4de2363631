"""The base of the lab image: pulled if Docker Hub answers, otherwise built from Debian's packages."""

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from labkit.errors import LabError
from labkit.lab.engine import packages, sdk
from labkit.lab.engine.engines import Engine, Say

BASE = "debian:trixie-slim"
MADE_BASE = "registry-lab-base:trixie"
PULL_PATIENCE = 20.0
"""Seconds within which a registry must answer a pull."""


def ensure(engine: Engine, say: Say) -> str:
    """The name of a base image that the engine has now. Raises LabError if there is none to be had."""
    if sdk.has_image(engine, BASE):
        return BASE
    say(f"pulling {BASE}")
    if pull(engine, BASE):
        return BASE
    if sdk.has_image(engine, MADE_BASE):
        return MADE_BASE
    say("Docker Hub does not answer")
    make(engine, MADE_BASE, say)
    return MADE_BASE


def make(engine: Engine, image: str, say: Say) -> None:
    """Builds a minimal Debian from its packages and imports it into the engine under that name. Raises LabError."""
    say("building the base image from Debian's packages")
    repository, _, tag = image.partition(":")
    with tempfile.TemporaryDirectory(prefix="labkit-base-") as folder, sdk.client(engine) as docker:
        archive = _archive(Path(folder))
        say("importing the base image")
        answer = docker.api.import_image_from_data(archive.read_bytes(), repository=repository, tag=tag)
    if "error" in answer.lower():
        raise LabError(f"The base image could not be imported: {answer.strip()}", "labkit doctor")


def pull(engine: Engine, image: str, patience: float = PULL_PATIENCE) -> bool:
    """Whether the image could be pulled. A registry that says nothing for `patience` seconds counts as a refusal.

    Runs in its own thread: the engine retries a silent registry for minutes, and no option shortens that.
    """
    import docker

    repository, _, tag = image.rpartition(":")
    state: dict[str, bool] = {}
    progress = threading.Event()

    def work() -> None:
        try:
            with sdk.client(engine) as api:
                for line in api.api.pull(repository, tag, stream=True, decode=True):
                    if "error" in line:
                        return
                    if line.get("id"):
                        progress.set()
            state["done"] = True
        except docker.errors.DockerException:
            return
        finally:
            progress.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    if not progress.wait(patience):
        return False
    thread.join(600)
    return state.get("done", False)


def _archive(folder: Path) -> Path:
    """A minimal Debian trixie as a tar file, made by mmdebstrap. Raises LabError."""
    if not shutil.which("mmdebstrap"):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise LabError(
                f"The lab image needs {BASE}, which could not be pulled, and mmdebstrap, which builds it, is missing.",
                "on a machine that has the image: labkit image save lab.tar; then here: labkit image load lab.tar",
            )
        packages.install("mmdebstrap")
    archive = folder / "base.tar"
    command = [
        *("mmdebstrap", "--variant=apt", "--format=tar"),
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *("--dpkgopt=path-exclude=/usr/share/locale/*", "trixie", str(archive)),
    ]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        raise LabError(f"mmdebstrap could not build the base image: {lines[-1] if lines else ''}", "labkit doctor")
    return archive
