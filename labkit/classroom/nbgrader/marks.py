"""Writes marks into nbgrader's own gradebook (SQLite), by its API: one assignment, one notebook with one graded cell for each
exercise. What is there of others stays.
"""

import os
import sys
from datetime import UTC
from pathlib import Path

from labkit.classroom.gradebook import Gradebook, Learner
from labkit.errors import LabError


def write(book: Gradebook, file: Path, assignment: str) -> int:
    """Writes the counting marks: how many. Learners are students there by their user name, or their id. Raises LabError."""
    try:
        from nbgrader import api
    except ImportError as error:
        raise LabError("nbgrader is not installed here.", "pip install 'labkit[nbgrader]'") from error
    # nbgrader calls `alembic` by its name
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    count = 0
    with api.Gradebook(f"sqlite:///{file.resolve()}") as gradebook:
        gradebook.update_or_create_assignment(assignment)
        for item in book.items:
            gradebook.update_or_create_notebook(item.exercise, assignment)
            gradebook.update_or_create_grade_cell(
                item.exercise, item.exercise, assignment, max_score=item.maximum, cell_type="code"
            )
        for learner in book.learners:
            student = student_of(learner)
            gradebook.update_or_create_student(student, **_about(learner))
            found = [(item, book.counting(learner.id, item.exercise)) for item in book.items]
            marks = [(item, scored) for item, scored in found if scored]
            if not marks:
                continue
            at = max(scored.mark.at for _, scored in marks).astimezone(UTC).replace(tzinfo=None)
            gradebook.update_or_create_submission(assignment, student, timestamp=at)
            for item, scored in marks:
                grade = gradebook.find_grade(item.exercise, item.exercise, assignment, student)
                grade.auto_score = None if scored.mark.overruled else scored.points
                grade.manual_score = scored.points if scored.mark.overruled else None
                grade.needs_manual_grade = False
                count += 1
        gradebook.db.commit()
    return count


def student_of(learner: Learner) -> str:
    return learner.ids.username or learner.id


def _about(learner: Learner) -> dict[str, str]:
    first, _, last = learner.name.rpartition(" ")
    return {"first_name": first, "last_name": last, "email": learner.email, "lms_user_id": learner.ids.canvas}
