"""A classroom with JupyterHub, as it is on a server: two learners with real labs and a JupyterLab each, and what each of them
tries on the other's."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import pwd
import re
import signal
import ssl
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import everybody
import httpx
import psutil
import pytest
from helpers import until
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from labkit.classroom.hub import config, limits, users
from labkit.classroom.records import people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Workshop
from labkit.lab.owner import workshop as keys

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make users")

WORKSHOP = f"hub{os.getpid()}"
ADA, LI = "ada", "李小龙 <b>"
PAGE = {"sec-fetch-mode": "navigate"}


class Class:
    """A classroom that runs, by its command."""

    def __init__(self, place, python, env):
        self.place, self.python = place, python
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LABKIT")},
            **env,
            "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
            "LABKIT_CACHE": str(place / "cache"),
            "LABKIT_STATE": str(place / "state"),
        }
        self.folder = place / "rooms" / WORKSHOP
        self.opened = contextlib.ExitStack()
        (place / "roster.csv").write_text(f"id,name,section\n{ADA},Ada Lovelace,A\n{LI},Li,A\n")

    def labkit(self, *words, **more):
        command = [self.python, "-P", "-m", "labkit", "classroom", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120, **more)

    def start(self):
        place = self.place
        words = ["--workshop", WORKSHOP, "--learners", str(place / "roster.csv"), "--folder", str(place / "rooms")]
        words += ["--host", "127.0.0.1", "--port", "0", "--hub", "--homes", str(place / "homes"), "--workers", "0"]
        out, err = (place / "out").open("wb"), (place / "err").open("ab")
        command = [self.python, "-P", "-m", "labkit", "classroom", "up", *words, "--json"]
        with out, err:
            self.process = subprocess.Popen(command, env=self.env, stdout=out, stderr=err, start_new_session=True)
        until(lambda: self.process.poll() is not None or self._told(), "the classroom's start", 120)
        assert self.process.poll() is None, (place / "err").read_text()
        told = self._told()
        self.code, self.address, self.instructor = told["code"], told["address"], told["instructor"]
        self.hub = f"https://127.0.0.1:{told['hub']}"
        self.tls = ssl.create_default_context(cafile=self.folder / "tls" / "ca.pem")

    def _told(self):
        try:
            return json.loads((self.place / "out").read_text())
        except ValueError:
            return None

    def end(self):
        self.process.terminate()
        self.process.wait(90)

    @property
    def settings(self):
        return config.read(self.folder / "hub")

    def database(self, work):
        kept = Database(f"sqlite:///{self.folder / 'classroom.db'}")
        key = keys.read(self.folder / "workshop.key").key
        try:
            with kept.writing() as session:
                from sqlalchemy import select

                return work(session, key, session.scalars(select(Workshop)).one())
        finally:
            kept.close()

    def link(self, ident):
        def made(session, key, workshop):
            member = people.by_ident(session, workshop, ident)
            return people.issue(session, key, workshop, people.LINK, member, _now(), uses=1)

        return f"{self.address}/join/{self.database(made)}"

    def log(self, kind):
        from sqlalchemy import select

        from labkit.classroom.records.models import Event

        return self.database(
            lambda session, *_: [one.what for one in session.scalars(select(Event).where(Event.kind == kind))]
        )

    def browser(self):
        return Browser(self)

    def child(self, name):
        """The process that the classroom has started as this; None where there is none now."""
        for one in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if name in " ".join(one.cmdline()):
                    return one
        return None


def _now():
    from datetime import UTC, datetime

    return datetime.now(UTC)


class Browser:
    """Follows where it is sent, as one does, and keeps cookies for the host whatever the port."""

    def __init__(self, room):
        self.room = room
        self.web = self.client(timeout=60, headers=PAGE)

    def client(self, **more):
        return self.room.opened.enter_context(httpx.Client(verify=self.room.tls, trust_env=False, **more))

    def go(self, url, until_path=None):
        for _ in range(15):
            answer = self.web.get(url)
            if not answer.is_redirect or (until_path and until_path in answer.headers["location"]):
                return answer
            url = str(answer.next_request.url)
        raise AssertionError(f"sent about: {url}")

    def by_code(self, ident, code):
        return self.web.post(f"{self.room.address}/sign-in", data={"ident": ident, "code": code})

    def by_link(self, link):
        return self.web.post(link, data={})

    def open(self):
        """JupyterLab, from the learner's page; returns the name of its user when it answers."""
        self.go(f"{self.room.address}/jupyter")
        at = until(self._at, "JupyterLab", 120)
        self.name = at.split("/")[2]
        assert self.go(self.room.hub + at).status_code == 200
        return self

    def _at(self):
        at = self.web.get(f"{self.room.hub}/hub/spawn").headers.get("location", "")
        return at if at.startswith("/user/") else ""

    def server(self, path, name=None):
        return f"{self.room.hub}/user/{name or self.name}/{path}"

    def cookies(self, *without):
        return "; ".join(
            f"{one.name}={one.value}"
            for one in self.web.cookies.jar
            if one.path in ("/", "/user/", f"/user/{self.name}/")
        )

    @property
    def xsrf(self):
        return next(
            one.value for one in self.web.cookies.jar if one.name == "_xsrf" and one.path.endswith(f"{self.name}/")
        )

    def shell(self, script):
        """What a command prints in a terminal of this JupyterLab."""
        made = self.web.post(self.server("api/terminals"), headers={"X-XSRFToken": self.xsrf})
        assert made.status_code == 200, made.text
        return asyncio.run(self._typed(made.json()["name"], script))

    async def _typed(self, name, script):
        address = self.server(f"terminals/websocket/{name}").replace("https", "wss")
        asked = HTTPRequest(
            address, headers={"Cookie": self.cookies(), "Origin": self.room.hub}, ssl_options=self.room.tls
        )
        socket = await asyncio.wait_for(websocket_connect(asked), 30)
        mark = hashlib.sha256(script.encode()).hexdigest()[:8]
        kept = base64.b64encode(script.encode()).decode()
        line = f"bash -c \"$(echo {kept} | base64 -d)\" 2>&1; printf '%s-%s\\n' {mark} end\r"
        socket.write_message(json.dumps(["stdin", line]))
        told = ""
        while f"{mark}-end" not in told:
            kind, *rest = json.loads(await asyncio.wait_for(socket.read_message(), 60))
            told += rest[0] if kind == "stdout" else ""
        socket.close()
        while await asyncio.wait_for(socket.read_message(), 10) is not None:
            pass
        return told


