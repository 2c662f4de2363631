"""Helping a learner: their panel as they see it, live; their lab; a hint."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from labkit.classroom.app import pages
from labkit.classroom.app.doors import STAFF, Ask, asks, door, go, the_learner, who_helps
from labkit.classroom.app.hints import Hint, hints
from labkit.classroom.app.live import about
from labkit.classroom.app.room import Room
from labkit.classroom.app.showing import shown
from labkit.classroom.records import judging, people, talk
from labkit.classroom.records.models import Event, Member, Workshop
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one

LOOKS = 2.0
"""Seconds between two looks at a lab whose panel somebody has open."""

HELP = "help"
"""Kind of the log's lines about help that was given."""


def shown_of(ask: Ask, member: Member) -> dict[str, Any]:
    """What the learner's page has for helping."""
    room = ask.room
    wanted = select(Event).where(Event.member_id == member.id, Event.kind == HELP).order_by(Event.number.desc())
    here, check = _here(ask.session, ask.workshop, member)
    asked = ask.request.query_params.get("exercise", "")
    slug = asked if asked in dict(ask.workshop.exercises) else ""
    given = tuple(hints(ask.workshop, room.key.person(member.ident).personal))
    first = next((one.key for one in given if (one.exercise, one.check) == (here, check)), "")
    return {
        "hints": given,
        "first": first,
        "help": list(ask.session.scalars(wanted.limit(50))),
        "slug": slug,
        "taught": [exercises.load(one) for one, _ in ask.workshop.exercises],
        "with_labs": room.labs is not None,
        **_lab(ask.request, member),
        "parts": {},
        "problem": "",
    }


def _lab(request: Request, member: Member) -> dict[str, Any]:
    state = request.app.state
    return {
        "lab": state.desk.shown(member.ident) if state.room.labs is not None else None,
        "terminal": state.terminals.of(member.id),
    }


def _here(session: Session, workshop: Workshop, member: Member) -> tuple[str, str]:
    """The exercise that the learner is at, and the first check of it that has not passed; "" where it is not known."""
    newest: dict[str, Any] = {one.exercise: one for one in judging.results(session, workshop, member.id)}
    for slug, _ in workshop.exercises:
        result = newest.get(slug)
        if result is None:
            return slug, ""
        if failing := [check for check, outcome, _ in result.checks if outcome != "passed"]:
            return slug, failing[0]
    return workshop.exercises[-1][0], ""


@asks(STAFF)
async def events(request: Request) -> Response:
    """The learner's panel, while somebody looks: their lab is looked at, and what it shows is graded and kept."""
    slug = request.query_params.get("exercise", "")
    return await about(request, who_helps, lambda allowed: _panel(request, allowed.about, slug), LOOKS)


def _panel(request: Request, member: Member, slug: str) -> str:
    state = request.app.state
    room: Room = state.room
    values = {**_lab(request, member), "parts": {}, "problem": ""}
    if values["lab"] and values["lab"].up and not values["lab"].busy:
        try:
            seen, _ = state.desk.look(member.ident)
            with room.database.reading() as session:
                workshop = room.workshop(session)
                known = slug in dict(workshop.exercises)
                exercise = exercises.load(slug if known else _here(session, workshop, member)[0])
            values["parts"] = shown(exercise, seen, grade_one(exercise, seen))
        except LabError as error:
            values["problem"] = str(error)
    return pages.html("learner_now.html", member=member, **values)


@door(STAFF, writes=False)
def look(ask: Ask) -> Response:
    """Looks at the lab now, grades it, and keeps what is new."""
    member = the_learner(ask)
    ask.desk.look(member.ident)
    return go(f"/learner/{member.id}")


@door(STAFF)
def lab(ask: Ask) -> Response:
    member, what = the_learner(ask), ask.form.get("do", "")
    match what:
        case "start":
            ask.desk.start(member.ident)
        case "stop":
            ask.desk.stop(member.ident)
        case "reset":
            ask.desk.reset(member.ident, None)
        case _:
            raise LabError("This page asks for nothing such.", "go back, reload, and try again")
    ask.note("lab", f"{ask.me.ident}: {what}", member)
    return go(f"/learner/{member.id}")


@door(STAFF)
def hint(ask: Ask) -> Response:
    """Sends a step of the exercise's own hints. It is kept that this help was given."""
    member = the_learner(ask)
    _send(ask, member, _hint(ask))
    return go(f"/learner/{member.id}", "hint")


@door(STAFF)
def hint_all(ask: Ask) -> Response:
    """The same to everybody, or to a section: each learner gets it with their own names."""
    there, one = addressed(ask), _hint(ask)
    for member in there:
        _send(ask, member, one)
    ask.everybody = True
    return go("/board", "hints")


def addressed(ask: Ask) -> list[Member]:
    """The learners whom a form of the board is for: all whom its sender sees, or a section of them. Raises LabError where there
    are none."""
    section = ask.form.get("to", "")
    there = [one for one in people.learners(ask.session, ask.workshop, ask.me) if not section or one.section == section]
    if not there:
        raise LabError("There is nobody whom you can tell something here.", "choose another section")
    return there


def _hint(ask: Ask) -> Hint:
    """The one that the form asks for. Raises LabError where there is none."""
    one = next((one for one in hints(ask.workshop) if one.key == ask.form.get("hint", "")), None)
    if one is None:
        raise LabError("There is no such hint.", "choose one of the list")
    return one


def _send(ask: Ask, member: Member, hint: Hint) -> None:
    """With the learner's own names."""
    one = replace(hint, text=ask.room.key.person(member.ident).personal(hint.text))
    talk.say(ask.session, ask.workshop, ask.me, member, one.message, ask.room.clock())
    ask.note(HELP, f"{ask.me.ident} sent hint {one.place}", member)
