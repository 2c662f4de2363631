"""Files that the classroom makes and takes: what a spreadsheet, an XML reader or nbgrader would obey or fall over."""

import csv
import io
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from classrooms import classroom
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from labkit.classroom.exports import documents, sheet
from labkit.classroom.exports.cells import SIGNS, cell
from labkit.classroom.gradebook import Counts, Gradebook, Ids, Item, Late, Learner, Mark, Origin, plain, tidy
from labkit.classroom.lti import poster
from labkit.cli.main import cli

attack = pytest.mark.attack
ODD = [
    "=1+1", "+1", "-1", "@SUM(1)", "＝1+1", "﹦1+1", "﹢1", "﹫x", "−1", "\t=1", "\r=1", "\n=1", "\u00a0=1", "\u200b=1", "\ufeff=1",
    "x;=1+1", "x ; \t+1", 'x";=1+1', "x\n=1", "x\r\n@y", 'O"Hara, "Jo"', "a,b", "\x00\x01\x1b[2J", "\u202egnp.exe", "\ud800x",
    "]]><x/>", "&#0;", "Points Possible", "    Points Possible", "points possible", "%s%n{0}", "../../x", "李小龙", "مريم", "🙂",
]  # fmt: skip


def columns(text, delimiter):
    """Cells as a program reads them that splits at this sign."""
    return [one for row in csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter) for one in row]


def unsafe(one):
    return unicodedata.normalize("NFKC", one.lstrip().lstrip('"').lstrip()[:1]) in (*SIGNS, "\N{MINUS SIGN}")


@pytest.fixture
def book():
    learners = tuple(
        Learner(id=one if one.strip() else f"l{at}", name=one, email=one, section=one,
                ids=Ids(canvas=str(100 + at), sis_user=f"s{at}", moodle=f"m{at}", username=f"u{at}"))
        for at, one in enumerate(ODD)
    )  # fmt: skip
    items = (Item(exercise="03-push", title="=Push;+it", maximum=4),)
    return Gradebook(workshop='=spring;"+x', learners=learners, items=items)


@attack(
    "files",
    "Formulas behind a semicolon, in small and mathematical forms of signs, behind marks that nobody sees; names that are Canvas's "
    "row of maxima; in every table, read with commas and with semicolons",
    "no cell begins with what a spreadsheet would run, whatever it splits at; only one row has the maxima",
)
def test_no_cell_is_run_wherever_a_table_is_split(book):
    for made in (sheet.people(book), sheet.canvas(book), sheet.moodle(book)):
        for delimiter in ",;\t":
            for one in columns(made.text, delimiter):
                assert not unsafe(one), (one, delimiter)
    rows = list(csv.reader(io.StringIO(sheet.canvas(book).text)))
    assert [at for at, row in enumerate(rows) if "points possible" in row[0].casefold()] == [1]
    assert len(rows) == 2 + len(ODD), "and everybody is in the file"
    assert cell("Ada; -x") == "Ada; '-x" and cell("Müller-Lüdenscheidt; Jo") == "Müller-Lüdenscheidt; Jo"


@attack(
    "identity",
    "Two learners whose ids on a platform are the same, but for capitals, so that one gets the points of the other",
    "neither is in the file, and both are named with each other",
)
def test_two_whom_a_platform_takes_for_one():
    same = Ids(canvas="7", sis_user="S7", moodle="m7", username="ada")
    learners = (
        Learner(id="a", name="Ada", email="ada@example.org", ids=same),
        Learner(id="b", name="Bob", email=" ADA@example.org", ids=Ids(sis_user="s7", moodle="M7", username="Ada ")),
        Learner(id="c", name="Cy", email="cy@example.org", ids=Ids(canvas="8", moodle="m8", username="cy")),
    )
    book = Gradebook(workshop="spring", learners=learners, items=(Item(exercise="03-push", title="Push", maximum=4),))
    for made in (sheet.canvas(book), *(sheet.moodle(book, by) for by in sheet.By)):
        assert "Cy" in made.text and "Ada" not in made.text and "Bob" not in made.text
        assert [one.partition(" has")[0] for one in made.left_out] == ["Ada", "Bob"]
        assert "as Bob" in made.left_out[0] and "as Ada" in made.left_out[1]


