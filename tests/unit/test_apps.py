"""Apps' pages: their addresses, what passes the gate, and the program that a node runs."""

import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from test_plan import home
from test_sight import lab
from world import solved

from labkit import paths, status
from labkit.errors import LabError
from labkit.lab.access import STDERR, STDOUT
from labkit.lab.apps import address, gate, pass_on, way
from labkit.lab.apps.address import Place
from labkit.lab.looking.sight import state_of
from labkit.view import compose, render

# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("myapp", "http://myapp.localhost:4000/"),
        ("shop_web", "http://shop_web.localhost:4000/"),
        ("a", "http://a.localhost:4000/"),
        ("a.b-c", "http://a.b-c.localhost:4000/"),
        ("", ""),
        ("-a", ""),
        ("a/../b", ""),
        ("evil@host", ""),
        ("a b", ""),
        ('"><script>', ""),
        ("x" * 64, ""),
    ],
)
def test_a_service_has_an_address_or_none(service, told):
    assert Place(1, 4000).address(service) == told


def test_where_pages_are_shown_is_noted_and_ends_with_its_process(tmp_path):
    mine = home(tmp_path)
    assert (address.read(mine), address.last_port(mine)) == (None, 0)
    address.write(mine, Place(os.getpid(), 4000))
    assert (address.read(mine), address.last_port(mine)) == (Place(os.getpid(), 4000), 4000)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    address.write(mine, Place(ended.pid, 4001))
    assert (address.read(mine), address.last_port(mine)) == (None, 4001)


@pytest.mark.parametrize("odd", ["", "[]", '{"pid": 1, "port": 70000}', '{"pid": -1, "port": 1}', '{"pid": 1}'])
def test_an_odd_note_is_none(tmp_path, odd):
    mine = home(tmp_path)
    address.write(mine, Place(1, 1))
    (mine.state / address.FILE).write_text(odd)
    assert address.read(mine) is None


def test_the_port_stays_where_it_can(tmp_path):
    mine = home(tmp_path)
    first = gate.start(mine)
    assert first == address.read(mine)
    second = gate.start(mine)  # the port is taken: another one
    assert second.port not in (0, first.port)


def test_the_status_tells_the_address():
    sight = state_of(lab(), solved().observation)
    made = status.of(sight, "lab", apps=Place(os.getpid(), 4000))
    assert "its page: http://myapp.localhost:4000/" in made.text()
    assert made.to_json()["services"]["myapp"]["page"] == "http://myapp.localhost:4000/"
    without = status.of(sight, "lab")
    assert "its page" not in without.text() and without.to_json()["services"]["myapp"]["page"] is None


def test_the_panel_has_a_link_for_each_service(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_STATE", str(tmp_path))
    assert compose._apps(solved().observation) == []
    address.write(paths.home(), Place(os.getpid(), 4000))
    apps = compose._apps(solved().observation)
    assert apps == [render.App("myapp", "http://myapp.localhost:4000/")]
    view = render.View(shown=("tools",), apps=tuple(apps))
    html = render.parts(view)["tools"]
    assert 'href="http://myapp.localhost:4000/" target="_blank" rel="noopener noreferrer"' in html
    assert "localhost" not in render.static(view)


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Said:
    """A session in which a node says this."""

    def __init__(self, *pieces):
        self.pieces, self.typed, self.closed = list(pieces), b"", False

    def read(self):
        return self.pieces.pop(0) if self.pieces else (STDOUT, b"")

    def write(self, data):
        self.typed += data

    def close(self):
        self.closed = True


def answer(*pieces):
    session = Said(*pieces)
    task = SimpleNamespace(place=1, node="worker1")
    return session, way.Answer(session, SimpleNamespace(name="myapp"), task)


OK = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>hi</h1>"


def test_an_answer_begins_with_how_the_node_found_it():
    session, made = answer((STDOUT, b"answ"), (STDERR, b"noise"), (STDOUT, b"ers 80\n" + OK[:9]), (STDOUT, OK[9:]))
    made.begin()
    assert b"".join(made.pieces()) == OK
    made.close()
    assert session.closed and made.place == "myapp.1 on worker1"


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([(STDOUT, b"gone\n")], "The task myapp.1 on worker1 has just ended."),
        ([(STDOUT, b"silent\n")], "did not answer HTTP within 10 seconds"),
        ([(STDERR, b"sh: python3: not found\n")], "could not be asked: sh: python3: not found."),
        ([], "could not be asked: the node said nothing."),
        ([(STDOUT, b"x" * 500)], "did not answer HTTP"),
    ],
)
def test_no_answer_is_said_in_words(pieces, told):
    with pytest.raises(LabError) as caught:
        answer(*pieces)[1].begin()
    assert told in caught.value.what and caught.value.fix


