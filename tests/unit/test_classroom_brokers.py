"""A broker on another machine, over real HTTPS, with labs that are only values: joining, calls, a terminal, and what goes wrong."""

import contextlib
import json
import queue as queues
import shutil
import socket
import ssl
import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from classrooms import EXERCISES, at_once, classroom
from click.testing import CliRunner
from helpers import until
from msgspec import structs

from labkit.classroom import opening, queue
from labkit.classroom.app import serve
from labkit.classroom.broker import delivering, joining, served
from labkit.classroom.broker.delivering import Outbox
from labkit.classroom.broker.remote import Remote
from labkit.classroom.broker.served import Served
from labkit.classroom.broker.standing import Standing, State
from labkit.cli.main import cli
from labkit.errors import LabError
from labkit.lab.access import STDOUT, Terminal
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.owner import workshop
from labkit.seen.claims import Claims


class Shell:
    """A command that prints in capitals what is typed."""

    def __init__(self):
        self.out, self.size, self.closed = queues.Queue(), None, threading.Event()

    def read(self):
        return STDOUT, self.out.get()

    def write(self, data):
        self.out.put(data.upper())

    def resize(self, rows, columns):
        self.size = rows, columns

    def end_input(self):
        self.out.put(b"")

    def signal(self, name):
        self.out.put(name.encode())

    def status(self):
        return 7

    def close(self):
        self.out.put(b"")
        self.closed.set()


class Labs:
    """A broker without an engine."""

    jupyters = None

    def __init__(self, room):
        self._room, self.alive, self.room = room, True, 5
        self.labs, self.asked, self.shell = {}, [], None
        self.gate = threading.Event()
        self.gate.set()
        self.changed = lambda data: data

    def start(self, learner, say):
        say("waiting for its turn")
        self.asked.append(("start", learner))
        self.gate.wait(20)
        if learner == "grace":
            raise LabError("The disk is full.", "df -h")
        say("done <b>")
        self.labs[learner] = Standing(learner, f"w-{learner}", State.UP, {"edge": "running"}, ends=5.0)
        return self.labs[learner]

    def status(self, learner):
        return self.labs.get(learner) or Standing(learner, "", State.ABSENT)

    def all(self):
        return tuple(self.labs.values())

    def observe(self, learner, wanted=(), said=None):
        self.asked.append(("observe", wanted, said))
        return self.changed(self._room.room.key.signed(self._room.observation(learner)))

    def reset(self, learner, slugs=None, say=None):
        self.asked.append(("reset", learner, slugs))
        say("resetting")

    def session(self, learner, machine, command, terminal=None):
        if machine != "worker1":
            raise LabError(f"There is no machine {machine}.", "worker1")
        self.asked.append(("session", learner, tuple(command), terminal))
        self.shell = Shell()
        return self.shell

    def stop(self, learner):
        self.labs[learner] = replace(self.labs[learner], state=State.STOPPED)
        return self.labs[learner]

    def remove(self, learner):
        return replace(self.labs.pop(learner), state=State.ABSENT)

    def extend(self, learner, seconds):
        return replace(self.labs[learner], ends=seconds)

    def touch(self, learner):
        self.asked.append(("touch", learner))

    def teach(self, exercises):
        self.asked.append(("teach", exercises))


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rooms")
    with classroom(folder) as one, opening.servers(one.opened) as fleet:
        yield SimpleNamespace(one=one, fleet=fleet, folder=one.opened.folder)


@contextlib.contextmanager
def serving(room, root, labs, name="north"):
    """A broker that has joined, and answers."""
    place = serve.Place("127.0.0.1", 0, root / "tls")
    with serve.listen(place) as opened:
        serve.keys(place)
        address = f"https://127.0.0.1:{opened.getsockname()[1]}"
        code = f"{joining.invite(room.folder, name)}.{room.one.room.fingerprint}"
        joining.join(root, room.one.room.address, code, address)
        with Served(labs, root / "tls", opened):
            yield SimpleNamespace(address=address, root=root, labs=labs, code=code, name=name)


