"""A classroom over real HTTPS on the loopback, and people who use it: in a browser, by the API, on a laptop."""

import contextlib
import re
import ssl
import threading
from datetime import UTC, datetime, timedelta

import httpx

from labkit.classroom import opening, playing, queue
from labkit.classroom.app import serve
from labkit.classroom.app.api import LAPTOP
from labkit.classroom.app.desk import Desk
from labkit.classroom.playing import Move
from labkit.classroom.records import judging, people

ROSTER = "id,name,section\nada,Ada Lovelace,A\ngrace,Grace <b>Hopper</b>,B\nli,李小龙,A\n".encode()
EXERCISES = ("01-login", "02-tag", "03-push", "04-pull", "05-deploy")


class Clock:
    """The real time, and what is put on top of it."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.ahead


class Classroom:
    """One that is open; `web` are browsers and programs."""

    def __init__(self, opened, clock):
        self.opened, self.room, self.clock = opened, opened.room, clock
        self._clients = []

    def client(self, **more):
        tls = ssl.create_default_context(cadata=self.room.ca.decode())
        one = httpx.Client(base_url=self.room.address, verify=tls, trust_env=False, timeout=30, **more)
        self._clients.append(one)
        return one

    def close(self):
        for one in self._clients:
            one.close()

    @property
    def broker(self):
        return (self.opened.folder / "broker.token").read_text()

    def token(self, kind, ident=None, **more):
        """A pass, as the pages make it."""
        with self.room.database.writing() as session:
            workshop = self.room.workshop(session)
            member = people.by_ident(session, workshop, ident) if ident else None
            return people.issue(session, self.room.key.key, workshop, kind, member, self.clock(), **{"uses": 1, **more})

    def number(self, ident):
        with self.room.database.reading() as session:
            return people.by_ident(session, self.room.workshop(session), ident).id

    def browser(self, ident, **more):
        return Browser(self, ident, **more)

    def observation(self, ident, attempt="03-push/right-as-printed", ago=timedelta(), spread=0):
        """What a learner's lab holds after this attempt. `spread` makes it another lab's."""
        slug, name = attempt.split("/")
        return playing.observation(
            Move(timedelta(), spread, slug, name), self.room.key.person(ident), self.clock() - ago
        )

    def signed(self, *args, **more):
        return self.room.key.signed(self.observation(*args, **more)).dump()

    def post(self, token, observation, client=None, **more):
        asked = {"observation": observation, **more}
        return (client or self.client()).post("/api/results", json=asked, headers={"Authorization": f"Bearer {token}"})

    def observed(self, ident, attempt="03-push/right-as-printed", **more):
        """The broker hands in; returns the answer."""
        only = attempt.split("/")[0]
        answer = self.post(self.broker, self.signed(ident, attempt, **more), learner=ident, exercises=[only])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def laptop(self, work, ident):
        queue.join(work, self.room.address, f"{self.token(LAPTOP, ident)}.{self.room.fingerprint}")
        return queue.joined(work)

    def points(self, ident, slug="03-push"):
        with self.room.database.reading() as session:
            workshop = self.room.workshop(session)
            return judging.points(
                judging.book_of(session, workshop, people.by_ident(session, workshop, ident)), ident, slug
            )

    def results(self, ident):
        with self.room.database.reading() as session:
            workshop = self.room.workshop(session)
            return judging.results(session, workshop, people.by_ident(session, workshop, ident).id)

    def log(self, kind):
        from sqlalchemy import select

        from labkit.classroom.records.models import Event

        with self.room.database.reading() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.number)))


class Browser:
    """Somebody who signed in with a link."""

    def __init__(self, classroom, ident, start=None):
        self.web = classroom.client(headers={"Sec-Fetch-Site": "same-origin"})
        answer = self.web.post(f"/join/{classroom.token(people.LINK, ident)}")
        assert answer.status_code == 303, answer.text
        self.start = answer.headers["location"]

    def get(self, path, **more):
        return self.web.get(path, **more)

    def csrf(self):
        return re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(self.start).text)[1]

    def post(self, path, files=None, **fields):
        return self.web.post(path, data={"csrf": self.csrf(), **fields}, files=files)

    def token(self):
        return self.web.cookies["__Host-labkit-classroom"]


@contextlib.contextmanager
def classroom(
    folder,
    database="",
    roster=ROSTER,
    name="spring",
    exercises=EXERCISES,
    labs=None,
    before=lambda _: None,
    port=0,
    **more,
):
    """`labs`: who has the learners' labs, made from the room. `before` gets what is opened, before it is served."""
    clock = Clock()
    wanted = opening.Wanted(
        name=name,
        folder=folder,
        exercises=exercises,
        host="127.0.0.1",
        port=port,
        database=database,
        roster=roster,
        clock=clock,
        **more,
    )
    opened = opening.open_(wanted)
    one = Classroom(opened, clock)
    before(opened)
    try:
        with contextlib.ExitStack() as there:
            if labs:
                opened.room.labs = labs(opened.room)
                opened.room.desk = there.enter_context(Desk(opened.room))
            there.enter_context(serve.beside(opened.room, opened.place, opened.socket))
            yield one
            one.close()
    finally:
        opened.room.database.close()


def at_once(work, count):
    """What `work(number)` gives when so many threads do it at the same moment."""
    gate, found = threading.Barrier(count), [None] * count

    def one(number):
        gate.wait()
        found[number] = work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
