"""What is taught: exercises, diagnoses and notebooks fit together."""

import re
from pathlib import Path

import pytest

from labkit.authoring import attempts, soundness
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
    assert [problem for problem in soundness.problems(exercise).values() if problem] == []
    assert [problem for way in wrong if (problem := soundness.header_problem(way))] == []


def judging_code():
    files = [*(ROOT / "exercises").glob("*/checks.py"), *(ROOT / "labkit" / "content" / "facts").glob("*.py")]
    return [file.read_text() for file in files]


def test_the_checks_tell_every_diagnosis_of_the_catalogue_and_no_other():
    told = {one.diagnosis for code in judging_code() for one in soundness.told(code)}
    assert told == set(diagnoses.catalogue())


CODE = """
LEFT = {"a": "tag-none", "b": "tag-typo"}

def one(lab):
    fail("push-none", expected=1, found=2)
    fail("pull-none" if lab else OTHER["key"], expected=1, found=2, **values)
    mistake = LEFT.get(lab.reason, "quiz-open")
    fail(mistake, expected=1, found=2, exercise="x")
    print("no-diagnosis")
    return passed("saw", "login-password-visible")

OTHER: dict[str, str] = {"key": "quiz-wrong"}

def two(lab):
    round = round or "tag-none"
    return passed("saw", note=round)
"""


def test_the_diagnoses_that_code_tells_are_found():
    told = soundness.told(CODE)
    assert [(one.line, one.diagnosis) for one in told] == [
        (5, "push-none"), (6, "pull-none"), (6, "quiz-wrong"), (8, "quiz-open"), (8, "tag-none"), (8, "tag-typo"),
        (10, "login-password-visible"), (16, "tag-none"),
    ]  # fmt: skip
    assert [one.values for one in told if one.line in (5, 6)] == [frozenset({"expected", "found"}), None, None]


def written(place, **files):
    """An exercise in a folder, with these files for the usual ones."""
    usual = {"exercise.toml": "", "lesson.md": "# Title\n", "checks.py": ""}
    for name, content in {**usual, **{key.replace("_", "."): value for key, value in files.items()}}.items():
        (place / name).write_text(content)
    return exercises.read(place)


def test_an_exercise_may_have_diagnoses_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_COURSE", str(tmp_path))
    file = tmp_path / "exercises" / "07-tidy" / diagnoses.OWN
    file.parent.mkdir(parents=True)
    read = diagnoses.catalogue.__wrapped__
    for text, problem in [
        ('[tidy-left]\nseen = "{found} is left."\nwhy = "It was there."\nnext = "Next: look."', ""),
        ('[tag-none]\nseen = "x"\nwhy = "x"\nnext = "x"', "there is already a diagnosis tag-none"),
        ('[tidy-left]\nwhy = "x"', "'seen' is missing"),
        ("[tidy-left", "cannot be read"),
        ("seen = 7", "cannot be read"),
    ]:
        file.write_text(text)
        if problem:
            with pytest.raises(LabError, match=problem):
                read()
        else:
            assert read()["tidy-left"].message({"found": "v1"}) == "v1 is left. Next: look."
            assert {"tidy-left"} < set(read()) <= {*diagnoses.catalogue(), "tidy-left"}


def test_a_diagnosis_that_is_not_known_is_named_with_its_line(tmp_path):
    code = "def a(lab):\n    fail('tag-nome', expected=1, found=2)\n    fail('quiz-open', expected=1, found=2)\n"
    problem = soundness.problems(written(tmp_path, checks_py=f"from labkit.content.check import fail\n{code}"))
    told = problem["each diagnosis that its checks tell is known"]
    assert "checks.py, line 3: 'tag-nome' is no diagnosis (did you mean tag-none?)" in told
    assert "checks.py, line 4: quiz-open names {exercise}, which fail(…) does not give" in told


CHOICES = {"a": "one", "b": "two", "c": "three"}


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({"right": "b"}, ""),
        ({"right": "d"}, "the right answer 'd' is no choice (the choices are a, b, c)"),
        ({"right": ""}, "right is missing"),
        ({"right": "a", "choices": {}}, "choices is missing"),
        ({"right": "ab"}, "it has one right answer, not 2"),
        ({"right": "a", "kind": "singel"}, "'singel' is no kind (did you mean single?)"),
        ({"right": "ac", "kind": "several"}, ""),
        ({"right": "aa", "kind": "several"}, "names a choice twice"),
        ({"right": "cab", "kind": "order"}, ""),
        ({"right": "ca", "kind": "order"}, "does not name each choice once"),
        ({"right": "aab", "kind": "match", "items": ["x", "y", "z"]}, ""),
        ({"right": "ab", "kind": "match", "items": ["x", "y", "z"]}, "has 2 letters for 3 items"),
        ({"right": "b", "wrong": {"a": "no"}}, ""),
        ({"right": "b", "wrong": {"d": "no"}}, "'d' is explained and is no choice"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(question, problem):
    found = list(soundness.question_problems({"id": "q", "ask": "?", "choices": CHOICES, **question}))
    assert (problem in found[0]) if problem else not found, found


def test_a_first_line_that_names_no_diagnosis_is_told(tmp_path):
    way = attempts.Attempt("02-tag", "wrong-x", tmp_path / "wrong-x.sh")
    for line, problem in [
        ("# expect: tag-none", ""),
        ("# expect: tag-nome", "'tag-nome' is no diagnosis (did you mean tag-none?)"),
        ("# expect: tagged=tag-typo same_image=blocked", ""),
        ("nothing", "does not begin with"),
    ]:
        way.__dict__.pop("_header", None)
        way.file.write_text(f"{line}\ntrue\n")
        assert problem in soundness.header_problem(way) if problem else not soundness.header_problem(way)


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
        ("checks.py", "import nothing_like_it", "checks.py, line 1, cannot be loaded: ModuleNotFoundError"),
        ("checks.py", "x = 1\nx = = 2", "checks.py, line 2, cannot be loaded: SyntaxError"),
        ("checks.py", "from labkit.content.check import check\n@check()\ndef a(lab): pass", "has no docstring"),
        (
            "checks.py",
            'from labkit.content.check import check\n@check(needs=["b"])\ndef a(lab):\n    "A."',
            "a needs 'b', which is not one of its checks",
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
