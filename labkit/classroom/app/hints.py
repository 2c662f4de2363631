"""The exercises' own hints, as they can be sent to learners."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labkit.classroom.records.models import Workshop
from labkit.content import exercises


@dataclass(frozen=True)
class Hint:
    """A step of a check's own hints."""

    exercise: str
    check: str
    step: int
    steps: int
    text: str

    @property
    def key(self) -> str:
        """What a form calls it."""
        return f"{self.exercise}/{self.check}/{self.step}"

    @property
    def place(self) -> str:
        return f"{self.step} of {self.steps} for {self.exercise}, {self.check}"

    @property
    def message(self) -> str:
        """What a learner reads."""
        return f"Hint {self.place}:\n{self.text}"


def hints(workshop: Workshop, personal: Callable[[str], str] = str) -> Iterator[Hint]:
    """All of the workshop's, in its order. `personal` puts a learner's own names into a text."""
    for slug, _ in workshop.exercises:
        for check in exercises.load(slug).checks:
            for step, text in enumerate(check.hints, 1):
                yield Hint(slug, check.id, step, len(check.hints), personal(text))
