"""A classroom with labs, over real HTTPS and WebSockets. Who has the labs is played here; the broker itself is tested with a real
engine (tests/integration/test_broker.py), and both together in tests/browser/test_workshop.py."""

import contextlib
import json
import queue
import re
import ssl
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import websocket
from classrooms import classroom
from msgspec import structs
from sqlalchemy import select

from labkit import paths, reporting, talking
from labkit.classroom import queue as laptop
from labkit.classroom.app import terminals
from labkit.classroom.app.security import COOKIE
from labkit.classroom.app.showing import shown
from labkit.classroom.broker.standing import Standing, State
from labkit.classroom.playing import Move, observation
from labkit.classroom.records import people
from labkit.classroom.records.models import Member
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.lab.access import STDOUT
from labkit.seen.observation import Observation


def until(look, patience=10.0):
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


class Echo:
    """A session that prints what is typed."""

    def __init__(self):
        self.pieces, self.sizes = queue.Queue(), []

    def read(self):
        return STDOUT, self.pieces.get()

    def write(self, data):
        self.pieces.put(data)

    def resize(self, rows, columns):
        self.sizes.append((rows, columns))

    def close(self):
        self.pieces.put(b"")


class Labs:
    """Who has the labs, for the desk: learners' labs are values."""

    alive = True

    def __init__(self, room):
        self.room, self.there, self.sessions = room, {}, {}
        self.gate, self.full, self.attempt = threading.Event(), False, "01-login/wrong-password"
        self.gate.set()
        self.touched = []

    def teach(self, exercises):
        self.taught = exercises

    def touch(self, learner):
        self.touched.append(learner)

    def status(self, learner):
        return self.there.get(learner) or Standing(learner, "lab", State.ABSENT)

    def all(self):
        return tuple(self.there.values())

    def _now(self, learner, state, **more):
        self.there[learner] = Standing(learner, "lab", state, {"worker1": "", "workstation": "", "edge": ""}, **more)
        return self.there[learner]

    def start(self, learner, say=lambda _: None):
        say("starting 3 machines")
        self.gate.wait(20)
        if self.full:
            raise LabError("All labs are taken.", "remove labs that nobody needs")
        return self._now(learner, State.UP)

    def stop(self, learner):
        return self._now(learner, State.STOPPED)

    def reset(self, learner, slugs=None, say=lambda _: None):
        self.reset_of = learner, slugs

    def observe(self, learner, wanted=(), said=None):
        slug, name = self.attempt.split("/")
        move = Move(timedelta(), sum(map(ord, learner)), slug, name)
        return self.room.key.signed(observation(move, self.room.key.person(learner), self.room.clock()))

    def session(self, learner, machine, command, terminal=None):
        return self.sessions.setdefault(learner, Echo())


@pytest.fixture
def here(tmp_path):
    with classroom(tmp_path / "rooms", labs=Labs) as one:
        yield one


def test_a_lab_starts_upon_sign_in_and_page_and_board_follow(here):
    here.room.labs.gate.clear()
    board, ada = here.browser("instructor"), here.browser("ada")
    assert "starting 3 machines" in until(lambda: "starting 3" in ada.get("/me").text and ada.get("/me").text)
    assert 'data-lab="starting"' in board.get("/board").text
    here.room.labs.gate.set()
    until(lambda: 'data-lab="up"' in board.get("/board").text)
    assert "Open a terminal" in ada.get("/me").text
    assert here.room.key.person("ada").username in ada.get("/me").text
    ada.post("/me/lab/reset", exercise="01-login")
    until(lambda: getattr(here.room.labs, "reset_of", None) == ("ada", ("01-login",)))
    assert ada.post("/me/lab/reset", exercise="../x").status_code == 409


def test_labs_are_told_what_is_taught_from_now_on(here):
    board = here.browser("instructor")
    board.post("/workshop/settings", **{"weight-01-login": "1", "weight-09-cleanup": "2", "weight-02-tag": "0"})
    until(lambda: getattr(here.room.labs, "taught", None) == ("01-login", "09-cleanup"))


