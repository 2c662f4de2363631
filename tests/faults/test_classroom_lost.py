"""What breaks around a classroom, each caused for real: its process, its database, its disk, its clocks; and people who do the same
at once. What was acknowledged is there afterwards, once."""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from classrooms import Classroom, Clock, at_once, classroom
from postgres import running

from labkit.classroom import queue
from labkit.classroom.records import judging, people
from labkit.classroom.records.database import Database

fault = pytest.mark.fault
EXERCISES = ("03-push", "06-practice")
ROSTER = b"id,name,section\nada,Ada,A\ngrace,Grace,B\nli,Li,A\n"


@pytest.fixture(scope="module")
def postgres():
    with running() as one:
        yield one


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of so many bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def made(folder):
    folder.mkdir()
    return folder


def filled(folder):
    """Fills the disk; returns the file that does it."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    return ballast


# ── the process ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Started:
    """`labkit classroom up`, as a process that can be killed, and started again at the same port."""

    def __init__(self, folder, database=""):
        self.folder, self.database, self.port, self.process = folder, database, 0, None
        (folder / "roster.csv").write_bytes(ROSTER)

    def start(self):
        words = [
            sys.executable,
            "-m",
            "labkit",
            "classroom",
            "up",
            "--workshop",
            "spring",
            "--host",
            "127.0.0.1",
            "--json",
            "--no-labs",
        ]
        words += ["--port", str(self.port), "--folder", str(self.folder), "--learners", str(self.folder / "roster.csv")]
        words += itertools.chain.from_iterable(("--exercise", one) for one in EXERCISES)
        env = {**os.environ, "LABKIT_CLASSROOM_DATABASE": self.database}
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env)
        text = ""
        while not text.endswith("}\n"):
            text += self.process.stdout.readline() or pytest.fail(f"it did not start: {text}")
        told = json.loads(text)
        self.port = int(told["address"].rpartition(":")[2])
        return told

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def room(self, told):
        """The same room, looked at past the process."""
        from labkit.classroom.app.room import Room
        from labkit.lab.owner import workshop as keys

        place = self.folder / "spring"
        database = Database(self.database or f"sqlite:///{place / 'classroom.db'}")
        key = keys.read(place / "workshop.key")
        room = Room(database, 1, key, told["address"], (place / "tls/ca.pem").read_bytes())
        return Classroom(type("Opened", (), {"room": room, "folder": place})(), Clock())


class Writing:
    """People who write until the classroom is gone. `kept` is what was acknowledged, in order."""

    def __init__(self, here, texts):
        self.here, self.texts = here, iter(texts)
        self.numbers = itertools.count()
        self.ada, self.instructor = here.browser("ada"), here.browser("instructor")
        self.forms = {one: one.csrf() for one in (self.ada, self.instructor)}
        self.kept = {"result": [], "text": [], "message": [], "reason": []}

    def until_gone(self, kill, acknowledged=2):
        """All write at once; `kill` is called once each has had so many acknowledged in this round."""
        before = {kind: len(kept) for kind, kept in self.kept.items()}
        threads = [threading.Thread(target=self._write, args=(kind,)) for kind in self.kept]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while any(len(kept) < before[kind] + acknowledged for kind, kept in self.kept.items()):
            assert time.monotonic() < deadline and any(thread.is_alive() for thread in threads), self.kept
            time.sleep(0.002)
        kill()
        for thread in threads:
            thread.join()

    def _write(self, kind):
        with contextlib.suppress(httpx.HTTPError):
            while True:
                if what := self._one(kind):
                    self.kept[kind].append(what)

    def _one(self, kind):
        said = f"{kind} number {next(self.numbers)}"
        grace = self.forms.setdefault("grace", self.here.number("grace"))
        if kind == "result":
            said = next(self.texts)
            answer = self.here.post(self.here.broker, said, learner="li", exercises=["03-push"])
        elif kind == "text":
            answer = self._form(self.ada, "/me/reflection", exercise="06-practice", text=said)
        elif kind == "message":
            answer = self._form(self.instructor, "/message", text=said)
        else:
            answer = self._form(self.instructor, f"/learner/{grace}/03-push/overrule", earned="1", reason=said)
        assert answer.status_code in (200, 303), answer.text
        # Where the one before was lost on its way, a result may be the same as the one before that: no change, and not kept.
        return said if kind != "result" or answer.json()["changed"] else ""

    def _form(self, one, path, **fields):
        return one.web.post(path, data={"csrf": self.forms[one], **fields})


@fault(
    "The classroom's process is killed again and again while results, texts, messages and overruled marks are being written, "
    "with SQLite and with PostgreSQL",
    "everything that was acknowledged is there, once; nobody has to sign in again",
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_again_and_again(tmp_path, kind, request):
    from sqlalchemy import select

    from labkit.classroom.records.models import Message, Overruling, Reflection

    started = Started(tmp_path, request.getfixturevalue("postgres").url if kind == "postgresql" else "")
    here = started.room(started.start())
    attempts = itertools.cycle(("03-push/wrong-tag", "03-push/right-as-printed"))
    people_ = Writing(here, (here.signed("li", attempt) for attempt in attempts))
    try:
        for round_ in range(3 if kind == "sqlite" else 1):
            if round_:
                started.start()
            people_.until_gone(started.kill)
        started.start()
        assert people_.ada.get("/me").status_code == people_.instructor.get("/board").status_code == 200
        with here.room.database.reading() as session:
            for name, column in (("text", Reflection.text), ("message", Message.text), ("reason", Overruling.reason)):
                held = list(session.scalars(select(column)))
                assert len(held) == len(set(held)), f"a {name} is there twice"
                assert set(people_.kept[name]) <= set(held), f"a {name} is lost"
        answers = [
            here.post(here.broker, one, learner="li", exercises=["03-push"]).json() for one in people_.kept["result"]
        ]
        assert all(one["again"] for one in answers)
        digests = [one.observation for one in here.results("li")]
        assert len(digests) == len(set(digests)) and {one["digest"] for one in answers} <= set(digests)
    finally:
        started.kill()
        here.close()
        here.room.database.close()


# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────────


@fault(
    "PostgreSQL crashes and comes back, twice, while eight machines send results",
    "they get 503 and send again; each result counts once; the board goes on by itself",
)
def test_a_database_that_crashes_under_load(postgres, tmp_path):
    roster = ("id\n" + "".join(f"l{at}\n" for at in range(8))).encode()
    with classroom(tmp_path, postgres.url, roster=roster, name="crash") as here:
        texts = {at: [here.signed(f"l{at}", f"03-push/{name}", spread=at) for name in ("wrong-tag", "right-as-printed") * 4]
                 for at in range(8)}  # fmt: skip
        statuses, done = [], []

        def sends(at):
            web = here.client()
            for text in texts[at]:
                deadline = time.monotonic() + 60
                while True:
                    answer = here.post(here.broker, text, web, learner=f"l{at}", exercises=["03-push"])
                    statuses.append(answer.status_code)
                    if answer.status_code == 200:
                        break
                    assert answer.status_code == 503 and time.monotonic() < deadline, answer.text
                    assert str(postgres.folder) not in answer.text
                    time.sleep(0.05)
            done.append(at)

        instructor = here.browser("instructor")
        with instructor.web.stream("GET", "/board/events") as stream:
            board = (line for line in stream.iter_lines() if line.startswith("data: "))
            next(board)
            threads = [threading.Thread(target=sends, args=(at,)) for at in range(8)]
            for thread in threads:
                thread.start()
            for some in (8, 24):
                deadline = time.monotonic() + 60
                while statuses.count(200) < some:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                crash(postgres)
                postgres.start()
            for thread in threads:
                thread.join()
            assert sorted(done) == list(range(8)) and 503 in statuses
            assert [len(here.results(f"l{at}")) for at in range(8)] == [8] * 8
            for line in board:
                if "8 of 8" in line:
                    break


def crash(postgres):
    """As when the machine's memory is out: the server has no time to say goodbye."""
    main = int((postgres.folder / "data/postmaster.pid").read_text().splitlines()[0])
    os.kill(main, signal.SIGQUIT)
    postgres.process.wait(30)


