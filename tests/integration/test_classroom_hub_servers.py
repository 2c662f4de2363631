"""A classroom with JupyterHub on two servers, as programs: one has labs on its own machine, and a broker with an engine of its own
has the others. Two learners, one on each; what the broker's server is told, what is in nobody's sight, and its death."""

import asyncio
import contextlib
import json
import os
import pwd
import signal
import socket
import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace

import everybody
import httpx
import hubs
import postgres
import psutil
import pytest
import second_engine
import trustme
from helpers import until
from hubs import Class
from hubs import servers as processes_of

from labkit.classroom.broker import jupyters
from labkit.classroom.hub import users, workplace
from labkit.classroom.records.database import Database
from labkit.lab.engine import engines, sdk
from labkit.lab.engine.wire import tls_context
from labkit.lab.owner import workshop as keys
from labkit.lab.plan import LABEL

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make users")

WORKSHOP = f"srv{os.getpid()}"
ADA, LI = "ada", "李小龙 <b>"
ANEW = 6
"""Seconds that a broker may be silent."""


class Rooms(Class):
    """A classroom on PostgreSQL; its log is read there."""

    def __init__(self, place, python, env, url):
        super().__init__(place, python, {**env, "LABKIT_CLASSROOM_DATABASE": url}, WORKSHOP, {ADA: "Ada", LI: "Li"})
        self.url = url

    def start(self, *more):
        """With a certificate that browsers know: what joins, and JupyterLabs elsewhere, must get the classroom's own."""
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        chain, key = self.place / "chain.pem", self.place / "key.pem"
        chain.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
        key.touch(0o600)
        key.write_bytes(leaf.private_key_pem.bytes())
        super().start("--certificate", str(chain), "--certificate-key", str(key), *more)
        self.tls.load_verify_locations(cadata=authority.cert_pem.bytes().decode())

    def database(self, work):
        from sqlalchemy import select

        from labkit.classroom.records.models import Workshop

        kept, key = Database(self.url), keys.read(self.folder / "workshop.key").key
        try:
            with kept.writing() as session:
                return work(session, key, session.scalars(select(Workshop)).one())
        finally:
            kept.close()

    def points(self, ident, exercise):
        """What the learner's mark for the exercise counts."""
        told = self.labkit("gradebook", "--workshop", WORKSHOP, "--folder", str(self.place / "rooms"))
        marks = json.loads(told.stdout)["marks"]
        return max(
            (one["points"] for one in marks if (one["learner"], one["exercise"]) == (ident, exercise)), default=0
        )


class Broker:
    """`labkit classroom broker`, as a process on the other server."""

    def __init__(self, room, engine):
        self.room, self.engine, self.root, self.process = room, engine, room.place / "north", None
        self.root.mkdir()
        self.note = room.folder / "brokers" / "north" / "broker.json"

    def start(self, *words):
        env = {**self.room.env, "LABKIT_ENGINE": self.engine, "LABKIT_STATE": str(self.root / "state")}
        listen = json.loads(self.note.read_text())["address"].removeprefix("https://") if self.note.exists() else None
        command = [self.room.python, "-P", "-m", "labkit", "classroom", "broker", "--root", str(self.root)]
        command += ["--listen", listen or "127.0.0.1:0", "--homes", str(self.room.place / "homes-north")]
        code = ""
        if "--join" in words:
            told = self.room.labkit(
                "invite-broker", "north", "--workshop", WORKSHOP, "--folder", str(self.room.place / "rooms")
            )
            code = told.stdout
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--workers", "0", "--labs", "3", *words],
                env=env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.process.stdin.write(code)
        self.process.stdin.close()

    @property
    def log(self):
        return (self.root / "log").read_text()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(60)

    def ran(self):
        """{learner: what the broker has written down of their JupyterLab}"""
        file = self.root / jupyters.FILE
        return json.loads(file.read_text()) if file.exists() else {}


def jupyterlab(name):
    """The process of this user's JupyterLab; None where there is none."""
    for one in psutil.process_iter(["username", "cmdline"]):
        if one.info["username"] == name and "labkit.classroom.hub.away" in (one.info["cmdline"] or []):
            return one
    return None


