"""What a graded cell calls. nbgrader takes the cell's value for the points if it is a plain number in range; it gives all
points for anything else, as False, a negative number or an object, and none after any output on standard error
(nbgrader/utils.py: determine_grade). So this returns a float in range and says on standard output why, whatever happens.
"""

import contextlib
import io
import os
from pathlib import Path

from labkit.classroom.nbgrader.course import KEY, OBSERVATION, Settings, settings_above
from labkit.errors import LabError
from labkit.text import lines

AUTOGRADE = "autograde"
"""nbgrader's word in NBGRADER_EXECUTION, when it counts."""


def mark(exercise: str, maximum: float) -> float:
    """The points for an exercise by the observation beside the notebook, from 0.0 to `maximum`. Prints the report, or why there
    are no points."""
    place = Path.cwd()
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            points, told = judged(exercise, maximum, place, os.environ.get("NBGRADER_EXECUTION", ""))
        except LabError as error:
            points, told = 0.0, f"No points: {error}"
        except Exception as error:
            # What fails here is ours. Raising would say so in a traceback; the learner gets 0 either way, and a person looks.
            points, told = 0.0, f"No points, and not your fault: {type(error).__name__}: {error}. Tell your instructor."
    print(lines(told))
    return points


def judged(exercise: str, maximum: float, place: Path, execution: str) -> tuple[float, str]:
    """Raises LabError for an observation that is not what it must be."""
    from labkit import session

    found = settings_above(place)
    if found is None and execution == AUTOGRADE:
        raise LabError("The course's settings are not here.", "ask the instructor")
    file = place / OBSERVATION
    if not file.exists():
        raise LabError("There is no observation.json beside the notebook.", f"labkit observe > {OBSERVATION}")
    note = "" if found else "\nOnly a preview: signature, time and owner are checked after you submit."
    asked = session.ANYTHING
    if found:
        root, settings = found
        learner = _learner(root, settings, place)
        if not learner and execution == AUTOGRADE:
            raise LabError(f"{place} is not in autograded/STUDENT/ASSIGNMENT.", "keep nbgrader's own folders")
        asked = session.Asked(learner, "", root / KEY, settings.since, settings.until)
    report = session.regraded((exercise,), file, asked)
    result = report.exercises[0]
    share = result.earned / result.points if result.points else 0.0
    return float(min(maximum, max(0.0, share * maximum))), report.text() + note


def _learner(root: Path, settings: Settings, place: Path) -> str:
    """Whose folder this is: COURSE/autograded/STUDENT/ASSIGNMENT. "" for an instructor who tries the source."""
    parts = place.relative_to(root).parts
    return settings.learner(parts[1]) if len(parts) == 3 and parts[0] == "autograded" else ""
