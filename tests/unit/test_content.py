"""What is taught: exercises, diagnoses and notebooks fit together."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from labkit.authoring import attempts, notebooks
from labkit.content import diagnoses, exercises
from labkit.errors import LabError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("slug", exercises.slugs())
def test_an_exercise_is_whole(slug):
    exercise = exercises.load(slug)
    assert exercise.checks
    for check in exercise.checks:
        assert check.claim.endswith(".")
        assert check.hints
    wrong = attempts.of_author(slug)
    assert len(wrong) >= 3
    for way in wrong:
        assert way.diagnosis in diagnoses.catalogue()
    for slug in exercise.needs:
        exercises.load(slug)
    for question in exercise.quiz:
        assert set(question["right"]) <= set(question["choices"])


def judging_code():
    files = [*(ROOT / "exercises").glob("*/checks.py"), *(ROOT / "labkit" / "content" / "facts").glob("*.py")]
    return [ast.parse(file.read_text()) for file in files]


def words_in(node):
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_diagnosis_that_a_check_tells_is_in_the_catalogue():
    calls = [node for tree in judging_code() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    told = [node.args[0] for node in calls if getattr(node.func, "id", "") == "fail"]
    assert len(told) > 40
    named = set().union(*map(words_in, told))
    assert named <= set(diagnoses.catalogue())


def test_every_diagnosis_of_the_catalogue_is_told_by_a_check():
    assert set(diagnoses.catalogue()) <= set().union(*map(words_in, judging_code()))


@pytest.mark.parametrize("name", sorted(diagnoses.catalogue()))
def test_a_diagnosis_states_a_condition_and_says_what_to_look_at(name):
    one = diagnoses.catalogue()[name]
    assert one.seen and one.why
    assert one.next.startswith(("Next: ", "In scripts: "))
    assert len(one.seen) + len(one.next) < 230
    assert not re.search(r"\byou (forgot|failed|should have)|\bwrong(ly)?\b your", one.seen.lower())


def test_a_message_stays_short_whatever_is_filled_in():
    for one in diagnoses.catalogue().values():
        assert len(one.message(dict.fromkeys(one.names, "x" * 10_000))) < 300, one.id


def test_values_are_filled_in_and_never_read_as_code():
    one = diagnoses.catalogue()["tag-typo"]
    message = one.message({"found": "{expected.__class__} <b>", "expected": "x"})
    assert "{expected.__class__} <b>" in message


def test_the_notebooks_are_those_that_the_lessons_make():
    made = notebooks.every()
    kept = {one.name: one.read_text() for one in (ROOT / "notebooks").glob("*.ipynb")}
    assert made == kept, "run: ./lab notebooks"


@pytest.mark.parametrize("name", sorted(notebooks.every()))
def test_a_notebook_is_valid_and_has_no_outputs(name):
    notebook = nbformat.reads(notebooks.every()[name], as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    if not name.startswith("00"):
        assert code[-1].source == f'from labkit import check\ncheck("{name.removesuffix(".ipynb")}")'


def test_fences_become_cells():
    lesson = "# A\n\n```try\nls\n```\n\ntext\n\n```do\n```\n\n```\nshown\n```\n\n```try\na\nb\n```\n\n```python\nx = 1\n```\n"
    cells = notebooks.notebook(lesson, "x")["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert sources[1] == "!ls"
    assert sources[3].startswith("%%bash\n# Type")
    assert sources[4] == "```\nshown\n```"
    assert sources[5] == "%%bash\na\nb"
    assert sources[6] == "x = 1"


def test_names_of_exercises_may_be_short():
    assert [one.slug for one in exercises.chosen(["3", "05", "exercises/02-tag/"])] == [
        "03-push",
        "05-deploy",
        "02-tag",
    ]
    assert [one.slug for one in exercises.chosen([])] == exercises.slugs()
    with pytest.raises(LabError, match="did you mean 04-pull"):
        exercises.chosen(["04-pul"])


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("exercise.toml", "needs = [", "cannot be read"),
        ("lesson.md", "no title", "has no title"),
        ("checks.py", "import nothing_like_it", "cannot be loaded: ModuleNotFoundError"),
        ("checks.py", "from labkit.content.check import check\n@check()\ndef a(lab): pass", "has no docstring"),
        (
            "checks.py",
            'from labkit.content.check import check\n@check(needs=["b"])\ndef a(lab):\n    "A."',
            "a needs 'b', which is no check of it",
        ),
    ],
)
def test_an_exercise_that_cannot_be_read_says_why(tmp_path, file, text, problem):
    files = {"exercise.toml": "", "lesson.md": "# Title\n", "checks.py": "", file: text}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(LabError, match=re.escape(problem)):
        exercises.read(tmp_path)


def test_the_version_names_what_decides_about_points():
    assert re.fullmatch(r"[0-9a-f]{12}", exercises.version())


def test_lessons_print_no_code_with_a_real_account():
    text = "".join(one.read_text() for one in (ROOT / "exercises").glob("*/lesson.md"))
    logins = re.findall(r"docker login -u (\S+)", text)
    assert logins and set(logins) <= {"myusername"}


def test_the_json_of_a_notebook_ends_with_a_newline():
    assert all(json.loads(text) and text.endswith("}\n") for text in notebooks.every().values())
