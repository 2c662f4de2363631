"""What runs for learners on servers, and what leads there: users, ports of the loopback, JupyterHub's proxy, and a broker that
says what it likes. Without an engine."""

import asyncio
import contextlib
import json
import os
import pwd
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import trustme
from helpers import until

from labkit.classroom.broker import remote as remotes
from labkit.classroom.broker.fleet import Fleet
from labkit.classroom.broker.remote import Remote
from labkit.classroom.hub import elsewhere, install, naming, peers, pipes, users
from labkit.classroom.hub.elsewhere import Elsewhere
from labkit.errors import LabError
from labkit.seen.signature import Public

attack = pytest.mark.attack
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users and gives processes to them")
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin")
"""One that every user can run."""
REALM = naming.realm(f"attacks {os.getpid()}")
ADA, EVE = (naming.learner(REALM, one) for one in ("ada", "eve"))


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Two learners' users."""
    place = tmp_path_factory.mktemp("homes")
    for folder in (place, place.parent):
        folder.chmod(0o711)
    try:
        for name in (ADA, EVE):
            users.ensure(name, REALM, place)
        yield place
    finally:
        users.forget(REALM)


def started(name, *words, **more):
    known = pwd.getpwnam(name)
    return subprocess.Popen(words, user=known.pw_uid, group=known.pw_gid, extra_groups=[], cwd="/", **more)


# ── users ────────────────────────────────────────────────────────────────────────────────────────────────────────────

COMET = """
import os, resource, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(8):
    if os.fork() == 0:
        break
else:
    sys.exit()
os.setsid()
resource.setrlimit(resource.RLIMIT_NPROC, (512, 512))
os.write(1, b"here\\n")
while True:
    try:
        if os.fork():
            os._exit(0)
        signal.alarm(60)
    except OSError:
        pass
"""
"""Eight processes that go on in a child each time, under another number."""


