"""The panel's server extension in the real Jupyter server: who may ask it, what it tells, and what it costs."""

import json
import socket
import time
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import pytest
from helpers import labkit, shell, until


class Server:
    """The lab's JupyterLab, as somebody with these headers asks it."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.port, self.token = parts.port, parts.query.removeprefix("token=")
        self.pid = None
        self.streams = []

    def ask(self, path, body=None, **headers):
        """Status and body."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = Request(f"http://127.0.0.1:{self.port}/{path}", data=data, headers=headers)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def mine(self):
        return {"Authorization": f"token {self.token}"}

    def stream(self, key, seconds=10, buffer=0):
        """A connection that has asked for this page, and has read nothing yet. `buffer`: bytes that this side takes unread."""
        sock = socket.socket()
        self.streams.append(sock)
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)  # before the window is agreed on
        sock.settimeout(seconds)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(f"GET /labkit/pages/{key} HTTP/1.0\r\nAuthorization: token {self.token}\r\n\r\n".encode())
        return sock

    def holds(self, sock):
        """Whether the server still holds its end of this connection."""
        mine = sock.getsockname()[1]
        return any(one.raddr and one.raddr.port == mine for one in psutil.Process(self.pid).net_connections("tcp"))

    def listens(self, lab):
        """How many connections it holds to worker1: at rest one for each watch, which hears of its events."""
        port = urlsplit(lab.url("worker1")).port
        held = psutil.Process(self.pid).net_connections("tcp")
        return sum(1 for one in held if one.raddr and one.raddr.port == port and one.status == psutil.CONN_ESTABLISHED)


def read(sock, wanted):
    """What a stream tells, until `wanted` holds of all that it told."""
    text, deadline = "", time.monotonic() + 60
    while not wanted(text):
        assert time.monotonic() < deadline, text[-500:]  # empty lines come for ever
        piece = sock.recv(65536).decode()
        assert piece, text[-500:]
        text += piece
    return text


@pytest.fixture
def server(lab, request):
    """`indirect`: the tornado settings that it is started with, in the learner's own JupyterLab configuration."""
    from labkit.jupyter import server as jupyter
    from labkit.lab.lifecycle import keeper

    folder = lab.work / ".labkit" / "jupyter"
    settings = folder / "jupyter_server_config.json"
    if chosen := getattr(request, "param", None):
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps({"ServerApp": {"tornado_settings": chosen}}))
    labkit("up", "--detach", check=0)
    settings.unlink(missing_ok=True)
    running = jupyter.running()
    made = Server(running.url)
    made.pid = running.pid
    yield made
    for sock in made.streams:
        sock.close()
    jupyter.stop()
    keeper.stop(lab.home)


@pytest.mark.attack(
    "pages", "Another program on this machine reads the panel or clicks in it", "Refused without JupyterLab's token"
)
def test_without_the_token_nothing_is_told_and_nothing_done(server):
    for path in ("labkit/pages", "labkit/pages/start", "labkit/panel.css"):
        assert server.ask(path)[0] == 403
    assert server.ask("labkit/pages/start", {"do": "stop"})[0] == 403
    assert server.ask("labkit/pages/start", {"do": "stop"}, Authorization="token wrong")[0] == 403
    status, body = server.ask("labkit/pages", **server.mine())
    assert status == 200
    assert json.loads(body)["03-push.ipynb"] == "03-push"


@pytest.mark.attack(
    "pages",
    "Another site makes the learner's browser click in the panel",
    "Refused: the click lacks JupyterLab's XSRF token",
)
def test_a_click_from_another_site_is_refused(server):
    import http.cookiejar
    from urllib.request import HTTPCookieProcessor, build_opener

    jar = http.cookiejar.CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    base = f"http://127.0.0.1:{server.port}"

    def answer(request):
        try:
            with browser.open(request, timeout=30) as told:
                return told.status
        except HTTPError as error:
            with error:
                return error.code

    assert answer(f"{base}/lab?token={server.token}") == 200
    assert answer(f"{base}/labkit/pages") == 200, "signed in by the cookie"
    click = json.dumps({"do": "stop"}).encode()
    for headers in ({}, {"Origin": "http://evil.example"}):
        assert answer(Request(f"{base}/labkit/pages/start", data=click, headers=headers)) in (403, 404)
    assert labkit("status").returncode == 0, "the lab goes on"
    xsrf = next(cookie.value for cookie in jar if cookie.name == "_xsrf")
    allowed = Request(f"{base}/labkit/pages/01-login", data=b'{"do": "nothing"}', headers={"X-XSRFToken": xsrf})
    assert answer(allowed) == 202


