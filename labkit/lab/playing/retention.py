"""Tries a learner's retention script: has the machine `depot` run it on throw-away registries (lab/image/depot/trial.py).

What was there afterwards is kept on that machine and told in the section `depot`; the exercise's checks judge it
(docs/decisions/0032-a-retention-script-is-tried.md). A guest may do so too: it is a command on a machine like any other.
"""

import json
from collections.abc import Collection

from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.lab.access import STDOUT
from labkit.lab.engine.engines import Say
from labkit.lab.lab import Lab
from labkit.lab.plan import DEPOT
from labkit.seen.depot import NAMES

PROGRAM = ("python3", "-I", "/lab/depot/trial.py", "run")
AGAIN = "labkit check 09-cleanup   (again)"


def play(lab: Lab, exercise: Exercise, say: Say, only: Collection[str] = ()) -> bool:
    """Plays a trial on all registries, or `only` on these. Returns whether there was a machine for it. Raises LabError."""
    if lab.state(DEPOT) != "running":
        return False
    chosen = [name for name in NAMES if name in only]
    say(f"trying your script on {len(chosen) or len(NAMES)} registries with 60 images each")
    session = lab.access.session(lab, DEPOT, [*PROGRAM, *chosen])
    try:
        session.end_input()
        printed = {STDOUT: b""}
        while (piece := session.read())[1]:
            stream, data = piece
            printed[stream] = printed.get(stream, b"") + data
        text = b"".join(printed.values()).decode(errors="replace").strip()
        if session.status():
            raise LabError(f"Your script could not be tried: {text[-300:]}", AGAIN)
        json.loads(printed[STDOUT])
    except ValueError as error:
        raise LabError(f"Your script could not be tried: {error}", AGAIN) from error
    finally:
        session.close()
    return True
