"""Plays a script in the lab as a learner would type it."""

import os
import signal
import subprocess
from pathlib import Path

from labkit.errors import LabError
from labkit.lab import environment
from labkit.lab.lab import Lab


def play(
    lab: Lab, file: Path, folder: Path, patience: float = 120, extra: dict[str, str] | None = None
) -> tuple[int, str]:
    """Runs a script with bash in `folder`, in the lab's environment. Returns its exit status and what it printed.

    In a personal lab with the learner's own names; with `extra` variables beside the lab's. Raises LabError where it does
    not end.
    """
    process = subprocess.Popen(
        ["bash", "-c", lab.person.personal(file.read_text())],
        cwd=folder,
        env={**environment.process(lab), **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise LabError(f"{file.name} did not end within {patience:.0f} s.", f"look into {file}") from error
    return process.returncode, output
