"""The classroom's doors over real HTTPS: every route by who may use it, forms, sessions, and requests that are made to hurt."""

import gzip
import json
import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from classrooms import Browser, at_once, classroom
from helpers import until
from msgspec import structs
from starlette.routing import Mount

from labkit.classroom.app import application, hub, lti_pages, patience, security
from labkit.classroom.app.doors import ANYBODY, INSTRUCTORS, LEARNERS, STAFF
from labkit.classroom.app.security import COOKIE, HEADERS
from labkit.classroom.records import people

attack = pytest.mark.attack
ROSTER = "id,name,section\n" + "".join(f"l{at},Learner {at},{'AB'[at % 2]}\n" for at in range(40))


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """One classroom for all; each test has learners of its own, or leaves them as they were."""
    with classroom(tmp_path_factory.mktemp("rooms"), roster=ROSTER.encode()) as one:
        yield one


@pytest.fixture(autouse=True)
def now(here):
    yield
    here.clock.ahead = timedelta()


@pytest.fixture(scope="module")
def instructor(here):
    return here.browser("instructor")


@pytest.fixture(scope="module")
def assistant(here, instructor):
    """Of section A."""
    assert instructor.post("/workshop/assistant", name="Tim", section="A").status_code == 200
    return here.browser("Tim")


# ── who may open what ────────────────────────────────────────────────────────────────────────────────────────────────

OPEN = {
    "/ca.pem": "the certificate by which a laptop knows the classroom",
    "/static/panel.css": "the view's style",
    "/static": "files of the package",
}
"""Routes without a rule, and why they need none."""
TOKENS = {
    "/api/join",
    "/api/me",
    "/api/brokers",
    "/api/brokers/token",
    "/api/results",
    "/api/help",
    "/api/hand",
    "/api/hub/sign-in",
    "/api/hub/may",
    "/api/hub/lab",
    "/api/hub/idle",
    "/api/hub/access",
    "/api/hub/jupyter",
    "/api/hub/jupyter/poll",
    "/api/hub/jupyter/stop",
}
"""Routes that ask for a bearer token or a code of their own."""
CODES = {"/api/join": {"code": "x"}, "/api/brokers": {"code": "x", "address": "https://x:1", "ca": "x"}}
"""What is sent where a code is asked for. A room that takes no brokers answers 409."""


def rule(route):
    """Who may use a route: what its door says; "token", or "" where it is open."""
    if isinstance(route, Mount) or route.path in OPEN:
        assert route.path in OPEN, f"{route.path} has no rule: give it a door, or a reason in OPEN"
        return ""
    if route.path in TOKENS:
        return "token"
    who = getattr(route.endpoint, "who", None)
    assert who, f"{route.path} has no rule: give it a door, or a reason in OPEN"
    return who


def filled(route, number):
    """A path of this route, about the learner with this number."""
    path = route.path.replace("{number:int}", str(number)).replace("{slug}", "03-push")
    return re.sub(r"\{[^}]*\}", "x", path)


def methods(route):
    """The methods of a route; none where it is a WebSocket, which only has its rule looked at."""
    return sorted((getattr(route, "methods", None) or set()) - {"HEAD"})


def ruled():
    """(who, method, route) of all that ask who comes."""
    told = [(rule(route), route) for route in application.ROUTES]
    return [
        (who, method, route) for who, route in told if who not in ("", "token", ANYBODY) for method in methods(route)
    ]


@attack(
    "identity",
    "Every page and form of the classroom: without a sign-in, as a learner, as an assistant of another section",
    "the sign-in page or 401, 403, and 404 for another section's learner; a page without a rule fails the test",
)
def test_every_route_has_a_rule_and_keeps_it(here, assistant, instructor):
    learner, nobody = here.browser("l0"), here.client(headers={"Sec-Fetch-Site": "same-origin"})
    other = here.number("l1")  # section B
    assert len(ruled()) > 20
    for who, method, route in ruled():
        path = filled(route, other)
        told = (who, method, path)
        anonymous = nobody.request(method, path)
        assert anonymous.status_code == (303 if method == "GET" else 401), told
        if method == "GET":
            assert anonymous.headers["location"] == "/sign-in", told
        wrong = {LEARNERS: (assistant, instructor), STAFF: (learner,), INSTRUCTORS: (learner, assistant)}[who]
        for one in wrong:
            assert _asked(one, method, path).status_code == 403, told
        if who == STAFF and "{number" in route.path:
            assert _asked(assistant, method, path).status_code == 404, told


