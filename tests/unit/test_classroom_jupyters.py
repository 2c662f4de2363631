"""JupyterLabs on other servers than their Hub, without an engine: pipes, the tunnel over a broker's real HTTPS, the way back to
the Hub, what a JupyterLab is told, and what is written down of it."""

import asyncio
import contextlib
import http.server
import os
import socket
import ssl
import stat
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import psutil
import pytest
import trustme
from helpers import until
from hypothesis import given
from hypothesis import strategies as st
from test_classroom_brokers import Labs, remote, room, serving  # noqa: F401  (a fixture)

from labkit import reaching, talking
from labkit.classroom.broker import jupyters
from labkit.classroom.broker import naming as labs_naming
from labkit.classroom.broker.jupyters import Jupyters, Ran, Settings
from labkit.classroom.hub import away, naming, pipes, users, workplace
from labkit.classroom.hub.elsewhere import Elsewhere
from labkit.errors import LabError

LARGE = os.urandom(3 * 1024 * 1024)


# ── bytes between two connections ────────────────────────────────────────────────────────────────────────────────────


class Echo:
    """A server that answers with what it is sent, and counts who is there."""

    def __init__(self):
        self.opened = self.open = 0

    async def serve(self, reader, writer):
        self.opened, self.open = self.opened + 1, self.open + 1
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.open -= 1
            writer.transport.abort()


