"""Processes that outlive the command that starts them: the lab's own engine, the keeper, JupyterLab."""

import contextlib
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


def detach(command: list[str], log: Path | None = None, env: dict[str, str] | None = None) -> int:
    """Starts `command` in a session of its own and returns its process id. What it prints goes to the end of `log`.

    Through a shell that ends at once, so that the system takes the process over and no zombie stays behind.
    """
    output = str(log or "/dev/null")
    started = subprocess.run(
        ["sh", "-c", 'out=$1; shift; "$@" </dev/null >>"$out" 2>&1 & echo $!', "sh", output, *command],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        start_new_session=True,
    )
    return int(started.stdout)


def number(content: bytes) -> int:
    """The process id that a file holds. Raises ValueError where it holds none."""
    pid = int(content)
    if not 0 <= pid < 2**31:
        raise ValueError(pid)
    return pid


def command(pid: int) -> list[str]:
    """What a process was started with; [] where there is none."""
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


def beside(name: str) -> bool:
    """Whether a program of this name runs in this process's network, not in that of a container."""
    import psutil

    def network(pid: int | str) -> str:
        with contextlib.suppress(OSError):
            return str(Path(f"/proc/{pid}/ns/net").readlink())
        return ""

    here = network("self")
    return any(one.info["name"] == name and network(one.pid) == here for one in psutil.process_iter(["name"]))


def end(pid: int, patience: float = 20.0) -> None:
    """Ends a process and its children, kindly and then not, and waits until they are gone."""
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
    """Waits for them and returns those that have not ended. A zombie has: when its parent looks after it is not ours to say
    (psutil.wait_procs waits for that, here up to a second and more)."""
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
