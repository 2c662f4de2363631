"""From a roster and saved observations to files: `labkit marks`, `export`, `certificate`, `lti`."""

import csv
import io
import json
import sys

import msgspec
import pytest
from click.testing import CliRunner

from labkit.authoring import recordings
from labkit.classroom import collect
from labkit.classroom.gradebook import Gradebook, Origin
from labkit.classroom.nbgrader import cells, course, students
from labkit.cli.main import cli
from labkit.errors import LabError
from labkit.lab.owner import workshop
from labkit.seen.observation import Observation
from labkit.seen.person import Person

ROSTER = "\ufeffid,Name,email,section,canvas,username\nAda Lovelace,Ада,ada@example.org,A,7,ada\nbob,=Bob,,B,,\n"
FULL, PART = "right-after-a-refusal", "wrong-changed-afterwards"


@pytest.fixture(scope="module")
def recorded():
    return {name: recordings.load("03-push")[name] for name in (FULL, PART)}


@pytest.fixture
def place(tmp_path, recorded, monkeypatch):
    """A folder with a workshop's key, a roster, and observations."""
    monkeypatch.chdir(tmp_path)
    for name in ("spring", "autumn"):
        workshop.new(tmp_path / f"{name}.key", name)
    keys = {name: workshop.read(tmp_path / f"{name}.key") for name in ("spring", "autumn")}
    (tmp_path / "roster.csv").write_text(ROSTER)
    for name, attempt, learner, by in (
        ("ada", FULL, "Ada Lovelace", "spring"),
        ("ada-before", PART, "Ada Lovelace", "spring"),
        ("bob", PART, "bob", ""),
        ("eve", FULL, "eve", "spring"),
        ("mallory", FULL, "bob", "autumn"),
    ):
        seen = Observation.read(recorded[attempt])
        seen = msgspec.structs.replace(seen, lab=msgspec.structs.replace(seen.lab, person=Person(learner=learner)))
        (tmp_path / f"{name}.json").write_text((keys[by].signed(seen) if by else seen).dump())
    (tmp_path / "odd.json").write_text("{}")
    return tmp_path


def run(*words, status=0):
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result


def made(*more):
    files = ("ada.json", "ada-before.json", "bob.json", "eve.json", "mallory.json", "odd.json")
    words = ("marks", "roster.csv", *files, "--signed-by", "spring.key.pub", "--exercise", "03-push", "-o", "book.json")
    return run(*words, *more)


def test_only_what_the_workshop_signed_is_a_mark(place):
    told = made().output
    book = Gradebook.parse((place / "book.json").read_bytes())
    assert [(mark.learner, mark.points, mark.origin) for mark in book.marks] == [
        ("Ada Lovelace", 4, Origin.OBSERVED),
        ("Ada Lovelace", 3, Origin.OBSERVED),
    ]
    for file, why in (
        ("bob", "not signed"),
        ("eve", "not in the roster"),
        ("mallory", "different key"),
        ("odd", "no schema"),
    ):
        assert any(f"{file}.json" in line and why in line for line in told.splitlines()), told


def test_what_nobody_signed_is_self_reported_if_it_is_wanted(place):
    made("--unsigned", "--deadline", "2020-01-01T00:00", "--late", "0.25")
    book = Gradebook.parse((place / "book.json").read_bytes())
    assert {mark.origin for mark in book.marks if mark.learner == "bob"} == {Origin.REPORTED}
    assert book.late.factor(book.marks[0].at) == 0


def test_what_was_observed_before_the_workshop_is_left_out(place):
    told = made("--since", "2099-01-01T00:00").output
    assert Gradebook.parse((place / "book.json").read_bytes()).marks == ()
    assert "before the workshop" in told


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("csv", "\ufeffLearner,"),
        ("json", "{"),
        ("junit", "<?xml"),
        ("html", "<!doctype html>"),
        ("canvas", "Student,ID,"),
        ("moodle", "Email address,"),
    ],
)
def test_each_form_is_written(place, form, begins):
    made()
    result = run("export", form, "book.json", "-o", "out")
    text = (place / "out").read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert ("Left out: =Bob" in result.output) == (form in ("canvas", "moodle"))


def test_canvas_gets_its_own_numbers(place):
    made()
    run("export", "canvas", "book.json", "--assignment", "03-push=4711", "-o", "out")
    head, _, first = csv.reader(io.StringIO((place / "out").read_text()))
    assert head[-1].endswith(" (4711)") and first[1] == "7"
    assert "EXERCISE=NUMBER" in run("export", "canvas", "book.json", "--assignment", "03-push=x", status=2).output


def test_a_certificate_is_made_and_checked(place):
    made()
    assert (
        "gives no certificates"
        in run("certificate", "make", "book.json", "Ada Lovelace", "--key", "spring.key", status=2).output
    )
    made("--certificate", "0.9")
    pytest.importorskip("fpdf")
    text = (place / "book.json").read_text().replace("Ада", "Ada")
    (place / "book.json").write_text(text)
    run("certificate", "make", "book.json", "Ada Lovelace", "--key", "spring.key")
    (page,) = place.glob("certificate-Ada-Lovelace-????????.pdf")
    assert page.read_bytes().startswith(b"%PDF")
    file = page.with_suffix(".json")
    assert "Ada reached 100 percent" in run("certificate", "verify", file, "--signed-by", "spring.key.pub").output
    file.write_text(file.read_text().replace("Ada", "Eve"))
    assert "was changed" in run("certificate", "verify", file, "--signed-by", "spring.key.pub", status=2).output