@pytest.fixture(scope="module")
def north(room, tmp_path_factory):
    with serving(room, tmp_path_factory.mktemp("north"), Labs(room.one)) as broker:
        yield broker


def remote(room, broker, **changes):
    given = {
        "name": broker.name,
        "address": broker.address,
        "keys": joining.keys(room.folder, broker.name),
        "public": room.one.room.key.public,
    }
    return Remote(**{**given, **changes})


def test_every_call_arrives_and_is_answered(room, north):
    far, said = remote(room, north), []
    far.teach(["01-login", "09-cleanup"])
    assert far.start("ada", said.append) == north.labs.status("ada")
    assert said == ["waiting for its turn", "done <b>"]
    assert (far.alive, far.room, far.all()) == (True, 5, north.labs.all())
    assert far.status("li") == Standing("li", "", State.ABSENT)
    far.reset("ada", ["03-push"], said.append)
    far.reset("ada")
    far.touch("ada")
    assert far.extend("ada", 60.0).ends == 60.0
    assert far.stop("ada").state is State.STOPPED
    assert far.remove("ada").state is State.ABSENT
    assert north.labs.asked == [
        ("teach", ("01-login", "09-cleanup")),
        ("start", "ada"),
        ("reset", "ada", ("03-push",)),
        ("reset", "ada", None),
        ("touch", "ada"),
    ]
    with pytest.raises(LabError, match="disk is full") as error:
        far.start("grace")
    assert error.value.fix == "df -h"


@pytest.mark.attack(
    "identity",
    "a broker is asked, with the classroom's own key, to write a learner's access into a folder that the classroom names",
    "there is no such call: it writes one only for the JupyterLab that it starts, in that learner's home",
)
def test_nobody_names_a_broker_a_folder(room, north, tmp_path):
    far, before = remote(room, north), list(north.labs.asked)
    with pytest.raises(LabError, match="on the server north"):
        far.access("ada", tmp_path, "root")
    for asked in ({"learner": "ada"}, {"learner": "ada", "folder": str(tmp_path), "user": "root"}):
        with Wire(north.address, tls_context(joining.keys(room.folder, "north"))) as wire:
            told = [line for line in wire.lines("/call/access", "POST", asked) if line]
        assert "does not know the call access" in told[-1]["failed"]
    assert north.labs.asked == before


def test_an_observation_comes_back_whole_or_not_at_all(room, north):
    far, said = remote(room, north), Claims(answers={"01-login": {"reflection": "mine"}})
    seen = far.observe("ada", ("log",), said)
    assert north.labs.asked[-1] == ("observe", ("log",), said)
    assert seen.lab.person == room.one.room.key.person("ada")
    assert seen.signature.value
    for change, why in (
        (lambda one: structs.replace(one, taken="2027-01-01T00:00:00+00:00"), "changed after it was signed"),
        (lambda one: structs.replace(one, signature=structs.replace(one.signature, value="")), "not signed"),
        (lambda _: workshop.Workshop("other", b"x" * 32).signed(room.one.observation("ada")), "different key"),
        (lambda _: room.one.room.key.signed(room.one.observation("li")), "li's observation for ada's"),
    ):
        north.labs.changed = change
        with pytest.raises(LabError, match=why):
            far.observe("ada")
    north.labs.changed = lambda one: one


def test_a_terminal_both_ways(room, north):
    session = remote(room, north).session("ada", "worker1", ["sh", "-l"], Terminal(30, 100))
    assert north.labs.asked[-1] == ("session", "ada", ("sh", "-l"), Terminal(30, 100))
    session.write(b"echo \xff\n")
    assert session.read() == (STDOUT, b"ECHO \xff\n")
    session.resize(50, 120)
    session.signal("INT")
    assert session.read() == (STDOUT, b"INT")
    assert north.labs.shell.size == (50, 120)
    session.end_input()
    assert session.read()[1] == b""
    assert session.status() == 7
    session.close()
    assert north.labs.shell.closed.wait(10)
    with pytest.raises(LabError, match="no machine edge"):
        remote(room, north).session("ada", "edge", ["sh"])


