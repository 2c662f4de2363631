"""Lessons, their pictures and questions, and the notebooks that are made of them."""

import base64
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest

from labkit.authoring import notebooks
from labkit.content import exercises, quiz
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.seen.person import USERNAME, VERSION

ROOT = Path(__file__).parents[2]
LESSONS = [ROOT / "exercises" / "start.md", *sorted((ROOT / "exercises").glob("*/lesson.md"))]
PICTURES = sorted((ROOT / "exercises").rglob("*.svg"))
QUESTIONS = [(one.slug, question) for one in exercises.every() for question in one.quiz]


def name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def lesson_of(exercise: Exercise) -> str:
    return (exercise.folder / "lesson.md").read_text()


# ── notebooks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_notebooks_are_those_that_the_lessons_make():
    made = notebooks.every()
    kept = {one.name: one.read_text() for one in (ROOT / "notebooks").glob("*.ipynb")}
    assert made == kept, "run: ./lab notebooks"
    assert all(text.endswith("}\n") for text in made.values())


@pytest.mark.parametrize("notebook", sorted(notebooks.every()))
def test_a_notebook_is_valid_has_no_outputs_and_no_cell_of_the_labs_own(notebook):
    made = nbformat.reads(notebooks.every()[notebook], as_version=4)
    nbformat.validate(made)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert not [cell.source for cell in code if "labkit" in cell.source], "the panel shows this, without a cell"
    assert made.cells[0].cell_type == "markdown"


def cells_of(lesson, folder=ROOT):
    return ["".join(cell["source"]) for cell in notebooks.notebook(lesson, "x", folder)["cells"]]


def test_a_cell_may_run_on_another_machine():
    assert cells_of("# A\n\n```do on workstation\n```\n\n```try on worker1\nls\n```\n")[1:] == [
        "%%on workstation\n# Type on the empty line below, then press Shift+Enter.\n",
        "%%on worker1\nls",
    ]


def test_fences_become_cells():
    lesson = "# A\n\n```try\nls\n```\n\ntext\n\n```do\n```\n\n```\nshown\n```\n\n```try\na\nb\n```\n\n```python\nx = 1\n```\n"
    assert cells_of(lesson) == [
        "# A",
        "!ls",
        "text",
        "%%bash\n# Type on the empty line below, then press Shift+Enter.\n",
        "```\nshown\n```",
        "%%bash\na\nb",
        "x = 1",
    ]


def test_the_learners_own_cell_ends_with_an_empty_line_to_type_on():
    own = [
        "".join(cell["source"])
        for text in notebooks.every().values()
        for cell in json.loads(text)["cells"]
        if "# Type" in "".join(cell["source"])
    ]
    assert len(own) >= 6
    assert {source.split("\n")[-1] for source in own} == {""}
    assert all(source.splitlines()[-1].startswith("#") for source in own)