def test_what_is_no_gradebook_is_told(place):
    assert "not a gradebook" in run("export", "csv", "roster.csv", status=2).output
    assert "cannot be read" in run("export", "csv", "nowhere.json", status=2).output


def test_a_key_for_lti_is_made(place):
    run("lti", "key", "keys")
    assert [file.suffix for file in (place / "keys").iterdir()] == [".pem"]


def test_a_course_for_nbgrader_is_written_once(place):
    words = (
        "export",
        "nbgrader",
        "course",
        "03-push",
        "--signed-by",
        "spring.key.pub",
        "--assignment",
        "spring",
        "--roster",
        "roster.csv",
    )
    assert "nbgrader generate_assignment spring" in run(*words).output
    assert "is there already" in run(*words, status=2).output
    names = {str(file.relative_to(place / "course")) for file in (place / "course").rglob("*") if file.is_file()}
    assert names == {"nbgrader_config.py", "registry-lab.json", "workshop.pub", "source/spring/03-push.ipynb"}
    book = json.loads((place / "course/source/spring/03-push.ipynb").read_text())
    assert book["cells"][-1]["metadata"]["nbgrader"]["points"] == 4
    root, settings = course.settings_above(place / "course/autograded/ada/spring")
    assert (root.name, settings.learner("ada"), settings.learner("bob")) == ("course", "Ada Lovelace", "bob")
    assert "can be no assignment's name" in run(*words[:6], "--assignment", "../x", status=2).output


def graded(place, student, source, execution="autograde"):
    """What the graded cell says in nbgrader's own copy of a learner's work."""
    folder = place / "course" / "autograded" / student / "spring"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / course.OBSERVATION).write_bytes((place / source).read_bytes())
    return cells.judged("03-push", 8.0, folder, execution)


def test_the_cell_grades_whose_folder_it_is_in(place):
    test_a_course_for_nbgrader_is_written_once(place)
    points, told = graded(place, "ada", "ada.json")
    assert type(points) is float and points == 8.0 and "signed by the workshop spring" in told
    assert graded(place, "ada", "ada-before.json")[0] == 6.0
    for student, source, why in (
        ("bob", "ada.json", "not from bob's lab"),
        ("bob", "bob.json", "not signed"),
        ("bob", "mallory.json", "different key"),
        ("bob", "odd.json", "no schema"),
    ):
        with pytest.raises(LabError, match=why):
            graded(place, student, source)


def test_without_the_courses_settings_nothing_counts(place):
    (place / course.OBSERVATION).write_bytes((place / "bob.json").read_bytes())
    with pytest.raises(LabError, match="settings are not here"):
        cells.judged("03-push", 4, place, "autograde")
    points, told = cells.judged("03-push", 4, place, "validate")
    assert points == 3 and "Only a preview" in told
    test_a_course_for_nbgrader_is_written_once(place)
    odd = place / "course" / "autograded"
    odd.mkdir()
    (odd / course.OBSERVATION).write_bytes((place / "ada.json").read_bytes())
    with pytest.raises(LabError, match="not in autograded/STUDENT/ASSIGNMENT"):
        cells.judged("03-push", 4, odd, "autograde")


def test_the_cell_never_raises_and_keeps_standard_error_silent(place, capsys, monkeypatch):
    monkeypatch.setattr(cells, "judged", lambda *_: 1 / 0)
    assert cells.mark("03-push", 4) == 0.0
    monkeypatch.setattr(cells, "judged", lambda *_: (print("noise", file=sys.stderr), (2.0, "\x1b[2J"))[1])
    assert cells.mark("03-push", 4) == 2.0
    out, err = capsys.readouterr()
    assert err == "" and "not your fault" in out and "\x1b" not in out


def test_two_learners_are_never_one_student_of_nbgrader(place):
    """Whose user name is another's id: each would have the other's marks."""
    (place / "roster.csv").write_text("id,name,username\nAda Lovelace,Ada,bob\nbob,Bob,\ncem,Cem,\n")
    learners, _ = collect.roster((place / "roster.csv").read_bytes())
    told = students.confused(learners)
    assert told == {"Ada Lovelace": "Ada has the same id there as Bob.", "bob": "Bob has the same id there as Ada."}
    words = ("export", "nbgrader", "course", "03-push", "--signed-by", "spring.key.pub", "--roster", "roster.csv")
    assert "Ada has the same id there as Bob." in run(*words, status=2).output
    assert not (place / "course").exists()


def test_a_roster_says_what_is_wrong_with_it():
    learners, notes = collect.roster(b"id;name;canvas;username\na;Ada;17;ada\nb;Bob;;\na;Ada;17;ada\n")
    assert [(one.id, one.ids.canvas, one.ids.username) for one in learners] == [("a", "17", "ada"), ("b", "", "")]
    assert notes == ("Line 4 was left out: a is in the file twice.",)
    for text, why in ((b"", "empty"), (b"x,y\n1,2\n", "no column")):
        with pytest.raises(LabError, match=why):
            collect.roster(text)


@pytest.mark.parametrize(
    ("library", "words", "extra"),
    [
        ("nbgrader", ("export", "nbgrader-marks", "book.json", "gradebook.db"), "labkit[nbgrader]"),
        ("fpdf", ("certificate", "make", "book.json", "Ada Lovelace", "--key", "spring.key"), "labkit[certificate]"),
        ("pylti1p3.deployment", ("lti", "key", "keys"), "labkit[lti]"),
    ],
)
def test_a_library_that_is_missing_is_named(place, monkeypatch, library, words, extra):
    made("--certificate", "0.9")
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "labkit.classroom.lti.platforms", raising=False)
    assert extra in run(*words, status=2).output
