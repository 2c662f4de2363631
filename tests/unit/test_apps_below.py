"""Apps' pages below JupyterLab's own address: their links, what passes, and who is let in."""

import asyncio
import contextlib
import http.client
import logging
import os
import socket
import threading
import time
import types

import pytest
import tornado.web
from test_plan import home
from test_sight import lab
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from world import solved

from labkit import paths, status
from labkit.errors import LabError
from labkit.jupyter import apps
from labkit.lab.apps import address, links, sandbox
from labkit.lab.apps.address import Below
from labkit.lab.apps.jars import Jars
from labkit.lab.looking.sight import state_of
from labkit.view import compose, render

BASE = "/user/ada/labkit/app/"
PREFIX = f"{BASE}m/web/"
HOST = "lab.example:9200"
LED = links.leading(PREFIX, HOST)

# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_service_has_a_mark_of_its_own(tmp_path):
    place = Below(os.getpid(), BASE, "secret")
    assert place.address("web") == f"{BASE}{place.mark('web')}/web/" and len(place.mark("web")) == 43
    assert place.opens(place.mark("web"), "WEB")
    assert not place.opens(place.mark("web"), "other") and not place.opens("", "web") and not place.opens("é", "web")
    assert place.mark("web") != Below(1, BASE, "other").mark("web")
    assert place.address("a/../b") == place.address("") == "" and "secret" not in repr(place)
    mine = home(tmp_path)
    address.write(mine, place)
    assert address.read(mine) == place and address.last_port(mine) == 0
    assert (mine.state / address.FILE).stat().st_mode & 0o077 == 0


def test_panel_and_status_tell_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_STATE", str(tmp_path))
    place = Below(os.getpid(), BASE, "secret")
    address.write(paths.home(), place)
    told = place.address("myapp")
    assert compose._apps(solved().observation) == [render.App("myapp", told)]
    made = status.of(state_of(lab(), solved().observation), "lab", apps=place)
    assert f"its page: {told}" in made.text()


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("link", "led"),
    [
        ("/style.css", f"{PREFIX}style.css"),
        ("/", PREFIX),
        (" /a?b=/c#d ", f"{PREFIX}a?b=/c#d"),
        (f"{PREFIX}a", f"{PREFIX}a"),
        (f"https://{HOST}/a", f"{PREFIX}a"),
        (f"//{HOST.upper()}/a", f"{PREFIX}a"),
        (f"http://{HOST}", PREFIX),
        ("https://other.example/a", "https://other.example/a"),
        ("//other.example/a", "//other.example/a"),
        (f"https://{HOST}.evil.example/a", f"https://{HOST}.evil.example/a"),
        ("a/b", "a/b"),
        ("", ""),
        ("#top", "#top"),
        ("javascript:x()", "javascript:x()"),
        ("data:,/a", "data:,/a"),
        ("http://[/", "http://[/"),
    ],
)
def test_a_link_is_led(link, led):
    assert LED(link) == led


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("/next", f"{PREFIX}next"),
        ("next?a=b", f"{PREFIX}a/next?a=b"),
        ("../../../../hub/api", f"{PREFIX}hub/api"),
        ("/%2e%2e/%2E%2e/api/", f"{PREFIX}api/"),
        ("/a/..%5c..", f"{PREFIX}a/..%5c.."),
        (f"{PREFIX}../../../../api", f"{PREFIX}user/ada/api"),
        (f"https://{HOST}/hub/logout", f"{PREFIX}hub/logout"),
        (f"//{HOST}//hub", f"{PREFIX}hub"),
        ("/\\evil", f"{PREFIX}evil"),
        ("https://other.example/x", "https://other.example/x"),
        ("javascript:alert(1)", PREFIX),
        ("http://[", PREFIX),
    ],
)
def test_a_redirect_leads_to_no_other_page_of_the_server(said, there):
    assert links.location("/a/b?c", said, PREFIX, HOST) == there