def test_a_picture_becomes_a_cell_that_needs_no_file(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    before, picture, after = cells_of('# A\n\n![A "box" & more](a.svg)\n\ntext ![no](picture.svg) here\n', tmp_path)
    assert (before, after) == ("# A", "text ![no](picture.svg) here")
    data = base64.b64encode(b"<svg/>").decode()
    assert picture == f'<img alt="A &quot;box&quot; &amp; more" src="data:image/svg+xml;base64,{data}">'


def test_a_picture_that_is_missing_is_told_with_its_place(tmp_path):
    with pytest.raises(LabError, match=re.escape(f"draw {tmp_path}/none.svg")):
        cells_of("# A\n\n![A picture](none.svg)\n", tmp_path)


def test_the_start_page_lists_the_exercises_that_there_are():
    start = notebooks.every()["00-start.ipynb"]
    assert notebooks.EXERCISES not in start
    for one in exercises.every():
        number = one.slug[:2]
        assert f"| {number} | [{one.title}]({one.slug}.ipynb) | {one.learn} | {one.points} |" in start
    assert len(re.findall(r"\| \d\d \| \[", start)) == len(exercises.slugs())


# ── lessons ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_a_lesson_explains_its_idea_with_a_picture_before_it_asks_for_a_command(lesson):
    text = lesson.read_text()
    found = notebooks.PICTURE.findall(text)
    assert len(found) == 1
    words, file = found[0]
    assert len(words) > 60, "a picture is described for those who do not see it"
    assert (lesson.parent / file).is_file()
    assert text.index(f"]({file})") < min(
        text.index(f"```{kind}\n") for kind in ("do", "try") if f"```{kind}\n" in text
    )


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_links_between_lessons_lead_to_notebooks(lesson):
    for target in re.findall(r"\]\(([^)]+\.ipynb)\)", lesson.read_text()):
        assert target in notebooks.every()


def test_every_exercise_says_what_one_learns():
    for one in exercises.every():
        assert one.learn and one.learn[0].islower() and not one.learn.endswith("."), one.slug


def test_a_lesson_says_where_its_questions_are():
    for one in exercises.every():
        assert ("*Questions*" in lesson_of(one)) is bool(one.quiz), one.slug


FIXED_USERS = ("oauth2accesstoken",)
"""User names that stand for a token of a cloud."""


def test_lessons_sign_in_with_the_labs_account_only():
    text = "".join(lesson.read_text() for lesson in LESSONS)
    logins = re.findall(r"docker login -u (\S+)", text)
    assert logins and set(logins) <= {USERNAME, *FIXED_USERS}


EXPLAINED = {
    "start": "image container registry push pull tag CI CD workstation node Swarm",
    "02-tag": "namespace repository",
    "03-push": "layer manifest digest",
    "05-deploy": "manager worker service replica task",
    "06-practice": "Dockerfile",
    "08-secure": "certificate robot verify",
    "10-pipeline": "commit workflow runner smoke",
}
"""The words of the subject, and where each is explained: in bold."""


def told_in(slug):
    """All that a lesson says, with its questions."""
    if slug == "start":
        return LESSONS[0].read_text()
    one = exercises.load(slug)
    asked = [f"{q['ask']} {q['choices']} {q['explain']} {q['wrong']} {q.get('items', '')}" for q in one.quiz]
    return "\n".join([lesson_of(one), *asked])


@pytest.mark.parametrize("slug", EXPLAINED)
def test_words_are_explained_before_they_are_used(slug):
    order = ["start", *exercises.slugs()]
    before = "".join(map(told_in, order[: order.index(slug)]))
    prose = re.sub(r"```.*?```|`[^`]*`", "", before, flags=re.DOTALL)  # commands are shown as they are
    for word in EXPLAINED[slug].split():
        assert re.search(rf"\*\*[^*]*\b{word}", told_in(slug)), f"{slug} does not explain {word}"
        used = re.search(rf"(?i)[^.]*\b{word}(s|es)?\b[^.]*", prose)
        assert not used, f"{word} is used before {slug} explains it: {used[0].strip()}"


def test_the_start_page_covers_what_registries_are_about():
    text = " ".join(LESSONS[0].read_text().split())
    for word in ("Docker Hub", "Harbor", "Nexus", "ECR", "ACR", "Artifact Registry", "Kubernetes", "cloud"):
        assert word in text, word
    for word in ("not `latest`", "sign-in, and use TLS", "Clean up automatically", "CI/CD tools", "**Remember:**"):
        assert word in text, word


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("picture", PICTURES, ids=name)
def test_a_picture_is_used_whole_and_loads_nothing(picture):
    root = ET.fromstring(picture.read_text())
    tags = {one.tag.rpartition("}")[2] for one in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "text", "path", "circle"}
    assert "href" not in picture.read_text() and "url(" not in picture.read_text()
    assert f"({picture.name})" in "".join(one.read_text() for one in picture.parent.glob("*.md"))


@pytest.mark.parametrize("picture", PICTURES, ids=name)
def test_a_picture_has_letters_that_can_be_read(picture):
    """12 px at 1280 x 720, where a picture is some 550 px wide (tests/browser/test_beside.py measures it)."""
    text = picture.read_text()
    assert 'width="640"' in text.split(">")[0]
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: *([\d.]+)px", text)]
    assert len(sizes) >= 3 and min(sizes) >= 14, f"{picture}: letters of {min(sizes):g} px; 14 is the least"


@pytest.mark.parametrize("picture", PICTURES, ids=name)
def test_a_picture_has_no_name_that_is_another_in_a_personal_lab(picture):
    """In the notebook it is encoded, so a learner's own values cannot be put there."""
    assert USERNAME not in picture.read_text() and VERSION not in picture.read_text()


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("slug", "question"), QUESTIONS, ids=[f"{slug}-{one['id']}" for slug, one in QUESTIONS])
def test_every_wrong_choice_is_explained_in_words_of_its_own(slug, question):
    right, free = question["right"], quiz.kind(question) in ("order", "match")
    # Where letters are put in places, each of them can be in the wrong one.
    can_be_wrong = set(question["choices"]) if free else set(question["choices"]) - set(right)
    lines = {str(number) for number in range(1, len(question.get("items", ())) + 1)}
    assert set(question["wrong"]) in (can_be_wrong, lines)  # of a match, each line may be explained instead
    texts = [*question["wrong"].values(), question["explain"]]
    assert len(set(texts)) == len(texts)
    for letter in can_be_wrong if not free else ():
        assert quiz.told(question, letter).startswith(question["wrong"][letter])


