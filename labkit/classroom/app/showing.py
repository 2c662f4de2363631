"""What a learner's panel shows of an observation, from the same parts of the view."""

from collections.abc import Iterable
from dataclasses import replace

from markupsafe import Markup

from labkit.classroom.gradebook import Scored
from labkit.classroom.rules.counting import Result, latest_gradings
from labkit.content.exercises import Exercise
from labkit.grading.report import ExerciseResult
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.observation import Observation
from labkit.view import compose, feed, render
from labkit.view.picture import picture


def newest(scored: Scored | None, results: Iterable[Result]) -> str:
    """Of the observations that are worth this mark the newest: it shows how it stands now. Where no observation is, the newest
    of all; "" where there is none. `results`: a learner's for an exercise, in the order in which they came."""
    held = latest_gradings(results)
    counts = scored.mark.observation if scored else ""
    first = next((one for one in held if one.observation == counts), None)
    if first is None:
        return counts or (held[-1].observation if held else "")
    same = [one for one in held if (one.earned, one.points, one.origin) == (first.earned, first.points, first.origin)]
    return max(same, key=lambda one: (one.taken, one.number)).observation


def shown(exercise: Exercise, seen: Observation, result: ExerciseResult) -> dict[str, Markup]:
    """{part: HTML}: what the learner's panel shows, as far as an observation says it. Hints, and texts of errors, are the
    learner's own."""
    try:
        drawn = picture(seen, exercise.registries) if seen.registries and seen.engines else None
    except Unobserved:
        drawn = None
    given = (seen.answers or {}).get(exercise.slug, {})
    found = render.View(
        shown=(),
        result=result,
        picture=drawn,
        runs=compose.runs(seen),
        feed=tuple(feed.lines(SeenLab(seen))),
        quiz=compose.questions(exercise, given, seen),
        reflection=compose.reflection(exercise, given.get("reflection", "")) if exercise.reflection else None,
    )
    there = {"picture": drawn, "runs": found.runs, "quiz": found.quiz or found.reflection, "feed": found.feed}
    parts = ("checks", *(name for name, held in there.items() if held))
    view = replace(found, shown=parts)
    return {name: Markup(html) for name, html in render.parts(view, live=False).items()}  # noqa: S704  (escaped by the view)