def test_odd_clicks_are_refused(server):
    from labkit.jupyter.extension import LARGEST

    assert server.ask("labkit/pages/no-such-page", {"do": "check"}, **server.mine())[0] == 404
    assert server.ask("labkit/pages/03-push", b"[]", **server.mine())[0] == 400
    assert server.ask("labkit/pages/03-push", b"{", **server.mine())[0] == 400
    assert server.ask("labkit/pages/03-push", b'"' + b"x" * LARGEST + b'"', **server.mine())[0] == 413


def test_a_page_tells_what_happens_to_all_who_look_by_one_watch(server, lab):
    readers = [server.stream(key) for key in ("start", "01-login", "03-push", "03-push")]
    for reader in readers:
        read(reader, lambda text: '"parts"' in text)
    until(lambda: server.listens(lab) == 1, "one watch hears of worker1's events", 10)
    began = time.monotonic()
    shell(lab, "docker login -u myusername -p mypassword")
    read(readers[1], lambda text: "3 of 3 points" in text)
    assert time.monotonic() - began < 5
    for reader in readers:
        reader.close()
    until(lambda: server.listens(lab) == 0, "the watch ends when nobody looks", 40)


def test_who_reads_nothing_costs_no_memory_and_holds_nobody_up(server, lab):
    server.stream("01-login")  # it reads nothing
    awake = server.stream("01-login", 30)
    read(awake, lambda text: '"parts"' in text)
    process = psutil.Process(server.pid)
    for _ in range(5):
        server.ask("labkit/pages/01-login", {"do": "check"}, **server.mine())
        read(awake, lambda text: "Checked at" in text or "points" in text)
    before = process.memory_info().rss
    for number in range(60):
        printed = [f"Error: {number} {'x' * 30_000}"]
        server.ask("labkit/pages/01-login", {"do": "explain", "printed": printed}, **server.mine())
        read(awake, lambda text, number=number: f"Error: {number} " in text)
    assert process.memory_info().rss - before < 40 * 1024**2


@pytest.mark.parametrize("server", [{"labkit_patience": 2}], indirect=True)
def test_who_reads_nothing_is_cut_off_and_nobody_else_notices(server, lab):
    """As much is told as fills what the system buffers for the one that does not read."""
    asleep = server.stream("01-login", 30, buffer=4096)
    awake = server.stream("01-login", 30)
    read(awake, lambda text: '"parts"' in text)
    until(lambda: server.holds(asleep), "it is connected", 10)
    process = psutil.Process(server.pid)
    before, number, deadline = process.memory_info().rss, 0, time.monotonic() + 60
    while server.holds(asleep):
        assert time.monotonic() < deadline, f"still connected after {number} changes"
        printed = [f"Error: {number} {'x' * 30_000}"]
        assert server.ask("labkit/pages/01-login", {"do": "explain", "printed": printed}, **server.mine())[0] == 202
        read(awake, lambda text, number=number: f"Error: {number} " in text)
        number += 1
    assert process.memory_info().rss - before < 40 * 1024**2
    shell(lab, "docker login -u myusername -p mypassword")
    read(awake, lambda text: "3 of 3 points" in text)
    again = server.stream("01-login", 30)
    read(again, lambda text: "3 of 3 points" in text)
    awake.close()
    again.close()
    until(lambda: server.listens(lab) == 0, "it counts as gone, so the watch ends with the others", 40)