@fault(
    "The disk is full where SQLite's file is",
    "what cannot be kept is refused with a sentence; pages can be read; once there is room, everything goes on",
)
def test_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", 6_000_000) as disk, classroom(disk, exercises=EXERCISES, roster=ROSTER) as here:
        _on_a_full_disk(here, disk, tmp_path)


@fault(
    "The disk is full where PostgreSQL's files are",
    "what cannot be kept is refused with a sentence; once there is room, everything goes on",
)
def test_a_full_disk_with_postgresql(tmp_path):
    folder = Path(tempfile.mkdtemp(prefix="labkit-full-", dir="/tmp"))
    try:
        with (
            small_disk(folder, 90_000_000) as disk,
            running(made(disk / "pg")) as one,
            classroom(tmp_path / "rooms", one.url, exercises=EXERCISES, roster=ROSTER) as here,
        ):
            _on_a_full_disk(here, disk, tmp_path, one)
    finally:
        folder.rmdir()


def _on_a_full_disk(here, disk, tmp_path, postgres=None):
    ada, instructor = here.browser("ada"), here.browser("instructor")
    work = tmp_path / "work"
    here.laptop(work, "ada")
    here.clock.ahead = timedelta(minutes=5)  # a sign of life is due
    csrf, texts = ada.csrf(), (f"{at} " + os.urandom(40_000).hex() for at in itertools.count())
    kept, ballast = [], filled(disk)
    for text in itertools.islice(texts, 400):
        answer = ada.web.post("/me/reflection", data={"csrf": csrf, "exercise": "06-practice", "text": text})
        if answer.status_code != 303:
            break
        kept.append(text)
    assert answer.status_code == 503 and "✗" in answer.text, answer.status_code
    assert "No space left" in answer.text or "full" in answer.text, answer.text
    assert str(disk) not in answer.text, "where it is, is nobody's business"
    queue.put(work, here.observation("ada").dump(), ("03-push",))
    assert queue.send(work, here.clock).left == 1
    if postgres is None:
        here.clock.ahead = timedelta(minutes=10)
        assert instructor.get("/marks").status_code == 200 and ada.get("/me").status_code == 200, (
            "reading needs no room"
        )
    ballast.unlink()
    if postgres is not None and not accepts(
        here, ada
    ):  # it gives up where its own log does not fit, and is started again
        with contextlib.suppress(OSError):
            crash(postgres)
        postgres.start()
    assert ada.post("/me/reflection", exercise="06-practice", text="after").status_code == 303
    assert queue.send(work, here.clock) == queue.Sent(sent=1)
    assert len(here.results("ada")) == 1
    with here.room.database.reading() as session:
        from sqlalchemy import select

        from labkit.classroom.records.models import Reflection

        assert set(session.scalars(select(Reflection.text))) >= {*kept, "after"}


