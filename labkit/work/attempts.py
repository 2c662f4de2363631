"""Attempts: what was graded and which hints were taken, as JSON lines in the learner's folder. Lines are only appended. Only if
lines are damaged, the file is set aside and a new one gets the others."""

import contextlib
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import labkit
from labkit.errors import LabError
from labkit.grading.report import Report
from labkit.work import keeping

FILE = f"{keeping.FOLDER}/attempts.jsonl"


def _append(work: Path, record: dict[str, Any]) -> None:
    """Adds a record. Raises LabError, and then nothing is lost."""
    with keeping.lock(work):
        _append_locked(work, record)


def _append_locked(work: Path, record: dict[str, Any]) -> None:
    line = json.dumps({"labkit": labkit.__version__, **record}, ensure_ascii=False)
    try:
        keeping.append_line(work / FILE, line)
    except OSError as error:
        raise keeping.unkept(work / FILE, error) from error


def read(work: Path) -> tuple[list[dict[str, Any]], int]:
    """Every record, and the number of damaged lines that were skipped."""
    found = _lines(work)
    damaged = sum(1 for _, record in found if record is None)
    if damaged:
        with contextlib.suppress(LabError), keeping.lock(work):
            _mend(work)
    return [record for _, record in found if record is not None], damaged


def _lines(work: Path) -> list[tuple[bytes, dict[str, Any] | None]]:
    """Each line with its record, or None for a damaged line."""
    try:
        lines = (work / FILE).read_bytes().splitlines()
    except OSError:
        return []
    return [(line, _record(line)) for line in lines]


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
        return record if _sound(record) else None
    except keeping.ODD:
        return None


def _sound(record: Any) -> bool:
    """Whether it has the form that this labkit reads. An unknown kind may come from a newer labkit."""
    named = [*record.get("results", {}), *record.get("exercises", []), record.get("exercise", ""), record["kind"]]
    results = record.get("results", {}).values()
    return all(isinstance(name, str) for name in named) and all(isinstance(result, dict) for result in results)


def _mend(work: Path) -> None:
    """Under the lock: sets the file aside where lines are damaged, and keeps the others. Raises LabError where it cannot be
    written; then all is as it was."""
    found = _lines(work)
    if lost := sum(1 for _, record in found if record is None):
        whole = b"".join(line + b"\n" for line, record in found if record is not None)
        try:
            keeping.make_anew(work / FILE, whole, f"{lost} of its {len(found)} lines cannot be read")
        except OSError as error:
            raise keeping.unkept(work / FILE, error) from error


def keep_attempt(work: Path, report: Report) -> bool:
    """Records a report's result for each exercise if it differs from the last attempt: only a changed result is an attempt.
    Returns whether it was recorded. Raises LabError."""
    results = {
        exercise.slug: {
            "earned": exercise.earned,
            "points": exercise.points,
            "checks": {check.id: check.outcome.value for check in exercise.checks},
            "diagnoses": sorted({check.diagnosis for check in exercise.checks if check.diagnosis}),
        }
        for exercise in report.exercises
    }
    with keeping.lock(work):
        _mend(work)
        records = [record for _, record in _lines(work) if record is not None]
        if all(_last_result(records, slug, report.graded_by.content) == result for slug, result in results.items()):
            return False
        told = {"kind": "attempt", "time": report.time, "content": report.graded_by.content, "results": results}
        _append_locked(work, told)
    return True


def _last_result(records: list[dict[str, Any]], slug: str, content: str) -> dict[str, Any] | None:
    """The result of the last attempt at an exercise; None if the exercise was reset since, or graded by other checks."""
    for record in reversed(records):
        if record["kind"] == "reset" and slug in record.get("exercises", ()):
            return None
        if slug in record.get("results", {}):
            result: dict[str, Any] | None = record["results"][slug] if record.get("content") == content else None
            return result
    return None


def keep_reset(work: Path, slugs: list[str]) -> None:
    _append(work, {"kind": "reset", "time": _now(), "exercises": slugs})


def keep_hint(work: Path, slug: str, check: str, number: int) -> None:
    _append(work, {"kind": "hint", "time": _now(), "exercise": slug, "check": check, "number": number})


def hints_taken(work: Path, slug: str, check: str) -> int:
    """How many hints of that check were taken since the exercise was last reset."""
    records, _ = read(work)
    return hints_of(records, slug, check)


def hints_of(records: list[dict[str, Any]], slug: str, check: str) -> int:
    """The same, for records that were read before."""
    taken = 0
    for record in records:
        if record["kind"] == "reset" and slug in record.get("exercises", []):
            taken = 0
        elif record["kind"] == "hint" and (record.get("exercise"), record.get("check")) == (slug, check):
            taken += 1
    return taken


def keep_opened(work: Path, slug: str) -> None:
    """Records that the learner opened an exercise: its time counts from here."""
    _append(work, {"kind": "opened", "time": _now(), "exercise": slug})


PAUSE = 600.0
"""Seconds. A longer pause between two signs of work counts as this much."""


def seconds_spent(records: list[dict[str, Any]], slug: str) -> float:
    """The time spent on an exercise: the times between its openings, attempts, hints and resets added up, each at most PAUSE.
    An attempt at all exercises at once does not count as work on this one."""
    moments = sorted(_moment(record) for record in records if _only(record) == slug)
    return sum(min(PAUSE, later - earlier) for earlier, later in pairwise(moments))


def _only(record: dict[str, Any]) -> str | None:
    """The exercise that a record is about, or None if it is about several."""
    named = [record["exercise"]] if "exercise" in record else list(record.get("results", record.get("exercises", ())))
    return str(named[0]) if len(named) == 1 else None


def _moment(record: dict[str, Any]) -> float:
    try:
        return datetime.fromisoformat(record["time"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0.0


def ever_done(records: list[dict[str, Any]], slug: str) -> bool:
    """Whether an attempt at this exercise earned every point."""
    results = [record["results"][slug] for record in records if slug in record.get("results", {})]
    return any(result.get("points") and result.get("earned") == result["points"] for result in results)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