def test_an_instructor_tries_the_workshop_out_and_it_counts_nowhere(here):
    board = here.browser("instructor")
    link = re.search(r"<code>(https://[^<]+/join/[^<]+)</code>", board.post("/workshop/try").text)[1]
    tries = here.client(headers={"Sec-Fetch-Site": "same-origin"})
    answer = tries.post(link.removeprefix(here.room.address))
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    until(lambda: 'data-lab="up"' in tries.get("/me").text)
    ident = people.TRIES_OUT
    here.room.labs.attempt = "01-login/right-as-printed"
    here.room.desk.look(ident)  # graded and kept, as a learner's
    assert here.points(ident, "01-login") == 3
    assert "3 of" in tries.get("/me").text
    assert tries.get("/board").status_code == 403
    with here.room.database.writing() as session:
        here.room.workshop(session).certificate_percent = 1
    assert tries.get("/certificate/json").status_code == 409
    told = [
        board.get(page)
        for page in (
            "/board?names=shown",
            "/board/data",
            "/marks",
            "/marks/export/csv",
            "/marks/export/moodle",
            "/regrade",
        )
    ]
    assert [(one.status_code, "s try" in one.text) for one in told] == [(200, False)] * 6
    assert "3 on the roster" in board.get("/workshop").text
    assert board.get(f"/learner/{here.number(ident)}").status_code == 404
    assert board.post("/workshop/try").text.count("instructor&#39;s try") <= 1  # the same one again
    with here.room.database.reading() as session:
        assert len(list(session.scalars(select(Member).where(Member.role == people.TRIAL)))) == 1


def test_why_a_lab_does_not_start_is_told_and_it_can_be_tried_again(here):
    here.room.labs.full = True
    ada, board = here.browser("ada"), here.browser("instructor")
    until(lambda: "All labs are taken." in ada.get("/me").text)
    assert "All labs are taken." in board.get("/board?names=shown").text
    here.room.labs.full = False
    ada.post("/me/lab/start")
    until(lambda: 'data-lab="up"' in ada.get("/me").text)
    assert "All labs are taken." not in ada.get("/me").text


def test_what_is_observed_is_recorded_by_itself_and_only_if_it_is_signed(here):
    seen = here.room.labs.observe("ada")
    here.room.desk.observed("ada", seen)
    here.room.desk.observed("ada", structs.replace(seen, signature=type(seen.signature)()))
    result = until(lambda: [one for one in here.results("ada") if one.exercise == "01-login"])
    assert [(one.earned, one.origin) for one in result] == [(0, "observed")]
    here.room.labs.attempt = "01-login/right-as-printed"
    here.browser("ada").post("/me/lab/look")
    assert here.points("ada", "01-login") == 3


@pytest.mark.fault("The database is away while a lab shows something new", "It is kept, and handed in when it is back")
def test_what_is_observed_waits_for_the_database(here, monkeypatch):
    from labkit.classroom.app import desk
    from labkit.classroom.records.database import DatabaseAway

    away, real = threading.Event(), desk.handing_in.receive
    away.set()

    def receive(*args):
        if away.is_set():
            raise DatabaseAway("here", "it does not answer", "it does not answer")
        return real(*args)

    monkeypatch.setattr(desk, "AGAIN", 0.05)
    monkeypatch.setattr(desk.handing_in, "receive", receive)
    here.room.desk.observed("ada", here.room.labs.observe("ada"))
    time.sleep(0.2)  # four tries
    assert not here.results("ada")
    away.clear()
    until(lambda: here.results("ada"))


