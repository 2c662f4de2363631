"""JupyterHub beside a classroom, as values: users' names, what both are told, limits; and what the app answers."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import psutil
import pytest
from classrooms import classroom
from hypothesis import given
from hypothesis import strategies as st

from labkit import talking
from labkit.classroom.app.hub import Hub, issue_pass
from labkit.classroom.broker.standing import Standing, State
from labkit.classroom.hub import config, culling, install, limits, naming, opening, running
from labkit.classroom.hub.config import Secrets, Settings
from labkit.classroom.records import people
from labkit.errors import LabError

REALM = naming.realm("a key")


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.text(min_size=1, max_size=300))
def test_any_id_gives_a_name_that_linux_and_addresses_bear(ident):
    for name in (naming.learner(REALM, ident), naming.staff(REALM, ident)):
        assert re.fullmatch(r"(lab|staff)-[a-z0-9-]+-[0-9a-f]{12}", name)
        assert len(name) <= 32


def test_two_are_never_one():
    idents = ["ada", "Ada", "ada ", "李小龙", "李小虎", "a" * 200, "a" * 201, "../../root", "root", "lab-ada", "ádá"]
    names = {naming.learner(REALM, ident) for ident in idents}
    assert len(names) == len(idents)
    assert naming.learner(REALM, "ada") != naming.learner(naming.realm("another"), "ada")
    assert naming.learner(REALM, "ada") != naming.staff(REALM, "ada")
    assert ":" not in naming.comment(REALM)  # /etc/passwd has it between colons


# ── what JupyterHub is told ──────────────────────────────────────────────────────────────────────────────────────────


def settings(folder="/f", **more):
    given = {
        "host": "0.0.0.0",
        "port": 8444,
        "classroom": "https://127.0.0.1:8443",
        "classroom_port": 8443,
        "ca": "/f/ca.pem",
        "back": "https://lab.example:8443/sign-in/hub/back",
        "realm": REALM,
        "folder": str(folder),
        "homes": "/h",
        "tls_certificate": "/f/server.pem",
        "tls_key": "/f/server-key.pem",
        "hub_port": 9001,
        "proxy_api": 9002,
        "memory": 1_000_000_000,
        "processes": 100,
        "python": sys.executable,
    }
    return Settings(**{**given, **more})


INSIDE = {config.HUB: "7"}
"""What JupyterHub's services get in their environment."""


def test_the_configuration():
    kept = Secrets("from the classroom")
    made = config.made(settings(), kept, INSIDE)
    hub = made["JupyterHub"]
    assert hub["hub_bind_url"] == "http://127.0.0.1:9001"
    assert hub["services"][0]["oauth_redirect_uri"] == "https://lab.example:8443/sign-in/hub/back"
    assert made["ConfigurableHTTPProxy"]["should_start"] is False
    roles = {one["name"]: set(one["scopes"]) for one in hub["load_roles"]}
    assert not [one for one in roles["instructors"] if one.startswith(("access", "admin:", "tokens", "servers"))]
    spawner = made["LabSpawner"]
    assert not [one for one in spawner["env_keep"] if "TOKEN" in one or "DATABASE" in one or "HUB" in one]
    assert not [word for word in spawner["cmd"] if word in msgspec.structs.astuple(kept)]
    assert len({*msgspec.structs.astuple(kept), *msgspec.structs.astuple(Secrets("from the classroom"))}) == 7


def test_an_idle_jupyterlab_is_stopped_by_a_service_that_may_do_nothing_else():
    hub = config.made(settings(idle=3600.0), Secrets("from the classroom"), INSIDE)["JupyterHub"]
    (service,) = [one for one in hub["services"] if one["name"] == config.CULLER]
    assert service["command"][1:] == ["-P", "-m", "labkit.classroom.hub.culling", "--timeout=3600", "--cull-every=60"]
    assert set(service) == {
        "name",
        "command",
        "environment",
        "display",
    }  # the hub makes its token: no secret is on the command line
    (role,) = [one for one in hub["load_roles"] if config.CULLER in one.get("services", [])]
    assert set(role["scopes"]) == {"list:users", "read:users:activity", "read:servers", "delete:servers"}
    assert service["environment"] == INSIDE
    never = config.made(settings(), Secrets("from the classroom"), INSIDE)["JupyterHub"]
    assert config.CULLER not in str(never)


