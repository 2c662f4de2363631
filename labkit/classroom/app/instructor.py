"""The instructor's pages but for the board: the workshop, its learners, a mark, grading again, the log."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from labkit.classroom.app import helping
from labkit.classroom.app.doors import INSTRUCTORS, STAFF, Ask, door, go, the_exercise, the_learner
from labkit.classroom.app.showing import newest, shown
from labkit.classroom.app.terminals import Terminals
from labkit.classroom.exports.cells import cell
from labkit.classroom.records import handing_in, judging, people, talk
from labkit.classroom.records.models import Event, Member, Observation
from labkit.classroom.rules import entries
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.text import visible

# ── the workshop ─────────────────────────────────────────────────────────────────────────────────────────────────────


@door(INSTRUCTORS)
def workshop(ask: Ask) -> Response:
    return _workshop(ask)


def _workshop(ask: Ask, status: int = 200, **told: Any) -> Response:
    given: dict[str, Any] = {"notes": (), "enrolled": None, "code": "", "links": (), **told}
    weights = dict(ask.workshop.exercises)
    chosen = [(each.slug, each.title, weights.get(each.slug)) for each in exercises.every()]
    return ask.page(
        "workshop.html",
        status,
        settings=ask.workshop,
        deadline=f"{ask.workshop.deadline.astimezone():%Y-%m-%dT%H:%M}" if ask.workshop.deadline else "",
        chosen=chosen,
        learners=people.learners(ask.session, ask.workshop),
        staff=people.all_staff(ask.session, ask.workshop),
        lti=ask.room.lti is not None,
        **given,
    )


@door(INSTRUCTORS)
def settings(ask: Ask) -> Response:
    one, form = ask.workshop, ask.form
    weights = {}
    for slug in exercises.slugs():
        if text := form.get(f"weight-{slug}", "").strip():
            weights[slug] = _number(text, f"the weight of {slug}", 0, 1000)
    weights = {slug: weight for slug, weight in weights.items() if weight}
    if not weights:
        raise LabError("A workshop needs an exercise.", "give one of them a weight, such as 1")
    gone = {slug for slug, _ in one.exercises} - {*weights}
    deadline = None
    if text := form.get("deadline", "").strip():
        try:
            deadline = datetime.fromisoformat(text).astimezone()
        except (ValueError, OverflowError) as error:
            raise LabError(f"{text[:50]!r} is not a date and time.", "write it like 2027-03-05T16:00") from error
    one.exercises, one.deadline = [[slug, weight] for slug, weight in weights.items()], deadline
    one.grace_minutes = _whole(form.get("grace", "0"), "the grace", 0, 100_000)
    one.late_percent = _whole(form.get("late", "0"), "what late work costs", 0, 100)
    one.attempts = _whole(form.get("attempts", "0"), "the attempts", 0, 100_000)
    one.offline_minutes = _whole(form.get("offline", "120"), "the time offline", 0, 100_000)
    one.self_reported = form.get("self_reported") == "on"
    one.links_only = form.get("links_only") == "on"
    if one.links_only:
        people.end_all(ask.session, one, people.CODE, ask.room.clock())
    without = f", without {', '.join(sorted(gone))}" if gone else ""
    ask.note("settings", f"{ask.me.ident} changed the workshop: {len(weights)} exercises{without}")
    ask.desk.teach(tuple(weights))
    return go("/workshop", "kept")


def _number(text: str, what: str, least: float, most: float) -> float:
    try:
        number = float(text or 0)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise LabError(f"{text[:50]!r} cannot be {what}.", f"give a number from {least:g} to {most:g}")
    return number


def _whole(text: str, what: str, least: int, most: int) -> int:
    """Half a try is none, and none would mean any number of them."""
    number = _number(text, what, least, most)
    if number != int(number):
        raise LabError(f"{text[:50]!r} cannot be {what}.", f"give a whole number from {least} to {most}")
    return int(number)


@door(INSTRUCTORS)
def roster(ask: Ask) -> Response:
    read = entries.read(ask.files.get("roster", b""))
    enrolled = people.enroll(ask.session, ask.workshop, read)
    ask.note("roster", f"{len(enrolled.added)} added, {len(enrolled.changed)} changed, {enrolled.same} as before")
    return _workshop(ask, notes=read.notes + enrolled.left_out, enrolled=enrolled)


@door(INSTRUCTORS)
def code(ask: Ask) -> Response:
    """A new join code; the ones before open nothing any more."""
    now = ask.room.clock()
    if ask.workshop.links_only:
        raise LabError("This workshop is joined with links only.", "change that under How it counts, or make links")
    people.end_all(ask.session, ask.workshop, people.CODE, now)
    there = len(people.learners(ask.session, ask.workshop))
    made = people.issue(ask.session, ask.room.key.key, ask.workshop, people.CODE, None, now, uses=max(1, there))
    ask.note("code", f"{ask.me.ident} made a new join code")
    return _workshop(ask, code=made)


@door(INSTRUCTORS)
def links(ask: Ask) -> Response:
    """One-time links as CSV, for everybody who has not signed in yet."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["id", "name", "email", "link"])
    for member in people.learners(ask.session, ask.workshop):
        if member.signed_in is None:
            lines.writerow([*map(cell, (member.ident, member.name, member.email)), new_link(ask, member)])
    ask.note("links", f"{ask.me.ident} made links for everybody who has not signed in")
    headers = {"Content-Disposition": 'attachment; filename="links.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def new_link(ask: Ask, member: Member) -> str:
    """A one-time link; the member's earlier ones open nothing any more."""
    now = ask.room.clock()
    people.end_all(ask.session, ask.workshop, people.LINK, now, member)
    token = people.issue(ask.session, ask.room.key.key, ask.workshop, people.LINK, member, now, uses=1)
    return f"{ask.room.address}/join/{token}"


@door(INSTRUCTORS)
def assistant(ask: Ask) -> Response:
    """An assistant, for one section or for all, with a link to sign in."""
    name = entries.clean(ask.form.get("name", ""))
    if not name or len(name) > entries.LONGEST:
        raise LabError("An assistant needs a name.", "type one")
    member = people.staff(ask.session, ask.workshop, people.ASSISTANT, name)
    if member.role == people.ASSISTANT:
        member.section = entries.clean(ask.form.get("section", ""))[: entries.LONGEST]
    ask.note("assistant", f"{ask.me.ident} invited {member.ident} for {member.section or 'all sections'}")
    return _workshop(ask, links=((member.name, new_link(ask, member)),))


@door(INSTRUCTORS)
def remove_assistant(ask: Ask) -> Response:
    """At once: their sessions and links end, and what learners allowed them. What they wrote stays."""
    number = ask.form.get("number", "")
    gone = people.remove_assistant(
        ask.session, ask.workshop, int(number) if number.isdecimal() else 0, ask.room.clock()
    )
    terminals: Terminals = ask.request.app.state.terminals
    terminals.forget(gone.ident)
    ask.note("assistant", f"{ask.me.ident} removed {gone.ident}")
    return go("/workshop", "kept")


@door(INSTRUCTORS)
def try_out(ask: Ask) -> Response:
    """A link for whoever wants to see the workshop as a learner does, with a lab. What is done there counts nowhere."""
    member = people.trial(ask.session, ask.workshop)
    ask.note("try", f"{ask.me.ident} tries the workshop out as a learner")
    return _workshop(ask, links=(("your try, for a private window of your browser", new_link(ask, member)),))


# ── learners ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@door(STAFF)
def marks(ask: Ask) -> Response:
    book = judging.gradebook(ask.session, ask.workshop)
    there = people.learners(ask.session, ask.workshop, ask.me)
    lines = [
        (one, [book.counting(one.ident, item.exercise) for item in book.items], book.total(one.ident)) for one in there
    ]
    return ask.page("marks.html", book=book, lines=lines, numbers=people.numbers(ask.session, ask.workshop))


@door(STAFF)
def learner(ask: Ask) -> Response:
    return _learner(ask, the_learner(ask))


def _learner(ask: Ask, member: Member, link: str = "") -> Response:
    book = judging.book_of(ask.session, ask.workshop, member)
    return ask.page(
        "learner.html",
        member=member,
        called=ask.called(member),
        book=book,
        hand=talk.hand(ask.session, member),
        messages=talk.messages(ask.session, ask.workshop, member),
        link=link,
        came=people.first_sign_in(ask.session, member),
        now=ask.room.clock(),
        **helping.shown_of(ask, member),
    )


@door(STAFF)
def link_for(ask: Ask) -> Response:
    member = the_learner(ask)
    ask.note("links", f"{ask.me.ident} made a link", member)
    return _learner(ask, member, new_link(ask, member))


@door(STAFF)
def sign_out(ask: Ask) -> Response:
    """Ends all of a learner's ways in: a stolen session, a lost laptop, somebody who came in their place."""
    member = the_learner(ask)
    people.end_ways_in(ask.session, ask.workshop, member, ask.room.clock())
    ask.note("signed-out", f"{ask.me.ident} signed them out everywhere", member)
    return _learner(ask, member)


@door(STAFF)
def lower(ask: Ask) -> Response:
    member = the_learner(ask)
    talk.lower_hand(ask.session, member, ask.room.clock())
    return go(f"/learner/{member.id}")


@door(STAFF)
def tell(ask: Ask) -> Response:
    member = the_learner(ask)
    talk.say(ask.session, ask.workshop, ask.me, member, ask.form.get("text", ""), ask.room.clock())
    return go(f"/learner/{member.id}", "sent")


@door(STAFF)
def tell_all(ask: Ask) -> Response:
    """To everybody, also to who comes later; or to the learners of one section, as an assistant of one always does."""
    text, whole = (
        ask.form.get("text", ""),
        not ask.form.get("to") and not (ask.me.role == people.ASSISTANT and ask.me.section),
    )
    for member in [None] if whole else helping.addressed(ask):
        talk.say(ask.session, ask.workshop, ask.me, member, text, ask.room.clock())
    ask.everybody = True
    return go("/board", "sent")


# ── a mark ───────────────────────────────────────────────────────────────────────────────────────────────────────────


DIGEST = re.compile("[0-9a-f]{64}")


def _kept(ask: Ask, digest: str) -> Observation | None:
    """Whatever an address says: a database is asked for nothing that it cannot hold."""
    return ask.session.get(Observation, digest) if DIGEST.fullmatch(digest) else None


@door(STAFF)
def mark(ask: Ask) -> Response:
    member, exercise = the_learner(ask), the_exercise(ask)
    held = [one for one in judging.results(ask.session, ask.workshop, member.id) if one.exercise == exercise.slug]
    book = judging.book_of(ask.session, ask.workshop, member)
    scored = book.counting(member.ident, exercise.slug)
    chosen = ask.request.query_params.get("observation") or newest(scored, held)
    kept = _kept(ask, chosen)
    if kept is not None and kept.member_id != member.id:
        raise HTTPException(404, "This observation is not of this learner.")
    today, parts = None, {}
    if kept is not None:
        judging.afresh()
        exercise, seen = exercises.load(exercise.slug), handing_in.kept(kept)
        today = grade_one(exercise, seen)
        parts = shown(exercise, seen, today)
    return ask.page(
        "mark.html",
        member=member,
        called=ask.called(member),
        exercise=exercise,
        item=book.item(exercise.slug),
        scored=scored,
        held=list(reversed(held)),
        said=[
            one for one in judging.overrulings(ask.session, ask.workshop, member.id) if one.exercise == exercise.slug
        ],
        kept=kept,
        today=today,
        then=next((one for one in held if kept is not None and one.observation == kept.digest), None),
        first=next((one for one in held if scored and one.observation == scored.mark.observation), None),
        parts=parts,
        looks=judging.looks(ask.session, ask.workshop, member, exercise.slug),
        content=exercises.version(),
        reflection=talk.reflection(ask.session, member, exercise.slug),
    )


@door(STAFF)
def overrule(ask: Ask) -> Response:
    member, exercise = the_learner(ask), the_exercise(ask)
    back = ask.form.get("back") == "yes"
    earned = None if back else _number(ask.form.get("earned") or "nothing", "points", 0, 1000)
    reason = talk.plain(ask.form.get("reason", ""))
    judging.overrule(ask.session, ask.workshop, member, exercise.slug, earned, reason, ask.me, ask.room.clock())
    return go(f"/learner/{member.id}/{exercise.slug}")


@door(STAFF)
def rubric(ask: Ask) -> Response:
    member, exercise = the_learner(ask), the_exercise(ask)
    one = talk.reflection(ask.session, member, exercise.slug)
    if one is None or str(one.number) != ask.form.get("number"):
        raise LabError(
            "The learner has written another text since you opened this page.", "read it again, then mark it"
        )
    ask.session.refresh(one, with_for_update=True)
    if one.by_id not in (None, ask.me.id) and str(one.by_id) != ask.form.get("by"):
        raise LabError("Somebody else has marked this text since you opened this page.", "read it again, then mark it")
    met = [ask.form.get(f"met-{at}") == "on" for at in range(len(exercise.reflection.get("rubric", ())))]
    talk.judge(one, met, ask.form.get("feedback", ""), ask.me, ask.room.clock())
    ask.note("reflection", f"{ask.me.ident} marked the text for {exercise.slug}", member)
    return go(f"/learner/{member.id}/{exercise.slug}", "kept")


@door(STAFF)
def observation(ask: Ask) -> Response:
    """An observation as `labkit check --observation` reads it, with its signature where it has one."""
    kept = _kept(ask, ask.path["digest"])
    there = people.learner(ask.session, ask.workshop, ask.me, kept.member_id) if kept else None
    if kept is None or there is None:
        raise HTTPException(404, "There is no such observation.")
    headers = {"Content-Disposition": f'attachment; filename="observation-{kept.digest[:12]}.json"'}
    return Response(handing_in.kept(kept).dump(), media_type="application/json", headers=headers)


# ── grading again ────────────────────────────────────────────────────────────────────────────────────────────────────


@door(INSTRUCTORS)
def regrade(ask: Ask) -> Response:
    return _regraded(ask, judging.regrade(ask.session, ask.workshop), kept=False)


def _regraded(ask: Ask, found: judging.Regraded, kept: bool) -> Response:
    there = people.learners(ask.session, ask.workshop)
    numbers = people.numbered(there)
    called = {one.ident: numbers[one.id] for one in there}
    return ask.page("regrade.html", found=found, kept=kept, numbers=called)


@door(INSTRUCTORS, writes=False)
def keep_regraded(ask: Ask) -> Response:
    found = judging.regrade(ask.session, ask.workshop)
    seen = ask.form.get("token", "")
    judging.keep(ask.room.database, ask.workshop, found, seen, ask.me, ask.room.clock())
    return _regraded(ask, found, kept=True)


LINES = 300
"""Of the log, on a page."""


@door(INSTRUCTORS)
def log(ask: Ask) -> Response:
    """`before` in the address is the number of a line: those before it. Nobody pushes a line out of sight."""
    wanted = (
        select(Event, Member.ident)
        .outerjoin(Member, Member.id == Event.member_id)
        .where(Event.workshop_id == ask.workshop.id)
        .order_by(Event.number.desc())
        .limit(LINES + 1)
    )
    before = ask.request.query_params.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 10:
        wanted = wanted.where(Event.number < int(before))
    found = [(one, who or "", one.what) for one, who in ask.session.execute(wanted)]
    lines, older = found[:LINES], found[LINES - 1][0].number if len(found) > LINES else 0
    if not ask.names:
        hide = _hidden(ask)
        lines = [
            (one, hide(who), hide(what) if who or one.kind not in BY_STRANGERS else TYPED) for one, who, what in lines
        ]
    return ask.page("log.html", lines=lines, older=older)


BY_STRANGERS, TYPED = (people.WRONG_CODE, people.REFUSED), "(hidden with the names)"
"""Lines that may say what somebody typed who is not known: it may be a name with a mistake in it."""


def _hidden(ask: Ask) -> Callable[[str], str]:
    """Replaces learners' ids and names in a text of the log."""
    there = people.learners(ask.session, ask.workshop)
    numbers = people.numbered(there)
    called = {visible(word): f"Learner {numbers[one.id]}" for one in there for word in (one.ident, one.name) if word}
    if not called:
        return str
    longest = sorted(map(re.escape, called), key=len, reverse=True)
    known = re.compile(rf"(?<!\w)(?:{'|'.join(longest)})(?!\w)")
    return lambda text: known.sub(lambda found: called[found[0]], text)
