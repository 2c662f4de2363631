"""What a learner's JupyterLab asks: what the instructor says, and the raised hand. Who it is says a bearer token: of a machine
that has joined, or the one that JupyterHub gives a server that it starts.

| request | answer |
|---|---|
| GET /api/help | server-sent events, each time that something differs: HELP |
| POST /api/hand {"up", "said"} | {}: the hand is raised or lowered |

HELP, as JSON in a string: {"page": address, "exercises": [slug], "hand": time or "", "said",
"messages": [{"number", "time", "by", "all", "text"}], "asked": [who asks to see the terminal],
"sees": [[who sees it, whether they may type]]}. The newest message is first.
"""

import json
from functools import partial
from typing import Any

import msgspec
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from labkit.classroom.app import doors, security
from labkit.classroom.app.api import Refused, api, parsed
from labkit.classroom.app.live import Live
from labkit.classroom.app.room import Room
from labkit.classroom.app.terminals import Terminals
from labkit.classroom.broker.shared import May
from labkit.classroom.records import people, talk
from labkit.classroom.records.database import DatabaseAway
from labkit.classroom.records.models import Member, Workshop
from labkit.errors import LabError

MOST, LONGEST = 20, 4_000
"""Messages, and characters of each, that are told at once: My page has all."""


class Hand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    up: bool
    said: str = ""


def issue_pass(session: Session, room: Room, workshop: Workshop, member: Member) -> str:
    """A pass for the server that JupyterHub starts for this learner. Earlier ones open nothing any more."""
    people.end_all(session, workshop, people.JUPYTERLAB, room.clock(), member)
    return people.issue(session, room.key.key, workshop, people.JUPYTERLAB, member, room.clock())


def _who(room: Room, request: Request, session: Session) -> Member:
    """Raises Refused."""
    token, kinds = security.bearer(request), (people.JUPYTERLAB, people.DEVICE)
    found = people.holder(session, room.key.key, room.number, kinds, token, room.clock()) if token else None
    if found is not None and (member := found[2]) is not None:
        return member
    raise Refused(401, "The classroom does not know this JupyterLab any more.", "open JupyterLab from My page again")


def _number(room: Room, request: Request) -> int:
    with room.database.reading() as session:
        return _who(room, request, session).id


def a_learner(room: Room, request: Request) -> None:
    """A machine of a learner's. Raises Refused."""
    _number(room, request)


@api(a_learner)
def hand(room: Room, request: Request, body: bytes) -> Any:
    asked = parsed(body, Hand)
    with room.database.writing() as session:
        member = _who(room, request, session)
        if asked.up:
            talk.raise_hand(session, member, asked.said, room.clock())
        else:
            talk.lower_hand(session, member, room.clock())
        member.seen = room.clock()
        number = member.id
    room.changed()
    room.woken(number)
    return {}


def _told(room: Room, terminals: Terminals, number: int) -> str:
    with room.database.reading() as session:
        member = session.get_one(Member, number)
        up = talk.hand(session, member)
        table = terminals.of(number)
        workshop = room.workshop(session)
        messages = talk.messages(session, workshop, member)[:MOST]
        return json.dumps(
            {
                "page": f"{room.address}/me",
                "exercises": [slug for slug, _ in workshop.exercises],
                "hand": up.raised.isoformat() if up else "",
                "said": up.said if up else "",
                "messages": [
                    {
                        "number": message.number,
                        "time": message.time.isoformat(),
                        "by": by,
                        "all": message.member_id is None,
                        "text": _short(message.text),
                    }
                    for message, by in messages
                ],
                "asked": list(terminals.asked(number)),
                "sees": [(who, may is May.TYPE) for who, may in table.sharing] if table else [],
            }
        )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… (My page in the classroom has all of it.)"


async def events(request: Request) -> Response:
    room: Room = request.app.state.room
    live: Live = request.app.state.live
    try:
        number = await run_in_threadpool(_number, room, request)
    except Refused as error:
        return doors.json_error(error, error.status)
    except LabError as error:
        return doors.json_error(error)

    async def may() -> bool:
        try:
            return await run_in_threadpool(_number, room, request) == number
        except DatabaseAway:
            return True
        except Refused:
            return False

    told = partial(_told, room, request.app.state.terminals, number)
    return StreamingResponse(live.page(number, told, may), media_type="text/event-stream")