def test_jupyterhub_hears_of_activity_several_times_before_a_server_counts_as_idle():
    assert [config.reported(idle) for idle in (0, 2, 60, 600, 3600)] == [300, 1, 15, 150, 300]
    made = config.made(settings(idle=60.0), Secrets("from the classroom"), INSIDE)
    assert made["JupyterHub"]["last_activity_interval"] == 15
    assert made["LabSpawner"]["environment"] == {"JUPYTERHUB_ACTIVITY_INTERVAL": "15"}


class Watched:
    """One server as the culler sees it, with a clock of ours."""

    def __init__(self):
        self.now = 0.0
        self.decides = culling.Patience(lambda: self.now)

    def stopped(self, inactive, stamp, at=0.0):
        self.now = at
        server = {"url": "/user/lab-ada/", "last_activity": stamp}
        return self.decides(inactive=timedelta(seconds=inactive), inactive_limit=60, server=server)


def test_a_server_is_stopped_after_so_long_without_a_change():
    server = Watched()
    assert not server.stopped(61, "10:00", at=0)
    assert not server.stopped(100, "10:00", at=59)
    assert not server.stopped(1, "10:01", at=70)
    assert server.stopped(61, "10:01", at=130)


@pytest.mark.fault(
    "The server's clock is put ahead by a day while JupyterLabs are open, or back",
    "None is stopped for it: nothing must have happened for as long by another clock too",
)
def test_a_clock_that_is_put_right_stops_nobody():
    server, day = Watched(), 86400
    assert not server.stopped(5, "today 10:00", at=0)
    assert not server.stopped(day + 10, "today 10:00", at=5)
    assert not server.stopped(3, "tomorrow 10:00", at=15)
    assert not server.stopped(-day, "tomorrow 10:00", at=100)  # back: what works cannot be told from what does not


@pytest.mark.fault("JupyterHub is killed", "The service that stops idle JupyterLabs ends with it")
def test_the_culler_ends_with_whoever_started_it():
    begin = "import os, subprocess, sys; print(subprocess.Popen([sys.executable, '-c', sys.argv[1]], env=os.environ | {'P': sys.argv[2] or str(os.getpid())}).pid, flush=True); sys.stdin.read()"
    waits = "import os; from labkit.classroom.hub.culling import end_with; end_with(int(os.environ['P'])); print('waits', flush=True); import signal; signal.pause()"
    command = [sys.executable, "-c", begin, waits, ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "waits\n"
        parent.kill()
        parent.wait(10)
        psutil.wait_procs([child], 10)
        assert not child.is_running()
    # One whose parent has ended before it could ask for that.
    late = subprocess.run([sys.executable, "-c", waits], env={**os.environ, "P": "1"}, capture_output=True, text=True)
    assert (late.returncode, late.stderr) == (1, "JupyterHub has ended.\n")


def test_secrets_are_in_a_file_of_their_own_that_nobody_else_reads(tmp_path):
    folder, kept = tmp_path / "hub", Secrets("from the classroom")
    running.write(settings(folder), kept)
    assert config.read(folder) == (settings(folder), kept)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / config.SECRETS).stat().st_mode) == 0o600
    told = (folder / config.SETTINGS).read_text()
    assert not [one for one in msgspec.structs.astuple(kept) if one in told]


