"""What Tab completes apart from commands and options: exercises, checks, questions, machines. No engine is asked."""

import contextlib
from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.lab.plan import MANAGER


class Completed(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A text. `known` lists its possible values, given what was typed before it."""

    name = "text"

    def known(self, typed: dict[str, Any]) -> Iterable[str]:
        raise NotImplementedError

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        given = ctx.params.get(param.name or "") if param.nargs == -1 else None
        with contextlib.suppress(LabError):  # a word that nobody knows completes to nothing
            return [
                CompletionItem(word)
                for word in self.known(ctx.params)
                if word.startswith(incomplete) and word not in (given or ())
            ]
        return []


class ExerciseName(Completed):
    name = "exercise"

    def known(self, typed: dict[str, Any]) -> Iterable[str]:
        return exercises.slugs()


class CheckName(Completed):
    """The checks of the exercise that was typed before."""

    name = "check"

    def known(self, typed: dict[str, Any]) -> Iterable[str]:
        return [check.id for check in _typed(typed).checks]


class Answer(Completed):
    """QUESTION=, for the exercise that was typed before."""

    name = "answer"

    def known(self, typed: dict[str, Any]) -> Iterable[str]:
        exercise = _typed(typed)
        names = [str(question["id"]) for question in exercise.quiz]
        return [f"{name}=" for name in (*names, *(["reflection"] if exercise.reflection else []))]


class MachineName(Completed):
    name = "machine"

    def known(self, typed: dict[str, Any]) -> Iterable[str]:
        """The machines of the usual lab."""
        return [MANAGER, "worker1", "worker2", "edge"]


def _typed(typed: dict[str, Any]) -> Exercise:
    """Raises LabError."""
    return exercises.chosen([typed["exercise"]])[0]
