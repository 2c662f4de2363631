"""Processes that outlive the command that starts them: the lab's own engine, the keeper, JupyterLab."""

import contextlib
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


def detach(
    command: list[str], log: Path | None = None, env: dict[str, str] | None = None, folder: Path | None = None
) -> int:
    """Starts `command` in its own session, in this folder, and returns its process ID. Its output is appended to `log`.

    Uses a shell that ends at once, so that the system adopts the process and no zombie stays.
    """
    output = str(log or "/dev/null")
    started = subprocess.run(
        ["sh", "-c", 'out=$1; shift; "$@" </dev/null >>"$out" 2>&1 & echo $!', "sh", output, *command],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        start_new_session=True,
    )
    return int(started.stdout)


def number(content: bytes) -> int:
    """The process ID in a file. Raises ValueError if there is none."""
    pid = int(content)
    if not 0 <= pid < 2**31:
        raise ValueError(pid)
    return pid


def command(pid: int) -> list[str]:
    """The command line of a process; [] if there is no such process."""
    import psutil

    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.Error:
        return []


def alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def same(pid: int, born: float) -> bool:
    """Whether the process that was started at this moment (psutil: create_time) still runs: its number may be another's."""
    import psutil

    try:
        return abs(psutil.Process(pid).create_time() - born) < 0.01 and alive(pid)
    except psutil.Error:
        return False


def beside(name: str) -> bool:
    """Whether a program with this name runs in this process's network, and not in a container's."""
    import psutil

    def network(pid: int | str) -> str:
        with contextlib.suppress(OSError):
            return str(Path(f"/proc/{pid}/ns/net").readlink())
        return ""

    here = network("self")
    return any(one.info["name"] == name and network(one.pid) == here for one in psutil.process_iter(["name"]))


def end(pid: int, patience: float = 20.0) -> None:
    """Ends a process and its children, politely first, and waits until they are gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    left = _until_ended(family, patience)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _until_ended(left, 5)


def _until_ended(family: "list[psutil.Process]", patience: float) -> "list[psutil.Process]":
    """Waits for them and returns those that still run. A zombie counts as ended: its parent decides when to collect it
    (psutil.wait_procs waits for that, here for a second or more)."""
    deadline = time.monotonic() + patience
    while (left := [process for process in family if alive(process.pid)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def last_words(log: Path) -> str:
    """The last line of a log."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "it printed nothing"