# Who is let in


@pytest.mark.attack(
    "identity",
    "a broker's address on the network, without a key, with a guest's, another broker's or another classroom's",
    "TLS ends the connection: only the key that was made for this classroom and this broker is let in",
)
def test_only_the_classroom_reaches_its_broker(room, north, tmp_path):
    with classroom(tmp_path / "autumn", name="autumn") as other, opening.servers(other.opened):
        elsewhere = SimpleNamespace(one=other, folder=other.opened.folder)
        with serving(elsewhere, tmp_path / "south", Labs(other), "south") as south:
            assert remote(elsewhere, south).alive
            for keys in (joining.keys(elsewhere.folder, "south"), None):
                blind = ssl.create_default_context()
                blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
                if keys:
                    blind.load_cert_chain(keys / "cert.pem", keys / "key.pem")
                with Wire(north.address, blind, 5) as wire, pytest.raises(WireError) as refused:
                    list(wire.lines("/call/all", "POST", {}))
                assert refused.value.status == 0
            mixed = tmp_path / "mixed"  # another classroom, which knows whom it is talking to
            shutil.copytree(joining.keys(elsewhere.folder, "south"), mixed)
            shutil.copy(joining.keys(room.folder, "north") / "ca.pem", mixed)
            with pytest.raises(LabError, match="lets in another classroom"):
                remote(room, north, keys=mixed).all()
            with pytest.raises(LabError, match="its certificate is another one"):
                remote(room, north, address=south.address).all()
            assert not remote(room, north, address=south.address).alive
            with pytest.raises(LabError, match="broker's of another workshop"):  # its labs would be lost
                code = f"{joining.invite(room.folder, 'south')}.{room.one.room.fingerprint}"
                joining.join(south.root, room.one.room.address, code, south.address)


@pytest.mark.attack(
    "identity",
    "a broker's pass used a second time, by two at once, after it ran out, or at another classroom",
    "403, in the log; nobody gets the workshop's key; the right broker goes on",
)
def test_a_pass_is_used_once(room, north, tmp_path, monkeypatch):
    (tmp_path / "tls").mkdir()
    shutil.copy(north.root / "tls" / "ca.pem", tmp_path / "tls")

    def tries(code, address=room.one.room.address):
        try:
            return joining.join(tmp_path, address, code, "https://192.0.2.1:8444").name
        except LabError as error:
            return error.what

    used = "This pass has been used, or it has run out."
    assert tries(north.code) == used
    token, fingerprint = joining.invite(room.folder, "east"), room.one.room.fingerprint
    with classroom(tmp_path / "autumn", name="autumn") as other:
        assert "is not the classroom that your code is for" in tries(f"{token}.{fingerprint}", other.room.address)
    assert sorted(at_once(lambda _: tries(f"{token}.{fingerprint}"), 2)) == sorted(["east", used])
    token = joining.invite(room.folder, "east")
    monkeypatch.setattr(joining, "LASTING", -1.0)
    assert tries(f"{joining.invite(room.folder, 'east')}.{fingerprint}") == used
    assert tries(f"{token}.{fingerprint}") == used  # a new pass ends the one before
    assert tries("no pass") == "This is not a code for a machine."
    assert [line.what for line in room.one.log("refused")] == [f"a broker: {used}"] * 4
    with pytest.raises(LabError, match="can't be a broker's name"):
        joining.invite(room.folder, "../north")
    assert remote(room, north).alive
    room.fleet.add("east", Labs(room.one))  # nobody waits for an address that there is not


def test_keys_and_passes_are_nobody_elses_to_read(room, north):
    files = [
        *joining.keys(room.folder, "north").iterdir(),
        north.root / "workshop.key",
        *(north.root / "outbox").rglob("*.json"),
    ]
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
    assert not (joining.keys(room.folder, "north") / "invited.json").exists()
    assert workshop.read(north.root / "workshop.key") == room.one.room.key


