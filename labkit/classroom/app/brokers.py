"""POST /api/brokers {"code", "address", "ca"}: a broker on another machine joins, with a pass of `labkit classroom
invite-broker` (labkit/classroom/broker/joining.py).

POST /api/brokers/token {"before"}: {"token"}, a new one for a broker whose token is aging, else "". The old one ends when the
broker comes with the new one and says which was `before` it: until then either is good, whatever is lost on the way.
"""

import base64
from typing import Any

import msgspec
from starlette.requests import Request

from labkit.classroom.app import api, security
from labkit.classroom.app.room import Room
from labkit.classroom.broker.joining import Join, Renewal, Renewed, Welcome
from labkit.classroom.records import people
from labkit.errors import LabError


@api.api(api.anybody)
def join(room: Room, request: Request, body: bytes) -> Any:
    asked, now, address = api.parsed(body, Join), room.clock(), security.address(request)
    if room.servers is None:
        raise api.Refused(409, "This classroom takes no brokers.", "labkit classroom up")
    try:
        name, lets_in = room.servers.admit(asked)
    except LabError as error:
        with room.database.writing() as session:
            people.note(session, room.workshop(session), now, people.REFUSED, f"a broker: {error.what}", None, address)
        raise api.Refused(403, error.what, error.fix) from error
    room.labs = room.servers.fleet
    with room.database.writing() as session:
        workshop = room.workshop(session)
        token = people.issue(session, room.key.key, workshop, api.BROKER, None, now)
        people.note(session, workshop, now, "joined", f"the broker {name} at {asked.address}", None, address)
        taught = tuple(slug for slug, _ in workshop.exercises)
    key = base64.b64encode(room.key.key).decode()
    return msgspec.to_builtins(
        Welcome(name=name, workshop=room.key.name, exercises=taught, key=key, token=token, classroom=lets_in)
    )


@api.api(api.a_broker)
def renew(room: Room, request: Request, body: bytes) -> Any:
    asked, key, now = api.parsed(body, Renewal), room.key.key, room.clock()
    with room.database.writing() as session:
        workshop, token = room.workshop(session), ""
        held = api.the_broker(room, request, session)
        if asked.before and asked.before != security.bearer(request):
            people.end(session, key, api.BROKER, asked.before, now)
        if people.aging(held, now):
            token = people.issue(session, key, workshop, api.BROKER, None, now)
            people.note(session, workshop, now, "joined", "a broker gets a new token", None, security.address(request))
    return msgspec.to_builtins(Renewed(token=token))