@as_root
@attack(
    "identity",
    "Go on after JupyterLab was stopped, or after the workshop: processes that hop from child to child faster than they are listed",
    "the kernel kills all of that user in one call; nothing of them is left",
)
def test_processes_that_flee(homes):
    for _ in range(3):
        with started(EVE, PYTHON, "-c", COMET, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
            for _ in range(8):
                assert one.stdout.readline() == b"here\n"
            users.end_processes(EVE)
            # Each has the pipe: it ends with the last of them, whoever can be listed.
            assert select.select([one.stdout], [], [], 5)[0], "somebody is left"
            assert one.stdout.read() == b""


@as_root
@attack(
    "identity",
    "Read another's home on a disk that servers share, or what a forgotten user left in /tmp, by getting that user's number",
    "each name has a number of its own, the same on every server and in every workshop",
)
def test_numbers_are_nobody_elses(homes):
    numbers = {name: pwd.getpwnam(name).pw_uid for name in (ADA, EVE)}
    assert numbers == {name: naming.number(name) for name in numbers}
    assert {name: pwd.getpwnam(name).pw_gid for name in numbers} == numbers
    assert len({naming.number(naming.learner(REALM, str(one))) for one in range(10_000)}) == 10_000
    # The other server: the home comes from the disk, and its user is made there.
    home = homes / ADA
    (home / "mine").write_text("ada's")
    os.chown(home / "mine", numbers[ADA], numbers[ADA])
    subprocess.run(["userdel", ADA], check=True)  # the home stays
    assert users.ensure(ADA, REALM, homes) == home
    assert {one.stat().st_uid for one in (home, home / "mine")} == {pwd.getpwnam(ADA).pw_uid} == {numbers[ADA]}


@as_root
def test_a_number_that_is_taken_or_not_there_is_left_out(homes, monkeypatch, tmp_path):
    assert users._number(ADA) == []  # somebody has it: here she herself
    other = naming.learner(REALM, "grace")
    assert str(naming.number(other)) in users._number(other)
    monkeypatch.setattr(users, "NUMBERS", tmp_path / "uid_map")
    users.NUMBERS.write_text("         0     100000      65536\n")
    assert users._number(other) == []


@as_root
@attack(
    "identity",
    "Come back as one's system user without the classroom: by sshd with a key in the home, or by cron",
    "the account has expired for all but root, who starts JupyterLab; its password is locked",
)
def test_an_account_lets_nobody_in(homes):
    (shadow,) = [line.split(":") for line in Path("/etc/shadow").read_text().splitlines() if line.startswith(f"{EVE}:")]
    assert shadow[1].startswith("!")
    assert shadow[7] == "1"  # the day on which it expired
    if shutil.which("su"):
        told = subprocess.run(
            ["su", EVE, "-c", "id"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert told.returncode and "expired" in told.stderr


@as_root
def test_one_user_who_cannot_be_removed_keeps_nobody_elses_home(homes, monkeypatch):
    real = users._run

    def run(*words):
        if words[0] == "userdel" and words[-1] == min(ADA, EVE):
            raise LabError("userdel failed: it is used by a process", "userdel")
        real(*words)

    monkeypatch.setattr(users, "_run", run)
    try:
        with pytest.raises(LabError, match="used by a process"):
            users.forget(REALM)
        assert users.made(REALM) == [min(ADA, EVE)]
        assert not (homes / max(ADA, EVE)).exists()
    finally:
        for name in (ADA, EVE):
            users.ensure(name, REALM, homes)


# ── ports of the loopback ────────────────────────────────────────────────────────────────────────────────────────────


class There:
    """The JupyterLabs of another server: each says who it is."""

    def __init__(self):
        self.asked, self.kept = 0, []

    def start(self, learner, environment, hub, say=lambda _: None):
        pass

    def runs(self, learner):
        return True

    def end(self, learner):
        pass

    async def connect(self, learner):
        self.asked += 1
        here, there = socket.socketpair()
        there.sendall(f"{learner}'s JupyterLab".encode())
        self.kept.append(there)
        return pipes.Streams(*await asyncio.open_connection(sock=here))


@pytest.fixture
def led(monkeypatch):
    """The port that leads to Ada's."""
    monkeypatch.setattr(elsewhere, "MOST", 20)
    there = There()
    fleet = SimpleNamespace(jupyters=lambda _: ("north", there), at=lambda _: "north", lost=lambda _: False)
    with Elsewhere(fleet) as way:
        yield SimpleNamespace(port=way.start("ada", {}, 1), there=there)
    for one in there.kept:
        one.close()


def hears(port):
    with socket.create_connection(("127.0.0.1", port), 10) as one:
        try:
            return one.recv(100)
        except ConnectionResetError:
            return b""


@as_root
@attack(
    "identity",
    "From another learner's program on the classroom's server: the port that leads to a JupyterLab on another server",
    "only the classroom's own programs are led there: the system says whose program has come",
)
def test_only_the_hub_is_led_to_another_server(homes, led):
    assert peers.known()
    assert hears(led.port) == b"ada's JupyterLab"
    script = f"exec 3<>/dev/tcp/127.0.0.1/{led.port}; cat <&3"
    for name in (EVE, "nobody"):
        with started(name, "bash", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
            assert one.stdout.read() == b""
    assert led.there.asked == 1


@attack(
    "classroom",
    "Hundreds of connections to a JupyterLab on another server, so that the classroom has no open file left",
    "one JupyterLab gets a share of them; what is more is cut, and others are led on",
)
def test_connections_to_one_jupyterlab_are_counted(led):
    with contextlib.ExitStack() as opened:
        held = [opened.enter_context(socket.create_connection(("127.0.0.1", led.port), 10)) for _ in range(20)]
        assert {one.recv(100) for one in held} == {b"ada's JupyterLab"}
        assert [hears(led.port) for _ in range(30)] == [b""] * 30
        assert led.there.asked == 20
    until(lambda: hears(led.port), "a place that is free again", 10)


SERVE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "4"); self.end_headers(); self.wfile.write(b"here")
        print(self.headers.get("Cookie", ""), self.headers.get("Authorization", ""), flush=True)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextlib.contextmanager
def serving(name, port):
    """That user's program at that port; yields what it was sent."""
    with started(name, PYTHON, "-c", SERVE, str(port), stdout=subprocess.PIPE) as one:
        try:
            until(lambda: _opens(port), "the server", 20)
            yield one
        finally:
            one.kill()


def _opens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def proxy(tmp_path):
    """JupyterHub's proxy as a classroom runs it, without a Hub."""
    made = install.proxy(tmp_path / "cache", lambda _: None)
    authority = trustme.CA()
    cert = authority.issue_cert("127.0.0.1")
    cert.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    cert.private_key_pem.write_to_path(tmp_path / "key.pem")
    ports = SimpleNamespace(port=free(), hub=free(), api=free())
    settings = {"host": "127.0.0.1", "port": ports.port, "proxy_api": ports.api, "hub": f"http://127.0.0.1:{ports.hub}"}
    settings |= {"tls_certificate": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    (tmp_path / "secrets.json").write_text(json.dumps({"proxy": "token", "guard": "guard"}))
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    command = [made.node, made.script, str(tmp_path / "settings.json"), str(tmp_path / "secrets.json")]
    with subprocess.Popen(command) as one, httpx.Client(verify=tls, trust_env=False, timeout=20) as web:
        try:
            until(lambda: _opens(ports.port) and _opens(ports.api), "the proxy", 30)

            def leads(name, port):
                route, target = f"http://127.0.0.1:{ports.api}/api/routes/user/{name}", f"http://127.0.0.1:{port}"
                answer = web.post(route, json={"target": target}, headers={"Authorization": "token token"})
                assert answer.status_code == 201

            def asks(path):
                return web.get(f"https://127.0.0.1:{ports.port}{path}", headers={"Authorization": "token of-mine"})

            yield SimpleNamespace(leads=leads, asks=asks, hub=ports.hub)
        finally:
            one.terminate()


@as_root
@attack(
    "identity",
    "Take the port of another learner's JupyterLab, or of JupyterHub, in the moment when that has died, to get their cookies and tokens",
    "the proxy asks the system whose program listens there, and sends nothing to anybody else's",
)
def test_a_port_that_somebody_else_has_taken(homes, proxy):
    port = free()
    proxy.leads(ADA, port)
    assert proxy.asks(f"/user/{ADA}/").status_code == 503  # nobody is there yet
    with serving(ADA, port) as one:
        assert proxy.asks(f"/user/{ADA}/").text == "here"
        assert b"of-mine" in one.stdout.readline()
    with serving(EVE, port) as one:
        assert proxy.asks(f"/user/{ADA}/").status_code == 503
        one.kill()
        assert one.stdout.read() == b""
    with serving("root", port):  # what leads to another server
        assert proxy.asks(f"/user/{ADA}/").text == "here"
    for name, status in ((EVE, 503), (ADA, 503), ("root", 200)):
        with serving(name, proxy.hub):
            assert proxy.asks("/hub/login").status_code == status


# ── a broker that says what it likes ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def liar(tmp_path):
    """A broker with the right keys; `say` writes the body of each answer, until it returns or nobody listens."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own = authority.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.configure_cert(tls)
    (tmp_path / "cert.pem").write_bytes(b"".join(one.bytes() for one in own.cert_chain_pems))
    listening = socket.create_server(("127.0.0.1", 0))
    one = SimpleNamespace(say=lambda write: None)

    def answer(connection):
        with contextlib.suppress(OSError), connection, tls.wrap_socket(connection, server_side=True) as spoken:
            while b"\r\n\r\n" not in spoken.recv(65536):
                pass
            spoken.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            one.say(spoken.sendall)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    address = f"https://127.0.0.1:{listening.getsockname()[1]}"
    one.remote = Remote("north", address, tmp_path, Public(workshop="spring", public="x"))
    yield one
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@attack(
    "classroom",
    "A broker answers without end: only ever that it goes on, letter by letter, a line of gigabytes, or with many lines",
    "the classroom cuts it, and looks after the other servers meanwhile",
)
def test_a_broker_that_never_ends(liar, monkeypatch):
    monkeypatch.setattr(remotes, "SOON", 1.0)
    monkeypatch.setattr(remotes, "PATIENCE", 1.0)
    monkeypatch.setattr(remotes, "LINE", 1_000_000)

    def drips(what, pause):
        def say(write):
            while True:
                write(what)
                time.sleep(pause)

        return say

    for say in (drips(b"{}\n", 0.2), drips(b" ", 0.2), drips(b"[" * 100_000, 0), drips(b'{"says": "x"}\n' * 1000, 0)):
        liar.say, begun = say, time.monotonic()
        assert not liar.remote.alive
        with pytest.raises(LabError, match="north"):
            liar.remote.jupyters.runs("ada")
        with Fleet({"north": liar.remote}) as fleet:
            assert [one.alive for one in fleet.places()] == [False]
        assert time.monotonic() - begun < 20