def test_the_proxys_packages_are_pinned_and_have_digests():
    told = json.loads((install.HERE / install.LOCK).read_text())["packages"]
    assert told["node_modules/configurable-http-proxy"]["version"] == "5.3.0"
    assert all(one["integrity"].startswith("sha512-") for name, one in told.items() if name)


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_limits_of_both_kinds_of_control_groups(tmp_path):
    first, second, none = tmp_path / "1", tmp_path / "2", tmp_path / "0"
    for kind, file in (("memory", "memory.limit_in_bytes"), ("pids", "pids.max")):
        place = first / kind / limits.OURS / "lab-x"
        place.mkdir(parents=True)
        (place / file).touch()
    place = second / limits.OURS / "lab-x"
    place.mkdir(parents=True)
    (second / "cgroup.controllers").touch()
    for file in ("memory.max", "pids.max"):
        (place / file).touch()
    assert len(limits.open_("lab-x", 1000, 7, first).folders) == 2
    assert (first / "memory" / limits.OURS / "lab-x" / "memory.limit_in_bytes").read_text() == "1000"
    assert (first / "pids" / limits.OURS / "lab-x" / "pids.max").read_text() == "7"
    group = limits.open_("lab-x", 1000, 7, second)
    assert (place / "memory.max").read_text() == "1000"
    for folder in group.folders:
        (folder / "cgroup.procs").touch()
    group.enter()()
    assert (place / "cgroup.procs").read_text() == "0"
    assert limits.open_("lab-x", 1000, 7, none).folders == ()


def test_an_open_socket_of_the_engine_is_refused(tmp_path):
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    path.chmod(0o660)
    install.check_socket(f"unix://{path}")
    install.check_socket("tcp://127.0.0.1:1")
    path.chmod(0o666)
    with pytest.raises(LabError, match="Every user of this machine"):
        install.check_socket(f"unix://{path}")


def test_only_what_was_started_is_ended(tmp_path):
    """A number that is another process's by now is left alone."""
    with subprocess.Popen(["sleep", "60"]) as other, subprocess.Popen(["sleep", "60"]) as ours:
        born = psutil.Process(ours.pid).create_time()
        (tmp_path / config.RUNNING).write_bytes(msgspec.json.encode([(other.pid, born - 100), (ours.pid, born)]))
        assert running.runs(tmp_path)
        assert running.end_leftovers(tmp_path) == 1
        ours.wait(5)
        assert not psutil.pid_exists(ours.pid)
        assert other.poll() is None
        other.kill()
    assert not running.runs(tmp_path)
    assert running.end_leftovers(tmp_path) == 0


def test_without_root_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError) as refused:
        install.check(sys.executable, {})
    assert "has to be started by root" in refused.value.what
    assert "--no-hub" in refused.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="JupyterHub is started by root")
def test_a_python_that_learners_cannot_reach_is_named():
    """The environment lies where all can read it, but was made with a Python of root's own."""
    with tempfile.TemporaryDirectory() as place:
        home, python = Path(place, "home"), Path(place, "python")
        Path(place).chmod(0o755)
        home.mkdir(0o700)
        (home / "python3").touch(0o755)
        python.symlink_to(home / "python3")
        with pytest.raises(LabError, match=f"leads to {home}/python3, and only its owner may enter {home}") as refused:
            install.check(str(python), {})
        assert "install a Python for all users" in refused.value.fix
        with pytest.raises(LabError, match="Permission denied") as refused:
            install.check(str(home / "python3"), {})
        assert "install labkit where every user can read it" in refused.value.fix


CULLER = """import sys, time, types
from labkit.classroom.hub import culling
launch = lambda **_: (print("here", flush=True), time.sleep(60))
sys.modules["jupyterhub_idle_culler"] = types.SimpleNamespace(IdleCuller=types.SimpleNamespace(launch_instance=launch))
culling.main()"""