async def _calculated(who, code):
    """What a cell with this code prints, over the kernel's WebSocket, as the notebook asks for it."""
    ident, message = hubs.execute_request(code)
    printed, ended = "", set()
    async with who.websocket(f"api/kernels/{who.kernel()}/channels") as channels:
        await channels.write_message(message)
        while ended != {"execute_reply", "idle"}:  # what is printed comes by another channel than the answer
            told = json.loads(await asyncio.wait_for(channels.read_message(), 120))
            if told["parent_header"].get("msg_id") != ident:
                continue
            match told["msg_type"], told["content"]:
                case "stream", content:
                    printed += content["text"]
                case "execute_reply", content:
                    assert content["status"] == "ok", content
                    ended.add("execute_reply")
                case "status", {"execution_state": "idle"}:
                    ended.add("idle")
    return printed


def calculated(who, code):
    return asyncio.run(_calculated(who, code))


def hub_api(who):
    """Headers with which the learner's own page asks the Hub."""
    home = who.go(f"{who.room.hub}/hub/home")
    xsrf = next(one.value for one in who.web.cookies.jar if one.name == "_xsrf" and one.path == "/hub/")
    return {"X-XSRFToken": xsrf, "Referer": str(home.url), "sec-fetch-mode": "cors"}


def is_there(url):
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def emptied(engine):
    """Removes all labs of an engine that nobody else uses."""
    with sdk.client(engines.Engine(engine)) as docker:
        for one in docker.containers.list(all=True):
            one.remove(force=True, v=True)
        for one in docker.networks.list(filters={"label": LABEL}):
            one.remove()


def placed(room):
    return json.loads((room.folder / "placed.json").read_text())


@pytest.fixture(scope="module")
def world(engine, tmp_path_factory):
    """The classroom with two labs of its own, and the broker north with three. Ada comes first: north has most room."""
    with (
        everybody.place("labkit-hubs-") as place,
        postgres.running() as database,
        second_engine.running(engine, tmp_path_factory.mktemp("alone")) as other,
    ):
        python, env, course = everybody.python(place)
        assert python, "no user but root can run this Python, also where it is copied"
        room = Rooms(place, python, {**env, "LABKIT_COURSE": str(course)}, database.url)
        north = Broker(room, other.own["LABKIT_ENGINE"])
        try:
            room.start("--labs-here", "2", "--anew-after", f"{ANEW}s")
            north.start("--join", room.address)
            until(lambda: north.process.poll() is not None or "answers at" in north.log, "the broker's start", 120)
            assert north.process.poll() is None and "no JupyterLab here" not in north.log, north.log
            ada = room.browser()
            assert ada.by_code(ADA, room.code).headers["location"] == "/me"
            ada.open()
            li = room.browser()
            assert li.by_link(room.link(LI)).headers["location"] == "/me"
            li.open()
            yield SimpleNamespace(room=room, north=north, other=other, ada=ada, li=li, pid=None)
        finally:
            print((place / "err").read_text()[-4000:])
            print(
                *(
                    one.read_text()[-4000:]
                    for one in (north.root / "log", room.folder / "hub" / "hub.log")
                    if one.exists()
                )
            )
            room.opened.close()
            names = [one.name for one in (ada, li)]
            room.end()
            # The kernel has killed them, and takes a moment to be rid of them.
            with contextlib.suppress(AssertionError):
                until(lambda: not any(map(processes_of, names)), "the end of all JupyterLabs", 10)
            left = {name: processes_of(name) for name in names}
            if north.process and north.process.poll() is None:
                assert north.end() == 0
            room.labkit("down", "--workshop", WORKSHOP, "--folder", str(place / "rooms"))
            told = room.labkit("forget-users", "--root", str(north.root), "--yes")
            other.start()  # one that was killed has left its labs
            emptied(other.own["LABKIT_ENGINE"])
            assert "2 users are removed" in told.stdout, told.stderr
    assert left == {name: [] for name in names}


@pytest.mark.starts_an_engine  # the first test of the file, by its fixture
def test_a_learner_is_placed_on_the_other_server_and_has_jupyterlab_there(world):
    ada, li, room, north = world.ada, world.li, world.room, world.north
    assert placed(room) == {ADA: "north", LI: "here"}
    there = jupyterlab(ada.name)
    assert there.ppid() == north.process.pid
    assert jupyterlab(li.name) is None and processes_of(li.name)  # JupyterHub's own, as on one server
    assert [ran["pid"] for ran in north.ran().values()] == [there.pid]
    # Its pages, a kernel over a WebSocket, a terminal, and the lab from both.
    names = {one["name"] for one in ada.web.get(ada.server("api/contents/")).json()["content"]}
    assert {"00-start.ipynb", "03-push.ipynb"} <= names
    assert ada.web.get(ada.server("labkit/pages")).status_code == 200
    assert calculated(ada, "print(6 * 7)") == "42\n"
    assert calculated(li, "print(6 * 7)") == "42\n"
    told = ada.shell("docker --context workstation info --format '{{.Name}}'; labkit status --json")
    assert "workstation" in told
    user = keys.read(room.folder / "workshop.key").person(ADA).username
    assert "Login Succeeded" in ada.shell(f"docker login -u {user} -p mypassword; labkit check 01-login")
    until(lambda: room.points(ADA, "01-login") > 0, "Ada's mark, from the broker that observed it", 60)


