"""Marks as files from the app, and certificates: who gets what, and that it opens in what it is for."""

import csv
import importlib.util
import io
import json
import re
from xml.etree import ElementTree

import pytest
from classrooms import classroom

from labkit.classroom.exports import certificate
from labkit.classroom.gradebook import Gradebook

ROSTER = (
    b"id,name,email,section,canvas,sis_user,username\n"
    b"ada,=HYPERLINK(1),ada@example.org,A,17,,adal\nbob,Bob,bob@example.org,B,,B-9,\nli,Li,,A,,,\n"
)
WHOLE = {"01-login": "right-as-printed", "02-tag": "right-as-printed", "03-push": "right-as-printed"}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with classroom(tmp_path_factory.mktemp("exports"), roster=ROSTER) as one:
        for slug, attempt in WHOLE.items():
            one.observed("ada", f"{slug}/{attempt}")
        one.observed("bob", "04-pull/wrong-tag", spread=1)
        yield one


@pytest.fixture(scope="module")
def instructor(here):
    return here.browser("instructor")


def rows(answer):
    assert answer.status_code == 200 and answer.headers["content-disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_files_open_in_what_they_are_for(here, instructor):
    table = rows(instructor.get("/marks/export/csv"))
    assert [line[0] for line in table] == ["Learner", "ada", "bob", "li"]
    assert table[1][1] == "'=HYPERLINK(1)", "no spreadsheet runs a name"
    told = instructor.get("/marks/export/json").json()
    assert told["results"][0]["exercises"]["03-push"]["points"] == here.points("ada")
    suites = ElementTree.fromstring(instructor.get("/marks/export/junit").content)
    assert len(suites) == 15
    page = instructor.get("/marks/export/html")
    assert page.headers["content-disposition"].startswith("attachment") and "Bob" in page.text
    book = Gradebook.parse(instructor.get("/marks/export/gradebook").content)
    assert book.counting("ada", "03-push").points == here.points("ada")


def test_who_could_not_be_in_a_file_is_named(tmp_path):
    roster = b"id,name,email,username\nada,Ada,same@example.org,bob\nbob,Bob,same@example.org,\n"
    with classroom(tmp_path, roster=roster) as one:
        page = one.browser("instructor").get("/marks/export").text
    canvas, moodle, nbgrader = (re.split("<h2>(?:Canvas|Moodle|nbgrader)</h2>", page))[1:]
    assert "2 left out" in canvas and "Ada has no ID of Canvas" in canvas
    for part in (moodle, nbgrader):
        assert "2 left out" in part and "Bob has the same id there as Ada." in part


def test_what_is_said_of_a_text_is_in_the_files(tmp_path):
    slug = "06-practice"
    with classroom(tmp_path, roster=ROSTER, exercises=("01-login", slug)) as one:
        one.observed("ada", "01-login/wrong-password")
        instructor, ada = one.browser("instructor"), one.browser("ada")
        assert ada.post("/me/reflection", exercise=slug, text="Tags move.").status_code == 303
        page = f"/learner/{one.number('ada')}/{slug}"
        number = re.search(r'name="number" value="(\d+)"', instructor.get(page).text)[1]
        said = {"number": number, "met-0": "on", "feedback": "=SUM(1)\nGood."}
        assert instructor.post(f"{page}/reflection", **said).status_code == 303
        assert ada.post("/me/reflection", exercise=slug, text="Digests do not.").status_code == 303  # not read yet
        table = rows(instructor.get("/marks/export/csv"))
        told = dict(zip(table[0], table[1], strict=True))
        assert told[f"{slug}: feedback"] == "'=SUM(1) Good."
        assert re.match(r"1 of \d lines of the rubric are met. Met: ", told[f"{slug}: rubric"])
        moodle = rows(instructor.get("/marks/export/moodle"))
        told = dict(zip(moodle[0], moodle[1], strict=True))
        (login,) = (text for title, text in told.items() if title.startswith("01-login") and "feedback" in title)
        assert "the password was wrong" in login and "{" not in login, "what the checks say, without values"
        (practice,) = (text for title, text in told.items() if title.startswith(slug) and "feedback" in title)
        assert practice.endswith("Good.")
        book = Gradebook.parse(instructor.get("/marks/export/gradebook").content)
        assert book.review("ada", slug).rubric[0][1] and book.review("bob", slug) is None
        # an assistant of the other section gets none of it
        assert instructor.post("/workshop/assistant", name="Tim", section="B").status_code == 200
        tim = one.browser("Tim")
        assert "Good." not in tim.get("/marks/export/json").text and "Good." not in tim.get("/marks/export/csv").text


def test_canvas_and_moodle_find_the_learners(instructor):
    canvas = rows(instructor.get("/marks/export/canvas?number-03-push=4711"))
    assert [line[1:3] for line in canvas[2:]] == [["17", ""], ["", "B-9"]]
    assert sum(title.endswith("(4711)") for title in canvas[0]) == 1
    assert instructor.get("/marks/export/canvas?number-03-push=x").status_code == 409
    assert [line[0] for line in rows(instructor.get("/marks/export/moodle"))][1:] == [
        "ada@example.org",
        "bob@example.org",
    ]
    assert [line[0] for line in rows(instructor.get("/marks/export/moodle?by=username"))][1:] == ["adal"]
    assert instructor.get("/marks/export/moodle?by=shoes").status_code == 404
    assert instructor.get("/marks/export/nothing").status_code == 404
    page = instructor.get("/marks/export").text
    assert "Li has no Email address for Moodle" in page and "1 left out" in page
    assert "/marks/export" in instructor.get("/marks").text


@pytest.mark.attack(
    "identity",
    "Download the marks as a learner, without sign-in, or as an assistant those of another section",
    "403, the sign-in page, and the own section alone",
)
def test_who_gets_marks_as_files(here, instructor):
    ada, nobody = here.browser("ada"), here.client()
    for path in ("", "/csv", "/json", "/junit", "/html", "/gradebook", "/canvas", "/moodle"):
        assert (ada.get(f"/marks/export{path}").status_code, nobody.get(f"/marks/export{path}").status_code) == (
            403,
            303,
        )
    assert ada.post("/marks/export/nbgrader").status_code == 403
    assert ada.post("/workshop/certificate", percent="1").status_code == 403
    assert instructor.post("/workshop/assistant", name="Tim", section="B").status_code == 200
    tim = here.browser("Tim")
    assert [line[0] for line in rows(tim.get("/marks/export/csv"))] == ["Learner", "bob"]
    assert [one.id for one in Gradebook.parse(tim.get("/marks/export/gradebook").content).learners] == ["bob"]
    assert tim.post("/workshop/certificate", percent="1").status_code == 403


def test_nbgraders_gradebook(instructor, tmp_path):
    """In an environment without nbgrader (this one) the page says what to do; with it (tests/conformance) the file is written,
    and what it held stays."""
    made = instructor.post("/marks/export/nbgrader", assignment="spring")
    if importlib.util.find_spec("nbgrader") is None:
        assert made.status_code == 409 and "nbgrader is not installed here" in made.text
        assert "labkit export nbgrader-marks" in instructor.get("/marks/export").text
        return
    from nbgrader.api import Gradebook as Theirs

    file = tmp_path / "gradebook.db"
    made = instructor.post("/marks/export/nbgrader", {"gradebook": ("x.db", made.content)}, assignment="autumn")
    assert made.status_code == 200
    file.write_bytes(made.content)
    with Theirs(f"sqlite:///{file}") as book:
        assert {one.name for one in book.assignments} == {"spring", "autumn"}
        assert book.find_submission("autumn", "adal").score > 0
    broken = instructor.post("/marks/export/nbgrader", {"gradebook": ("x.db", b"no database" * 99)})
    assert broken.status_code == 409 and "could not write" in broken.text


@pytest.mark.attack(
    "evidence",
    "Take a certificate that the workshop does not give, that is not earned, or another learner's",
    "403 or 409, and what there is names oneself; a changed one does not verify",
)
def test_certificates_are_off_until_they_are_on(here, instructor):
    ada, bob = here.browser("ada"), here.browser("bob")
    assert "certificate" not in ada.get("/me").text.lower()
    assert (ada.get("/certificate/json").status_code, ada.get("/certificate/pdf").status_code) == (409, 409)
    for wrong in ("101", "-1", "x", "0.5"):
        assert instructor.post("/workshop/certificate", percent=wrong).status_code == 409
    assert instructor.post("/workshop/certificate", percent="55").status_code == 303
    told = ada.get("/certificate/json")
    found = certificate.verified(told.content, here.room.key.public)
    assert (found.learner, round(found.share, 2)) == ("ada", 0.6)
    changed = json.dumps(told.json() | {"name": "Bob"}).encode()
    with pytest.raises(Exception, match="was changed"):
        certificate.verified(changed, here.room.key.public)
    paper = ada.get("/certificate/pdf")
    assert paper.content.startswith(b"%PDF") and paper.headers["content-type"] == "application/pdf"
    assert "/certificate/pdf" in ada.get("/me").text
    assert bob.get("/certificate/json").status_code == 409 and "It needs 55 percent" in bob.get("/me").text
    assert instructor.get("/certificate/json").status_code == 403
    assert here.client().get("/certificate/json").status_code == 303
    assert ada.get("/certificate/exe").status_code == 404
    assert Gradebook.parse(instructor.get("/marks/export/gradebook").content).certificate == 0.55
    assert instructor.post("/workshop/certificate", percent="0").status_code == 303
    assert ada.get("/certificate/json").status_code == 409