def accepts(here, ada):
    return ada.get("/me").status_code == 200 and ada.post("/me/hand", said="?").status_code == 303


# ── people who do the same at once ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request, tmp_path_factory):
    """One classroom on each database."""
    url = request.getfixturevalue("postgres").url if request.param == "postgresql" else ""
    roster = ROSTER + "".join(f"l{at},Learner {at},A\n" for at in range(30)).encode()
    with classroom(tmp_path_factory.mktemp("rooms"), url, exercises=EXERCISES, roster=roster, name="shared") as one:
        yield one


@fault(
    "The same result comes at once from the broker and from two machines of the learner, signed and not",
    "it counts once for each way in which it is known",
)
def test_one_result_from_three_places(shared):
    here = shared
    seen = here.observation("ada", ago=timedelta(0))
    signed, plain = here.room.key.signed(seen).dump(), seen.dump()
    here.clock.ahead = timedelta(minutes=1)
    devices = [here.token(people.DEVICE, "ada") for _ in range(2)]
    here.clock.ahead = timedelta(minutes=2)
    ways = [(here.broker, signed, {"learner": "ada"}), (devices[0], signed, {}), (devices[1], signed, {})]
    fresh = here.observation("ada", "03-push/wrong-tag")
    ways += [(device, fresh.dump(), {}) for device in devices]
    webs = [here.client() for _ in range(10)]

    def sends(at):
        token, text, more = ways[at % 5]
        return here.post(token, text, webs[at], exercises=["03-push"], **more)

    answers = at_once(sends, 10)
    assert {one.status_code for one in answers} == {200}, [one.text for one in answers]
    assert sum(not one.json()["again"] for one in answers) == 2
    assert sorted(one.origin for one in here.results("ada")) == ["observed", "self-reported"]
    assert here.post(devices[0], plain).status_code == 409, "from before this machine joined"
    here.clock.ahead = timedelta()


