"""Signing in: with a one-time link, or with the room's join code and one's id from the roster."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from labkit.classroom.app import security
from labkit.classroom.app.doors import ANYBODY, LEARNERS, STAFF, Ask, door, go
from labkit.classroom.app.room import Room
from labkit.classroom.records import people
from labkit.classroom.records.models import Member
from labkit.classroom.rules import entries
from labkit.text import visible

WRONG = "This code or this id is not right, or the code has run out. Ask your instructor for the code, or for a link."
USED = "This link has been used, or it has run out. Ask your instructor for a new one."
LINKS = "This workshop is joined with links only. Ask your instructor for yours."
WAIT = "There were too many wrong codes from here. Wait five minutes, then try again."


@door(ANYBODY)
def home(ask: Ask) -> Response:
    if ask.viewer is None:
        return go("/sign-in")
    return go("/board" if ask.viewer.staff else "/me")


@door(ANYBODY)
def sign_in(ask: Ask) -> Response:
    return ask.page("sign_in.html", told="", ident="")


@door(ANYBODY)
def sign_in_with_code(ask: Ask) -> Response:
    """A code lets each id of the roster in once. Whoever has it cannot become somebody who is there already."""
    ident, code = ask.form.get("ident", ""), ask.form.get("code", "")
    if ask.workshop.links_only:
        return ask.page("sign_in.html", 403, told=LINKS, ident=ident)
    if people.must_wait(ask.session, ask.workshop, ask.address, ask.room.clock()):
        ask.note(people.WAITS, "too many wrong codes")
        return ask.page("sign_in.html", 429, told=WAIT, ident=ident)
    return _with_code(ask, ident, code)


def _with_code(ask: Ask, ident: str, code: str) -> Response:
    now, key = ask.room.clock(), ask.room.key.key
    plain = "".join(code.lower().split()).replace("-", "")
    found = people.look_up(ask.session, key, ask.workshop, people.CODE, plain, now)
    if found is None:
        ask.note(people.WRONG_CODE, f"for the id {visible(ident)[:100]}")
        return ask.page("sign_in.html", 403, told=WRONG, ident=ident)
    there = people.learners(ask.session, ask.workshop)
    number = next((one.id for one in there if one.key == entries.same(ident)), None)
    if number is None:
        ask.note(people.REFUSED, f"an id that is not on the roster: {visible(ident)[:100]}")
        return ask.page("sign_in.html", 403, told=WRONG, ident=ident)
    # Of two who come with the same id at once, the second one waits here until the first one is in.
    member = ask.session.get_one(Member, number, with_for_update=True, populate_existing=True)
    if member.signed_in is not None:
        ask.note(people.REFUSED, "this id has signed in before", member)
        told = "Somebody has signed in with this id already. If that was you, ask your instructor for a link."
        return ask.page("sign_in.html", 403, told=told, ident=ident)
    if people.use(ask.session, key, ask.workshop, people.CODE, plain, now) is None:
        return ask.page("sign_in.html", 403, told=WRONG, ident=ident)
    return let_in(ask, member, "with the code")


@door(ANYBODY)
def link(ask: Ask) -> Response:
    """Shows a button: programs that look at links before people do must not use them up."""
    return ask.page("link.html", token=ask.path["token"], told="")


@door(ANYBODY)
def sign_in_with_link(ask: Ask) -> Response:
    now = ask.room.clock()
    found = people.use(ask.session, ask.room.key.key, ask.workshop, people.LINK, ask.path["token"], now)
    if found is None or found.member_id is None:
        ask.note(people.REFUSED, "a wrong or used link")
        return ask.page("link.html", 403, token="", told=USED)
    return let_in(ask, ask.session.get_one(Member, found.member_id), "with a link")


def let_in(ask: Ask, member: Member, how: str) -> Response:
    """Begins a session, and leads on to the member's first page."""
    now = ask.room.clock()
    if ask.viewer is not None:  # as somebody else, or again: the session before ends
        people.end(ask.session, ask.room.key.key, people.SESSION, ask.viewer.token, now)
    token = people.issue(ask.session, ask.room.key.key, ask.workshop, people.SESSION, member, now)
    member.signed_in = member.signed_in or now
    member.seen = now
    ask.note(people.SIGNED_IN, how, member)
    if ask.room.labs is not None and member.role not in people.STAFF:
        ask.desk.start(member.ident)  # in the background; a class that comes at once queues up at the broker
    answer = go("/board" if member.role in people.STAFF else "/me")
    lasting = int(people.LASTING[people.SESSION].total_seconds())
    answer.set_cookie(security.COOKIE, token, max_age=lasting, secure=True, httponly=True, samesite="lax", path="/")
    return answer


def _out(ask: Ask) -> Response:
    assert ask.viewer is not None
    people.end(ask.session, ask.room.key.key, people.SESSION, ask.viewer.token, ask.room.clock())
    ask.note("signed-out")
    answer = go("/sign-in")
    if ask.room.hub is not None:
        ask.room.hub.sign_out(answer, ask.me)
    answer.delete_cookie(security.COOKIE, secure=True, httponly=True, samesite="lax", path="/")
    return answer


learner_out, staff_out = door(LEARNERS)(_out), door(STAFF)(_out)


async def authority(request: Request) -> Response:
    """The certificate by which this app is known. A laptop compares it with the fingerprint that it was given."""
    room: Room = request.app.state.room
    return PlainTextResponse(room.ca, media_type="application/x-pem-file")
