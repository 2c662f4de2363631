"""Writes marks into nbgrader's own gradebook (SQLite), by its API: one assignment, one notebook with one graded cell for each
exercise. What is there of others stays.
"""

import os
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

from labkit.classroom.gradebook import Gradebook, Learner
from labkit.classroom.nbgrader import students
from labkit.errors import LabError


def write(book: Gradebook, file: Path, assignment: str) -> int:
    """Writes the counting marks: how many. Whoever is `students.confused` is left out. A mark that was taken back after it was
    written counts nothing there any more. Raises LabError."""
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
            if any(book.said(one.id, item.exercise) for one in book.learners):  # a comment belongs to such a cell
                gradebook.update_or_create_solution_cell(item.exercise, item.exercise, assignment)
        confused = students.confused(book.learners)
        for learner in book.learners:
            if learner.id in confused:
                continue
            student = students.student_of(learner)
            gradebook.update_or_create_student(student, **_about(learner))
            found = [(item, book.counting(learner.id, item.exercise)) for item in book.items]
            times = [scored.mark.at for _, scored in found if scored]
            if times:
                at = max(times).astimezone(UTC).replace(tzinfo=None)
                gradebook.update_or_create_submission(assignment, student, timestamp=at)
            elif not _submitted(gradebook, assignment, student):
                continue
            for item, scored in found:
                grade = gradebook.find_grade(item.exercise, item.exercise, assignment, student)
                by_hand = bool(scored and scored.mark.overruled)
                grade.auto_score = scored.points if scored and not by_hand else None
                grade.manual_score = scored.points if scored and by_hand else None
                grade.needs_manual_grade = False
                if not scored:
                    continue
                if said := "\n".join(book.said(learner.id, item.exercise)):
                    _comment(gradebook, item.exercise, assignment, student).manual_comment = said
                count += 1
        gradebook.db.commit()
    return count


def _submitted(gradebook: Any, assignment: str, student: str) -> bool:
    from nbgrader import api

    try:
        gradebook.find_submission(assignment, student)
    except api.MissingEntry:
        return False
    return True


def _comment(gradebook: Any, exercise: str, assignment: str, student: str) -> Any:
    """The comment on a learner's cell, made where the learner was there before the cell."""
    from nbgrader import api

    try:
        return gradebook.find_comment(exercise, exercise, assignment, student)
    except api.MissingEntry:
        cell = gradebook.find_solution_cell(exercise, exercise, assignment)
        made = api.Comment(cell_id=cell.id, notebook=gradebook.find_submission_notebook(exercise, assignment, student))
        gradebook.db.add(made)
        gradebook.db.flush()
        return made


def _about(learner: Learner) -> dict[str, str]:
    first, _, last = learner.name.rpartition(" ")
    return {"first_name": first, "last_name": last, "email": learner.email, "lms_user_id": learner.ids.canvas}