@fault("Two instructors overrule one mark in the same moment", "both words are kept, and the later one counts")
def test_two_instructors_at_once(shared):
    here = shared
    here.observed("grace", "03-push/wrong-tag")
    two = [here.browser("instructor") for _ in range(4)]
    path, forms = f"/learner/{here.number('grace')}/03-push/overrule", [one.csrf() for one in two]

    def says(at):
        return (
            two[at]
            .web.post(path, data={"csrf": forms[at], "earned": str(at % 2 + 1), "reason": f"word {at}"})
            .status_code
        )

    assert at_once(says, 4) == [303] * 4
    with here.room.database.reading() as session:
        workshop = here.room.workshop(session)
        said = judging.overrulings(session, workshop, people.by_ident(session, workshop, "grace").id)
    assert sorted(one.reason for one in said) == [f"word {at}" for at in range(4)]
    assert here.points("grace") == said[-1].earned
    page = two[0].get(f"/learner/{here.number('grace')}/03-push").text
    assert all(f"word {at}" in page for at in range(4))


@fault(
    "Two people mark one text in the same moment",
    "one of them is told to read it again: no feedback is written over unseen",
)
def test_two_who_mark_one_text(shared):
    here = shared
    instructor = here.browser("instructor")
    assert instructor.post("/workshop/assistant", name="Tim").status_code == 200
    two = [here.browser("Tim"), instructor]
    assert here.browser("grace").post("/me/reflection", exercise="06-practice", text="mine").status_code == 303
    path = f"/learner/{here.number('grace')}/06-practice"
    number = re.search(r'name="number" value="(\d+)"', instructor.get(path).text)[1]
    forms = [one.csrf() for one in two]

    def marks(at):
        fields = {"csrf": forms[at], "number": number, "by": "", "feedback": f"by {at}"}
        return two[at].web.post(f"{path}/reflection", data=fields).status_code

    told = at_once(marks, 2)
    assert sorted(told) == [303, 409]
    assert f"by {told.index(303)}" in instructor.get(path).text


@fault(
    "A learner has two browsers open and sends a hand, texts and a code for a machine from both; two instructors upload one roster",
    "nothing is there twice, nothing is lost, and nobody sees a failure",
)
def test_two_browsers_at_once(shared):
    here = shared
    two, staff = [here.browser("li") for _ in range(4)], [here.browser("instructor") for _ in range(4)]
    forms = [one.csrf() for one in (*two, *staff)]

    def does(at):
        one, csrf = (*two, *staff)[at], {"csrf": forms[at]}
        if at < 4:
            done = [one.web.post("/me/hand", data={**csrf, "said": "help"})]
            done.append(one.web.post("/me/reflection", data={**csrf, "exercise": "06-practice", "text": f"text {at}"}))
            done.append(one.web.post("/me/laptop", data=csrf))
        else:
            roster = b"id,name\n" + b"".join(b"new%d,New\n" % at for at in range(20))
            done = [one.web.post("/workshop/roster", data=csrf, files={"roster": ("r.csv", roster, "text/csv")})]
        return [answer.status_code for answer in done]

    told = at_once(does, 8)
    assert told[:4] == [[303, 303, 200]] * 4
    assert set(itertools.chain(*told[4:])) <= {200, 409}, told
    assert staff[0].get("/board?names=shown").text.count("<q>help</q>") == 1
    with here.room.database.reading() as session:
        there = [one.ident for one in people.learners(session, here.room.workshop(session))]
    assert len(there) == len(set(there)) and sum(one.startswith("new") for one in there) == 20
    assert two[0].post("/me/hand/lower").status_code == 303
    assert "<q>help</q>" not in staff[0].get("/board?names=shown").text