@pytest.mark.attack(
    "identity",
    "a learner's JupyterLab on another server, by any other way than its broker: a port, its socket, another's tunnel, no key",
    "it has no port but one that leads to the Hub; the socket is its user's; the tunnel wants the classroom's key",
)
def test_only_the_broker_leads_there(world):
    ada, li, room, north = world.ada, world.li, world.room, world.north
    listening = [one for one in jupyterlab(ada.name).net_connections() if one.status == psutil.CONN_LISTEN]
    ports = [one.laddr for one in listening]
    assert [one.ip for one in ports] == ["127.0.0.1"], ports
    assert room.address.startswith("https://localhost:")
    hub = httpx.get(f"http://127.0.0.1:{ports[0].port}/hub/api", trust_env=False)
    assert "version" in hub.json()
    assert (
        httpx.get(f"http://127.0.0.1:{ports[0].port}/user/{ada.name}/api/contents", trust_env=False).status_code == 403
    )
    (ran,) = north.ran().values()
    assert Path(ran["listens"]).is_relative_to(users.RUN / ada.name)
    assert "Permission denied" in li.shell(f"ls {users.RUN / ada.name}; ls {pwd.getpwnam(ada.name).pw_dir}")
    address = json.loads(north.note.read_text())["address"]

    def tunnel(learner, tls, upgrade="labkit-tunnel"):
        headers = {"Upgrade": upgrade, "Connection": "Upgrade"}
        return httpx.get(f"{address}/tunnel", params={"learner": learner}, headers=headers, verify=tls, trust_env=False)

    classrooms = tls_context(north.note.parent)
    assert tunnel(LI, classrooms).json()["message"] == f"{LI} has no JupyterLab here."
    assert tunnel("../ada", classrooms).status_code == 409
    assert tunnel(ADA, classrooms, "websocket").status_code == 409
    nobody = ssl.create_default_context(cafile=str(north.note.parent / "ca.pem"))
    with pytest.raises(httpx.TransportError):
        tunnel(ADA, nobody)
    # Whoever owns the folder puts a link to something of root's there: the broker leads to no other user's program.
    listens = Path(ran["listens"])
    listens.rename(listens.with_suffix(".kept"))
    try:
        with socket.socket(socket.AF_UNIX) as roots:
            roots.bind(str(room.place / "roots.sock"))
            roots.listen()
            listens.symlink_to(room.place / "roots.sock")
            refused = tunnel(ADA, classrooms)
        assert refused.status_code == 409 and "another user's program" in refused.json()["message"]
    finally:
        listens.unlink()
        listens.with_suffix(".kept").rename(listens)
    assert ada.web.get(ada.server("api")).status_code == 200


@pytest.mark.attack(
    "identity",
    "the broker is asked, with the classroom's own key, for more than a learner's JupyterLab: another program, user, path or port",
    "it decides itself which user and which program that is; only JupyterHub's own names are passed on",
)
def test_a_broker_starts_nothing_but_jupyterlab_for_its_learner(world):
    ada, north = world.ada, world.north
    there = jupyterlab(ada.name)
    tls = tls_context(north.note.parent)
    address = json.loads(north.note.read_text())["address"]

    def asked(**more):
        body = {"learner": ADA, "hub": 1, "environment": {workplace.USER: ada.name}, **more}
        answer = httpx.post(f"{address}/call/jupyter", json=body, verify=tls, trust_env=False, timeout=60)
        return json.loads(answer.text.strip().splitlines()[-1]).get("failed", "")

    for name in ("PATH", "PYTHONPATH", "LD_PRELOAD", "HOME", "LABKIT_GUEST", "JUPYTERHUB_SERVICE_URL", "BASH_ENV"):
        assert name in asked(environment={workplace.USER: ada.name, name: "/tmp/x"}), name
    assert "not for the user" in asked(environment={workplace.USER: "root"})
    assert "not for the user" in asked(environment={})
    assert "no port" in asked(hub=70000)
    assert "does not know the call" in asked(command=["sh"])
    assert asked(learner="../ada", environment={workplace.USER: "x"})
    assert there.is_running() and jupyterlab(ada.name) == there


