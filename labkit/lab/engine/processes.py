"""Processes that outlive the command that starts them: the lab's own engine, the keeper, JupyterLab."""

import subprocess
from pathlib import Path


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


def alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(pid: int, patience: float = 20.0) -> None:
    """Ends a process and its children, kindly and then not, and waits until they are gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    _gone, left = psutil.wait_procs(family, timeout=patience)
    for one in left:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=5)


def last_words(log: Path) -> str:
    """The last line of a log."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "it printed nothing"
