"""What a learner's panel shows of an observation, from the same parts of the view."""

from markupsafe import Markup

from labkit.content.exercises import Exercise
from labkit.grading.report import ExerciseResult
from labkit.seen.lab import Unobserved
from labkit.seen.observation import Observation
from labkit.view import render
from labkit.view.picture import picture


def shown(exercise: Exercise, seen: Observation, result: ExerciseResult) -> dict[str, Markup]:
    """{part: HTML}: the checks, and the picture where the registries were seen."""
    try:
        drawn = picture(seen, exercise.registries) if seen.registries and seen.engines else None
    except Unobserved:
        drawn = None
    parts = ("checks", "picture") if drawn else ("checks",)
    view = render.View(shown=parts, result=result, picture=drawn)
    return {name: Markup(html) for name, html in render.parts(view, live=False).items()}  # noqa: S704  (escaped by the view)
