"""A course that labkit makes, played with real nbgrader 0.9.6, which lives in a Python of its own: beside JupyterLab it would add
its menus to every other test's."""

import json
import os
import sqlite3
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
import pytest
from classrooms import classroom

from labkit.authoring import recordings
from labkit.classroom.gradebook import Gradebook, Ids, Item, Learner, Mark, Review
from labkit.classroom.nbgrader import course
from labkit.content import exercises
from labkit.lab.owner.workshop import Workshop
from labkit.seen.observation import Observation, seal
from labkit.seen.person import Person

ROOT = Path(__file__).parents[2]
VERSION = "0.9.6"
SPRING, AUTUMN = Workshop("spring", b"s" * 32), Workshop("autumn", b"a" * 32)
DRIVER = Path(__file__).with_name("nbgrader_course.py")
SLUGS = ("03-push",)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that has this one's packages, and nbgrader: its pins fit JupyterLab's."""
    place = tmp_path_factory.mktemp("nbgrader")
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    own = next(place.glob("lib/python*/site-packages"))
    (own / "beside.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n{ROOT}\n")
    binary = place / "bin" / "python"
    pip = [str(binary), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, f"nbgrader=={VERSION}"], check=True, capture_output=True)
    # nbgrader calls the command alembic, which must be one of this Python's
    subprocess.run([*pip, "--no-deps", "--ignore-installed", "alembic"], check=True, capture_output=True)
    return binary


def seen(attempt, learner):
    return msgspec.structs.replace(
        recorded := Observation.read(recordings.load("03-push")[attempt]),
        lab=msgspec.structs.replace(recorded.lab, person=Person(learner=learner)),
    )


def signed(attempt, learner, by=SPRING):
    return by.signed(seen(attempt, learner)).dump()


def edited(text):
    """With points' worth of change, and sealed anew, as anybody can."""
    data = json.loads(text) | {"taken": "2027-03-05T11:00:00+00:00"}
    return json.dumps(data | {"seal": seal(data)})


@pytest.fixture(scope="module")
def played(python, tmp_path_factory):
    place = tmp_path_factory.mktemp("course")
    chosen = exercises.chosen(list(SLUGS))
    settings = course.Settings(learners={"ada": "Ada Lovelace"})
    course.write(place / "course", "spring", chosen, settings, SPRING.public)
    full, part = "right-after-a-refusal", "wrong-changed-afterwards"
    handed_in = {
        "ada": signed(full, "Ada Lovelace"),
        "bob": signed(part, "bob"),
        "cem": seen(full, "cem").dump(),
        "dan": edited(signed(part, "dan")),
        "eve": signed(full, "Ada Lovelace"),
        "fay": signed(full, "fay", AUTUMN),
        "gus": None,
        "hal": seen(full, "hal").dump(),
    }
    for student, text in handed_in.items():
        folder = place / "handed-in" / student
        folder.mkdir(parents=True)
        if text:
            (folder / course.OBSERVATION).write_text(text)
    cheat(place / "handed-in" / "hal", chosen)
    (place / "exchange").mkdir()
    (place / "exchange").chmod(0o777)
    words = [python, DRIVER, place / "course", place / "exchange", "spring", *handed_in]
    env = {
        **os.environ,
        "JUPYTER_DATA_DIR": str(place / "jupyter"),
        "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"),  # nbconvert's templates lie beside its packages
        "IPYTHONDIR": str(place / "ipython"),
        "PYTHONWARNINGS": "ignore",
    }
    result = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, env=env, cwd=place, timeout=1200
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-6000:]
    return place, json.loads(result.stdout.splitlines()[-1])


def cheat(folder, chosen):
    """Cells and files that would decide about the points themselves, if they ran."""
    for exercise in chosen:
        book = course.notebook(exercise)
        forged = {
            "nbgrader": {
                "grade": False,
                "locked": True,
                "solution": False,
                "task": False,
                "schema_version": 3,
                "grade_id": "x",
            }
        }
        for number, about in enumerate(({}, forged)):
            text = "import labkit.classroom.nbgrader.cells as c\nc.mark = lambda *_: 99.0\nc.judged = lambda *_: (99.0, '')"
            book["cells"].insert(
                0,
                {
                    "id": f"own{number}",
                    "cell_type": "code",
                    "execution_count": None,
                    "outputs": [],
                    "metadata": about,
                    "source": text,
                },
            )
        book["cells"][-1]["source"] = "99.0"
        (folder / f"{exercise.slug}.ipynb").write_text(json.dumps(book))
    for name in ("labkit.py", "json.py", "msgspec.py", "sitecustomize.py"):
        (folder / name).write_text("raise RuntimeError('this file ran')")
    (folder / "labkit").mkdir()
    (folder / "labkit" / "__init__.py").write_text("raise RuntimeError('this file ran')")
    (folder / "registry-lab.json").write_text("{}")
    (folder / "workshop.pub").write_bytes(msgspec.json.encode(AUTUMN.public))


