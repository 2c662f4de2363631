"""Attempts: what learners type into a clean lab, and the verdict that each check must give.

The corpus is solutions/EXERCISE/wrong-*.sh, an author's few wrong ways, and tests/attempts/EXERCISE/(right|wrong)-*.sh, all the
others. bash plays them, with the words of solutions/prelude.sh and of solutions/EXERCISE/prelude.sh. The first line is one of

    # expect: all passed
    # expect: CHECK=VERDICT …    for every check: passed, blocked, converging, or the id of the diagnosis
    # expect: ID                 only the first diagnosis that is told; `fill` completes it
"""

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from labkit import paths
from labkit.authoring.solutions import equipped, settled
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult, Outcome
from labkit.lab.lab import Lab
from labkit.lab.looking.observe import observe
from labkit.lab.playing import script
from labkit.lab.playing.reset import reset_all
from labkit.seen.observation import Observation

PATIENCE = 240.0
"""Seconds that an attempt may take to type, with a trial of a pipeline in it."""

_WORD, _PAIR = "[a-z0-9-]+", "[a-z0-9_]+=[a-z0-9-]+"
HEADER = re.compile(rf"# expect: (?:all passed|(?P<first>{_WORD})|(?P<pairs>{_PAIR}(?: {_PAIR})*))")
PLAIN = ("passed", "blocked", "converging", "error")
"""Verdicts that are not a diagnosis."""

Verdicts = dict[str, str]
"""{check: passed, blocked, converging, error, or the id of the diagnosis that is told}, in the exercise's order."""


@dataclass(frozen=True)
class Attempt:
    """One file of the corpus; see the module."""

    slug: str
    name: str
    file: Path

    @property
    def id(self) -> str:
        return f"{self.slug}/{self.name}"

    @property
    def right(self) -> bool:
        return self.name.startswith("right-")

    @cached_property
    def _header(self) -> re.Match[str]:
        first = self.file.read_text().partition("\n")[0].strip()
        if match := HEADER.fullmatch(first):
            return match
        raise LabError(
            f"{self.file} does not begin with “# expect: …”.",
            "write on its first line what it must get: # expect: all passed, # expect: CHECK=VERDICT … or # expect: ID",
        )

    @property
    def short(self) -> bool:
        """Whether its first line names only the first diagnosis."""
        return self._header["first"] is not None

    @property
    def expected(self) -> Verdicts:
        """What the first line says about each check: all of them, or none in the short form. Raises LabError."""
        if self.short:
            return {}
        if pairs := self._header["pairs"]:
            return dict(pair.split("=") for pair in pairs.split())
        return {check.id: "passed" for check in exercises.load(self.slug).checks if check.missing is None}

    @property
    def diagnosis(self) -> str:
        """The first diagnosis that the learner sees, "" for a right attempt. Raises LabError."""
        return self._header["first"] or first_diagnosis(self.expected)

    def problem(self, found: Verdicts) -> str:
        """How these verdicts differ from the first line's, "" if they do not."""
        if Outcome.ERROR.value in found.values():
            return f"the lab or a check broke: {_listed(found)}"
        if self.short:
            told = sorted({verdict for verdict in found.values() if verdict not in PLAIN})
            return (
                "" if first_diagnosis(found) == self.diagnosis else f"expected {self.diagnosis}, found {told or 'none'}"
            )
        expected = self.expected
        some_labs = {check.id for check in exercises.load(self.slug).checks if check.missing} - set(expected)
        found = {check: verdict for check, verdict in found.items() if check not in some_labs}
        if expected == found:
            return ""
        checks = [check for check in {**expected, **found} if expected.get(check) != found.get(check)]
        return (
            f"expected {_listed({check: expected.get(check, 'nothing') for check in checks})},"
            f" found {_listed({check: found.get(check, 'nothing') for check in checks})}"
        )

    def fill(self, found: Verdicts) -> None:
        """Completes a first line of the short form."""
        _, _, rest = self.file.read_text().partition("\n")
        self.file.write_text(f"# expect: {_listed(found)}\n{rest}")
        self.__dict__.pop("_header", None)


def _listed(verdicts: Verdicts) -> str:
    return " ".join(f"{check}={verdict}" for check, verdict in verdicts.items())


def first_diagnosis(verdicts: Verdicts) -> str:
    """The first diagnosis that the learner sees, "" if there is none."""
    return next((verdict for verdict in verdicts.values() if verdict not in PLAIN), "")


def verdicts(result: ExerciseResult) -> Verdicts:
    """Each check's verdict in short."""
    return {
        check.id: check.diagnosis if check.outcome is Outcome.NOT_YET else check.outcome.value
        for check in result.checks
    }


def of_author(slug: str) -> list[Attempt]:
    """The wrong ways beside an exercise's solution: those that `labkit verify` plays."""
    return [Attempt(slug, file.stem, file) for file in sorted(exercises.solutions(slug).glob("wrong-*.sh"))]


def others(slug: str) -> list[Attempt]:
    """The rest of the corpus; empty if labkit is installed without its tests."""
    folder = paths.course() / "tests" / "attempts" / slug
    return [Attempt(slug, file.stem, file) for file in sorted(folder.glob("*.sh"))]


def corpus(names: Iterable[str] = ()) -> list[Attempt]:
    """Every attempt, or those whose id (03-push/wrong-latest) contains one of these words."""
    words = list(names)
    every = [attempt for slug in exercises.slugs() for attempt in (*of_author(slug), *others(slug))]
    return [attempt for attempt in every if not words or any(word in attempt.id for word in words)]


@dataclass(frozen=True)
class Played:
    """The result of playing an attempt: what the lab then held, what the grader says about it, and what was printed."""

    lab: Lab
    """The lab as it is now: a machine that had to be created again for the attempt has another container."""
    observation: Observation
    result: ExerciseResult
    output: str


def play(lab: Lab, attempt: Attempt) -> Played:
    """Clears the lab, types the attempt into it, and looks once the Swarm is at rest. Raises LabError.

    An attempt that expects a verdict of converging is looked at right away. One that does not end counts as what it has typed.
    """
    exercise = exercises.load(attempt.slug)
    lab = equipped(reset_all(lab), exercise)
    with tempfile.TemporaryDirectory(prefix="labkit-attempt-") as scratch:
        folder, words = Path(scratch) / "folder", Path(scratch) / "words.sh"
        folder.mkdir()
        if (exercise.folder / "files").is_dir():
            shutil.copytree(exercise.folder / "files", folder, dirs_exist_ok=True)
        preludes = (exercises.solutions(place) / "prelude.sh" for place in ("", attempt.slug))
        words.write_text("\n".join(lab.person.personal(file.read_text()) for file in preludes if file.exists()))
        try:
            _, output = script.play(lab, attempt.file, folder, PATIENCE, {"BASH_ENV": str(words)})
        except LabError as error:
            output = str(error)
    if Outcome.CONVERGING.value in attempt.expected.values():
        observation = observe(lab, exercise.sees)
        return Played(lab, observation, grade_one(exercise, observation), output)
    observation, result = settled(lab, exercise)
    return Played(lab, observation, result, output)