@pytest.fixture(scope="module")
def room(engine):
    """The classroom, with Ada's and Li's JupyterLab open."""
    with everybody.place("labkit-hub-") as place:
        python, env, course = everybody.python(place)
        assert python, "no user but root can run this Python, also where it is copied"
        one = Class(place, python, {**env, "LABKIT_COURSE": str(course)})
        try:
            one.start()
            ada, li = one.browser(), one.browser()
            assert ada.by_code(ADA, one.code).headers["location"] == "/me"
            assert li.by_link(one.link(LI)).headers["location"] == "/me"
            with ThreadPoolExecutor() as pool:
                list(pool.map(Browser.open, (ada, li)))
            yield SimpleNamespace(room=one, ada=ada, li=li)
        finally:
            one.opened.close()
            one.end()
            one.labkit("down", "--workshop", WORKSHOP, "--folder", str(place / "rooms"))
            told = one.labkit("forget-users", "--workshop", WORKSHOP, "--folder", str(place / "rooms"), "--yes")
            assert told.returncode == 0, told.stderr


def test_each_has_the_lab_with_panel_and_notebooks(room):
    for who in (room.ada, room.li):
        pages = who.web.get(who.server("labkit/pages"))
        assert pages.status_code == 200
        assert "03-push.ipynb" in pages.json()
        names = {one["name"] for one in who.web.get(who.server("api/contents/")).json()["content"]}
        assert {"00-start.ipynb", "03-push.ipynb"} <= names
    told = room.ada.shell("docker --context workstation info --format '{{.Name}}'; labkit check 01-login")
    assert "workstation" in told
    assert "0/3 points" in told or "01-login" in told.split("end", 1)[1], told