class Ways:
    """Stands where the lab's tasks would be asked: keeps the question, and gives this answer."""

    def __init__(self, said):
        self.said, self.asked = said, []

    def services(self):
        return ["myapp", "web"]

    def ask(self, name, request):
        self.asked.append((name, request))
        if isinstance(self.said, Exception):
            raise self.said
        made = answer((STDOUT, b"answers 80\n" + self.said))[1]
        made.begin()
        return made


@pytest.fixture
def shown():
    """A gate that shows this; gives (status, headers, body) of a request, and the questions that were passed on."""
    gates = []

    def show(said, host="myapp.localhost", path="/", method="GET", body=None, **headers):
        ways = Ways(said)
        one = gate.Gate(("127.0.0.1", 0), ways)
        gates.append(one)
        threading.Thread(target=one.serve_forever, daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", one.server_port, timeout=10)
        connection.request(method, path, body, {"Host": f"{host}:{one.server_port}", **headers})
        got = connection.getresponse()
        told = got.status, got.headers, got.read().decode()
        connection.close()
        return told, ways.asked

    yield show
    for one in gates:
        one.shutdown()
        one.server_close()


def test_a_request_is_passed_on_to_the_service_that_its_host_names(shown):
    sent = {"Cookie": "mine=1", "Connection": "keep-alive", "Upgrade": "websocket", "X-Own": "kept"}
    (code, headers, body), asked = shown(OK, host="Shop_Web.localhost", path="/a?b=c", **sent)
    assert (code, body) == (200, "<h1>hi</h1>")
    assert headers["Content-Type"] == "text/html" and headers["X-Answered-By"] == "myapp.1 on worker1"
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    ((name, request),) = asked
    assert name == "shop_web" and request.startswith(b"GET /a?b=c HTTP/1.0\r\n")
    assert b"X-Own: kept\r\n" in request and b"Cookie: mine=1\r\n" in request
    assert b"pgrade" not in request and b"onnection" not in request


def test_what_is_sent_comes_along(shown):
    (code, _, _), asked = shown(OK, method="POST", body="a=b")
    assert code == 200 and asked[0][1].endswith(b"\r\n\r\na=b")
    (code, _, body), asked = shown(OK, method="POST", **{"Content-Length": str(gate.LARGEST + 1)})
    assert code == 502 and "longer than" in body and not asked


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "myapp.localhost.evil.example", ""])
def test_another_name_that_leads_here_shows_nothing(shown, host):
    (code, _, body), asked = shown(OK, host=host)
    assert code == 421 and "<h1>hi" not in body and not asked


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_bare_address_lists_the_services_and_shows_no_page(shown, host):
    (code, _, body), asked = shown(OK, host=host)
    assert code == 200 and "http://myapp.localhost:" in body and "http://web.localhost:" in body and not asked


def test_why_there_is_no_page_is_said_and_escaped(shown):
    (code, headers, body), _ = shown(LabError("No task of <b>x</b> is running.", "docker service ps x"))
    assert code == 502 and "No task of &lt;b&gt;x&lt;/b&gt; is running." in body and "docker service ps x" in body
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("said", [b"HTTP/1.0 200 OK\r\n", b"HTTP/1.0 200 OK\r\nX: " + b"x" * gate.LONGEST_HEAD])
def test_an_answer_without_a_head_is_none(shown, said):
    (code, _, body), _ = shown(said)
    assert code == 502 and "not HTTP" in body


