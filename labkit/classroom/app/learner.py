"""The learner's pages: my marks, my feedback, my hand, my texts, and what of me is seen by whom."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from labkit.classroom.app.doors import LEARNERS, Ask, door, go
from labkit.classroom.app.instructor import the_exercise
from labkit.classroom.app.showing import shown
from labkit.classroom.records import handing_in, judging, people, talk
from labkit.classroom.records.models import Observation
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one


@door(LEARNERS)
def me(ask: Ask) -> Response:
    return _me(ask)


def _me(ask: Ask, laptop: str = "") -> Response:
    taught = [exercises.load(slug) for slug, _ in ask.workshop.exercises]
    return ask.page(
        "me.html",
        me=ask.me,
        book=judging.book_of(ask.session, ask.workshop, ask.me),
        hand=talk.hand(ask.session, ask.me),
        messages=talk.messages(ask.session, ask.workshop, ask.me),
        reflections=[(each, talk.reflection(ask.session, ask.me, each.slug)) for each in taught if each.reflection],
        laptop=laptop,
        first=people.first_sign_in(ask.session, ask.me),
        room=ask.room,
        settings=ask.workshop,
        now=ask.room.clock(),
    )


@door(LEARNERS)
def my_mark(ask: Ask) -> Response:
    exercise = the_exercise(ask)
    book = judging.book_of(ask.session, ask.workshop, ask.me)
    item, scored = book.item(exercise.slug), book.counting(ask.me.ident, exercise.slug)
    held = [one for one in judging.results(ask.session, ask.workshop, ask.me.id) if one.exercise == exercise.slug]
    chosen = (scored.mark.observation if scored else "") or (held[-1].observation if held else "")
    kept = ask.session.get(Observation, chosen) if chosen else None
    if kept is not None and kept.member_id != ask.me.id:
        raise HTTPException(404, "This is not yours.")
    parts = {}
    if kept is not None:
        seen = handing_in.kept(kept)
        parts = shown(exercise, seen, grade_one(exercise, seen))
    return ask.page("my_mark.html", exercise=exercise, item=item, scored=scored, parts=parts, held=list(reversed(held)))


@door(LEARNERS)
def raise_hand(ask: Ask) -> Response:
    talk.raise_hand(ask.session, ask.me, ask.form.get("said", ""), ask.room.clock())
    return go("/me")


@door(LEARNERS)
def lower_hand(ask: Ask) -> Response:
    talk.lower_hand(ask.session, ask.me, ask.room.clock())
    return go("/me")


@door(LEARNERS)
def reflect(ask: Ask) -> Response:
    slug = ask.form.get("exercise", "")
    if slug not in dict(ask.workshop.exercises) or not exercises.load(slug).reflection:
        raise LabError("This workshop asks for no such text.", "go back to your page")
    talk.reflect(ask.session, ask.me, slug, ask.form.get("text", ""), ask.room.clock())
    return go("/me")


@door(LEARNERS)
def laptop(ask: Ask) -> Response:
    """A code with which this learner's own machine joins: once, soon. It names the app's authority too."""
    token = people.issue(ask.session, ask.room.key.key, ask.workshop, "laptop", ask.me, ask.room.clock(), uses=1)
    ask.note("laptop", "made a code for a laptop")
    return _me(ask, f"{token}.{ask.room.fingerprint}")
