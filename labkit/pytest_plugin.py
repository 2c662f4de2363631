"""The pytest door: `pytest exercises/03-push` shows each check as a test, with the same verdict as everywhere else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ExerciseFile | None":
    """Takes checks.py if it is beside a lesson, and no other file."""
    if file_path.name == "checks.py" and (file_path.parent / "exercise.toml").exists():
        return ExerciseFile.from_parent(parent, path=file_path)
    return None


class ExerciseFile(pytest.File):
    """One exercise; the lab is observed once for all its checks."""

    def collect(self) -> Iterator[pytest.Item]:
        from labkit.content import exercises

        for check in exercises.read(self.path.parent.resolve()).checks:
            yield CheckItem.from_parent(self, name=check.id)

    def results(self) -> dict[str, Any]:
        if not hasattr(self, "_results"):
            from labkit import session

            report = session.graded([self.path.parent.name])
            self._results = {result.id: result for result in report.exercises[0].checks}
        return self._results


class NotPassed(Exception):
    """Carries a check's result to the report."""

    def __init__(self, result: Any) -> None:
        super().__init__(result.message)
        self.result = result


class CheckItem(pytest.Item):
    """One check as a test."""

    def runtest(self) -> None:
        assert isinstance(self.parent, ExerciseFile)
        result = self.parent.results()[self.name]
        self.user_properties += [
            ("outcome", result.outcome.value),
            ("diagnosis", result.diagnosis),
            ("points", result.earned),
        ]
        if result.earned < result.points:
            raise NotPassed(result)

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        from labkit.errors import LabError
        from labkit.grading.report import check_text

        if isinstance(excinfo.value, NotPassed):
            return check_text(excinfo.value.result)
        if isinstance(excinfo.value, LabError):
            return f"✗ {excinfo.value}"
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, None, str]:
        assert self.parent is not None
        return self.path, None, f"{self.path.parent.name}: {self.name}"