@fault("Forty boards and thirty sign-ins in the same second", "all are answered, with SQLite and with PostgreSQL")
def test_everybody_at_once(shared):
    here = shared
    link = here.browser("instructor")
    webs = [here.client(headers={"Sec-Fetch-Site": "same-origin"}) for _ in range(30)]
    code = re.search(r'class="code">([a-z0-9-]+)<', link.post("/workshop/code").text)[1]
    looking = []
    for _ in range(40):
        one = here.client()
        one.cookies.set("__Host-labkit-classroom", link.token(), domain="127.0.0.1")
        looking.append(one)

    def does(at):
        if at < 30:
            return webs[at].post("/sign-in", data={"ident": f"l{at}", "code": code}).status_code
        return looking[at - 30].get("/board").status_code

    begun = time.monotonic()
    told = at_once(does, 70)
    assert told == [303] * 30 + [200] * 40
    assert time.monotonic() - begun < 25, "somebody waited for a connection"


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@fault(
    "The classroom's clock is a day ahead while learners join, send and mistype codes, then it is put right",
    "everybody goes on: machines send, sessions hold, nobody waits a day, and results are in the order of the deeds",
)
def test_the_classrooms_clock_is_put_right(tmp_path, monkeypatch):
    with classroom(tmp_path / "rooms", exercises=EXERCISES, roster=ROSTER) as here:
        work, real = tmp_path / "work", queue._now
        here.clock.ahead = timedelta(days=1)
        here.laptop(work, "ada")
        queue.put(work, here.observation("ada", "03-push/wrong-tag", ago=timedelta(days=1)).dump(), ("03-push",))
        assert queue.send(work, real).sent == 1
        web = here.client(headers={"Sec-Fetch-Site": "same-origin"})
        monkeypatch.setattr(people, "TRIES", 5)
        for at in range(5):
            assert web.post("/sign-in", data={"ident": "ada", "code": f"wrong{at}"}).status_code == 403
        ada = here.browser("ada")
        here.clock.ahead = timedelta()
        assert ada.get("/me").status_code == 200
        assert web.post("/sign-in", data={"ident": "ada", "code": "wrong"}).status_code == 403, "not 429"
        queue.put(work, here.observation("ada").dump(), ("03-push",))
        sent = queue.send(work, real)
        assert (sent.sent, sent.refused) == (1, ()), sent
        assert here.points("ada") > 0
        assert here.observed("grace")["changed"]
        for path in ("/board", "/marks", f"/learner/{here.number('ada')}/03-push"):
            assert here.browser("instructor").get(path).status_code == 200


@fault(
    "A laptop's clock is wrong by a day, and put right while it is offline with results",
    "they count as done when they were",
)
@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system does not tell how long it has been on")
@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1)])
def test_a_laptops_clock_is_put_right(tmp_path, wrong):
    with classroom(tmp_path / "rooms", exercises=EXERCISES, roster=ROSTER) as here:
        work = tmp_path / "work"
        here.laptop(work, "ada")
        queue.put(work, here.observation("ada", ago=-wrong).dump(), ("03-push",))
        file = next((work / queue.PLACE / "queue").iterdir())
        kept = json.loads(file.read_bytes())
        clock = queue.datetime.fromisoformat(kept["put"]["clock"])
        kept["put"] |= {"clock": (clock + wrong).isoformat()}
        file.write_text(json.dumps(kept))
        assert queue.send(work) == queue.Sent(sent=1)
        result = here.results("ada")[0]
        assert abs(result.taken - here.clock()) < timedelta(seconds=30)