def test_a_page_changes_only_where_a_link_does():
    page = (
        "<!DOCTYPE html>\r\n<HTML><!-- <a href='/no'> --><link rel=stylesheet href=/s.css><meta charset=utf-8>\n"
        "<meta http-equiv='Refresh' content='3; URL=/r'><base href='/b/'>"
        "<style>a { background: url(/i.png) } b > c::after { content: '/no' }</style>\n"
        "<IMG SRC='/a.png' alt='&eacute; \"é\" &amp; <b>' srcset='/a.png 1x, /b.png 2x' hidden/>"
        "<script>if (a < '/no') x(\"<a href='/no'>\")</script><p style='background: url(\"/p.png\")'>é &nbsp; /no</p>"
        "<form action=/f><button formaction='/g'></form><a  href = 'x'  >y</a><a href='https://else.example/'>"
    )
    made = links.in_page(page.encode(), LED).decode()
    assert f'<link rel="stylesheet" href="{PREFIX}s.css">' in made
    assert f'content="3; URL={PREFIX}r"' in made and f'<base href="{PREFIX}b/">' in made
    assert f'url("{PREFIX}i.png")' in made.replace(f"url({PREFIX}i.png)", f'url("{PREFIX}i.png")')
    assert f'<img src="{PREFIX}a.png" alt="&#233; &quot;&#233;&quot; &amp; &lt;b&gt;"' in made
    assert f'srcset="{PREFIX}a.png 1x, {PREFIX}b.png 2x" hidden />' in made
    assert f'action="{PREFIX}f"' in made and f'formaction="{PREFIX}g"' in made and f"{PREFIX}p.png" in made
    assert PREFIX not in made.partition("<script>")[2].partition("</script>")[0]
    for same in ("<!DOCTYPE html>\r\n<HTML><!-- <a href='/no'> -->", "<a  href = 'x'  >", "é &nbsp; /no", '"/no" }'):
        assert same in made
    plain = b"<p>caf\xe9 <a title='caf\xe9' href='/x'>\xff\x00<"
    assert links.in_page(plain, LED) == b'<p>caf\xe9 <a title="caf\xe9" href="' + PREFIX.encode() + b'x">\xff\x00<'
    assert links.in_page(b"<style>a { color: red", LED) == b"<style>a { color: red"


@pytest.mark.parametrize("odd", ["<meta http-equiv=refresh content='", "<a srcset='", "<!--", "<style>a{b:url(", "<a "])
def test_an_odd_page_takes_no_time(odd):
    began = time.monotonic()
    for page in (odd + " " * 200_000 + "'>", odd * 20_000):
        links.in_page(page.encode(), LED)
    assert time.monotonic() - began < 10  # with the square of the spaces it would be minutes


def test_a_style_sheet_is_led():
    style = '@import "/a.css"; @import url("/b.css");\n@media print { a { background: url( /i.png ) , url(x.png) } }\nb::after { content: "/no" }'
    made = links.in_style(style, LED)
    for one in ("a.css", "b.css", "i.png"):
        assert f"{PREFIX}{one}" in made
    assert 'content: "/no"' in made and "url(x.png)" in made
    assert links.in_style("a { color: red } /* / */", LED) == "a { color: red } /* / */"
    assert links.in_style('a { b: url(/"x) }', LED) == 'a { b: url(/"x) }'  # no address
    assert links.in_style("a{" * 5000 + "b: url(/x)", LED)


# ── what passes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cookies_are_kept_for_each_service():
    jars = Jars()
    said = sandbox.answered(
        [
            b"HTTP/1.0 200 OK\r\nSet-Cookie: a=1; Secure; HttpOnly\r\nSet-Cookie: b=2; Path=/x\r\n",
            b"Set-Cookie: c=3; Domain=localhost\r\nSet-Cookie: d=4; Domain=lab.example\r\n\r\n",
        ],
        "GET",
    )
    jars.keep("Web", "/", said.headers)
    assert jars.told("web", "/") == "a=1" and set(jars.told("web", "/x/y").split("; ")) == {"a=1", "b=2"}
    assert jars.told("other", "/") == ""
    many = b"".join(b"Set-Cookie: n%d=1\r\n" % number for number in range(60))
    jars.keep("web", "/", sandbox.answered([b"HTTP/1.0 200 OK\r\n" + many + b"\r\n"], "GET").headers)
    assert jars.told("web", "/") == ""


class Ways:
    """Stands where the lab's tasks would be asked."""

    def __init__(self):
        self.said, self.asked, self.closed = b"", [], threading.Event()

    def ask(self, name, request):
        self.asked.append((name, request.decode("latin-1")))
        if isinstance(self.said, Exception):
            raise self.said
        pieces = self._pieces()
        return types.SimpleNamespace(place="myapp.1 on worker1", pieces=lambda: pieces, close=self.closed.set)

    def _pieces(self):
        for part in self.said.split(b"|"):
            if part == b"wait":
                self.closed.wait(10)
                return
            yield part


