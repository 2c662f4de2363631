"""What a check gets: the lab as it was seen, and the exercise that it is judged for."""

from functools import cached_property
from itertools import pairwise
from typing import Any

from labkit.content.quiz import with_judged
from labkit.seen.lab import SeenLab
from labkit.seen.log import Event
from labkit.seen.mirror import Served
from labkit.seen.observation import Observation
from labkit.seen.registries import Registry


class Scope(SeenLab):
    """A SeenLab in which the log begins where the exercise did, with the learner's answers to its questions."""

    def __init__(self, observation: Observation, slug: str, quiz: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(observation)
        self.slug = slug
        self.quiz = with_judged(quiz, observation.judged.get(slug, {}))

    @cached_property
    def since(self) -> tuple[Event, ...]:
        """The access log since the exercise began: since it was last reset, or all of it."""
        begun = self.log.begun(self.slug)
        return tuple(event for event in self.events if event.seq > begun)

    @property
    def whole(self) -> bool:
        """Whether the log has every line since the exercise began: where some were left out, a missing one says nothing."""
        begun = self.log.begun(self.slug)
        numbers = [*(event.seq for event in self.events), *(reset.seq for reset in self.log.resets)]
        lines = {number for number in numbers if number > begun}
        return len(lines) == max(lines, default=begun) - begun

    @cached_property
    def mirrored(self) -> tuple[Served, ...]:
        """What the registry mirror served since the exercise began."""
        begun = max((reset.time for reset in self.log.resets if self.slug in reset.exercises), default=0.0)
        return tuple(served for served in self.mirror.served if served.time > begun)

    @property
    def unbroken(self) -> float:
        """Since when (seconds since 1970) the log has every line: 0 if none was left out."""
        lines = sorted(
            [(event.seq, event.time) for event in self.events] + [(one.seq, one.time) for one in self.log.resets]
        )
        gaps = [later for earlier, later in pairwise(lines) if later[0] > earlier[0] + 1]
        return gaps[-1][1] if gaps else lines[0][1] if lines and lines[0][0] > 1 else 0.0

    def pulls(self, registry: Registry, repository: str) -> list[Event]:
        """Pulls of a repository that somebody asked for since the exercise began."""
        return registry.pulls(self.since, repository)

    @property
    def given(self) -> dict[str, str]:
        """The learner's answers to this exercise's questions, and the reflection."""
        return self.answers(self.slug)