def test_who_works_in_the_lab_is_there_though_no_page_is_open(here):
    def states():
        told = instructor.get("/board/data").json()["states"]
        return {state: count for state, count in told.items() if count}

    instructor = here.browser("instructor")
    here.browser("ada")
    until(lambda: here.room.labs.status("ada").state is State.UP)
    standing = replace(here.room.labs.status("ada"), state=State.UP)
    here.clock.ahead = timedelta(minutes=30)
    here.room.desk.changed(replace(standing, active=time.time()))
    assert states() == {"idle": 1, "away": 2}, "half an hour ago"
    here.room.desk.changed(replace(standing, active=time.time() + 30 * 60))
    assert states() == {"reading": 1, "away": 2}
    here.room.desk.changed(replace(standing, active=time.time() + 99 * 60))
    assert states() == {"reading": 1, "away": 2}, "another server's clock is ahead"
    stopped = replace(standing, state=State.STOPPED, active=time.time() + 30 * 60)
    here.room.desk.changed(stopped)
    assert states() == {"idle": 1, "away": 2}, "the broker stopped it, and not the learner"


def test_a_result_is_on_the_board_within_two_seconds(here):
    board = here.browser("instructor")
    until(lambda: here.room.labs is not None)
    with board.web.stream("GET", "/board/events", timeout=20) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        begun = time.monotonic()
        here.room.desk.observed("ada", here.room.labs.observe("ada"))
        next(line for line in lines if "login-wrong-password" in line)
    took = time.monotonic() - begun
    assert took < 2, f"it took {took:.1f} s"


def test_a_hint_reaches_the_learner_and_is_kept_as_help(here):
    board, ada = here.browser("instructor"), here.browser("ada")
    place = f"/learner/{here.number('ada')}"
    assert board.post(f"{place}/hint", hint="01-login/accepted/1").status_code == 303
    assert "Which docker command tells it?" in ada.get("/me").text
    assert "sent hint 1 of 3 for 01-login, accepted" in board.get(place).text
    assert [one.what for one in here.log("help")] == ["instructor sent hint 1 of 3 for 01-login, accepted"]
    assert board.post(f"{place}/hint", hint="01-login/accepted/9").status_code == 409
    assert ada.post(f"{place}/hint", hint="01-login/accepted/2").status_code == 403


def test_the_panel_is_live_while_it_is_looked_at(here):
    board = here.browser("instructor")
    here.browser("ada")
    until(lambda: here.room.desk.shown("ada").up)
    with board.web.stream("GET", f"/learner/{here.number('ada')}/events?exercise=01-login", timeout=20) as stream:
        lines = stream.iter_lines()
        assert "not yet" in next(line for line in lines if line.startswith("data: "))
        here.room.labs.attempt = "01-login/right-as-printed"
        assert "3 of 3" in next(line for line in lines if line.startswith("data: "))
    assert here.points("ada", "01-login") == 3, "what was looked at is kept"


def test_the_panel_has_what_the_learner_sees_and_nothing_to_click(here):
    exercise = exercises.load("03-push")
    seen = Observation.parse(here.signed("ada", "03-push/right-as-printed"))
    question = exercise.quiz[0]
    letter = min(question["choices"])
    seen = structs.replace(seen, answers={exercise.slug: {question["id"]: letter}})
    parts = shown(exercise, seen, grade_one(exercise, seen))
    assert list(parts) == ["checks", "picture", "quiz", "feed"]
    assert f"Your answer: {letter}" in parts["quiz"]
    assert "pushed" in parts["feed"]
    assert "<button" not in "".join(parts.values())


def test_where_there_are_no_labs_it_is_said(tmp_path):
    with classroom(tmp_path) as plain:
        ada = plain.browser("ada")
        assert "starts no labs" in ada.get("/me").text
        assert ada.post("/me/lab/start").status_code == 409
        assert ada.post("/me/lab/look").status_code == 409


def test_a_laptop_reports_where_it_has_joined():
    assert f"{laptop.PLACE}/joined.json" == reporting.JOINED