@pytest.fixture
def shown(tmp_path):
    """JupyterLab's part: `ask` gives the answer of a request; `ways` has what came to the app."""
    ways, ready, room = Ways(), threading.Event(), types.SimpleNamespace()

    def run():
        async def serve():
            application = tornado.web.Application([], base_url="/user/ada/", xsrf_cookies=True)
            apps.show(application, home(tmp_path))
            room.shown = application.settings[apps.SHOWN]
            room.shown.way = ways
            sockets = bind_sockets(0, "127.0.0.1")
            room.server = HTTPServer(application, xheaders=True)
            room.server.add_sockets(sockets)
            room.port, room.loop = sockets[0].getsockname()[1], IOLoop.current()
            room.end = asyncio.Event()
            ready.set()
            await room.end.wait()
            room.server.stop()
            await room.server.close_all_connections()

        asyncio.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)

    def ask(path="", method="GET", body=None, at=None, **headers):
        base = room.shown.place.address("web") if at is None else at
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", room.port, timeout=10)) as connection:
            sent = {"Host": HOST, "X-Forwarded-Proto": "https", **headers}
            connection.request(method, f"{base}{path}", body, sent)
            got = connection.getresponse()
            return got.status, got.headers, got.read()

    room.ask, room.ways = ask, ways
    yield room
    room.loop.add_callback(room.end.set)
    thread.join(10)


OK = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n"


@pytest.mark.attack(
    "pages",
    "An app below JupyterLab's address sets cookies, clears the server's storage, forces TLS, asks for a password, loosens the policy, lets itself be framed",
    "the browser gets none of these headers, and the sandbox with each answer",
)
def test_a_hostile_head_is_left_out(shown):
    bad = {
        "Set-Cookie": "jupyterhub-session-id=x; Path=/",
        "Clear-Site-Data": '"*"',
        "Strict-Transport-Security": "max-age=1",
        "WWW-Authenticate": "Basic realm=JupyterHub",
        "Content-Security-Policy": "sandbox allow-same-origin allow-scripts",
        "Access-Control-Allow-Credentials": "true",
        "Service-Worker-Allowed": "/",
        "Report-To": "{}",
        "Refresh": "0; url=/hub/logout",
        "Link": "</hub>; rel=preload",
        "X-Accel-Redirect": "/secret",
        "Alt-Svc": 'h2="evil:1"',
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in bad.items()).encode()
    for first in (
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 404 No",
        b"HTTP/1.0 500 x",
        b"HTTP/1.0 302 Found\r\nLocation: /hub/api",
    ):
        for kind in (b"text/html", b"image/svg+xml", b"text/javascript", b"x\r\n  Set-Cookie: a=b"):
            shown.ways.said = first + b"\r\nContent-Type: " + kind + b"\r\n" + head + b"\r\n<svg/>"
            code, headers, _ = shown.ask()
            prefix = shown.shown.place.address("web")
            assert code == int(first.split()[1])
            assert headers.get_all("Content-Security-Policy") == [sandbox.policy(HOST, prefix)]
            assert headers.get("Location", f"{prefix}hub/api") == f"{prefix}hub/api"
            assert not set(bad) & set(headers) - {"Content-Security-Policy"}, headers
    assert headers["Access-Control-Allow-Origin"] == "*" and headers["Cache-Control"] == "no-store"
    policy = sandbox.policy(HOST, "/x/")
    assert "allow-same-origin" not in policy and "allow-popups" not in policy and "allow-top" not in policy
    assert f"connect-src {HOST}/x/;" in policy and f"form-action {HOST}/x/;" in policy


def test_an_app_hears_nothing_of_who_is_signed_in(shown):
    shown.ways.said = OK + b"hi"
    sent = {
        "Cookie": "jupyterhub-user-ada=secret",
        "Authorization": "token secret",
        "X-XSRFToken": "secret",
        "Referer": "https://lab.example/secret",
        "Origin": "null",
        "Sec-Fetch-Site": "cross-site",
        "X-Forwarded-Prefix": "/evil",
        "X-Own": "kept",
        "Accept-Encoding": "gzip",
    }
    code, headers, body = shown.ask("a%20b/../c?d=e", "POST", b"x=y", **sent)
    prefix = shown.shown.place.address("web")
    assert (code, body, headers["X-Answered-By"]) == (200, b"hi", "myapp.1 on worker1")
    ((name, request),) = shown.ways.asked
    assert name == "web" and request.startswith("POST /a%20b/../c?d=e HTTP/1.0\r\n") and request.endswith("\r\n\r\nx=y")
    assert "secret" not in request and "evil" not in request and "gzip" not in request and "X-Own: kept" in request
    assert f"X-Forwarded-Prefix: {prefix[:-1]}\r\n" in request and f"Origin: https://{HOST}\r\n" in request
    assert f"Host: {HOST}\r\n" in request and "Content-Length: 3\r\n" in request