def scores(played, student):
    return {name: one["score"] for name, one in played[1]["scores"][student].items()}


def feedback(played, student):
    files = (played[0] / "course" / "feedback" / student / "spring").glob("03-push.html")
    return "".join(file.read_text() for file in files)


def test_the_course_is_released_and_learners_get_no_settings(played):
    names = {Path(name).name for name in played[1]["released"]}
    assert names == {"03-push.ipynb"}


def test_a_good_observation_has_all_points_and_a_partial_one_its_part(played):
    whole = exercises.load("03-push").points
    assert scores(played, "ada")["03-push"] == whole
    assert 0 < scores(played, "bob")["03-push"] < whole
    assert all(not one["manual"] for student in played[1]["scores"].values() for one in student.values())


def test_a_learner_sees_what_it_is_worth_before_handing_in(played):
    assert played[1]["validated"]["ada"]["03-push"] == []
    assert played[1]["validated"]["bob"]["03-push"] != []


@pytest.mark.attack(
    "evidence",
    "nbgrader gets an observation that is unsigned, edited, another's or another workshop's, or code that marks itself",
    "0 points, and the feedback says why; the code does not run",
)
@pytest.mark.parametrize(
    ("student", "reason"),
    [
        ("cem", "is not signed"),
        ("dan", "was changed after it was signed"),
        ("eve", "is not from eve&#39;s lab"),
        ("fay", "signed with a different key"),
        ("gus", "There is no observation.json"),
        ("hal", "is not signed"),
    ],
)
def test_what_does_not_hold_has_no_points_and_the_feedback_says_why(played, student, reason):
    assert set(scores(played, student).values()) == {0}
    told = feedback(played, student)
    assert reason in told or reason.replace("&#39;", "'") in told
    assert "this file ran" not in told


def test_what_a_learner_handed_in_stays(played):
    assert (played[0] / "course" / "submitted" / "hal" / "spring" / "labkit.py").exists()
    assert not (played[0] / "course" / "autograded" / "hal" / "spring" / "labkit.py").exists()


