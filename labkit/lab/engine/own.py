"""The lab's own engine, for a machine that has none: with its own socket, data folder and pid file."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from labkit.errors import LabError
from labkit.lab.engine import packages, processes
from labkit.lab.engine.engines import Engine, Say, own_url, ping
from labkit.paths import Home

WITHOUT_FILTER = ("--iptables=false", "--ip6tables=false")


def can_start() -> bool:
    """Whether there can be one: on Linux, as root, with an engine that is installed or can be installed."""
    has_engine = bool(shutil.which("dockerd") or shutil.which("apt-get"))
    return sys.platform == "linux" and os.geteuid() == 0 and has_engine


def start(home: Home, say: Say) -> Engine:
    """Starts an engine with its own socket, data folder and pid file. Raises LabError."""
    _prepare(home, say)
    with _alone(home.engine_data):
        return _answering(home) or _start(home)  # another lab may have been quicker


@contextlib.contextmanager
def revived(home: Home, say: Say) -> Iterator[Engine]:
    """Starts an engine on the data of a killed one, while its containers are being removed. Raises LabError.

    Another engine may be running by now. Then this one leaves the packet filter alone, because a starting engine clears
    everybody's chains (moby, drivers/bridge/bridge.go: removeIPChains). An engine that another lab has started in the meantime
    belongs to that lab and keeps running.
    """
    _prepare(home, say)
    with _alone(home.engine_data):
        found = _answering(home)
        engine = found or _start(home, WITHOUT_FILTER if processes.beside("dockerd") else ())
    try:
        yield engine
    finally:
        if not found:
            stop(home)


def _prepare(home: Home, say: Say) -> None:
    if not (shutil.which("dockerd") and shutil.which("docker")):
        say("installing the Docker Engine (docker.io) from the distribution's packages")
        packages.install("docker.io", *(["docker-cli"] if packages.known("docker-cli") else []))
    say("starting a Docker Engine for the lab")
    for folder in (home.engine_run, home.engine_data):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)


def _answering(home: Home) -> Engine | None:
    url = own_url(home)
    if (home.engine_run / "docker.sock").exists():
        with contextlib.suppress(LabError):
            ping(url)
            return Engine(url, own=True)
    return None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process at a time; the system releases it when the process dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _start(home: Home, options: Sequence[str] = ()) -> Engine:
    run, data, url = home.engine_run, home.engine_data, own_url(home)
    (run / "docker.pid").unlink(missing_ok=True)
    _end_containerd(run / "exec" / "containerd" / "containerd.pid")
    pid = processes.detach(
        [
            *("dockerd", "--host", url, "--data-root", str(data), "--exec-root", str(run / "exec")),
            *("--pidfile", str(run / "docker.pid"), "--bridge", "none", "--log-level", "warn", *options),
        ],
        log=run / "dockerd.log",
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and processes.alive(pid):
        with contextlib.suppress(LabError):
            ping(url)
            return Engine(url, own=True)
        time.sleep(0.05)
    processes.end(pid)
    raise LabError(
        f"The lab's own Docker Engine did not start: {processes.last_words(run / 'dockerd.log')}",
        f"read {run}/dockerd.log, or install Docker yourself and start it: systemctl start docker",
    )


def _end_containerd(file: Path) -> None:
    """Ends the containerd of a killed engine. It would die by itself, but an engine that starts meanwhile believes that it is
    alive and waits for it in vain (moby, libcontainerd/supervisor)."""
    import psutil

    with contextlib.suppress(OSError, ValueError, psutil.Error):
        pid = int(file.read_text())
        if psutil.Process(pid).name() == "containerd":
            processes.end(pid)
    file.unlink(missing_ok=True)


def process(home: Home) -> int | None:
    """The process ID of the lab's own engine, if it is really running."""
    import psutil

    try:
        pid = int((home.engine_run / "docker.pid").read_text())
        return pid if "dockerd" in psutil.Process(pid).name() else None
    except (OSError, ValueError, psutil.Error):
        return None


def stop(home: Home) -> None:
    """Stops the lab's own engine and waits until it is gone. Its data folder with the lab image stays."""
    if pid := process(home):
        processes.end(pid, patience=30)
    _unmount_below(home.engine_run)
    _unmount_below(home.engine_data)
    shutil.rmtree(home.engine_run, ignore_errors=True)


def _unmount_below(folder: Path) -> None:
    """Removes mounts that an engine leaves behind: its network namespace when it stops, and its data folder, mounted on itself,
    when it is killed. A disk that somebody mounted there stays."""
    with contextlib.suppress(OSError):
        rows = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for root, place in reversed([(row[3], row[4]) for row in rows]):
            if folder in Path(place).parents or (Path(place) == folder and root != "/"):
                subprocess.run(["umount", "-l", place], capture_output=True, check=False)


def purge(home: Home) -> None:
    """Removes the data folder of the lab's own engine, and with it the lab image."""
    _unmount_below(home.engine_data)
    shutil.rmtree(home.engine_data, ignore_errors=True)
    with contextlib.suppress(OSError):
        home.engine_data.parent.rmdir()


def was_left(home: Home) -> bool:
    """Whether it was killed with containers in its data folder: only an engine can remove what another one left."""
    containers = home.engine_data / "containers"
    return can_start() and containers.is_dir() and any(containers.iterdir())
