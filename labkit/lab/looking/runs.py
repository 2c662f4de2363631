"""Observes the runs of workflows on the machine `ci`, and the last trial: what its program tells (lab/ci/run_commit.py)."""

import msgspec

from labkit.lab.engine import execute
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.lab.looking.cleaned import bounded
from labkit.lab.plan import CI
from labkit.seen.runs import Runs

PROGRAM = ["python3", "-I", "/lab/ci/run_commit.py"]

LONGEST = 2 * 1024 * 1024
"""Bytes that the machine may tell."""

LONGEST_TEXT = 16 * 1024
"""Letters of each text: the longest is a run's log."""


def look(lab: Lab) -> Runs:
    """Empty where the lab has no such machine. Raises LabError, WireError, or what comes of an answer of another form."""
    if CI not in lab.plan.extras:
        return Runs()
    told = execute.told(lab.engine, lab.running(CI).id, [*PROGRAM, "told"], LONGEST, PATIENCE)
    return msgspec.convert({**bounded(told, LONGEST_TEXT, 200), "there": True}, Runs)