# What goes wrong on the way


@pytest.mark.fault(
    "The connection to a broker on another machine is cut in the middle of a start",
    "It is told; the start goes on, and asking again waits for the same lab",
)
def test_a_connection_that_is_cut_in_the_middle_of_a_start(room, north, monkeypatch):
    north.labs.asked.clear()
    north.labs.gate.clear()
    with through(north.address) as proxy:
        far, told = remote(room, north, address=proxy.address), []

        def start():
            with pytest.raises(LabError, match="does not answer") as error:
                far.start("li", lambda text: (told.append(text), proxy.cut()))
            told.append(error.value.what)

        thread = threading.Thread(target=start)
        thread.start()
        thread.join(20)
        assert told[0] == "waiting for its turn"
        assert len(told) == 2
    north.labs.gate.set()
    until(lambda: north.labs.status("li").state is State.UP, "the start that goes on")
    assert remote(room, north).start("li").state is State.UP
    north.labs.remove("li")


def test_a_server_that_hangs_is_not_waited_for(room, north, monkeypatch):
    monkeypatch.setattr("labkit.classroom.broker.remote.SOON", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not remote(room, north, address=f"https://127.0.0.1:{silent.getsockname()[1]}").alive


def test_a_long_start_says_that_it_goes_on(room, north, monkeypatch):
    monkeypatch.setattr(served._Call, "beat", 0.05)
    monkeypatch.setattr("labkit.classroom.broker.remote.PATIENCE", 1.0)
    north.labs.gate.clear()
    timer = threading.Timer(1.5, north.labs.gate.set)
    timer.start()
    assert remote(room, north).start("li").state is State.UP
    timer.join()


@pytest.mark.parametrize(
    "name, body", [("nothing", {}), ("status", {"learner": 5}), ("status", {"more": 1}), ("start", []), ("all", "{")]
)
def test_what_no_broker_is_asked(room, north, name, body):
    keys = tls_context(joining.keys(room.folder, "north"))
    with Wire(north.address, keys, 5) as wire:
        assert "does not know the call" in list(wire.lines(f"/call/{name}", "POST", body))[-1]["failed"]
    with Wire(north.address, keys, 5) as wire, pytest.raises(WireError) as refused:
        wire.request("POST", "/labs", {})
    assert refused.value.status == 404


@pytest.mark.fault(
    "The classroom is away while brokers on other machines observe, and the broker is ended meanwhile",
    "The next one delivers what lies on its disk: in order, none lost, none twice",
)
def test_what_was_observed_waits_for_the_classroom(room, tmp_path, monkeypatch):
    monkeypatch.setattr("labkit.classroom.broker.delivering.PAUSES", (0.05,))
    with serving(room, tmp_path / "west", Labs(room.one), "west") as west:
        work = west.root / "outbox"
    there = queue.joined(work)
    signed = [room.one.room.key.signed(room.one.observation(who, attempt)) for who, attempt in SEEN]
    queue.keep(work, structs.replace(there, address="https://127.0.0.1:9"))
    with Outbox(work) as outbox:
        outbox.put(SEEN[0][0], signed[0])
        outbox.put(SEEN[1][0], signed[1])
    with Outbox(work) as outbox:
        outbox.put(SEEN[2][0], signed[2])
        queue.keep(work, there)
        until(lambda: not queue._waiting(work), "the delivery")
        outbox.put(SEEN[2][0], signed[2])  # the same once more
        outbox.put("nobody", signed[0])
        until(lambda: list(work.rglob("refused/*.json")), "what the classroom does not take")
    assert not queue._waiting(work)
    assert [room.one.points(who, "03-push") for who in ("ada", "li")] == [room.one.points("ada"), room.one.points("li")]
    assert len([one for one in room.one.results("ada") if one.exercise == "03-push"]) == 2
    assert len([one for one in room.one.results("li") if one.exercise == "03-push"]) == 1
    (refused,) = work.rglob("refused/*.json")
    assert json.loads(refused.read_text())["learner"] == "nobody"


def opens(room, token):
    """Whether a broker is known by it."""
    answer = room.one.client().post("/api/results", content=b"x", headers={"Authorization": f"Bearer {token}"})
    return {400: True, 401: False}[answer.status_code]


@pytest.mark.fault(
    "A broker is killed while its token is renewed: before it has kept the new one, or before the classroom has heard so",
    "What it has kept opens the classroom; the old token ends when the new one is used",
)
def test_a_brokers_token_is_renewed_while_it_is_used(room, tmp_path, monkeypatch):
    with serving(room, tmp_path / "old", Labs(room.one), "old") as old:
        work = old.root / "outbox"

    def token():
        return queue.joined(work).token

    def killed(*_, **__):
        raise KeyboardInterrupt

    first = token()
    try:
        room.one.clock.ahead = timedelta(days=14)
        delivering.renew(work)
        assert token() == first  # good enough
        room.one.clock.ahead = timedelta(days=16)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(queue, "keep", killed)
            delivering.renew(work)
        assert (token(), opens(room, first)) == (first, True)
        keep = queue.keep
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(queue, "keep", lambda *given: (keep(*given), killed()))
            delivering.renew(work)
        second = token()
        assert second != first
        assert opens(room, first) and opens(room, second)
        with Outbox(work):
            until(lambda: not queue.joined(work).before, "the renewal by itself")
        assert (token(), opens(room, first), opens(room, second)) == (second, False, True)
        room.one.clock.ahead = timedelta(days=32)  # the second one's 30 days began with its use
        delivering.renew(work)
        assert (token() == second, opens(room, token()), opens(room, second)) == (False, True, False)
        room.one.clock.ahead = timedelta(days=63)
        with pytest.raises(LabError, match="does not know this machine"):
            delivering.renew(work)
        laptop = room.one.token("device", "ada", uses=None)
        told = room.one.client().post("/api/brokers/token", json={}, headers={"Authorization": f"Bearer {laptop}"})
        assert told.status_code == 403
    finally:
        room.one.clock.ahead = timedelta()


SEEN = (("ada", "03-push/wrong-tag"), ("li", "03-push/right-as-printed"), ("ada", "03-push/right-as-printed"))


@contextlib.contextmanager
def through(address):
    """A way to that address that can be cut."""
    host, port = address.removeprefix("https://").split(":")
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_ = []

        def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)

        def serve_one():
            with contextlib.suppress(OSError):
                near, _ = server.accept()
                far = socket.create_connection((host, int(port)))
                open_.extend([near, far])
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

        threading.Thread(target=serve_one, daemon=True).start()

        def cut():
            for one in open_:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

        yield SimpleNamespace(address=f"https://127.0.0.1:{server.getsockname()[1]}", cut=cut)
        for one in open_:
            one.close()


def test_the_command_prints_a_pass_that_works(room, tmp_path):
    told = CliRunner().invoke(
        cli, ["classroom", "invite-broker", "west-2", "--workshop", "spring", "--folder", str(room.folder.parent)]
    )
    assert told.exit_code == 0, told.output
    (tmp_path / "tls").mkdir()
    serve.keys(serve.Place("127.0.0.1", 0, tmp_path / "tls"))
    home = joining.join(tmp_path, room.one.room.address, told.stdout, "https://127.0.0.1:9")
    assert (home.name, home.workshop, home.exercises) == ("west-2", "spring", EXERCISES)
    room.fleet.add("west-2", Labs(room.one))  # nobody waits for an address that there is not
    words = ["classroom", "invite-broker", "west", "--workshop", "autumn", "--folder", str(tmp_path)]
    told = CliRunner().invoke(cli, words)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "There is no classroom for autumn yet." in told.stderr