def _asked(one, method, path):
    return one.web.get(path) if method == "GET" else one.post(path)


def test_routes_that_an_option_adds_have_a_rule():
    """What they let through is tried in test_classroom_hub and test_classroom_lti."""
    rules = {route.path: rule(route) for route in (*hub.ROUTES, *lti_pages.ROUTES)}
    assert all(who in ("instructors", "token") for path, who in rules.items() if path.startswith(("/lti", "/api/")))


def test_what_asks_for_a_token_asks_for_one(here):
    for route in application.ROUTES:
        if rule(route) == "token":
            for method in methods(route):
                for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {here.opened.code}"}):
                    answer = here.client().request(method, route.path, headers=headers, json=CODES.get(route.path, {}))
                    assert answer.status_code in (401, 403, 409), (method, route.path)


@attack(
    "identity",
    "A GET request with effect, from another site or from an image",
    "no GET changes anything: only POST does, and only with a form of ours",
)
def test_get_changes_nothing(here, instructor):
    def everything():
        from sqlalchemy import text

        with here.room.database.engine.connect() as connection:
            counts = [
                connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
                for name in ("event", "pass", "message", "overruling", "hand", "result", "observation", "member")
            ]
            return counts, connection.execute(text("SELECT * FROM workshop")).all()

    before = everything()
    link = here.token(people.LINK, "l2")
    issued = everything()
    assert issued != before
    for _, _, route in ruled():
        path = filled(route, here.number("l0"))
        if not path.endswith("/events"):  # it does not end
            answer = instructor.web.get(path)
            assert answer.status_code in (200, 403, 404, 405), path
    here.client().get(f"/join/{link}")
    assert everything() == issued
    assert here.client().post(f"/join/{link}").status_code == 303, "a look does not use it up"


# ── headers and cookies ──────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "pages",
    "Show the classroom in another page's frame, let a browser guess types or keep marks",
    "every answer, an error's too, forbids it: CSP, frame-ancestors, nosniff, no-store",
)
def test_every_answer_has_the_headers(here, instructor, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    paths = ["/marks", "/log", "/nowhere", "/static/../room.py", "/observation/x", "/learner/99999999999999999999"]
    answers = [instructor.get(path) for path in paths] + [here.client().post("/api/results", content=b"{")]
    answers.append(here.client().request("DELETE", "/marks"))
    own = here.browser("instructor")  # its connection ends with the failure
    monkeypatch.setattr(people, "look_up", broken)
    answers.append(own.get("/marks"))
    assert answers[-1].status_code == 500 and "ZeroDivision" not in answers[-1].text
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, (answer.url, answer.status_code)
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy


@attack("files", "Read the server's files through /static and other paths", "404, and nothing of them")
@pytest.mark.parametrize("path", [
    "/static/../application.py", "/static/%2e%2e/application.py", "/static/..%2fapplication.py", "/static//etc/passwd",
    "/static/%2fetc%2fpasswd", "/static/..\\application.py", "/static/classroom.js%00.png", "/me/..%2f..%2fetc%2fpasswd",
    "/observation/..%2f..%2fetc%2fpasswd", "/observation/%00", "/observation/%ff%fe", "/learner/1/..%2f",
])  # fmt: skip
def test_paths_that_lead_elsewhere(here, instructor, path):
    request = instructor.web.build_request("GET", here.room.address)
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = instructor.web.send(request)
    assert answer.status_code == 404, answer.text[:200]
    assert "root:" not in answer.text and "import" not in answer.text


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "identity",
    "Fix a session before somebody signs in, or go on with the one before",
    "each sign-in makes a new one, and ends the one that this browser had",
)
def test_a_session_cannot_be_fixed(here):
    web = here.client(headers={"Sec-Fetch-Site": "same-origin"})
    web.cookies.set(COOKIE, "chosen-by-somebody", domain="127.0.0.1")
    assert web.post(f"/join/{here.token(people.LINK, 'l4')}").status_code == 303
    assert web.cookies[COOKIE] != "chosen-by-somebody" and len(web.cookies[COOKIE]) >= 32
    victim = here.browser("l6")
    old = victim.token()
    again = victim.web.post(f"/join/{here.token(people.LINK, 'l8')}", data={"csrf": victim.csrf()})
    assert again.status_code == 303 and victim.token() != old
    stale = here.client()
    stale.cookies.set(COOKIE, old, domain="127.0.0.1")
    assert stale.get("/me").status_code == 303