MATCH = {"kind": "match", "right": "ba", "wrong": {"a": "A is last.", "b": "B is first."}, "explain": "So."}
LINES = {"kind": "match", "right": "ba", "wrong": {"1": "First: b.", "2": "Second: a."}, "explain": "So."}
ORDER = {"kind": "order", "right": "abc", "wrong": {"a": "A.", "b": "B.", "c": "C."}, "explain": "So."}
SEVERAL = {"kind": "several", "right": "ac", "wrong": {"b": "B not.", "d": "D not."}, "explain": "So."}
SINGLE = {"right": "a", "wrong": {"b": "B not."}, "explain": "So."}


@pytest.mark.parametrize(
    ("question", "given", "told"),
    [
        (SINGLE, "a", "So."),
        (SINGLE, " B) ", "B not."),
        (SINGLE, "x", quiz.AGAIN),
        (SINGLE, "", ""),
        (SINGLE, " ,", ""),
        (SEVERAL, "c, a", "So."),
        (SEVERAL, "abcd", "B not. D not."),
        (SEVERAL, "a", quiz.MISSING),
        (SEVERAL, "ab", f"B not. {quiz.MISSING}"),
        (ORDER, "abc", "So."),
        (ORDER, "bac", "B."),
        (ORDER, "acb", "C."),
        (ORDER, "ab", quiz.AGAIN),
        (MATCH, "ba", "So."),
        (MATCH, "ab", "A is last. B is first."),
        (MATCH, "aa", "A is last."),
        (MATCH, "b-", quiz.OPEN),
        (LINES, "aa", "First: b."),
        (LINES, "b", quiz.OPEN),
        (LINES, "-b", f"{quiz.OPEN} Second: a."),
        ({"right": "a"}, "b", quiz.AGAIN),
        ({"right": "a"}, "a", ""),
    ],
)
def test_what_is_told_about_an_answer(question, given, told):
    assert quiz.told({"id": "x", **question}, given) == told


def test_where_the_owner_judges_an_answer_the_owners_words_are_told():
    question = {"id": "x", **SINGLE}
    judged = quiz.judged([question], {"x": "b"})
    assert (judged["x"].right, judged["x"].told) == (False, "B not.")
    hidden = {key: value for key, value in question.items() if key not in quiz.SECRET}
    assert set(hidden) == {"id"}
    (theirs,) = quiz.with_judged([hidden], judged)
    assert quiz.told(theirs, "B") == "B not."
    assert quiz.told(theirs, "a") == "" == quiz.told(hidden, "a")
