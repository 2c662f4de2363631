"""A classroom with JupyterHub, by its command, and browsers without a screen."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import signal
import ssl
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

import everybody
import httpx
import psutil
from helpers import until
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from labkit.classroom.hub import config
from labkit.classroom.records import people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Workshop
from labkit.lab.owner import workshop as keys

PAGE = {"sec-fetch-mode": "navigate"}


@contextlib.contextmanager
def classroom(name, learners, *more):
    """A Class that runs; removed with its users and labs afterwards. `more`: words of `labkit classroom up`."""
    with everybody.place("labkit-hub-") as place:
        python, env, course = everybody.python(place)
        assert python, "no user but root can run this Python, also where it is copied"
        one = Class(place, python, {**env, "LABKIT_COURSE": str(course)}, name, learners)
        which = ["--workshop", name, "--folder", str(place / "rooms")]
        try:
            one.start(*more)
            yield one
        finally:
            one.opened.close()
            one.end()
            one.labkit("down", *which)
            told = one.labkit("forget-users", *which, "--yes")
            assert told.returncode == 0, told.stderr


def servers(name):
    """The ids of that user's processes."""
    return [one.pid for one in psutil.process_iter(["username"]) if one.info["username"] == name]


def execute_request(code):
    """The id of a message to a kernel, and the message: run this code."""
    ident = uuid.uuid4().hex
    header = {
        "msg_id": ident,
        "username": "",
        "session": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
    return ident, json.dumps({**message, "channel": "shell"})


class Class:
    """A classroom that runs, by its command."""

    def __init__(self, place, python, env, name, learners):
        """`learners`: {id: name}"""
        self.place, self.python, self.name = place, python, name
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LABKIT")},
            **env,
            "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
            "LABKIT_CACHE": str(place / "cache"),
            "LABKIT_STATE": str(place / "state"),
        }
        self.folder = place / "rooms" / name
        self.opened = contextlib.ExitStack()
        lines = [f"{ident},{called},A\n" for ident, called in learners.items()]
        (place / "roster.csv").write_text("id,name,section\n" + "".join(lines))

    def labkit(self, *words, **more):
        command = [self.python, "-P", "-m", "labkit", "classroom", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120, **more)

    def start(self, *more):
        """`more`: words of the command that come last."""
        place = self.place
        words = ["--workshop", self.name, "--learners", str(place / "roster.csv"), "--folder", str(place / "rooms")]
        words += ["--host", "127.0.0.1", "--port", "0", "--hub", "--homes", str(place / "homes"), "--workers", "0"]
        out, err = (place / "out").open("wb"), (place / "err").open("ab")
        command = [self.python, "-P", "-m", "labkit", "classroom", "up", *words, *more, "--json"]
        with out, err:
            # As a script starts it in the background: Ctrl-C is ignored.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.process = subprocess.Popen(command, env=self.env, stdout=out, stderr=err, start_new_session=True)
            signal.signal(signal.SIGINT, before)
        until(lambda: self.process.poll() is not None or self._told(), "the classroom's start", 120)
        assert self.process.poll() is None, (place / "err").read_text()
        told = self._told()
        self.code, self.address, self.instructor = told["code"], told["address"], told["instructor"]
        self.hub = f"https://{httpx.URL(self.address).host}:{told['hub']}"
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
            return people.issue(session, key, workshop, people.LINK, member, datetime.now(UTC), uses=1)

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

    def cullers(self):
        """The processes that stop idle JupyterLabs, whichever JupyterHub of this classroom has started them."""
        address, found = f"{self.settings[0].hub}/hub/api", []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if "labkit.classroom.hub.culling" in process.cmdline():
                    found.append((process, process.environ()["JUPYTERHUB_API_URL"]))
        return [process for process, url in found if url == address]


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

    def kernel(self):
        """The id of a new kernel."""
        made = self.web.post(self.server("api/kernels"), json={}, headers={"X-XSRFToken": self.xsrf})
        assert made.status_code == 201, made.text
        return made.json()["id"]

    def shell(self, script):
        """What a command prints in a terminal of this JupyterLab."""
        made = self.web.post(self.server("api/terminals"), headers={"X-XSRFToken": self.xsrf})
        assert made.status_code == 200, made.text
        return asyncio.run(self._typed(made.json()["name"], script))

    async def _typed(self, name, script):
        mark = hashlib.sha256(script.encode()).hexdigest()[:8]
        kept = base64.b64encode(script.encode()).decode()
        line = f"bash -c \"$(echo {kept} | base64 -d)\" 2>&1; printf '%s-%s\\n' {mark} end\r"
        told = ""
        async with self.websocket(f"terminals/websocket/{name}") as socket:
            socket.write_message(json.dumps(["stdin", line]))
            while f"{mark}-end" not in told:
                kind, *rest = json.loads(await asyncio.wait_for(socket.read_message(), 60))
                told += rest[0] if kind == "stdout" else ""
        return told

    @contextlib.asynccontextmanager
    async def websocket(self, path):
        """A WebSocket of this JupyterLab. Afterwards both sides have closed it: a loop that ends before leaves it open."""
        head = {"Cookie": self.cookies(), "Origin": self.room.hub}
        asked = HTTPRequest(self.server(path).replace("https", "wss"), headers=head, ssl_options=self.room.tls)
        made = await asyncio.wait_for(websocket_connect(asked), 60)
        yield made
        made.close()
        while await asyncio.wait_for(made.read_message(), 10) is not None:
            pass