@attack(
    "identity",
    "Keep a stream of the board or of one's page open after signing out, or after losing a section",
    "it ends, or shows only what may be seen now",
)
def test_signing_out_ends_an_open_stream(here, instructor):
    assert instructor.post("/workshop/assistant", name="Eve", section="A").status_code == 200
    eve = here.browser("Eve")
    leaving = here.browser("instructor")
    with eve.web.stream("GET", "/board/events?names=shown") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        assert "Learner 0" in next(lines)
        assert instructor.post("/workshop/assistant", name="Eve", section="B").status_code == 200
        here.browser("l10").post("/me/hand", said="look")
        shown = next(lines)
        assert "Learner 1<" in json.loads(shown[6:]) and "Learner 10<" not in json.loads(shown[6:])
    learner = here.browser("l28")
    with learner.web.stream("GET", "/me/events") as stream:
        lines = stream.iter_lines()
        assert any(line.startswith("data: ") for line in lines)
        assert learner.post("/me/sign-out").status_code == 303
        here.room.woken(here.number("l28"))
        list(lines)  # ends
    with leaving.web.stream("GET", "/board/events") as stream:
        lines = stream.iter_lines()
        assert any(line.startswith("data: ") for line in lines)
        assert Browser.post(leaving, "/sign-out").status_code == 303
        here.browser("l12").post("/me/hand", said="look")
        begun = time.monotonic()
        list(lines)  # ends
        assert time.monotonic() - begun < 10


@attack(
    "identity",
    "Go on with a stolen session, a lost laptop or an old link",
    "the instructor ends all of a learner's ways in with one button; it is logged",
)
def test_an_instructor_signs_somebody_out_everywhere(here, instructor):
    thief, link = here.browser("l14"), here.token(people.LINK, "l14")
    device = here.token(people.DEVICE, "l14")
    assert thief.get("/me").status_code == 200
    assert instructor.post(f"/learner/{here.number('l14')}/sign-out").status_code == 200
    assert thief.get("/me").status_code == 303
    assert here.client().post(f"/join/{link}").status_code == 403
    assert here.post(device, here.observation("l14").dump()).status_code == 401
    assert here.log("signed-out")[-1].member_id == here.number("l14")
    assert here.browser("l14").get("/me").status_code == 200, "a new link lets them in"


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "identity",
    "Sign in with the room's code as somebody who has not come yet",
    "it works once; they, and the instructor, are told; a workshop with links only has no code",
)
def test_signing_in_as_somebody_who_has_not_come_yet(here, instructor):
    asked = {"ident": "l16", "code": here.opened.code}
    assert here.client().post("/sign-in", data=asked).status_code == 303
    assert here.client().post("/sign-in", data=asked).status_code == 403, "the real one is told"
    page = instructor.get(f"/learner/{here.number('l16')}").text
    assert "with the code" in page and "127.0.0.1" in page
    assert "this id has signed in before" in instructor.get("/log").text
    assert "with the code" in here.browser("l16").get("/me").text, "the learner sees who came first"
    weights = {"weight-03-push": "1", "self_reported": "on"}
    before = {f"weight-{slug}": "1" for slug in ("01-login", "02-tag", "03-push", "04-pull", "05-deploy")}
    try:
        assert instructor.post("/workshop/settings", links_only="on", **weights).status_code == 303
        answer = here.client().post("/sign-in", data={"ident": "l18", "code": here.opened.code})
        assert answer.status_code == 403 and "links" in answer.text
        assert instructor.post("/workshop/code").status_code == 409
        assert here.client().post(f"/join/{here.token(people.LINK, 'l18')}").status_code == 303
    finally:
        assert instructor.post("/workshop/settings", self_reported="on", **before).status_code == 303
    asked = {"ident": "l20", "code": here.opened.code}
    assert here.client().post("/sign-in", data=asked).status_code == 403, "the code from before stays closed"
    asked["code"] = re.search(r'class="code">([a-z0-9-]+)<', instructor.post("/workshop/code").text)[1]
    assert here.client().post("/sign-in", data=asked).status_code == 303


