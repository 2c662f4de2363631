"""The corpus of attempts: what learners type, and the verdict that each check must give.

tests/attempts/EXERCISE/right-*.sh and wrong-*.sh, played by bash from a clean lab, with the words of prelude.sh. The first
line is `# expect: all passed`, or `# expect: CHECK=VERDICT …` with passed, blocked, or the id of a diagnosis.

    .venv/bin/python tests/acceptance/corpus.py [--runs N] [--record FOLDER] [--fill] [--shard I/N] [NAME …]

plays it on the running lab. --fill completes first lines that name only the first diagnosis, for an author to read over.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from labkit.authoring import look
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import Outcome
from labkit.lab import find
from labkit.lab.looking.observe import observe
from labkit.lab.playing.reset import reset_all
from labkit.lab.playing.script import play
from labkit.seen.observation import Observation

FOLDER = Path(__file__).parents[1] / "attempts"
PATIENCE = 90.0


@dataclass(frozen=True)
class Attempt:
    slug: str
    name: str
    file: Path
    header: str

    @property
    def id(self):
        return f"{self.slug}/{self.name}"

    @property
    def right(self):
        return self.name.startswith("right-")

    @property
    def expected(self):
        """{check: verdict}"""
        if self.header == "all passed":
            return {check.id: "passed" for check in exercises.load(self.slug).checks}
        return dict(word.split("=") for word in self.header.split() if "=" in word)

    @property
    def diagnosis(self):
        """The first diagnosis that a learner is told, "" for a right attempt."""
        told = [verdict for verdict in self.expected.values() if verdict not in ("passed", "blocked", "converging")]
        return told[0] if told else ""


def attempts(names=()):
    found = []
    for file in sorted(FOLDER.glob("*/*.sh")):
        header = file.read_text().splitlines()[0].removeprefix("# expect:").strip()
        one = Attempt(file.parent.name, file.stem, file, header)
        if not names or any(name in one.id for name in names):
            found.append(one)
    return found


def play_attempt(lab, attempt):
    """Types the attempt into a clean lab; returns what the lab then held, and what was printed."""
    lab = reset_all(lab)
    with tempfile.TemporaryDirectory(prefix="labkit-attempt-") as folder:
        files = exercises.load(attempt.slug).folder / "files"
        if files.is_dir():
            shutil.copytree(files, folder, dirs_exist_ok=True)
        prelude = {"BASH_ENV": str(FOLDER / "prelude.sh")}
        try:
            _, output = play(lab, attempt.file, Path(folder), PATIENCE, prelude)
        except LabError as error:
            output = str(error)
    if "converging" not in attempt.expected.values():
        look(lab, exercises.load(attempt.slug))  # until the Swarm is at rest
    return observe(lab), output


def verdicts(attempt, observation):
    """{check: verdict} as the grader gives them."""
    result = grade_one(exercises.load(attempt.slug), observation)
    return {one.id: one.diagnosis if one.outcome is Outcome.NOT_YET else one.outcome.value for one in result.checks}


def fill(attempt, found):
    """Completes a first line that names only the first diagnosis, if that is what was found. Returns what is wrong."""
    first = next((verdict for verdict in found.values() if verdict not in ("passed", "blocked")), "passed")
    if "=" in attempt.header or attempt.right:
        return f"expected {attempt.header}, found {found}" if found != attempt.expected else ""
    if first != attempt.header:
        return f"expected {attempt.header}, found {found}"
    lines = attempt.file.read_text().splitlines(keepends=True)
    lines[0] = "# expect: " + " ".join(f"{check}={verdict}" for check, verdict in found.items()) + "\n"
    attempt.file.write_text("".join(lines))
    return ""


def recorded(folder):
    """(attempt, observation) of a recorded run."""
    by_id = {one.id: one for one in attempts()}
    for file in sorted(Path(folder).glob("*.json")):
        data = json.loads(file.read_text())
        if data["attempt"] in by_id:
            yield by_id[data["attempt"]], Observation(data["observation"])


def record(folder, attempt, observation):
    folder.mkdir(parents=True, exist_ok=True)
    name = attempt.id.replace("/", "--") + ".json"
    (folder / name).write_text(json.dumps({"attempt": attempt.id, "observation": observation.data}))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("names", nargs="*")
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--record", type=Path)
    options.add_argument("--fill", action="store_true")
    options.add_argument("--shard", default="0/1", help="I/N: every Nth attempt, from the Ith on")
    chosen = options.parse_args()
    lab = find.current()
    index, count = map(int, chosen.shard.split("/"))
    todo = attempts(chosen.names)[index::count]
    wrong = Counter()
    for number in range(chosen.runs):
        start = time.monotonic()
        for attempt in todo:
            began = time.monotonic()
            observation, output = play_attempt(lab, attempt)
            found = verdicts(attempt, observation)
            problem = fill(attempt, found) if chosen.fill else "" if found == attempt.expected else f"{found}"
            if chosen.record:
                record(chosen.record, attempt, observation)
            if problem:
                wrong[attempt.id] += 1
                print(
                    f"✗ {attempt.id} ({time.monotonic() - began:.1f} s): {problem}\n    {output[-600:]!r}", flush=True
                )
        minutes = (time.monotonic() - start) / 60
        print(
            f"run {number + 1}: {len(todo)} attempts in {minutes:.1f} min, {len(todo) / minutes:.0f} a minute, {sum(wrong.values())} wrong"
        )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
