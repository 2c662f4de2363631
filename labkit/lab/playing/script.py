"""Plays a script in the lab as a learner would type it."""

import os
import signal
import subprocess
from pathlib import Path

from labkit.errors import LabError
from labkit.lab import environment
from labkit.lab.lab import Lab


def play(
    lab: Lab, file: Path, folder: Path, patience: float = 240, extra: dict[str, str] | None = None
) -> tuple[int, str]:
    """Runs a script with bash in `folder`, in the lab's environment. Returns its exit status and its output.

    In a personal lab it uses the learner's own names. `extra` adds variables to the lab's. Raises LabError if the script does
    not finish.
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
        raise LabError(f"{file.name} did not finish within {patience:.0f} s.", f"read {file}") from error
    return process.returncode, output