@attack(
    "identity",
    "Guess codes from many addresses of one network, and fill the log with wrong tries",
    "a network's addresses count as one; of each only so many tries are written down",
)
def test_guessing_from_many_addresses(here, monkeypatch):
    from collections import Counter

    where = iter(range(10_000))
    monkeypatch.setattr(people, "TRIES", 5)
    monkeypatch.setattr(people, "MOST_LINES", 5)
    monkeypatch.setattr(security, "address", lambda request: security.plain_address(f"2001:db8:1:2:{next(where):x}::1"))
    web = here.client(headers={"Sec-Fetch-Site": "same-origin"})
    told = [web.post("/sign-in", data={"ident": "l22", "code": f"wrong{at}"}).status_code for at in range(8)]
    assert Counter(told) == {403: 5, 429: 3}
    for _ in range(12):
        assert web.post("/join/x").status_code == 403
        assert web.post("/api/join", json={"code": "x"}).status_code == 403
    from_there = [one for one in here.log(people.REFUSED) if one.address.startswith("2001:0db8:0001:0002:")]
    assert len(from_there) <= 6, "the log cannot be filled from one place"
    monkeypatch.setattr(security, "address", lambda request: security.plain_address("2001:db8:1:3::1"))
    assert web.post("/sign-in", data={"ident": "l22", "code": "wrong"}).status_code == 403


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────

ODD = [
    "' OR '1'='1'; DROP TABLE member; --", "%\" UNION SELECT * FROM pass; SELECT pg_sleep(9) --\x00\ud800", "\x00", "9" * 400,
    "=1+1{{7*7}}${7*7}../../etc/passwd",
]  # fmt: skip
NUMBERS = ["-1", "nan", "1e999", "9999-12-31T23:59", "0001-01-01T00:00"]


