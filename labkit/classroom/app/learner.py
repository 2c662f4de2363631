"""The learner's pages: my marks, my feedback, my hand, my texts, and what of me is seen by whom."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labkit.classroom.app import pages
from labkit.classroom.app.doors import LEARNERS, Allowed, Ask, asks, door, go, the_exercise, who_learns
from labkit.classroom.app.live import about
from labkit.classroom.app.room import Room, Viewer
from labkit.classroom.app.showing import newest, shown
from labkit.classroom.records import handing_in, judging, people, talk
from labkit.classroom.records.models import Member, Observation, Workshop
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
        **_now(ask.request, ask.session, ask.workshop, ask.me, ask.viewer),
        reflections=[(each, talk.reflection(ask.session, ask.me, each.slug)) for each in taught if each.reflection],
        laptop=laptop,
        came=people.first_sign_in(ask.session, ask.me),
    )


def _now(request: Request, session: Session, workshop: Workshop, me: Member, viewer: Viewer | None) -> dict[str, Any]:
    """What of the page changes while it is open."""
    state = request.app.state
    room: Room = state.room
    return {
        "me": me,
        "person": room.key.person(me.ident),
        "csrf": viewer.csrf if viewer else "",
        "room": room,
        "lab": state.desk.shown(me.ident) if room.labs is not None else None,
        "jupyter": room.jupyter(me) if room.jupyter else "",
        "terminal": state.terminals.of(me.id),
        "asked": state.terminals.asked(me.id),
        "taught": [exercises.load(slug) for slug, _ in workshop.exercises],
        "book": judging.book_of(session, workshop, me),
        "tries": judging.tries_left(session, workshop, me),
        "hand": talk.hand(session, me),
        "messages": talk.messages(session, workshop, me),
        "settings": workshop,
        "now": room.clock(),
    }


@asks(LEARNERS)
async def events(request: Request) -> Response:
    """What changes on the learner's page, as a stream."""
    room: Room = request.app.state.room

    def html(allowed: Allowed) -> str:
        with room.database.reading() as session:
            me = session.get_one(Member, allowed.about.id)
            return pages.html("me_now.html", **_now(request, session, room.workshop(session), me, allowed.viewer))

    return await about(request, who_learns, html)


@door(LEARNERS)
def start_lab(ask: Ask) -> Response:
    """Starts the lab, brings it back, or repairs it: the same steps."""
    ask.desk.start(ask.me.ident)
    return go("/me")


@door(LEARNERS)
def reset_lab(ask: Ask) -> Response:
    slug = ask.form.get("exercise", "")
    if slug and slug not in dict(ask.workshop.exercises):
        raise LabError("This workshop has no such exercise.", "go back to your page")
    ask.desk.reset(ask.me.ident, (slug,) if slug else None)
    ask.note("reset", slug or "all")
    return go("/me")


@door(LEARNERS, writes=False)
def look(ask: Ask) -> Response:
    """Looks at the lab now, grades it, and keeps what is new."""
    ask.desk.look(ask.me.ident)
    return go("/me")


@door(LEARNERS)
def my_mark(ask: Ask) -> Response:
    exercise = the_exercise(ask)
    book = judging.book_of(ask.session, ask.workshop, ask.me)
    item, scored = book.item(exercise.slug), book.counting(ask.me.ident, exercise.slug)
    held = [one for one in judging.results(ask.session, ask.workshop, ask.me.id) if one.exercise == exercise.slug]
    chosen = newest(scored, held)
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