class Loop:
    """A loop in a thread."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def do(self, what):
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(30)

    async def end(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.05)

    def __exit__(self, *_):
        self.do(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def echo():
    with Loop() as loop:
        one = Echo()
        one.server = loop.do(asyncio.start_server(one.serve, "127.0.0.1", 0))
        one.port = one.server.sockets[0].getsockname()[1]
        yield one
        loop.loop.call_soon_threadsafe(one.server.close)


class There:
    """The JupyterLabs of another server; each is the echo."""

    def __init__(self, echo):
        self.echo, self.asked, self.running, self.silent = echo, [], set(), False

    def start(self, learner, environment, hub, say=lambda _: None):
        say("starting JupyterLab")
        if learner == "grace":
            raise LabError("JupyterLab did not start.", "ask")
        self.asked.append(("start", learner, dict(environment), hub))
        self.running.add(learner)

    def runs(self, learner):
        if self.silent:
            raise LabError("The broker north does not answer.")
        return learner in self.running

    def end(self, learner):
        self.asked.append(("end", learner))
        self.running.discard(learner)

    async def connect(self, learner):
        if learner not in self.running:
            raise LabError(f"{learner} has no JupyterLab here.", "start it")
        return pipes.Streams(*await asyncio.open_connection("127.0.0.1", self.echo.port))


def sends(port, data, pause=0.0):
    """What comes back of it."""
    back = b""
    with socket.create_connection(("127.0.0.1", port), 30) as one:
        writer = threading.Thread(target=one.sendall, args=(data,))
        writer.start()
        while len(back) < len(data) and (piece := one.recv(65536)):
            back += piece
            time.sleep(pause) if pause else None
        writer.join()
    return back


def test_a_tunnel_over_the_brokers_keys_carries_both_ways(room, tmp_path, echo):  # noqa: F811
    labs = Labs(room.one)
    labs.jupyters = There(echo)
    with serving(room, tmp_path, labs, "tunnels") as broker, Elsewhere(Everywhere(remote(room, broker))) as elsewhere:
        said = []
        port = elsewhere.start("ada", {"JUPYTERHUB_USER": "x"}, 8444, said.append)
        assert labs.jupyters.asked == [("start", "ada", {"JUPYTERHUB_USER": "x"}, 8444)]
        assert said == ["starting JupyterLab"]
        assert sends(port, LARGE) == LARGE
        # Many at once, one of them silent for a while, and one that leaves in the middle.
        with socket.create_connection(("127.0.0.1", port), 30) as quiet:
            with socket.create_connection(("127.0.0.1", port), 30) as leaves:
                leaves.sendall(LARGE[:1000])
            assert sends(port, LARGE[:100_000]) == LARGE[:100_000]
            quiet.sendall(b"later")
            assert quiet.recv(5) == b"later"
            until(lambda: echo.open == 1, "the end of the others")
            assert elsewhere.runs("ada")
            elsewhere.stop("ada")
            assert quiet.recv(1) == b""  # cut
        assert labs.jupyters.asked[-1] == ("end", "ada")
        assert not elsewhere.runs("ada")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        with pytest.raises(LabError, match="did not start") as failed:
            elsewhere.start("grace", {}, 1)
        assert failed.value.fix == "ask"
    until(lambda: echo.open == 0, "the end of all")


def test_a_broker_without_jupyterlabs_says_so(room, tmp_path):  # noqa: F811
    with serving(room, tmp_path, Labs(room.one), "none") as broker:
        far = remote(room, broker)
        for ask in (
            lambda: far.jupyters.start("ada", {}, 1),
            lambda: far.jupyters.runs("ada"),
            lambda: asyncio.run(far.jupyters.connect("ada")),
        ):
            with pytest.raises(LabError, match="runs no JupyterLabs"):
                ask()
    with pytest.raises(LabError, match="does not answer"):
        asyncio.run(far.jupyters.connect("ada"))


class Everywhere:
    """A fleet as JupyterLabs see it."""

    def __init__(self, server):
        self.servers, self.place, self.gone = {"north": server}, "north", set()

    def jupyters(self, learner):
        return self.place, getattr(self.servers.get(self.place), "jupyters", None)

    def at(self, learner):
        return self.place

    def lost(self, name):
        return name in self.gone


def test_when_a_jupyterlab_elsewhere_is_over(echo):
    there, told = There(echo), []
    fleet = Everywhere(SimpleNamespace(jupyters=there))
    with Elsewhere(fleet, told.append) as elsewhere:
        assert elsewhere.at("ada") == "north"
        assert not elsewhere.runs("ada")
        first = elsewhere.start("ada", {}, 1)
        there.silent = True
        assert elsewhere.runs("ada")  # a broker that is restarted
        fleet.gone.add("north")
        assert not elsewhere.runs("ada")
        assert told == [
            "ada's JupyterLab on north is over: the server does not answer. It opens again where their lab is."
        ]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", first), 5)
        there.silent, fleet.gone = False, set()
        elsewhere.start("ada", {}, 1)
        fleet.place = "here"
        assert elsewhere.at("ada") == ""
        assert not elsewhere.runs("ada") and "another server now" in told[-1]
        with pytest.raises(LabError, match="on this server"):
            elsewhere.start("ada", {}, 1)
        fleet.place = "north"
        elsewhere.start("ada", {}, 1)
        there.running.clear()
        assert not elsewhere.runs("ada") and "ended there" in told[-1]
        elsewhere.start("li", {}, 1)
    assert there.asked[-1] == ("end", "li")  # with the classroom


# ── the way back to the Hub ──────────────────────────────────────────────────────────────────────────────────────────


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Authorization"].encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hub(authority, *names):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(tls)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def asked(there, ca):
    """What the Hub there answers, by a way that knows this authority."""
    import urllib.request

    with Loop() as loop:
        server = loop.do(away.Way(there, ca).listen())
        port = server.sockets[0].getsockname()[1]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/hub/api", headers={"Authorization": "token t"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read()
        finally:
            loop.loop.call_soon_threadsafe(server.close)


def test_the_way_to_the_hub_knows_the_classrooms_authority_and_name_only(caplog):
    ours, other = trustme.CA(), trustme.CA()
    ca = ours.cert_pem.bytes().decode()
    with hub(ours, reaching.NAME) as there:
        assert asked(there, ca) == b"token t"
        with pytest.raises(OSError):
            asked(there, other.cert_pem.bytes().decode())
    for authority, name in ((ours, "127.0.0.1"), (other, reaching.NAME)):
        with hub(authority, name) as there, pytest.raises(OSError):
            asked(there, ca)
    assert "certificate verify failed" in caplog.text
    for odd in ("http://127.0.0.1:1", "https://", "x"):
        with pytest.raises(ValueError):
            away.Way(odd, ca)


def test_what_a_jupyterlab_elsewhere_is_told_of_the_hub():
    environ = {
        workplace.USER: "lab-ada-0",
        workplace.HUB_AT: "https://x:1",
        workplace.HUB_CA: "pem",
        workplace.SOCKET: "/s",
        "PATH": "/bin",
    }
    away.tell(environ, 4321)
    assert environ == {
        workplace.USER: "lab-ada-0",
        "PATH": "/bin",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:4321/hub/api",
        "JUPYTERHUB_ACTIVITY_URL": "http://127.0.0.1:4321/hub/api/users/lab-ada-0/activity",
    }
    assert jupyters.hub_at("https://lab.example:8443", 8444) == "https://lab.example:8444"
    assert jupyters.hub_at("https://[2001:db8::1]:8443", 8444) == "https://[2001:db8::1]:8444"


@given(st.dictionaries(st.text(max_size=40), st.one_of(st.none(), st.text(max_size=40)), max_size=8))
def test_only_what_jupyterhub_tells_is_passed_on(environment):
    environment[workplace.USER] = "lab-ada-0"
    told = workplace.told(environment)
    assert set(told) <= workplace.TOLD
    others = [name for name in workplace.TOLD if not name.startswith(("JUPYTERHUB_", "JPY_API_TOKEN"))]
    assert others == [talking.VARIABLE]
    if "\0" not in "".join(told.values()):
        workplace.check_told(told, "lab-ada-0")


@pytest.mark.parametrize(
    "more",
    [
        {"PATH": "/tmp"},
        {"LD_PRELOAD": "/tmp/x.so"},
        {"JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:80"},
        {"JUPYTERHUB_ROOT_DIR": "/"},
        {"JUPYTERHUB_SINGLEUSER_APP": "os.system"},
        {"JUPYTERHUB_HOST": "x" * 8193},
        {"JUPYTERHUB_HOST": "a\0b"},
        {workplace.PREFIX: "@evil.example/"},
        {workplace.USER: "root"},
    ],
)
def test_what_a_jupyterlab_is_not_told(more):
    with pytest.raises(LabError):
        workplace.check_told({workplace.USER: "lab-ada-0", **more}, "lab-ada-0")


# ── on the broker's server ───────────────────────────────────────────────────────────────────────────────────────────

REALM = naming.realm("a key")


def settings(root, **more):
    return Settings(root, REALM, "https://127.0.0.1:1", "pem", "python", **more)


def wrote(root, **ran):
    (root / jupyters.FILE).write_bytes(msgspec.json.encode(ran))


def test_a_broker_finds_again_what_runs_and_nothing_that_only_has_its_number(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as one, subprocess.Popen(["sleep", "60"]) as other:
        born = psutil.Process(one.pid).create_time()
        wrote(
            tmp_path,
            ada=Ran(name="nobody-of-these", pid=one.pid, born=born, listens="/x"),
            li=Ran(name="nobody-of-these", pid=other.pid, born=born - 100, listens="/x"),
        )
        with pytest.raises(LabError, match="run here"):
            jupyters.forget(tmp_path, REALM)
        with Jupyters(settings(tmp_path), None) as broker:
            assert broker.runs("ada")
            assert not broker.runs("li")
            assert list(msgspec.json.decode((tmp_path / jupyters.FILE).read_bytes())) == ["ada"]
            broker.end("ada")
            one.wait(10)
            assert other.poll() is None
            assert not broker.runs("ada")
        other.kill()
    assert stat.S_IMODE((tmp_path / jupyters.FILE).stat().st_mode) == 0o600
    assert jupyters.forget(tmp_path, REALM) == []


def test_one_that_nobody_asks_after_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(jupyters, "BEAT", 0.05)
    with subprocess.Popen(["sleep", "60"]) as one:
        born = psutil.Process(one.pid).create_time()
        wrote(tmp_path, ada=Ran(name="nobody-of-these", pid=one.pid, born=born, listens="/x"))
        with Jupyters(settings(tmp_path, lease=1.0), None) as broker:
            for _ in range(4):
                assert broker.runs("ada")
                time.sleep(0.4)
            until(lambda: one.poll() is not None, "its end", 10)
            until(lambda: not broker.runs("ada"), "the note of it", 10)


def test_what_is_missing_on_the_server_is_said_to_who_wants_a_jupyterlab(tmp_path):
    missing = LabError("A broker with JupyterLabs has to be started by root.", "sudo labkit classroom broker …")
    with Jupyters(settings(tmp_path, missing=missing), None) as broker:
        with pytest.raises(LabError) as refused:
            broker.start("ada", {}, 1)
        assert (refused.value.what, refused.value.fix) == (missing.what, missing.fix)
        with pytest.raises(LabError):
            broker.start("\0", {}, 1)
        with pytest.raises(LabError, match="no JupyterLab here"):
            asyncio.run(broker.connect("ada"))


def test_who_listens_has_to_be_the_learner(tmp_path):
    """The check itself, with the users that are here: ours is root's or whoever runs the tests, and nobody's is another."""
    file = tmp_path / "lab.sock"
    import getpass

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(file))
        listening.listen()
        ran = Ran(name=getpass.getuser(), pid=os.getpid(), born=0.0, listens=str(file))
        assert jupyters._listens(ran)
        assert not jupyters._listens(msgspec.structs.replace(ran, name="nobody"))
        assert not jupyters._listens(msgspec.structs.replace(ran, name="nobody-of-these"))
    assert not jupyters._listens(ran)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_home_on_a_shared_disk_is_given_to_its_user_and_nothing_beside_it(tmp_path):
    home, outside = tmp_path / "home", tmp_path / "outside"
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "file").write_text("mine")
    outside.write_text("not theirs")
    (home / "link").symlink_to(outside)
    (home / "up").symlink_to(tmp_path)
    users._give(home, 54321, 54322)
    for one in (home, home / "deep", home / "deep" / "file", home / "link", home / "up"):
        assert (one.lstat().st_uid, one.lstat().st_gid) == (54321, 54322)
    assert outside.stat().st_uid == tmp_path.stat().st_uid == 0


def test_learners_names_are_checked_where_users_are_named():
    for odd in ("", "\0", "x" * 300):
        with pytest.raises(LabError):
            labs_naming.check_learner(odd)
    assert Path(naming.learner(REALM, "../../root")).name == naming.learner(REALM, "../../root")