@attack(
    "classroom",
    "SQL, zero bytes, half characters and odd numbers in every field of every form, in ids and in codes",
    "a page that says what is wrong, or the text as it is; never a failure of the server",
)
def test_odd_values_in_every_field(here, instructor, tmp_path):
    learner = here.browser("l24")
    number = here.number("l24")
    here.observed("l24")
    forms = [
        (instructor, "/message", "text"),
        (instructor, f"/learner/{number}/message", "text"),
        (instructor, f"/learner/{number}/03-push/overrule", "reason"),
        (instructor, f"/learner/{number}/03-push/overrule", "earned"),
        (instructor, f"/learner/{number}/03-push/reflection", "number"),
        (instructor, "/workshop/settings", "deadline"),
        (instructor, "/workshop/settings", "grace"),
        (instructor, "/workshop/settings", "weight-03-push"),
        (instructor, "/workshop/assistant", "section"),
        (instructor, "/regrade", "token"),
        (learner, "/me/hand", "said"),
        (learner, "/me/reflection", "exercise"),
        (learner, "/me/reflection", "text"),
    ]
    anonymous = here.client(headers={"Sec-Fetch-Site": "same-origin"})
    csrf = {id(one): one.csrf() for one in (instructor, learner)}
    tables = _tables(here)
    for one, path, field in forms:
        given = {"earned": "1"} if field == "reason" else {"name": "Odd"} if field == "section" else {}
        for value in [*ODD, *(NUMBERS if field in ("earned", "number", "deadline", "grace") else ())]:
            if path == "/workshop/settings" and field != "weight-03-push":
                given = {"weight-03-push": "1"}
            body = _multipart({"csrf": csrf[id(one)], **given, field: value})
            answer = one.web.post(path, content=body, headers=FORM)
            assert answer.status_code in (200, 303, 400, 404, 409), (path, field, value, answer.status_code)
    for value in ODD:
        body = _multipart({"ident": value, "code": value})
        assert anonymous.post("/sign-in", content=body, headers=FORM).status_code in (403, 429), value
        for path in ("board/data?section=", "board?names=", "learner/1/03-push?observation="):
            answer = instructor.get(f"/{path}{httpx_quoted(value)}")
            assert answer.status_code in (200, 404), (path, value)
        answer = here.client().post("/api/results", json={"observation": value.encode(errors="replace").decode()},
                                    headers={"Authorization": f"Bearer {here.token(people.DEVICE, 'l24')}"})  # fmt: skip
        assert answer.status_code == 409
    for path in (
        "/board?names=shown",
        "/marks",
        "/log",
        "/workshop",
        f"/learner/{number}",
        f"/learner/{number}/03-push",
    ):
        assert instructor.get(path).status_code == 200, path
    assert learner.get("/me").status_code == 200
    assert _tables(here) == tables
    before = {f"weight-{slug}": "1" for slug in ("01-login", "02-tag", "03-push", "04-pull", "05-deploy")}
    assert instructor.post("/workshop/settings", self_reported="on", **before).status_code == 303
    assert here.token(people.LINK, "l24")


FORM = {"Content-Type": "multipart/form-data; boundary=odd; charset=unicode_escape"}