# ── terminals ────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def socket(here, path, token, **more):
    """A browser's side of a terminal."""
    made = websocket.create_connection(
        here.room.address.replace("https", "wss") + path,
        sslopt={"cert_reqs": ssl.CERT_NONE, "check_hostname": False},
        **{"origin": here.room.address, "cookie": f"{COOKIE}={token}", "timeout": 10, **more},
    )
    try:
        yield made
    finally:
        made.close()
        made.shutdown()  # it leaves the socket open where the server has closed first


def closed(made):
    """The code with which the server has closed it, after whatever else it says."""
    while True:
        kind, data = made.recv_data()
        if kind == websocket.ABNF.OPCODE_CLOSE:
            return int.from_bytes(data[:2], "big")


def told(made):
    """The next thing that the server says of the terminal, after whatever is printed."""
    while True:
        kind, data = made.recv_data()
        if kind == websocket.ABNF.OPCODE_TEXT:
            return json.loads(data)


def printed(made, text):
    seen = b""
    while text not in seen:
        kind, data = made.recv_data()
        seen += data if kind == websocket.ABNF.OPCODE_BINARY else b""
    return seen


def at_a_terminal(here):
    """Ada, with a terminal open."""
    one = here.browser("ada")
    until(lambda: here.room.desk.shown("ada").up)
    assert one.post("/me/terminal", machine="workstation").status_code == 303
    return one


@pytest.fixture
def ada(here):
    return at_a_terminal(here)


def test_jupyterlab_hears_who_sees_the_terminal(here, ada, tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path / "work"))
    here.laptop(tmp_path / "work", "ada")
    heard = []
    line = talking.Line(paths.home(), heard.append)
    try:
        until(lambda: heard)
        for may, sees in (("watch", (("instructor", False),)), ("type", (("instructor", True),)), ("nothing", ())):
            ada.post("/me/terminal/allow", who="instructor", may=may)
            until(lambda sees=sees: heard[-1].sees == sees)
        ada.post("/me/terminal/allow", who="instructor", may="watch")
        until(lambda: heard[-1].sees)
        ada.post("/me/terminal/end")
        until(lambda: not heard[-1].sees)
    finally:
        line.end()


def test_a_terminal_is_shared_step_by_step(here, ada):
    board = here.browser("instructor")
    theirs = f"/learner/{here.number('ada')}/terminal/socket"
    with socket(here, "/me/terminal/socket", ada.token()) as own:
        assert told(own)["may"] == 2
        own.send(json.dumps({"rows": 30, "columns": 100}))
        assert (told(own)["rows"], here.room.labs.sessions["ada"].sizes) == (30, [(30, 100)])
        own.send_binary(b"before")
        printed(own, b"before")
        with socket(here, theirs, board.token()) as helper:
            assert closed(helper) == terminals.REFUSED
        first = ada.post("/me/terminal/allow", who="instructor", may="type")
        assert first.status_code == 409 and "watch first" in first.text
        assert "Let type" not in ada.get("/me/terminal").text
        with socket(here, theirs, board.token()) as helper:
            assert closed(helper) == terminals.REFUSED
        ada.post("/me/terminal/allow", who="instructor", may="watch")
        with socket(here, theirs, board.token()) as helper:
            assert told(helper) == {"rows": 30, "columns": 100, "may": 1}
            printed(helper, b"before")
            helper.send_binary(b"intruder")
            helper.send(json.dumps({"rows": 5, "columns": 5}))
            ada.post("/me/terminal/allow", who="instructor", may="type")
            assert told(helper) == {"rows": 30, "columns": 100, "may": 2}
            helper.send_binary(b"help")
            assert b"intruder" not in printed(own, b"help")
            ada.post("/me/terminal/allow", who="instructor", may="watch")
            assert told(helper)["may"] == 1
            helper.send_binary(b"again")
            own.send_binary(b"mine")
            assert b"again" not in printed(own, b"mine"), "typing is taken back alone"
            ada.post("/me/terminal/allow", who="instructor", may="nothing")
            assert closed(helper) == terminals.ENDED
        assert ada.post("/me/terminal/allow", who="instructor", may="type").status_code == 409, "it begins anew"
        ada.post("/me/terminal/end")
        assert closed(own) == terminals.ENDED
    assert [one.what.partition("lets ")[2] for one in here.log("shared")] == [
        "instructor watch",
        "instructor watch and type",
        "instructor watch",
        "instructor neither see it nor type",
    ]