@pytest.mark.attack(
    "identity",
    "the token with which a JupyterLab on another server asks the Hub, on command lines and in logs",
    "it is in no command line and no log, and only its user and root read its environment",
)
def test_the_token_is_nowhere_to_be_read(world):
    ada, li, room, north = world.ada, world.li, world.room, world.north
    there = jupyterlab(ada.name)
    token = there.environ()["JUPYTERHUB_API_TOKEN"]
    assert len(token) >= 32
    lines = " ".join(" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))
    assert token not in lines
    logs = [*north.root.rglob("*log"), *(room.folder / "hub").glob("*.log"), room.place / "err"]
    assert len(logs) >= 4
    assert not [one for one in [*logs, north.root / jupyters.FILE] if token in one.read_text(errors="replace")]
    assert "Permission denied" in li.shell(f"cat /proc/{there.pid}/environ")
    assert "Permission denied" in li.shell(
        f"cat {north.root / 'workshop.key'} {north.root / 'jupyter' / (ada.name + '.log')}"
    )


def test_who_stops_it_ends_it_there_and_opens_it_again(world):
    ada, room = world.ada, world.room
    before = jupyterlab(ada.name)
    stopped = ada.web.delete(f"{room.hub}/hub/api/users/{ada.name}/server", headers=hub_api(ada))
    assert stopped.status_code in (202, 204), stopped.text
    until(lambda: not processes_of(ada.name), "the end of Ada's processes", 40)
    assert world.north.ran() == {}
    ada.open()
    assert jupyterlab(ada.name).pid != before.pid
    assert calculated(ada, "print('again')") == "again\n"


@pytest.mark.fault(
    "The broker of a server with JupyterLabs is killed and started again, and then JupyterHub is",
    "Either finds them again: kernels and what they know go on",
)
def test_a_broker_or_a_hub_that_is_restarted_finds_its_jupyterlabs(world):
    ada, north = world.ada, world.north
    there = jupyterlab(ada.name)
    north.end(signal.SIGKILL)
    north.start()
    until(lambda: north.log.count("answers at") == 2, "the broker's start", 120)

    def answers():
        answer = ada.web.get(ada.server("api"))
        return answer.status_code == 200

    until(answers, "Ada's JupyterLab through the broker that was restarted", 60)
    assert jupyterlab(ada.name) == there
    assert calculated(ada, "print(2 * 3)") == "6\n"
    world.room.child("jupyterhub_config").kill()
    until(lambda: world.room.child("jupyterhub_config"), "another JupyterHub", 30)
    hub, _ = world.room.settings
    until(lambda: is_there(f"{hub.hub}/hub/api"), "its answer", 60)
    until(answers, "Ada's JupyterLab, which the new JupyterHub has asked after", 60)
    assert jupyterlab(ada.name) == there
    assert calculated(ada, "print(3 * 3)") == "9\n"
    assert not [one for one in world.room.log("servers") if "is over" in one]


@pytest.mark.fault(
    "A server with labs and JupyterLabs is lost: its broker, its engine and its JupyterLabs are killed",
    "It is told; the learner's lab is placed anew, JupyterLab is told as stopped and opens again where the lab is",
)
@pytest.mark.starts_an_engine  # the lost one comes back
def test_a_server_dies_and_its_learner_gets_jupyterlab_elsewhere(world):
    ada, room, north = world.ada, world.room, world.north
    north.end(signal.SIGKILL)
    engine = int((world.other.run / "docker.pid").read_text())
    os.kill(engine, signal.SIGKILL)
    users.end_processes(ada.name)  # as all of that server's
    until(lambda: placed(room)[ADA] == "here", "the new place", 120)
    until(
        lambda: any(f"{ADA}'s JupyterLab on north is over" in one for one in room.log("servers")),
        "what is told of JupyterLab",
        60,
    )
    assert f"The server north has not answered for {ANEW} s." in room.log("servers")
    ada.open()
    assert jupyterlab(ada.name) is None and processes_of(ada.name)  # JupyterHub's own now
    assert calculated(ada, "print('here')") == "here\n"
    assert "workstation" in ada.shell("docker --context workstation info --format '{{.Name}}'")
    assert room.points(ADA, "01-login") > 0  # what was observed there has stayed
    world.other.start()
    north.start()
    until(
        lambda: f"{ADA}'s lab on north is stopped: they have another one now." in room.log("servers"),
        "the stop of the old lab",
        120,
    )
    assert (
        north.ran() == {}
    )  # (both servers are this machine: what that broker has ended of Ada's was the other one's, too)