def _multipart(fields):
    """A form as no browser sends it: with any character in it."""
    parts = [b'--odd\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\nunicode_escape\r\n']
    for name, value in fields.items():
        told = value.encode("unicode_escape")
        parts.append(b'--odd\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + told + b"\r\n")
    return b"".join([*parts, b"--odd--\r\n"])


def httpx_quoted(value):
    from urllib.parse import quote

    return quote(value[:1000].encode(errors="replace"))


def _tables(here):
    from sqlalchemy import inspect

    return sorted(inspect(here.room.database.engine).get_table_names())


@attack(
    "classroom",
    "A form with 5,000 fields or twenty files, a body that is compressed, a length that is a lie",
    "400 or 413; nothing is unpacked",
)
def test_forms_that_are_too_much(here, instructor):
    csrf = instructor.csrf()
    many = {"csrf": csrf, **{f"x{at}": "1" for at in range(5000)}}
    assert instructor.web.post("/message", data=many).status_code == 400
    files = [("roster", (f"{at}.csv", b"id\nx\n", "text/csv")) for at in range(20)]
    assert instructor.web.post("/workshop/roster", data={"csrf": csrf}, files=files).status_code == 400
    bomb = gzip.compress(b'{"observation": "' + b"x" * 30_000_000 + b'"}')
    key = {"Authorization": f"Bearer {here.token(people.DEVICE, 'l26')}", "Content-Encoding": "gzip"}
    answer = here.client().post("/api/results", content=bomb, headers=key)
    assert (answer.status_code, len(bomb) < 100_000) == (400, True)
    for length in ("-1", "x", "99999999999", "1e3", "٣"):
        told = _raw(here, f"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert told.split(b" ")[1] in (b"400", b"413"), length


@attack(
    "classroom",
    "A body of 8 MB from somebody without a token, ten times at once",
    "401 before it is read",
)
def test_a_large_body_needs_a_token(here):
    heads = [b"POST /api/results HTTP/1.1\r\nHost: x\r\n" + token + b"Content-Length: 7900000\r\n\r\n"
             for token in (b"", b"Authorization: Bearer x\r\n")]  # fmt: skip
    told = at_once(lambda at: _raw(here, heads[at % 2]), 10)
    assert {one.split(b" ")[1] for one in told} == {b"401"}


@attack(
    "classroom",
    "A learner's laptop hands in twenty large observations at once",
    "they are taken one after the other, and another learner's beside them",
)
def test_who_hands_in_much_waits_for_themselves(here):
    seen = here.observation("l7")
    lines = tuple(structs.replace(seen.log.events[0], seq=at) for at in range(1, 3000))
    texts = [structs.replace(seen, taken=f"2026-01-01T00:00:{at:02}Z", log=structs.replace(seen.log, events=lines)).dump()
             for at in range(20)]  # fmt: skip
    token, done = here.token(people.DEVICE, "l7"), []
    clients = [here.client() for _ in texts]
    with ThreadPoolExecutor(len(texts)) as pool:
        for client, text in zip(clients, texts, strict=True):
            pool.submit(here.post, token, text, client).add_done_callback(done.append)
        until(lambda: done, "the first answer")
        assert here.observed("l8")["changed"]
        assert len(done) <= len(texts) // 2
    assert {one.result().status_code for one in done} <= {200, 409}


@attack(
    "classroom",
    "Connections that say nothing, a head that comes letter by letter, a body that never ends",
    "they are cut; others are served meanwhile",
)
def test_who_is_slow_is_cut(here, monkeypatch):
    monkeypatch.setattr(patience, "HEAD", 1.0)
    monkeypatch.setattr(security, "BODY", 1.0)
    heads = [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: "]
    body = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 900000\r\n\r\n"
    slow = [_connected(here) for _ in range(30)]
    try:
        for at, one in enumerate(slow):
            one.sendall(heads[at % 2] if at < 20 else body) if at % 2 or at >= 20 else None
        assert here.client().get("/sign-in").status_code == 200
        deadline = time.monotonic() + 15
        for at, one in enumerate(slow):
            one.settimeout(0.1)
            told = b""
            while True:  # drips as long as it may
                assert time.monotonic() < deadline, (at, told)
                try:
                    if not (more := one.recv(10_000)):
                        break
                    told += more
                except TimeoutError:
                    pass
                except OSError:
                    break
                try:
                    one.sendall(b"x")
                except OSError:
                    break
            if at >= 20:
                assert told == b"" or b" 408 " in told
    finally:
        for one in slow:
            one.close()
    assert here.client().get("/sign-in").status_code == 200


def _connected(here):
    port = here.opened.socket.getsockname()[1]
    tls = ssl.create_default_context(cadata=here.room.ca.decode())
    return tls.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1")


def _raw(here, request):
    """The beginning of what is answered."""
    with _connected(here) as one:
        one.sendall(request)
        return one.recv(4000)


@attack(
    "identity",
    "Name a learner like the instructor, or like an assistant, on a roster",
    "left out, and told; nothing of theirs changes",
)
def test_a_roster_cannot_touch_the_staff(here, instructor, assistant):
    roster = b"id,name,email,section\ninstructor,Mallory,m@x.org,A\nTIM,Mallory,m@x.org,B\n"
    answer = instructor.post("/workshop/roster", files={"roster": ("r.csv", roster, "text/csv")})
    assert "0 learners added, 0 changed" in answer.text and "instructor was left out" in answer.text
    assert "Mallory" not in instructor.get("/workshop").text
    assert assistant.get("/board/data").json()["learners"] == 20


@attack(
    "evidence", "Hand in for an assistant or the instructor with the broker's pass", "409: only learners have marks"
)
def test_the_staff_has_no_marks(here):
    for ident in ("instructor", "Tim"):
        answer = here.post(here.broker, here.signed(ident), learner=ident)
        assert answer.status_code == 409 and "roster" in answer.json()["message"]


@attack(
    "classroom",
    "Origins, hosts and paths that are no addresses, from strangers, at forms and at the terminal's WebSocket",
    "400, 403 or 404; never a failure of the server, which its log would be filled with",
)
def test_addresses_that_are_none(here):
    own = here.room.address.partition("//")[2]
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    for origin in ("https://[", "https://]", "https://[x]/", f"http://{own}", f"https://{own}.evil", "null", "ÿ", ""):
        form = f"POST /sign-in HTTP/1.1\r\nHost: {own}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n"
        socket_ = f"GET /me/terminal/socket HTTP/1.1\r\nHost: {own}\r\nOrigin: {origin}\r\n{upgrade}\r\n"
        for asked in (form, socket_):
            assert _raw(here, asked.encode("latin-1")).split(b" ")[1] == b"403", (origin, asked[:4])
    for host in ("[", "[::1", "a:b", "a:99999999", "a:b:c", "x y", "evil.example", "é", ""):
        for path in ("/", "/sign-in", "/ca.pem", "/nothing"):
            told = _raw(here, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
            assert told.split(b" ")[1] in (b"200", b"303", b"400", b"404"), (host, path, told[:50])
            assert b"evil.example" not in told, "nothing is written from what a request calls us"
    for path in (
        "/static/%00",
        "/static/" + "a" * 300,
        "/join/%00%ff",
        "/%00",
        "/learner/-1",
        "//evil.example/..",
        "/%2e%2e",
    ):
        assert _raw(here, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).split(b" ")[1] in (b"200", b"404"), path


@attack(
    "identity",
    "A form whose token is half a character, in an encoding of its own, or in another form than text",
    "403, and nothing is changed; never a failure of the server",
)
def test_a_forms_token_that_is_no_text(here):
    learner = here.browser("l30")
    for token in ("\ud800", "\udfff" * 20, "\x00", "é", "", "0" * 64):
        body = _multipart({"csrf": token, "said": "lkforged"})
        assert learner.web.post("/me/hand", content=body, headers=FORM).status_code == 403, token
    assert "lkforged" not in learner.get("/me").text
    csrf = learner.csrf()
    as_file = learner.web.post("/me/hand", data={"said": "lkforged"}, files={"csrf": ("x", csrf.encode())})
    as_query = learner.web.post(f"/me/hand?csrf={csrf}", data={"said": "lkforged"})
    as_json = learner.web.post("/me/hand", json={"csrf": csrf, "said": "lkforged"})
    assert {as_file.status_code, as_query.status_code, as_json.status_code} == {403}


@attack(
    "identity",
    "A learner clicks until what they did is no longer on the instructor's log",
    "so many lines of a kind are written about one learner; older lines are one click away",
)
def test_nothing_is_pushed_out_of_the_log(here, instructor, monkeypatch):
    from labkit.classroom.app import instructor as pages

    monkeypatch.setattr(people, "MOST_LINES", 5)
    monkeypatch.setattr(pages, "LINES", 10)
    learner = here.browser("l32")
    assert learner.post("/workshop/code").status_code == 403
    assert here.client().post("/join/lkstolen").status_code == 403
    for _ in range(8):
        assert learner.post("/me/laptop").status_code == 200
    assert len([one for one in here.log("laptop") if one.member_id == here.number("l32")]) == 5
    path, seen, pages_read = "/log", "", 0
    while path:
        page = instructor.get(path).text
        seen, pages_read = seen + page, pages_read + 1
        found = re.search(r'href="(/log\?before=[0-9]+)"', page)
        path = found[1] if found else ""
    assert seen.count("<tr>") - pages_read == _count(here, "event") and pages_read > 1
    for odd in ("x", "-1", "9" * 400, "0", "%00", "1e3", "٣"):
        assert instructor.get(f"/log?before={odd}").status_code == 200, odd


def _count(here, table):
    from sqlalchemy import text

    with here.room.database.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