def test_what_stops_idle_ones_hears_ctrl_c_also_where_a_script_started_the_classroom():
    """JupyterHub ends it so, and would wait for half a minute."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    env = {**os.environ, config.HUB: str(os.getpid())}
    try:
        started = subprocess.Popen(
            [sys.executable, "-c", CULLER], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with started:
        assert started.stdout.readline() == b"here\n"
        started.send_signal(signal.SIGINT)
        started.wait(5)


def test_no_users_of_a_workshop_that_never_had_any(tmp_path):
    assert opening.forget_users(tmp_path, "spring") == []


# ── the app ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Labs:
    """Whoever has the labs, with one answer."""

    def __init__(self):
        self.asked = []

    def start(self, learner, say):
        say("one step")
        if learner == "grace":
            raise LabError("The lab could not start.", "ask")
        self.asked.append(learner)

    def access(self, learner, folder, user=""):
        self.asked.append((str(folder), user))
        return "https://127.0.0.1:1"

    def all(self):
        return ()

    def status(self, learner):
        return Standing(learner, f"spring-{learner}", State.ABSENT)


@pytest.fixture
def here(tmp_path):
    tokens = []

    def before(opened):
        room = opened.room
        room.hub = Hub(8444, "http://127.0.0.1:9/hub/api", REALM, "service")
        room.jupyter = lambda _: "/jupyter"
        room.labs = Labs()
        with room.database.writing() as session:
            tokens.append(issue_pass(session, room, room.workshop(session)))

    with classroom(tmp_path / "rooms", before=before) as one:
        one.hub_token = tokens[0]
        yield one


def ask(here, path, token=None, **body):
    head = {"Authorization": f"Bearer {here.hub_token if token is None else token}"}
    return here.client().post(f"/api/hub/{path}", json=body, headers=head)


def code(browser):
    answer = browser.get("/jupyter/pass?state=s")
    place = urlsplit(answer.headers["location"])
    assert (place.scheme, place.port, place.path) == ("https", 8444, "/hub/labkit/entered")
    told = parse_qs(place.query)
    assert told["state"] == ["s"]
    return told["code"][0]


def test_a_code_names_its_learner_once_and_for_a_minute(here):
    ada = here.browser("ada")
    first = code(ada)
    assert ask(here, "sign-in", code=first).json() == {"name": naming.learner(REALM, "ada"), "groups": []}
    assert ask(here, "sign-in", code=first).status_code == 403
    late = code(ada)
    here.clock.ahead += timedelta(seconds=61)
    assert ask(here, "sign-in", code=late).status_code == 403
    assert [one.what for one in here.log(people.REFUSED)] == ["a wrong or used code for JupyterHub"] * 2


def test_who_gets_a_code(here):
    stranger = here.client(headers={"Sec-Fetch-Site": "same-origin"})
    assert stranger.get("/jupyter/pass?state=s").headers["location"] == "/sign-in"
    boss = here.browser("instructor")
    told = ask(here, "sign-in", code=code(boss)).json()
    assert told == {"name": naming.staff(REALM, "instructor"), "groups": ["instructors"]}
    boss.post("/workshop/assistant", name="helper", section="")
    with here.room.database.reading() as session:
        workshop = here.room.workshop(session)
        assert people.staff(session, workshop, people.ASSISTANT, "helper").role == people.ASSISTANT
    helper = here.browser("helper")
    assert helper.get("/jupyter/pass?state=s").status_code == 409


def test_only_the_hub_asks_and_only_for_learners(here):
    name = naming.learner(REALM, "ada")
    for token in ("wrong", here.broker, here.browser("ada").token()):
        assert ask(here, "may", token, name=name).status_code == 401
        assert ask(here, "lab", token, name=name).status_code == 401
        assert ask(here, "access", token, name=name, folder="/x").status_code == 401
        assert ask(here, "jupyter", token, name=name, environment={}).status_code == 401
        assert ask(here, "jupyter/poll", token, name=name).status_code == 401
        assert ask(here, "jupyter/stop", token, name=name).status_code == 401
        assert ask(here, "sign-in", token, code="x").status_code == 401
        assert ask(here, "idle", token, name=name, seconds=3600).status_code == 401
    assert ask(here, "may", name=name).json() == {"learner": "ada"}
    for other in (naming.staff(REALM, "instructor"), "root", "lab-ada", ""):
        assert ask(here, "may", name=other).status_code == 403
    here.room.labs = None
    assert ask(here, "may", name=name).status_code == 409


def test_a_lab_is_told_step_by_step(here):
    name = naming.learner(REALM, "ada")
    lines = ask(here, "lab", name=name).text.splitlines()
    assert [json.loads(line) for line in lines] == [{"say": "one step"}, {"at": ""}]
    done = ask(here, "access", name=name, folder="/home/x/lab").json()
    token = done.pop("token")
    assert done == {"address": "https://127.0.0.1:1"}
    there = talking.Place(here.room.address, token, here.room.ca.decode())
    talking.say(there, True, "from JupyterLab")
    assert "from JupyterLab" in here.browser("instructor").get("/board?names=shown").text
    ask(here, "access", name=name, folder="/home/x/lab")
    with pytest.raises(LabError, match="does not know this JupyterLab"):
        talking.say(there, False)  # a new server was started, with a pass of its own
    assert here.room.labs.asked[-2:] == [("/home/x/lab", name), ("/home/x/lab", name)]
    lines = ask(here, "lab", name=naming.learner(REALM, "grace")).text.splitlines()
    assert json.loads(lines[-1]) == {"message": "The lab could not start.", "fix": "ask"}


def test_a_jupyterlab_that_was_stopped_is_in_the_log(here):
    assert ask(here, "idle", name=naming.learner(REALM, "ada"), seconds=3660).json() == {}
    assert ask(here, "idle", name="lab-nobody", seconds=3660).json() == {}
    assert [one.what for one in here.log("jupyter")] == ["JupyterLab is stopped: nothing happened in it for 61 min"]


def test_the_way_there_and_out(here):
    ada = here.browser("ada")
    assert ada.get("/jupyter").headers["location"] == "https://127.0.0.1:8444/hub/labkit/sign-in"
    answer = ada.post("/me/sign-out")
    ended = " ".join(answer.headers.get_list("set-cookie"))
    for name in ("jupyterhub-hub-login", "labkit-server", f"jupyterhub-user-{naming.learner(REALM, 'ada')}"):
        assert f'{name}=""' in ended
    assert 'href="/sign-in/hub"' in here.client().get("/sign-in").text


def test_jupyterhubs_sign_in_begins_and_ends_here(here):
    one = here.client()
    answer = one.get("/sign-in/hub")
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert told["redirect_uri"] == [f"{here.room.address}/sign-in/hub/back"]
    assert one.get("/sign-in/hub/back?code=x&state=forged").status_code == 409
    # JupyterHub does not answer: nobody gets in, and it is said
    assert one.get(f"/sign-in/hub/back?code=x&state={told['state'][0]}").status_code == 409
    # another name of the machine first goes to the printed one, where it comes back
    with httpx.Client(verify=one._transport._pool._ssl_context, trust_env=False) as other:
        port = urlsplit(here.room.address).port
        sent = other.get(f"https://localhost:{port}/sign-in/hub").headers["location"]
    assert sent == f"{here.room.address}/sign-in/hub"


def test_without_a_hub_there_is_nothing_of_it(tmp_path):
    with classroom(tmp_path / "rooms") as one:
        assert one.client().get("/jupyter").status_code == 404
        assert "JupyterHub" not in one.client().get("/sign-in").text
        assert one.client().post("/api/hub/may", json={"name": "x"}).status_code == 404


def test_the_files_that_are_not_python_are_in_the_package():
    here = Path(opening.__file__).parent / "proxy"
    assert {one.name for one in here.iterdir()} >= {"package.json", "package-lock.json", "proxy.mjs"}