NOON = datetime(2027, 3, 5, 12, tzinfo=UTC)
amounts = st.sampled_from([0.0, 1.0, 2.0, 10 / 3, 4.0])


@st.composite
def books(draw):
    """One learner's marks: late ones, of another maximum, set by hand."""
    marks = [
        Mark(
            learner="a", exercise="03-push", points=min(draw(amounts), maximum), maximum=maximum,
            at=NOON + timedelta(hours=draw(st.integers(-30, 80))),
            origin=draw(st.sampled_from(Origin)), overruled=draw(st.sampled_from(["", "", "seen in class"])),
        )
        for maximum in draw(st.lists(st.sampled_from([3.0, 4.0, 7.0, 10.0]), max_size=4))
    ]  # fmt: skip
    late = Late(deadline=NOON, grace=600.0, per_day=draw(st.sampled_from([0.0, 0.1, 1 / 3, 1.0])))
    ids = Ids(canvas="7", moodle="m7", username="ada", issuer="i", subject="s")
    return Gradebook(
        workshop="spring", late=late, marks=tuple(marks), counts=draw(st.sampled_from(Counts)),
        learners=(Learner(id="a", name="Ada", email="ada@example.org", ids=ids),),
        items=(Item(exercise="03-push", title="Push", maximum=draw(st.sampled_from([3.0, 4.0, 10.0]))),),
    )  # fmt: skip


@attack(
    "evidence",
    "A mark that is late, of another maximum, or set by hand, and so says something else in one file than in another",
    "every file, and what learning platforms are sent, says the same points",
)
@given(books())
def test_every_file_says_the_same_mark(book):
    scored, item = book.counting("a", "03-push"), book.items[0]
    points = plain(scored.points) if scored else ""
    rows = list(csv.reader(io.StringIO(sheet.people(book).text)))
    assert rows[1][4] == points
    assert list(csv.reader(io.StringIO(sheet.canvas(book).text)))[2][5] == points
    assert list(csv.reader(io.StringIO(sheet.moodle(book).text)))[1][2] == points
    told = json.loads(documents.to_json(book))["results"][0]["exercises"]["03-push"]
    assert (plain(told["points"]) if told else "") == points
    found = [
        one.get("value")
        for one in ElementTree.fromstring(documents.junit(book)).iter("property")
        if one.get("name") == "points"
    ]
    assert found == ([points] if scored else [])
    assert f'<td class="points">\n{points or "–"}' in documents.html(book)
    assert Gradebook.parse(book.dump()).counting("a", "03-push") == scored
    sent = list(poster.scores(book, {"03-push": "https://x/1"}, "i", "c", set()))
    assert [plain(tidy(one.points / one.maximum * item.maximum)) for one in sent] == ([points] if scored else [])
    assert plain(book.total("a").percent) == plain(tidy(100 * scored.share if scored else 0.0))


@attack(
    "files",
    "Names with line breaks, quotes, zero bytes, half characters, marks of direction and ends of XML, in every export of a classroom",
    "JSON, XML and CSV are read back whole; a file is kept under the workshop's name, and no header is split",
)
def test_every_export_is_read_back(tmp_path):
    text = io.StringIO()
    csv.writer(text).writerows(
        [["id", "name", "email", "section"], *([f"l{at}", one, one, one] for at, one in enumerate(ODD))]
    )
    roster = text.getvalue().encode(errors="replace")
    with classroom(tmp_path / "rooms", roster=roster, name="spring-x") as here:
        instructor = here.browser("instructor")
        found = {}
        for kind in ("csv", "json", "junit", "html", "gradebook", "canvas", "moodle?by=email", "moodle?by=username"):
            answer = instructor.get(f"/marks/export/{kind}")
            assert answer.status_code == 200, kind
            disposition = answer.headers["content-disposition"]
            assert disposition.isascii() and disposition.startswith("attachment; filename*=UTF-8''spring-x-"), (
                disposition
            )
            assert answer.headers["x-content-type-options"] == "nosniff"
            found[kind] = answer.content.decode()
        assert len(json.loads(found["json"])["results"]) == len(ODD)
        assert len(ElementTree.fromstring(found["junit"])) == len(ODD) * 5
        assert Gradebook.parse(found["gradebook"]).learners
        for one in found.values():
            assert not set("\x00\x1b\u202e") & set(one)