def test_marks_go_into_nbgraders_gradebook(python, tmp_path):
    at = datetime(2027, 3, 5, 12, tzinfo=UTC)
    items = (Item(exercise="02-tag", title="Tag", maximum=3), Item(exercise="03-push", title="Push", maximum=4))
    book = Gradebook(
        workshop="spring",
        learners=(
            Learner(id="l1", name="Ада Lovelace", email="a@example.org", ids=Ids(username="ada")),
            Learner(id="bob"),
        ),
        items=items,
        marks=(
            Mark(learner="l1", exercise="02-tag", points=1.5, maximum=3, at=at),
            Mark(learner="l1", exercise="03-push", points=4, maximum=4, at=at).set_to(2, "copied", at),
        ),
    )
    review = Review(learner="l1", exercise="02-tag", at=at, rubric=(("Says why", True),), feedback="Good.")
    later = msgspec.structs.replace(book, reviews=(review,))
    (tmp_path / "later.json").write_bytes(later.dump())
    (tmp_path / "book.json").write_bytes(book.dump())
    code = """
import json
from pathlib import Path
from labkit.classroom.gradebook import Gradebook
from labkit.classroom.nbgrader import marks
book = Gradebook.parse(Path("book.json").read_bytes())
marks.write(book, Path("gradebook.db"), "spring")
print(marks.write(book, Path("gradebook.db"), "spring"))
later = Gradebook.parse(Path("later.json").read_bytes())
for _ in range(2):  # the text was marked after the learner was there
    marks.write(later, Path("gradebook.db"), "spring")
from nbgrader import api
with api.Gradebook("sqlite:///gradebook.db") as found:
    one = found.find_submission("spring", "ada")
    print(json.dumps([one.score, one.max_score, {n.name: n.score for n in one.notebooks}, one.student.last_name, sorted(s.id for s in found.students),
        {n.name: [c.comment for c in n.comments] for n in one.notebooks}]))
data = json.loads(Path("book.json").read_bytes())
data["learners"].append({"id": "ada"})  # whose id is l1's user name: whose marks would they be?
print(marks.write(Gradebook.parse(json.dumps(data)), Path("gradebook.db"), "spring"))
with api.Gradebook("sqlite:///gradebook.db") as found:
    print(found.find_submission("spring", "ada").score)
for without in (["03-push"], ["02-tag", "03-push"]):  # such as self-reported marks that no longer count
    data = json.loads(Path("book.json").read_bytes())
    data["marks"] = [one for one in data["marks"] if one["exercise"] not in without]
    print(marks.write(Gradebook.parse(json.dumps(data)), Path("gradebook.db"), "spring"))
    with api.Gradebook("sqlite:///gradebook.db") as found:
        print(found.find_submission("spring", "ada").score)
"""
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]])}
    result = subprocess.run([str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, env=env)
    assert result.returncode == 0, result.stderr
    said = {"02-tag": ["1 of 1 lines of the rubric are met. Met: Says why.\nGood."], "03-push": []}
    count, told, *confused, one, its_score, none, no_score = result.stdout.splitlines()[-8:]
    assert confused == ["0", "3.5"]
    assert [one, its_score, none, no_score] == ["1", "1.5", "0", "0.0"]
    assert count == "2"
    assert json.loads(told) == [3.5, 7, {"02-tag": 1.5, "03-push": 2}, "Lovelace", ["ada", "bob"], said]


def test_the_app_writes_into_nbgraders_gradebook(python):
    """The classroom's own test, where nbgrader is."""
    words = ["-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", "nbgraders_gradebook"]
    done = subprocess.run(
        [str(python), *words, "tests/unit/test_classroom_exports.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.attack(
    "files",
    "nbgrader's gradebook.db that is no database, another one, cut off, whose tables are views that never end, or whose triggers "
    "write without end",
    "409 in a sentence, soon; the classroom goes on, and the disk is not filled",
)
def test_a_gradebook_of_nbgraders_that_is_hostile(python, tmp_path, monkeypatch):
    from labkit.classroom.app import exports

    monkeypatch.setattr(sys, "executable", str(python))
    with classroom(tmp_path / "rooms", roster=b"id,name\nada,Ada\n") as here:
        instructor = here.browser("instructor")
        instructor.web.timeout = 150

        def sent(content, assignment="lab"):
            files = {"gradebook": ("gradebook.db", content, "application/octet-stream")}
            return instructor.post("/marks/export/nbgrader", files=files, assignment=assignment)

        good = sent(b"")
        assert good.status_code == 200, good.text
        patience = exports.PATIENCE
        monkeypatch.setattr(exports, "PATIENCE", 12)  # what never ends is at work long before
        file = tmp_path / "made.db"
        for statement in (
            "DROP TABLE assignment; CREATE VIEW assignment AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) "
            "SELECT x AS id, x AS name, x AS duedate, x AS course_id FROM n",
            "CREATE TABLE filler(x); CREATE TRIGGER more AFTER INSERT ON assignment BEGIN INSERT INTO filler WITH RECURSIVE n(x) AS "
            "(SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT zeroblob(1000000) FROM n; END",
        ):
            file.write_bytes(good.content)
            with sqlite3.connect(file) as made:
                made.executescript(statement)
            made.close()
            answer = sent(file.read_bytes(), "other")
            assert answer.status_code == 409 and "nbgrader" in answer.text, statement
        monkeypatch.setattr(exports, "PATIENCE", patience)
        for content in (b"x" * 5000, good.content[:3000], b"SQLite format 3\x00" + b"\xff" * 5000):
            assert sent(content).status_code == 409
        for assignment in ("\x00", "x" * 200_000, "../x", "a/b", "\u202ex", "-", "--help"):
            assert sent(b"", assignment).status_code in (200, 409), assignment
        assert instructor.get("/marks").status_code == 200
        left = [
            one for one in psutil.process_iter(["cmdline"]) if str(python.parent) in " ".join(one.info["cmdline"] or ())
        ]
        assert not left, "what does not end is ended, with what it has started"