@fault(
    "A learner is offline for an hour with sixty changes, then three programs send them at once, and one is killed meanwhile",
    "all arrive once, in order, as done when they were",
)
def test_an_hour_offline(tmp_path):
    with classroom(tmp_path / "rooms", exercises=EXERCISES, roster=ROSTER) as here:
        work = tmp_path / "work"
        here.laptop(work, "ada")
        for minute in range(60):
            here.clock.ahead = timedelta(minutes=minute)
            name = ("wrong-tag", "right-as-printed")[minute % 2]
            assert queue.put(work, here.observation("ada", f"03-push/{name}").dump(), ("03-push",))
        here.clock.ahead = timedelta(minutes=60)
        killed = subprocess.Popen(
            [sys.executable, "-c", "import sys; from pathlib import Path; from labkit.classroom import queue\n"
             "queue.send(Path(sys.argv[1]), lambda: queue._now() + queue.timedelta(minutes=60))", str(work)]
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while len(queue._waiting(work)) > 55:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        killed.kill()
        killed.wait()
        sent = at_once(lambda _: queue.send(work, here.clock), 3)
        assert all((one.left, one.refused, one.away) == (0, (), "") for one in sent), sent
        held = here.results("ada")
        assert [one.done for one in held] == [bool(minute % 2) for minute in range(60)]
        apart = [later.taken - one.taken for one, later in itertools.pairwise(held)]
        assert all(abs(one - timedelta(minutes=1)) < timedelta(seconds=20) for one in apart)


# ── names, texts, boards ─────────────────────────────────────────────────────────────────────────────────────────────

SCRIPTS = {
    "مريم": "مريم ميرزاخاني", "שרה": "שרה לוי", "ศศิ": "ศศิธร", "नीलम": "नीलम शर्मा", "zoë": "Zoë Müller", "x\u0323\u0307": "Ẋ̣ combining",
    "👩🏽\u200d🔬": "👩🏽 science", "Łukasz": "Łukasz Żółć", "李": "李小龙", "ǅ": "Ǆ digraph", "ß": "Straße", "İ": "İstanbul",
}  # fmt: skip


@fault(
    "A roster in a dozen scripts, right to left, combining and emoji, with twins in other forms and with marks that nobody sees",
    "each is there once, signs in with any form of the id, and is shown by the name as it was written",
)
def test_names_of_all_scripts(tmp_path):
    twins = [unicodedata.normalize("NFD", "zoë"), "ZOË", "zoë\ufe0f", "ｚｏë"]
    lines = [
        "id,name",
        *(f"{ident},{name}" for ident, name in SCRIPTS.items()),
        *(f"{one},Twin" for one in twins),
        "\u3164,Nobody",
    ]
    with classroom(tmp_path, exercises=EXERCISES, roster="\n".join(lines).encode()) as here:
        instructor = here.browser("instructor")
        page = instructor.get("/marks?names=shown").text
        with here.room.database.reading() as session:
            there = people.learners(session, here.room.workshop(session))
        assert len(there) == len(SCRIPTS), [one.ident for one in there]
        assert len(here.opened.notes) == 5, here.opened.notes
        for one in there:
            assert one.name in page and "Twin" not in one.name
        code = here.opened.code
        for ident in (twins[0], unicodedata.normalize("NFD", "Łukasz").upper(), "مريم", "SS", "शर्मा", "नीलम", "李"):
            answer = here.client().post("/sign-in", data={"ident": ident, "code": code})
            assert answer.status_code == (403 if ident == "शर्मा" else 303), ident
        assert here.browser("👩🏽\u200d🔬").get("/me").status_code == 200
        assert here.observed("zoë")["changed"]


@fault(
    "Texts of 100,000 characters in every field that takes a text, in Chinese and of one word",
    "kept whole, or refused with a sentence; every page that shows them comes in seconds",
)
def test_long_texts_everywhere(tmp_path):
    with classroom(tmp_path, exercises=EXERCISES, roster=ROSTER) as here:
        ada, instructor, number = here.browser("ada"), here.browser("instructor"), here.number("ada")
        here.observed("ada", "03-push/wrong-tag")
        text = "課" * 99_000 + "x" * 1_000
        assert ada.post("/me/reflection", exercise="06-practice", text=text).status_code == 303
        assert instructor.post("/message", text=text).status_code == 303
        assert instructor.post(f"/learner/{number}/message", text=text).status_code == 303
        assert instructor.post(f"/learner/{number}/03-push/overrule", earned="1", reason=text).status_code == 303
        page = instructor.get(f"/learner/{number}/06-practice").text
        judged = {"number": re.search(r'name="number" value="(\d+)"', page)[1], "feedback": text}
        assert instructor.post(f"/learner/{number}/06-practice/reflection", **judged).status_code == 303
        assert ada.post("/me/hand", said=text).status_code == 409
        assert instructor.post("/workshop/assistant", name=text).status_code == 409
        assert here.client().post("/sign-in", data={"ident": text, "code": "x"}).status_code == 403
        assert ada.post("/me/reflection", exercise="06-practice", text=text + "x").status_code == 409
        assert ada.post("/me/hand", said="x" * 500).status_code == 303
        for one, path in ((ada, "/me"), (ada, "/me/03-push"), (instructor, "/board?names=shown"), (instructor, "/marks"),
                          (instructor, f"/learner/{number}"), (instructor, f"/learner/{number}/03-push"), (instructor, "/log")):  # fmt: skip
            begun = time.monotonic()
            answer = one.get(path)
            assert answer.status_code == 200 and time.monotonic() - begun < 10, path
        assert text in ada.get("/me").text
        book = here.opened.folder.parent
        from labkit.classroom import opening

        assert text in opening.marks(book, "spring").counting("ada", "03-push").mark.overruled


@fault(
    "Two hundred boards are open, ten of them never read what they are sent, and ten are torn off",
    "the others are told of a change, a result is taken as fast as ever, and the classroom ends when it is told to",
)
def test_two_hundred_boards(tmp_path):
    roster = ("id\n" + "".join(f"l{at}\n" for at in range(6))).encode()
    with classroom(tmp_path, exercises=EXERCISES, roster=roster) as here:
        instructor = here.browser("instructor")
        boards = [watching(here, instructor) for _ in range(200)]
        try:
            for one in boards[:10]:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.close()  # a reset
            readers = [Reader(one) for one in boards[20:]]
            until(lambda: all("0 of" in one.text() for one in readers))
            for at in range(6):
                here.browser(f"l{at}")
                begun = time.monotonic()
                here.observed(f"l{at}", spread=at)
                assert time.monotonic() - begun < 10
            until(lambda: all("6 of 6" in one.text() for one in readers))
            assert instructor.get("/board/data").json()["done"]["03-push"] == 6
        finally:
            for one in boards:
                one.close()


def until(look, patience=40.0):
    deadline = time.monotonic() + patience
    while not look():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def watching(here, browser):
    """A board's stream that has been asked for."""
    port = here.opened.socket.getsockname()[1]
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(20)
    raw.connect(("127.0.0.1", port))
    tls = TLS.setdefault(here, ssl.create_default_context(cadata=here.room.ca.decode()))
    one = tls.wrap_socket(raw, server_hostname="127.0.0.1")
    cookie = f"__Host-labkit-classroom={browser.token()}"
    one.sendall(f"GET /board/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    one.setblocking(False)
    return one


TLS = {}


class Reader:
    """Reads what has come, whenever it is asked."""

    def __init__(self, one):
        self.one, self.got = one, b""

    def text(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            while more := self.one.recv(100_000):
                self.got = (self.got + more)[-60_000:]
        return self.got.decode(errors="replace")