@pytest.mark.attack(
    "pages",
    "An app's page below JupyterLab's address, without its mark, with another service's, written in another way",
    "404; nothing of the request reaches an app",
)
def test_only_the_mark_lets_in(shown, caplog):
    place = shown.shown.place
    own, other = place.mark("web"), place.mark("other")
    for at in (
        f"{BASE}{other}/web/",
        f"{BASE}{'x' * 43}/web/",
        f"{BASE}{own}/other/",
        f"{BASE}{own[:-1]}/web/",
        f"{BASE}%{ord(own[0]):x}{own[1:]}/web/",
        f"{BASE}{own}/%77eb/",
        f"{BASE}{own}/../{own}/web/",
        f"{BASE}/web/",
        "/user/ada/labkit/APP/x/web/",
    ):
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            code, headers, _ = shown.ask(at=at, method=method, body=b"x" if method == "POST" else None)
            assert code == 404, (at, method)
    assert not shown.ways.asked
    code, headers, _ = shown.ask(at=place.address("web")[:-1])
    assert (code, headers["Location"]) == (302, place.address("web"))
    assert own not in caplog.text


@pytest.mark.attack(
    "pages",
    "A service worker at an app's address, which would answer for other pages too",
    "403; it cannot be registered",
)
def test_no_service_worker_and_no_endless_request(shown):
    shown.ways.said = OK
    assert shown.ask("sw.js", **{"Service-Worker": "script"})[0] == 403
    assert shown.ask("", "POST", **{"Content-Length": str(10**8)})[0] == 413
    assert shown.ask("", **{"Host": "lab.example; script-src *"})[0] == 400
    code, headers, _ = shown.ask("", "OPTIONS", **{"Access-Control-Request-Method": "POST", "Origin": "null"})
    assert code == 204 and headers["Access-Control-Allow-Origin"] == "*"
    assert not shown.ways.asked


def test_a_connection_that_ends_says_so(shown):
    """JupyterHub's proxy sends the next request on one that does not say so, and the browser gets no answer."""
    shown.ways.said = OK
    asks = {"Access-Control-Request-Method": "POST", "Origin": "null"}
    ended = set()
    for method, headers in (("OPTIONS", asks), ("GET", {"Service-Worker": "script"}), ("POST", {}), ("GET", {})):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", shown.port, timeout=10)) as connection:
            for _ in range(2):
                connection.request(method, shown.shown.place.address("web"), None, {"Host": HOST, **headers})
                answer = connection.getresponse()
                answer.read()
                if answer.headers["Connection"] == "close":
                    ended.add((method, answer.status))
                    break
    assert ended == {("OPTIONS", 204), ("GET", 403)}


def test_links_are_led_and_cookies_kept_where_the_app_cannot_see_the_difference(shown):
    prefix = shown.shown.place.address("web")
    shown.ways.said = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=1\r\n\r\n"
    shown.ways.said += b"f\r\n<a href='/x'>hi|\r\n4\r\n</a>\r\n0\r\n\r\n"
    code, headers, body = shown.ask()
    assert (code, body.decode()) == (200, f'<a href="{prefix}x">hi</a>') and "Set-Cookie" not in headers
    shown.ways.said = b"HTTP/1.0 200 OK\r\nContent-Type: text/css\r\n\r\na { b: url(/i) }"
    assert f"{prefix}i".encode() in shown.ask("s.css")[2]
    assert "\r\nCookie: a=1\r\n" in shown.ways.asked[-1][1]
    long = b"<a href='/x'>" + b"x" * links.MOST + b"|" + b"y" * 100_000
    shown.ways.said = OK + long
    assert shown.ask()[2] == long.replace(b"|", b"")
    shown.ways.said = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"a": "/x"}'
    assert shown.ask()[2] == b'{"a": "/x"}'
    assert shown.ask(method="HEAD")[::2] == (200, b"")


@pytest.mark.fault(
    "A browser on another machine disconnects while an app is still answering", "What asks the app for it ends too"
)
def test_who_leaves_ends_what_runs_for_them(shown):
    shown.ways.said = b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100 + b"|wait"
    with socket.create_connection(("127.0.0.1", shown.port), timeout=10) as browser:
        path = shown.shown.place.address("web")
        browser.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert b"200 OK" in browser.recv(100) and not shown.ways.closed.is_set()
    assert shown.ways.closed.wait(5)
    shown.ways.said = OK + b"hi"
    assert shown.ask()[2] == b"hi"


def test_why_there_is_no_page_is_said_and_escaped(shown, caplog):
    caplog.set_level(logging.DEBUG)
    shown.ways.said = LabError("No task of <b>x</b> is running.", "docker service ps x")
    code, headers, body = shown.ask()
    assert code == 502 and b"&lt;b&gt;x&lt;/b&gt; is running" in body and b"docker service ps x" in body
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    shown.ways.said = RuntimeError("odd")
    code, headers, body = shown.ask()
    assert code == 500 and headers["Content-Security-Policy"].startswith("sandbox;")
    shown.ways.said = b"HTTP/1.0 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n"
    assert shown.ask()[0] == 502
    assert shown.shown.place.mark("web") not in caplog.text
