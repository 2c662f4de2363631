"""Plays an nbgrader course with real nbgrader, in a Python that has it: validates, generates, releases, collects, autogrades, makes
feedback. Prints what came of it as JSON.

    python nbgrader_course.py COURSE EXCHANGE ASSIGNMENT STUDENT…
"""

import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader
from nbgrader.validator import Validator
from traitlets.config import Config

course, exchange, assignment, *students = sys.argv[1:]
os.chdir(course)
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
told = {"seconds": {}}


def timed(name, call):
    begun = time.monotonic()
    found = call()
    told["seconds"][name] = round(time.monotonic() - begun, 1)
    if isinstance(found, dict) and not found.get("success", True):
        print(found.get("log") or found.get("error"), file=sys.stderr)
        raise SystemExit(f"{name} failed")
    return found


app = NbGrader()
app.load_config_file()
config = Config(app.config)
config.Exchange.root = exchange
config.CourseDirectory.root = course
api = NbGraderAPI(config=config)
api.log.setLevel(logging.INFO)

timed("generate_assignment", lambda: api.generate_assignment(assignment, create=True))
timed("release_assignment", lambda: api.release_assignment(assignment))
told["released"] = sorted(str(file.relative_to(exchange)) for file in Path(exchange).rglob("*") if file.is_file())

# What `nbgrader fetch_assignment` and `submit` do; they name the folder after the system's user, and there is only one here.
folder = Path(exchange) / config.CourseDirectory.course_id
for student in students:
    mine = Path(course).parent / "mine" / student / assignment
    shutil.copytree(folder / "outbound" / assignment, mine)
    shutil.copytree(Path(course).parent / "handed-in" / student, mine, symlinks=True, dirs_exist_ok=True)
    to = folder / "inbound" / f"{student}+{assignment}+2027-03-05 12:00:00 UTC+x"
    shutil.copytree(mine, to, symlinks=True)
    (to / "timestamp.txt").write_text("2027-03-05 12:00:00 UTC")
timed("collect", lambda: api.collect(assignment))
for student in students:
    timed(f"autograde {student}", lambda student=student: api.autograde(assignment, student))
timed("generate_feedback", lambda: api.generate_feedback(assignment))

validator = Validator(config=config)
for student in students[:2]:
    for notebook in sorted((Path(course).parent / "mine" / student / assignment).glob("*.ipynb")):
        found = timed("validate", lambda notebook=notebook: validator.validate(str(notebook)))
        told.setdefault("validated", {}).setdefault(student, {})[notebook.stem] = sorted(found)

with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
    told["scores"] = {
        student: {
            one.name: {"score": one.score, "max": one.max_score, "manual": one.needs_manual_grade}
            for one in gradebook.find_submission(assignment, student).notebooks
        }
        for student in students
    }
print(json.dumps(told))