@pytest.mark.attack(
    "identity",
    "a kernel's port, from another user of the server",
    "there is none: sockets in a folder of the learner's",
)
def test_a_kernel_listens_where_only_its_user_comes(room):
    ada = room.ada
    made = ada.web.post(ada.server("api/kernels"), json={}, headers={"X-XSRFToken": ada.xsrf})
    assert made.status_code == 201, made.text
    kernel = f"kernel-{made.json()['id']}"
    sockets = until(lambda: list((users.RUN / ada.name).glob(f"{kernel}-ipc-*")), "the kernel's sockets")
    assert all(one.is_socket() for one in sockets)
    assert not (users.RUN / ada.name).stat().st_mode & 0o077
    ada.web.delete(ada.server(f"api/kernels/{made.json()['id']}"), headers={"X-XSRFToken": ada.xsrf})


@pytest.mark.attack(
    "identity",
    "another learner's home, keys and processes, the hub's secrets and the engine's socket, from JupyterLab's terminal",
    "permission denied: each learner is a system user",
)
def test_two_learners_are_two_users_who_cannot_read_each_other(engine, room):
    one, other = room.ada, room.li
    settings, _ = room.room.settings
    for who in (one, other):
        known = pwd.getpwnam(who.name)
        home = Path(known.pw_dir)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert home.parent == Path(settings.homes)
        assert f"uid={known.pw_uid}({who.name}) gid={known.pw_gid}({who.name})" in who.shell("id")
    mine, theirs = pwd.getpwnam(one.name).pw_dir, pwd.getpwnam(other.name).pw_dir
    server = next(p for p in psutil.process_iter(["username", "pid"]) if p.info["username"] == other.name)
    tried = {
        f"ls {theirs}": "Permission denied",
        f"ls {Path(theirs).parent}": "Permission denied",
        f"cat {theirs}/lab/pki/client/key.pem": "Permission denied",
        f"cat {room.room.folder}/hub/secrets.json": "Permission denied",
        f"cat {room.room.folder}/broker.token": "Permission denied",
        f"cat {settings.tls_key}": "Permission denied",
        f"cat /proc/{server.pid}/environ": "Permission denied",
        f"cat /proc/{room.room.process.pid}/environ": "Permission denied",
        f"ls /run/labkit {users.RUN / other.name}": "Permission denied",
        f"kill {server.pid}": "not permitted",
        f"docker -H {engine.url} ps": "permission denied",
        "sudo -n id || su -c id </dev/null || echo no": "no",
        f"touch {mine}/mine && ls {mine}": "mine",
    }
    told = one.shell("\n".join(f"echo '# {number}'; {script}" for number, script in enumerate(tried)))
    _, *said = re.split(r"# \d+\r\n", told)
    assert len(said) == len(tried), told
    for (script, expected), answer in zip(tried.items(), said, strict=True):
        assert expected in answer, (script, answer)
    lines = " ".join(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))
    _, secrets = room.room.settings
    assert not [one for one in (secrets.classroom, secrets.service, secrets.proxy, secrets.guard) if one in lines]


def test_a_learners_share_of_the_machine(room):
    where = Path(f"/proc/{next(iter(_servers(room.ada.name)))}/cgroup").read_text()
    if limits.ROOT.joinpath("memory").is_dir() or limits.ROOT.joinpath("cgroup.controllers").exists():
        assert f"/{limits.OURS}/{room.ada.name}" in where


