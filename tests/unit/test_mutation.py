"""The bench that changes what judges: what it changes, and that its list of exceptions names real places."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import mutation  # noqa: E402
from mutants import mutants  # noqa: E402

SOURCE = '''
class Judge:
    def judge(self, lab: "Lab") -> "str":
        """Not changed: == 1."""
        if lab.a == 1 and not lab.b:
            fail("x")
        return [one for one in lab if one]
'''


def test_every_part_that_decides_is_changed_once():
    made = list(mutants("judge.py", SOURCE, "judge.py"))
    assert [(one.function, one.function_line, one.line, one.kind, one.change) for one in made] == [
        ("Judge.judge", 3, 5, "never", "if lab.a == 1 and (not lab.b): → if False:"),
        ("Judge.judge", 3, 5, "always", "if lab.a == 1 and (not lab.b): → if True:"),
        ("Judge.judge", 3, 5, "condition dropped", "lab.a == 1 and (not lab.b) → not lab.b and (not lab.b)"),
        ("Judge.judge", 3, 5, "condition dropped", "lab.a == 1 and (not lab.b) → lab.a == 1 and lab.a == 1"),
        ("Judge.judge", 3, 5, "and/or swapped", "lab.a == 1 and (not lab.b) → lab.a == 1 or not lab.b"),
        ("Judge.judge", 3, 5, "comparison flipped", "lab.a == 1 → lab.a != 1"),
        ("Judge.judge", 3, 5, "number changed", "1 → 2"),
        ("Judge.judge", 3, 5, "not dropped", "not lab.b → not not lab.b"),
        ("Judge.judge", 3, 6, "statement dropped", "fail('x') → None"),
        ("Judge.judge", 3, 6, "word changed", "'x' → 'x~'"),
        ("Judge.judge", 3, 3, "filter dropped", " for one in lab if one →  for one in lab"),
    ]
    assert len({one.key for one in made}) == len(made)


def test_what_judges_is_all_changed():
    names = {str(file.relative_to(ROOT)) for file in mutation.files()}
    assert {"labkit/content/facts/tasks.py", "labkit/content/quiz.py", "labkit/grading/grade.py"} <= names
    assert {str(file.relative_to(ROOT)) for file in (ROOT / "exercises").glob("*/checks.py")} <= names
    seen = {str(file.relative_to(ROOT)) for file in (ROOT / "labkit" / "seen").glob("*.py")}
    assert seen == {name for name in names if name.startswith("labkit/seen/")} | set(mutation.NO_JUDGES)
    assert all((ROOT / name).exists() and reason for name, reason in mutation.NO_JUDGES.items())


def test_what_is_listed_as_equivalent_is_there_and_has_its_reason():
    made = {mutant.key for mutant in mutation.every_mutant()}
    for key, reason in mutation.equivalents().items():
        assert key in made, f"no such change any more: {key}"
        assert len(reason) > 20, key