@pytest.mark.attack(
    "identity",
    "another's terminal: as a learner, an assistant of another section, a stranger, from another site; sharing with who is no helper",
    "the WebSocket is refused; only the learner shares, and only with who may help them",
)
def test_nobody_elses_terminal_is_reached(here, ada):
    board, grace = here.browser("instructor"), here.browser("grace")
    board.post("/workshop/assistant", name="Bob", section="B")
    bob = here.browser("Bob")
    theirs = f"/learner/{here.number('ada')}/terminal/socket"
    for path, who in ((theirs, grace), (theirs, bob), ("/me/terminal/socket", grace), ("/me/terminal/socket", board)):
        with socket(here, path, who.token()) as made:
            assert closed(made) == terminals.REFUSED
    with socket(here, "/me/terminal/socket", "nobody") as made:
        assert closed(made) == terminals.REFUSED
    for origin in ("https://evil.example", "null", here.room.address.replace("https", "http")):
        upgrade = {
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        asked = {**upgrade, "Connection": "Upgrade", "Origin": origin, "Cookie": f"{COOKIE}={ada.token()}"}
        assert here.client().get("/me/terminal/socket", headers=asked).status_code == 403
    for who in ("grace", "ada", "Bob", "nobody"):
        assert ada.post("/me/terminal/allow", who=who, may="type").status_code == 409
    assert ada.post("/me/terminal", machine="edge").status_code == 409
    assert bob.get(f"/learner/{here.number('ada')}/terminal").status_code == 404


def test_who_helps_no_more_sees_no_terminal(here, ada):
    board = here.browser("instructor")
    board.post("/workshop/assistant", name="Tim", section="A")
    tim, theirs = here.browser("Tim"), f"/learner/{here.number('ada')}/terminal/socket"
    ada.post("/me/terminal/allow", who="Tim", may="watch")
    with socket(here, theirs, tim.token()) as helper:
        assert told(helper)["may"] == 1
        board.post("/workshop/assistant/remove", number=here.number("Tim"))
        assert closed(helper) == terminals.ENDED
    assert "Tim" not in ada.get("/me/terminal").text
    board.post("/workshop/assistant", name="Tim", section="A")
    with socket(here, theirs, here.browser("Tim").token()) as helper:
        assert closed(helper) == terminals.REFUSED, "what was allowed before is not allowed again"


def test_a_terminal_ends_when_its_learner_has_gone(here, ada, monkeypatch):
    monkeypatch.setattr(terminals, "AWAY", 0.1)
    with socket(here, "/me/terminal/socket", ada.token()) as own:
        assert told(own)["may"] == 2
    until(
        lambda: (
            "Open a terminal" in ada.get("/me/terminal").text and "My terminal on" not in ada.get("/me/terminal").text
        )
    )


def test_what_happens_in_a_terminal_is_graded_by_itself(here, ada):
    with socket(here, "/me/terminal/socket", ada.token()) as own:
        own.send_binary(b"docker login")
        printed(own, b"docker login")
        until(lambda: here.results("ada"))
    assert here.room.labs.touched[:1] == ["ada"], "who types is not idle"


def test_only_a_terminals_page_may_have_styles_of_its_own(here, ada):
    policy = ada.get("/me/terminal").headers["content-security-policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy and "script-src 'self';" in policy
    assert "unsafe-inline" not in ada.get("/me").headers["content-security-policy"]


def test_standings_that_differ_in_nothing_that_shows_wake_nobody(here):
    one = Standing("ada", "lab", State.UP, active=1.0)
    woken = []
    here.room.desk.changed(one)
    here.room.woken = woken.append
    here.room.desk.changed(replace(one, active=2.0))
    assert woken == []