def _servers(name):
    return [one.pid for one in psutil.process_iter(["username"]) if one.info["username"] == name]


@pytest.mark.attack(
    "identity",
    "another learner's JupyterLab, with one's own cookies, a forged one, or one's own token past the proxy",
    "403; the other's server gets nothing to see",
)
def test_one_does_not_open_the_others_server(room):
    ada, li = room.ada, room.li
    assert ada.web.get(ada.server("lab", li.name)).status_code == 403
    assert ada.web.get(ada.server("api/contents/", li.name)).status_code == 403
    _, mark = next(one.value for one in ada.web.cookies.jar if one.name == "labkit-server").split(".")
    stranger = ada.client()
    forged = {"Cookie": f"{ada.cookies()}; labkit-server={li.name}.{mark}"}
    assert (
        stranger.get(ada.server("api", li.name), headers={"Cookie": f"labkit-server={li.name}.{mark}"}).status_code
        == 403
    )
    assert stranger.get(ada.server("api/contents/", li.name), headers=forged).status_code == 403
    sent = stranger.get(ada.server("lab", li.name), headers=PAGE)
    assert sent.headers["location"].startswith("/hub/labkit/sign-in")
    # Past the proxy, with a token of Ada's own: Li's server asks the Hub, which says no.
    token = ada.shell("printf 'token=%s\\n' $JUPYTERHUB_API_TOKEN").split("token=")[-1].split()[0]
    direct = next(
        url for pid in _servers(li.name) if (url := psutil.Process(pid).environ().get("JUPYTERHUB_SERVICE_URL"))
    )
    assert (
        httpx.get(f"{direct}api/contents/", headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code
        == 403
    )
    assert (
        stranger.get(ada.server("api/contents/", li.name), headers={"Authorization": f"Bearer {token}"}).status_code
        == 403
    )
    assert stranger.get(ada.server("api/contents/"), headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.attack(
    "identity",
    "JupyterHub's sign-in with a guessed, used or foreign code; its questions to the classroom, with another pass",
    "403 and 401, and a line in the log",
)
def test_codes_that_are_wrong_used_or_guessed(room):
    one = room.room
    guest = one.browser()
    assert guest.by_code(ADA, "wrong").status_code == 403
    assert guest.by_code(LI, one.code).status_code == 403  # who is there already
    assert one.log(people.WRONG_CODE)[-1] == "for the id ada"
    for path in ("labkit/entered", "labkit/entered?code=x&state=y"):
        assert guest.web.get(f"{one.hub}/hub/{path}").status_code == 403
    # A code counts once, in the browser in which its sign-in has begun.
    back = room.ada.go(f"{one.address}/jupyter", "/hub/labkit/entered").headers["location"]
    assert guest.web.get(back).status_code == 403
    assert room.ada.go(back).status_code == 200
    begun = room.ada.web.get(f"{one.hub}/hub/labkit/sign-in").headers["location"].partition("state=")[2]
    code = back.partition("code=")[2].partition("&")[0]
    assert room.ada.web.get(f"{one.hub}/hub/labkit/entered?code={code}&state={begun}").status_code == 403
    assert one.log(people.REFUSED)[-1] == "a wrong or used code for JupyterHub"
    for path in ("sign-in", "may", "lab"):
        body = {"code": "x"} if path == "sign-in" else {"name": room.li.name, "folder": "/tmp/x"}
        for token in ("x", (one.folder / "broker.token").read_text()):
            refused = room.ada.web.post(
                f"{one.address}/api/hub/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
            assert refused.status_code == 401
    assert guest.go(f"{one.hub}/hub/home").url.path == "/sign-in"


def test_with_jupyterhubs_sign_in_into_the_classroom(room):
    one, guest = room.room, room.room.browser()
    for cookie in room.ada.web.cookies.jar:
        if not cookie.name.startswith("__Host-"):
            guest.web.cookies.jar.set_cookie(cookie)
    assert guest.go(f"{one.address}/me").url.path == "/sign-in"
    there = guest.go(f"{one.address}/sign-in/hub")
    assert there.url.path == "/me"
    assert "Ada Lovelace" in there.text
    assert guest.go(f"{one.address}/sign-in/hub/back?code=x&state=y").status_code == 409
    out = guest.web.post(
        f"{one.address}/me/sign-out", data={"csrf": there.text.partition('name="csrf" value="')[2].partition('"')[0]}
    )
    assert out.headers["location"] == "/sign-in"
    assert not [cookie.name for cookie in guest.web.cookies.jar if cookie.name == "jupyterhub-hub-login"]


def test_the_instructor_sees_servers_and_stops_them(room):
    one, boss = room.room, room.room.browser()
    assert boss.by_link(one.instructor).headers["location"] == "/board"
    page = boss.go(f"{one.address}/jupyter")
    assert page.url.path == "/hub/admin"
    xsrf = next(c.value for c in boss.web.cookies.jar if c.name == "_xsrf")
    api = {"headers": {"X-XSRFToken": xsrf, "Referer": str(page.url), "sec-fetch-mode": "cors"}}
    there = {user["name"]: user["servers"] for user in boss.web.get(f"{one.hub}/hub/api/users", **api).json()}
    assert there[room.li.name]
    assert boss.web.get(boss.server("lab", room.li.name)).status_code in (302, 403)
    assert boss.go(boss.server("lab", room.li.name)).status_code == 403  # seen, and not opened: it is a program of Li's
    assert boss.web.post(f"{one.hub}/hub/api/users/{room.li.name}/tokens", json={}, **api).status_code in (403, 404)
    stopped = boss.web.delete(f"{one.hub}/hub/api/users/{room.li.name}/server", **api)
    assert stopped.status_code in (202, 204), stopped.text
    until(lambda: not _servers(room.li.name), "the end of Li's processes", 40)


@pytest.mark.fault("JupyterHub or its proxy is killed", "It is started again; the learners' servers go on")
def test_what_dies_is_started_again(room):
    one, ada = room.room, room.ada
    before = _servers(ada.name)
    for name in ("jupyterhub_config", "proxy.mjs"):
        child = one.child(name)
        child.kill()
        until(lambda name=name: one.child(name), f"another {name}", 20)

    def answers():
        with contextlib.suppress(httpx.TransportError):
            return ada.web.get(ada.server("api")).status_code == 200

    until(answers, "Ada's server through the new proxy", 60)
    assert set(before) <= set(_servers(ada.name))


@pytest.mark.fault(
    "A classroom with JupyterHub is killed", "The next start ends what it left, and finds the learners' labs"
)
def test_after_a_kill_nothing_is_left_twice(room):
    one = room.room
    left = [one.child("jupyterhub_config"), one.child("proxy.mjs")]
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait(10)
    refused = one.labkit("forget-users", "--workshop", WORKSHOP, "--folder", str(one.place / "rooms"), "--yes")
    assert "is running" in refused.stderr
    one.start()
    assert not [child for child in left if child.is_running()]
    began = time.monotonic()
    ada = one.browser()
    ada.by_link(one.link(ADA))
    assert ada.open().name == room.ada.name
    assert time.monotonic() - began < 60


def test_users_are_removed_with_all_they_have(room):
    one = room.room
    one.end()
    assert not [
        one for one in psutil.process_iter(["username"]) if one.info["username"] in (room.ada.name, room.li.name)
    ]
    settings, _ = one.settings
    assert users.made(settings.realm) == sorted([room.ada.name, room.li.name])
    told = one.labkit("forget-users", "--workshop", WORKSHOP, "--folder", str(one.place / "rooms"), "--yes")
    assert "2 users are removed" in told.stdout, told.stderr
    assert users.made(settings.realm) == []
    assert list(Path(settings.homes).iterdir()) == []