def test_a_head_keeps_what_is_the_pages_own():
    head = (
        b"HTTP/1.1 201 Made\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Domain=localhost\r\nConnection: keep-alive\r\n"
        b"Cross-Origin-Opener-Policy: unsafe-none\r\nContent-Security-Policy: img-src 'self'\r\nX-Odd: a\rb\r\nContent-Length: 3"
    )
    lines = gate.told_head(head, "myapp.2 on worker2").decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 201 Made" and lines[-2:] == ["", ""]
    assert "Set-Cookie: a=1; Path=/" in lines and not [line for line in lines if "b=2" in line or "X-Odd" in line]
    assert [line for line in lines if line.startswith("Cross-Origin")] == ["Cross-Origin-Opener-Policy: same-origin"]
    policies = [line for line in lines if line.startswith("Content-Security-Policy")]
    assert policies[0].endswith("img-src 'self'") and "connect-src 'self'" in policies[1]
    assert [line for line in lines if line.startswith("Connection")] == ["Connection: close"]


@pytest.mark.attack(
    "pages",
    "An app sends an interim answer (100, 103) before its page, to catch the headers that guard the page",
    "the interim answers are left out; the page has the headers",
)
@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\nLink: </a>\n\n" * 3])
def test_an_interim_answer_does_not_take_the_guards(shown, interim):
    (code, headers, body), _ = shown(interim + OK)
    assert (code, body) == (200, "<h1>hi</h1>")
    assert headers["Content-Security-Policy"] == gate.GUARDS["Content-Security-Policy"] and "Link" not in headers


@pytest.mark.attack(
    "pages",
    "An app hides a header: behind a bare CR in the first line, in a folded line, in endless interim answers",
    "it is not HTTP, or it is read as one line and left out",
)
def test_a_hidden_header_is_found(shown):
    for said in (
        b"HTTP/1.0 200 OK\rSet-Cookie: a=1; domain=localhost\r\n\r\n",
        b"HTTP/1.1 odd\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * gate.LONGEST_HEAD,
    ):
        (code, headers, body), _ = shown(said)
        assert code == 502 and "not HTTP" in body and "Set-Cookie" not in headers
    folded = b"HTTP/1.0 200 OK\r\nSet-Cookie: a=1;\r\n Domain=localhost\r\nX-Own: b\n\tc"
    told = gate.told_head(folded, "myapp.1 on worker1")
    assert b"Set-Cookie" not in told and b"X-Own: b c\r\n" in told


@pytest.mark.parametrize("length", ["\xb2", "9" * 5000, "-1", "+1", "1_0"])
def test_an_odd_length_is_told(shown, length):
    (code, _, body), asked = shown(OK, method="POST", **{"Content-Length": length})
    assert code == 502 and "longer than" in body and not asked


def test_apps_of_shell_end_their_lines_with_a_newline():
    assert gate.read_head([b"HTTP/1.0 200 OK\nA: b\n", b"\nhello"]) == (b"HTTP/1.0 200 OK\nA: b", b"hello")


# ── on the node ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 300_000)

    def log_message(self, *_):
        pass


@pytest.fixture
def listening():
    """(port of a server, port at which nothing answers, port that speaks no HTTP)"""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as deaf, socket.create_server(("127.0.0.1", 0)) as other:

        def talk():
            while True:
                try:
                    one, _ = other.accept()
                except OSError:
                    return
                one.sendall(b"220 mail.example ESMTP\r\n")
                one.close()

        threading.Thread(target=talk, daemon=True).start()
        yield server.server_port, deaf.getsockname()[1], other.getsockname()[1]
    server.shutdown()
    server.server_close()


def test_the_first_port_that_answers_http_is_the_apps(listening):
    server, _, other = listening
    where = [("127.0.0.1", port) for port in (1, other, server)]
    app, port, begins = pass_on.answering(where, b"GET / HTTP/1.0\r\n\r\n", time.monotonic() + 5)
    with app:
        assert port == server and begins.startswith(b"HTTP/1.0 200")


def test_a_port_that_is_silent_takes_no_longer_than_all_may(listening):
    _, deaf, _ = listening
    began = time.monotonic()
    assert pass_on.answering([("127.0.0.1", deaf)], b"GET / HTTP/1.0\r\n\r\n", began + 0.3) is None
    assert time.monotonic() - began < 3


def test_the_program_runs_where_there_is_no_labkit():
    command = [sys.executable, "-I", "-S", "-c", way.program(), json.dumps({"task": "none", "size": 2, "seconds": 1})]
    done = subprocess.run(command, input=b"xy", capture_output=True, cwd="/", check=True)
    assert done.stdout == b"gone\n" and done.stderr == b""
    assert len(way.program()) < 100_000  # linux takes 128 KiB in one word of a command (execve(2))