@attack(
    "files",
    "A gradebook with endless, huge or tiny numbers, deep, cut off, of another kind, or with marks of nobody",
    "one sentence, exit 2, from every command that reads one; no traceback",
)
@pytest.mark.parametrize("command", ["csv", "json", "junit", "html", "canvas", "moodle"])
def test_a_gradebook_that_is_odd(tmp_path, command):
    item = {"exercise": "a", "title": "A", "maximum": 4}
    mark = {"learner": "x", "exercise": "a", "points": 1, "maximum": 4, "at": "2027-03-05T12:00:00Z"}
    good = {"workshop": "w", "learners": [{"id": "x"}], "items": [item], "marks": [mark]}
    odd = [
        b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"workshop":' + b"[" * 100_000,
        *(json.dumps(good | more).encode() for more in (
            {"items": [item | {"maximum": 1e308}]},
            {"items": [item | {"weight": 1e308}, item | {"exercise": "b", "weight": 1e308}]},
            {"items": [item | {"maximum": float("nan")}]},
            {"items": [item | {"maximum": float("inf")}]},
            {"items": [item | {"maximum": -1}]},
            {"items": [item, item]},
            {"marks": [mark | {"points": 5}]},
            {"marks": [mark | {"learner": "y"}]},
            {"marks": [mark | {"at": "2027-03-05T12:00:00"}]},
            {"marks": [mark | {"points": 1e308, "maximum": 1e308}]},
            {"late": {"deadline": "2027-03-05T11:00:00Z", "grace": 1e300}},
            {"late": {"deadline": "2027-03-05T11:00:00Z", "grace": -1}},
            {"late": {"deadline": "2027-03-05T11:00:00Z", "per_day": 2}},
            {"certificate": 0},
            {"learners": [{"id": ""}]},
        )),
    ]  # fmt: skip
    file = tmp_path / "book.json"
    for text in odd:
        file.write_bytes(text)
        done = CliRunner().invoke(cli, ["export", command, str(file)])
        assert done.exit_code == 2, (text[:100], done.exit_code, done.output[:300], done.exception)
        assert "Traceback" not in done.output and done.output.strip()


@attack(
    "files",
    "A roster of 100 MB, of 5,001 lines, of one endless line, with zero bytes, in UTF-16 and cut off there, with the same heads twice, "
    "with no end of quotes",
    "413 or 409 in a sentence; what can be read is taken, the first head counts, and no name has what nobody sees",
)
def test_rosters_that_are_odd(tmp_path):
    with classroom(tmp_path / "rooms", roster=b"id,name\nada,Ada\n") as here:
        instructor = here.browser("instructor")

        def sent(content):
            return instructor.post("/workshop/roster", files={"roster": ("r.csv", content, "text/csv")})

        head = b'--x\r\nContent-Disposition: form-data; name="roster"; filename="r.csv"\r\n\r\n'
        body = (head if at == 0 else b"x" * 1_000_000 for at in range(100))
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        big = instructor.web.post("/workshop/roster", content=body, headers=kind)
        assert big.status_code == 413
        for content in (
            b"", b"\x00" * 1000, b"x", "id,name\nx,y\n".encode("utf-16")[:-1], b"id\n" + b"x\n" * 5001, b"," * 1_900_000,
            b'id,name\n"' + b"x" * 1_000_000, b"\xff\xfe", b"name_only_here\nx\n", b"PK\x03\x04" + b"\x00" * 100,
        ):  # fmt: skip
            assert sent(content).status_code == 409, content[:20]
        assert "1 learners added" in sent("id,name\ngrace,Grace\n".encode("utf-16")).text
        twice = sent(b"id,name,id,name,section,section,role\nli,Li,eve,Eve,A,B,instructor\n")
        assert "1 learners added" in twice.text
        assert here.number("li") and here.browser("li").get("/workshop").status_code == 403
        assert sent(b"id,name\nb\x00ob,B\x00ob\n").status_code == 200
        with here.room.database.reading() as session:
            from labkit.classroom.records import people

            there = people.learners(session, here.room.workshop(session))
            assert {one.ident for one in there} == {"ada", "grace", "li", "b ob"}
            assert {one.section for one in there} == {"", "A"}
