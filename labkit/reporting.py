"""A folder that has joined a classroom reports there by itself, whenever a result has changed."""

import os
import subprocess
import sys
from pathlib import Path

from labkit.lab.engine import processes
from labkit.work import keeping

JOINED = f"{keeping.FOLDER}/classroom/joined.json"
"""In the learner's folder, once it has joined (labkit/classroom/queue.py)."""

REPORT = ("classroom", "report", "--until-sent")


def changed(work: Path) -> bool:
    """Lets `labkit classroom report` look and send, in a process of its own: nobody waits for it. Returns whether it was
    started."""
    if not (work / JOINED).is_file():
        return False
    try:
        processes.detach([sys.executable, "-m", "labkit", *REPORT], env={**os.environ, "LABKIT_WORK": str(work)})
    except (
        OSError,
        subprocess.CalledProcessError,
    ):  # no process more on this machine: the next change reports this one too
        return False
    return True
