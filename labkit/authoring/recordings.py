"""Recordings of the corpus: what a lab held after each attempt, and what the grader told of it.

tests/recordings/EXERCISE.json.xz   {attempt: observation}
tests/recordings/EXERCISE.told.json {attempt: {check: what was told}}, to be read, and compared by a reviewer

The first is graded again by the unit tests and by bench/mutation.py, without Docker, and must give the second to the letter. A
live run must give the same verdicts, and the same sentences but for what is otherwise in every lab (VARYING).
"""

import json
import lzma
import re
from pathlib import Path
from typing import Any

from msgspec import structs

from labkit import paths
from labkit.authoring.attempts import Verdicts
from labkit.content import exercises
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult, Outcome
from labkit.seen.log import Log
from labkit.seen.observation import Observation

Told = dict[str, dict[str, str]]
"""{check: {claim, outcome, diagnosis, expected, found, message, why, evidence, hint}}; empty ones are left out."""

TEXTS = ("claim", "outcome", "diagnosis", "expected", "found", "message", "why", "evidence", "hint")

MACHINE = r"(?:workstation|worker\d+)"
_STATE = rf"(?:{MACHINE}|no node): (?:new|allocated|pending|assigned|accepted|ready|preparing|starting)"
VARYING: tuple[tuple[str, str], ...] = (
    (r"sha256:[0-9a-f]{64}", "<digest>"),
    (r"sha256:[0-9a-f]{6,63}", "<id>"),
    (r"\bline \d+\b", "line <n>"),  # of the access log
    (r"\btrial\.\d+\b", "trial.<n>"),  # the version of a grader's commit
    (r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b", "<commit>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|\+00:00)", "<time>"),
    (rf"\.(?:\d|{MACHINE}) on {MACHINE}\b", ".<n> on <node>"),  # where the Swarm runs a task
    (rf"\({MACHINE}\)", "(<node>)"),  # where it ended
    (rf"{_STATE}(?:, {_STATE})*", "<tasks on their way>"),
    (r"\btask [a-z0-9]{25}\b", "task <id>"),
    (
        r"; stopped \d+ times, after \d+ s(?:, \d+ s)*",
        "",
    ),  # how many had stopped when the look came, and how long they lived
    (r"\b\d+ s\b(?:, \d+ s\b)*", "<n> s"),
    (r"\bstopped \d+ times\b", "stopped <n> times"),
    (r"(Still moving \(since <time>\)): \d of 3 tasks run", r"\1: <n> of 3 tasks run"),  # at the moment of the look
    (r"\b[a-z]+_[a-z]+\b(?!/)", "<made-up name>"),  # of a service without a name: determined_hertz
)
"""What may differ in a sentence in another lab, and what stands for it: [(pattern, word)]."""


def folder() -> Path:
    return paths.course() / "tests" / "recordings"


def told(result: ExerciseResult) -> Told:
    """What the learner is told about each check."""
    checks: list[dict[str, Any]] = [dict(check) for check in result.to_json()["checks"]]
    return {check["id"]: {name: check[name] for name in TEXTS if check[name]} for check in checks}


def verdicts(said: Told) -> Verdicts:
    """Its verdicts, as a first line names them."""
    not_yet = Outcome.NOT_YET.value
    return {
        check: texts["diagnosis"] if texts["outcome"] == not_yet else texts["outcome"] for check, texts in said.items()
    }


def retell(slug: str, data: dict[str, Any]) -> Told:
    """What the grader says today about a recorded observation, of any schema."""
    return told(grade_one(exercises.load(slug), Observation.read(data)))


def normal(text: str) -> str:
    """A sentence without what differs from lab to lab."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def differences(recorded: Told, now: Told) -> list[str]:
    """How the texts now differ from the recorded ones, in words; what differs from lab to lab does not count."""
    found = []
    for check in {**recorded, **now}:
        before, after = recorded.get(check, {}), now.get(check, {})
        for name in TEXTS:
            if normal(before.get(name, "")) != normal(after.get(name, "")):
                found.append(f"{check}, {name}: was {before.get(name, '')!r}, is {after.get(name, '')!r}")
    return found


def shortened(observation: Observation, past: int) -> Observation:
    """An observation without the lines of the access log that belong to other attempts: those after `past`, which every
    recording keeps as what was done before the lab was cleared, and before the lab was last cleared."""
    log = observation.log
    if log is None:
        return observation
    every = set(exercises.slugs())
    begun = max((reset.seq for reset in log.resets if every <= set(reset.exercises)), default=0)

    def kept(seq: int) -> bool:
        return seq <= past or seq >= begun

    events = tuple(event for event in log.events if kept(event.seq))
    resets = tuple(reset for reset in log.resets if kept(reset.seq))
    return structs.replace(observation, log=Log(events=events, resets=resets))


def last_line(observation: Observation) -> int:
    """The number of the access log's last line."""
    log = observation.log
    lines = [*(event.seq for event in log.events), *(reset.seq for reset in log.resets)] if log else []
    return max(lines, default=0)


def load(slug: str) -> dict[str, dict[str, Any]]:
    """{attempt: observation as JSON} for an exercise; empty if nothing was recorded."""
    file = folder() / f"{slug}.json.xz"
    if not file.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(lzma.decompress(file.read_bytes()))
    return found


def load_told(slug: str) -> dict[str, Told]:
    """{attempt: what was told} for an exercise; empty if nothing was recorded."""
    file = folder() / f"{slug}.told.json"
    return json.loads(file.read_text()) if file.exists() else {}


def save(slug: str, observations: dict[str, dict[str, Any]], sentences: dict[str, Told]) -> None:
    """Writes both files of an exercise. The same content gives the same bytes."""
    folder().mkdir(parents=True, exist_ok=True)
    plain = json.dumps(observations, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    (folder() / f"{slug}.json.xz").write_bytes(lzma.compress(plain, preset=9))
    readable = json.dumps(dict(sorted(sentences.items())), indent=1, ensure_ascii=False) + "\n"
    (folder() / f"{slug}.told.json").write_text(readable)
