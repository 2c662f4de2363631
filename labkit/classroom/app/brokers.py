"""POST /api/brokers {"code", "address", "ca"}: a broker on another machine joins, with a pass of `labkit classroom
invite-broker` (labkit/classroom/broker/joining.py)."""

import base64
from typing import Any

import msgspec
from starlette.requests import Request

from labkit.classroom.app import api, security
from labkit.classroom.app.room import Room
from labkit.classroom.broker.joining import Join, Welcome
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
