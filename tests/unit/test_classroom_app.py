"""The classroom over real HTTPS: what people see and do, what is refused, and what holds when things break."""

import contextlib
import csv
import html
import io
import json
import re
import time
from datetime import timedelta

import pytest
from classrooms import EXERCISES, at_once, classroom
from msgspec import structs

from labkit.classroom import queue
from labkit.classroom.app.api import LAPTOP
from labkit.classroom.app.security import COOKIE, HEADERS
from labkit.classroom.records import judging, people
from labkit.errors import LabError


@pytest.fixture
def here(tmp_path):
    with classroom(tmp_path / "rooms") as one:
        yield one


@pytest.fixture
def instructor(here):
    return here.browser("instructor")


def until(look, patience=10.0):
    """Waits for a state; the value, or fails."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_result_comes_to_board_marks_and_the_learners_page(here, instructor):
    told = here.observed("ada", "03-push/wrong-tag")
    assert told["origin"] == "observed"
    assert told["changed"] == [
        {"exercise": "03-push", "earned": 0, "points": here.observed("ada")["changed"][0]["points"]}
    ]
    data = instructor.get("/board/data").json()
    assert (data["learners"], data["done"]["03-push"]) == (3, 1)
    marks = instructor.get("/marks?names=shown").text
    assert "observed" in marks and "李小龙" in marks
    ada = here.browser("ada")
    assert "observed" in ada.get("/me").text
    shown = ada.get("/me/03-push").text
    assert "✓" in shown and "push-other-tag" in shown
    assert ada.get("/me/01-login").status_code == 200


@pytest.mark.fault("The same result is handed in eight times at once", "it counts once, and each sender is told so")
def test_the_same_result_counts_once(here):
    text = here.signed("ada")
    clients = [here.client() for _ in range(8)]
    answers = at_once(lambda at: here.post(here.broker, text, clients[at], learner="ada", exercises=["03-push"]), 8)
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["again"] for answer in answers) == [False] + [True] * 7
    assert len(here.results("ada")) == 1


def test_only_a_change_is_a_result(here):
    for attempt in ("wrong-tag", "wrong-tag", "right-as-printed", "right-quiet", "wrong-tag"):
        here.observed("ada", f"03-push/{attempt}")
    assert [one.done for one in here.results("ada")] == [False, True, False]
    assert here.points("ada") > 0, "the best result counts"


def test_what_is_still_moving_is_no_result(here):
    seen = here.observation("ada", "05-deploy/right-as-printed")
    service = seen.swarm.services["myapp"]
    starting = tuple(structs.replace(task, state="preparing") for task in service.tasks)
    moving = structs.replace(
        seen, swarm=structs.replace(seen.swarm, services={"myapp": structs.replace(service, tasks=starting)})
    )
    answer = here.post(here.broker, here.room.key.signed(moving).dump(), learner="ada", exercises=["05-deploy"])
    assert answer.json()["changed"] == []


def test_a_part_that_did_not_answer_costs_nobody_a_mark(here):
    here.observed("ada")
    gap = structs.replace(here.observation("ada"), registries=None, unobserved={"registries": "it is exited."})
    answer = here.post(here.broker, here.room.key.signed(gap).dump(), learner="ada", exercises=["03-push"])
    assert answer.json()["changed"] == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not what it should be"),
        (b"[]", "not what it should be"),
        (b'{"observation": 1}', "not what it should be"),
        (b'{"observation": "{}", "more": 1}', "not what it should be"),
        (b"[" * 100_000, "not what it should be"),
        (b'{"observation": "x"}', "not an observation"),
        (b'{"observation": "{\\"schema\\": 99}"}', "schema 99"),
    ],
)
def test_what_is_no_result(here, body, told):
    key = {"Authorization": f"Bearer {here.token(people.DEVICE, 'ada')}"}
    answer = here.client().post("/api/results", content=body, headers=key)
    assert answer.status_code in (400, 409)
    assert told in answer.json()["message"]


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.attack(
    "identity", "Post a result for another learner, with one's own key or with none", "403 and 401, and nothing is kept"
)
def test_posting_for_another(here):
    ada = here.token(people.DEVICE, "ada")
    for token, ident, status in (
        (ada, "grace", 403),
        ("x", "ada", 401),
        (here.opened.code, "ada", 401),
    ):
        assert here.post(token, here.observation("grace").dump(), learner=ident).status_code == status
    assert here.results("grace") == here.results("ada") == []


@pytest.mark.attack(
    "evidence",
    "Hand in another learner's observation, as it is or with one's own names in it",
    "both are refused and logged",
)
def test_copying_an_observation(here):
    of_ada = here.observation("ada", ago=timedelta(minutes=1))
    assert (
        here.post(here.token(people.DEVICE, "ada", lasting=timedelta(hours=1)), of_ada.dump()).status_code == 409
    )  # joined after
    here.clock.ahead = timedelta(hours=1)
    ada, grace = here.token(people.DEVICE, "ada"), here.token(people.DEVICE, "grace")
    original = here.observation("ada")
    assert here.post(ada, original.dump(), exercises=["03-push"]).status_code == 200
    plain = here.post(grace, original.dump())
    assert (plain.status_code, "from ada" in plain.json()["message"]) == (409, True)
    renamed = json.dumps(original.data()).replace(
        here.room.key.person("ada").username, here.room.key.person("grace").username
    )
    data = json.loads(renamed.replace(here.room.key.person("ada").version, here.room.key.person("grace").version))
    data["lab"] = here.observation("grace").data()["lab"]
    from labkit.seen.observation import Observation

    copied = here.post(grace, Observation.read(data).dump())
    assert (copied.status_code, "another learner's lab" in copied.json()["message"]) == (409, True)
    assert here.results("grace") == []
    assert len(here.log("not-taken")) == 3


@pytest.mark.attack("evidence", "Change a signed observation, or sign with another workshop's key", "it is refused")
def test_forging_a_signature(here):
    from labkit.lab.owner.workshop import Workshop
    from labkit.seen.observation import seal

    data = json.loads(here.signed("ada", "03-push/wrong-tag"))
    data["taken"] = here.clock().isoformat()
    data["seal"] = seal(data)
    other = Workshop("spring", b"x" * 32).signed(here.observation("ada")).dump()
    for text in (json.dumps(data), other):
        for token, learner in ((here.broker, "ada"), (here.token(people.DEVICE, "ada"), "")):
            answer = here.post(token, text, learner=learner)
            assert answer.status_code == 409
            assert re.search("signature|different key", answer.json()["message"])


@pytest.mark.attack("evidence", "Use the broker's key for what is not signed", "403: only what the broker saw itself")
def test_the_brokers_key_opens_nothing_else(here):
    assert here.post(here.broker, here.observation("ada").dump(), learner="ada").status_code == 403
    assert here.post(here.broker, here.signed("ada"), learner="nobody").status_code == 409
    assert here.post(here.broker, here.signed("ada"), learner="grace").status_code == 409
    web = here.client()
    assert web.get("/api/me", headers={"Authorization": f"Bearer {here.broker}"}).status_code == 403
    web.cookies.set(COOKIE, here.broker, domain="127.0.0.1")
    assert web.get("/board").status_code == 303


@pytest.mark.attack(
    "evidence",
    "Replay an observation, and hand in one from before",
    "the replay counts once, the back-dated one is refused",
)
def test_replaying_and_back_dating(here):
    token = here.token(people.DEVICE, "ada")
    here.clock.ahead = timedelta(hours=1)
    early = here.observation("ada", "03-push/wrong-tag").dump()
    assert here.post(token, early, exercises=["03-push"]).json()["again"] is False
    here.clock.ahead = timedelta(hours=2)
    assert here.post(token, here.observation("ada").dump(), exercises=["03-push"]).json()["changed"]
    assert here.post(token, early).json()["again"] is True
    assert len(here.results("ada")) == 2
    for ago, told in (
        (timedelta(minutes=30), "older than one"),
        (timedelta(hours=5), "before this machine joined"),
        (-timedelta(hours=1), "after it was sent"),
    ):
        answer = here.post(token, here.observation("ada", "02-tag/right-as-printed", ago=ago).dump())
        assert (answer.status_code, told in answer.json()["message"]) == (409, True), answer.text


PAGES = [
    "/board",
    "/board/data",
    "/board/events",
    "/marks",
    "/workshop",
    "/regrade",
    "/log",
    "/observation/x",
    "/learner/1",
    "/learner/1/03-push",
]
FORMS = ["/message", "/regrade", *(f"/workshop/{name}" for name in ("settings", "roster", "code", "links", "assistant")),
         *(f"/learner/1/{name}" for name in ("link", "lower", "message", "03-push/overrule", "03-push/reflection"))]  # fmt: skip


@pytest.mark.attack(
    "identity",
    "Open the instructor's pages and forms without sign-in, and as a learner",
    "the sign-in page, 401 or 403",
)
def test_the_instructors_pages_are_the_instructors(here):
    nobody, ada = here.client(), here.browser("ada")
    for path in PAGES:
        assert (nobody.get(path).status_code, ada.get(path).status_code) == (303, 403), path
    for path in FORMS:
        assert (nobody.post(path).status_code, ada.post(path).status_code) == (401, 403), path
    assert nobody.get("/me").status_code == 303
    assert here.browser("instructor").get("/me").status_code == 403


@pytest.mark.attack(
    "identity", "An assistant opens the marks of another section", "404, as if there were no such learner"
)
def test_an_assistant_sees_a_section(here, instructor):
    assert instructor.post("/workshop/assistant", name="Tim", section="A").status_code == 200
    tim = here.browser("Tim")
    marks = tim.get("/marks?names=shown").text
    assert "Ada" in marks and "Hopper" not in marks
    assert tim.get(f"/learner/{here.number('grace')}").status_code == 404
    assert tim.get(f"/learner/{here.number('ada')}").status_code == 200
    here.observed("grace")
    digest = here.results("grace")[0].observation
    assert (tim.get(f"/observation/{digest}").status_code, instructor.get(f"/observation/{digest}").status_code) == (
        404,
        200,
    )
    assert (tim.get("/workshop").status_code, tim.post("/workshop/code").status_code) == (403, 403)
    assert tim.get("/board/data?section=B").json()["learners"] == 2


@pytest.mark.attack(
    "identity",
    "An assistant addresses learners of another section, with the form of the board changed by hand",
    "a message and a hint reach their own section alone; a section of others is refused",
)
def test_messages_and_hints_to_all_and_to_a_section(here, instructor):
    """The roster has ada and li in section A, grace in B."""
    assert instructor.post("/workshop/assistant", name="Tim", section="A").status_code == 200
    tim, pages = here.browser("Tim"), {ident: here.browser(ident) for ident in ("ada", "grace", "li")}

    def told(text):
        return [ident for ident, one in pages.items() if text in one.get("/me").text]

    board = tim.get("/board").text
    assert "who are in section A now" in board and "everybody</option>" not in board
    assert tim.post("/message", text="Section A only").headers["location"] == "/board?done=sent"
    assert told("Section A only") == ["ada", "li"]
    for to in ("B", "nowhere"):
        assert tim.post("/message", text="Not for you", to=to).status_code == 409
        assert tim.post("/hint", hint="01-login/signed_in/1", to=to).status_code == 409
    assert told("Not for you") == []
    key = re.search(r'<option value="(01-login/[a-z_]+/1)"', board)[1]
    assert tim.post("/hint", hint=key).headers["location"] == "/board?done=hints"
    assert told("Hint 1 of") == ["ada", "li"]
    assert instructor.post("/message", text="B alone", to="B").status_code == 303
    assert told("B alone") == ["grace"]
    assert instructor.post("/hint", hint=key).status_code == 303
    assert told("Hint 1 of") == ["ada", "grace", "li"]
    assert len(here.log("help")) == 5, "each is a line of the log"
    assert instructor.post("/hint", hint="01-login/nothing/1").status_code == 409
    assert instructor.post("/message", text="All").status_code == 303
    assert told("All") == ["ada", "grace", "li"]


def test_a_hint_to_all_has_each_learners_own_names(here, instructor):
    from labkit.classroom.app.hints import hints

    with here.room.database.reading() as session:
        workshop = here.room.workshop(session)
        own = here.room.key.person("ada").personal
        one = next(each for each in hints(workshop) if own(each.text) != each.text)
    assert instructor.post("/hint", hint=one.key).status_code == 303
    for ident, other in (("ada", "grace"), ("grace", "ada")):
        page = html.unescape(here.browser(ident).get("/me").text)
        assert here.room.key.person(ident).personal(one.text) in page
        assert here.room.key.person(other).username not in page


@pytest.mark.attack(
    "identity",
    "An assistant who was removed goes on: with the session, with a link from before, at a learner's terminal",
    "the session and the links end at once; the same name invited again gets nothing of what was allowed before",
)
def test_an_assistant_is_removed(here, instructor):
    assert instructor.post("/workshop/assistant", name="Tim", section="A").status_code == 200
    tim, link = here.browser("Tim"), here.token(people.LINK, "Tim")
    assert tim.post(f"/learner/{here.number('ada')}/message", text="Still here").status_code == 303
    page = instructor.get("/workshop").text
    number = re.search(r'name="number" value="(\d+)"><button aria-label="Remove Tim"', page)[1]
    assert "Remove instructor" not in page
    for other in (here.number("ada"), "0", "x", str(here.number("instructor"))):
        assert instructor.post("/workshop/assistant/remove", number=other).status_code == 409
    assert tim.web.post("/workshop/assistant/remove", data={"number": number}).status_code == 403
    assert instructor.post("/workshop/assistant/remove", number=number).status_code == 303
    assert tim.get("/board").headers["location"] == "/sign-in"
    assert here.client().post(f"/join/{link}").status_code == 403
    assert "Tim" not in instructor.get("/workshop").text
    assert "Still here" in here.browser("ada").get("/me").text, "what was said stays"
    roster = instructor.post("/workshop/roster", files={"roster": b"id,name\nTim,Tim\n"}).text
    assert "the former assistant is called so" in roster
    assert instructor.post("/workshop/assistant", name="Tim", section="B").status_code == 200
    assert here.browser("Tim").get(f"/learner/{here.number('ada')}").status_code == 404, "of another section now"


NAMED = ("Ada Lovelace", "ada", "Hopper", "grace", "李小龙")


def test_names_are_hidden_on_every_page_until_they_are_asked_for(here, instructor):
    here.observed("ada", "03-push/wrong-tag")
    ada, number = here.browser("ada"), here.number("ada")
    ada.post("/me/hand", said="hm")
    instructor.post(f"/learner/{number}/message", text="hm")
    here.client().post("/sign-in", data={"ident": "Ada Lovelase", "code": "x"})  # a wrong code, with a name in it
    here.post(here.broker, here.signed("grace"), learner="grace")
    paths = ["/board", "/marks", "/log", "/regrade", f"/learner/{number}", f"/learner/{number}/03-push"]
    paths.append(f"/learner/{number}/terminal")
    for path in paths:
        hidden, shown = instructor.get(path).text, instructor.get(f"{path}?names=shown").text
        text = re.sub(r"<[^>]+>", " ", hidden)
        assert [one for one in NAMED if re.search(rf"\b{one}\b", text)] == [], path
        assert "Lovelas" not in hidden, path
        if path == "/regrade":
            continue
        assert "Learner 1" in hidden and "Show names" in hidden, path
        assert ("ada" if path == "/log" else "Ada Lovelace") in shown and "Hide names" in shown, path
    # What leads on from a page with names leads to pages with names, and what leads on from one without does not.
    for path in ("/board", "/marks", f"/learner/{number}"):
        for asked, there in (("", False), ("?names=shown", True)):
            page = instructor.get(path + asked).text
            page = re.sub(r'<p class="names">.*?</p>|<form method="get".*?>', "", page)
            ways = re.findall(rf'(?:href|action)="(/learner/{number}[^"]*)"', page)
            assert ways and {"names=shown" in one for one in ways} == {there}, (path, asked)
    sent = instructor.post(f"/learner/{number}/message?names=shown", text="hm")
    assert sent.headers["location"] == f"/learner/{number}?done=sent&names=shown"


def test_learners_are_told_what_of_them_is_seen(here, instructor):
    """Each power that the page names is one that a member of the staff has, and leaves the line that it says."""
    page = here.browser("ada").get("/me").text
    for words in (
        "last here",
        "look at your lab live",
        "start, stop and reset it",
        "a link that signs in as you",
        "e-mail address",
    ):
        assert words in page, words
    number = here.number("ada")
    assert instructor.post("/workshop/assistant", name="Tim", section="A").status_code == 200
    tim = here.browser("Tim")
    assert "last seen" in tim.get(f"/learner/{number}").text
    assert "/join/" in tim.post(f"/learner/{number}/link").text
    assert tim.post(f"/learner/{number}/sign-out").status_code == 200
    said = [one.what for kind in ("links", "signed-out") for one in here.log(kind) if one.member_id == number]
    assert said == ["Tim made a link", "Tim signed them out everywhere"]


def test_the_board_lists_whom_its_address_asks_for(here, instructor):
    """ada has a mistake, grace has raised a hand, and li has not come."""
    here.observed("ada", "03-push/wrong-tag")
    here.browser("grace").post("/me/hand", said="hm")

    def listed(query):
        rows = instructor.get(f"/board?{query}").text.partition("<tbody>")[2]
        return re.findall(r'data-key="row-(\d+)"', rows)

    ada, grace, li = (str(here.number(ident)) for ident in ("ada", "grace", "li"))
    assert set(listed("")) == {ada, grace, li}
    assert listed("state=hand") == [grace]
    assert listed("state=away") == [li]
    assert listed("state=working") == [ada]
    assert listed("state=reading") == [grace]
    assert listed("mistake=push-other-tag") == [ada]
    assert listed("mistake=push-other-tag&state=hand") == []
    assert listed("state=hand&section=A") == []
    here.clock.ahead = timedelta(minutes=6)
    assert listed("state=stuck") == [ada]
    for unknown in ("state=nobody", "mistake=<b>", "state="):
        assert set(listed(unknown)) == {ada, grace, li}, "what the board does not know is not asked for"
    page = instructor.get("/board?state=stuck&names=shown&section=A").text
    assert 'aria-current="true"' in page and "1 of 2" in page
    assert 'href="/board?section=A&amp;state=stuck"' in page, "hiding the names keeps the rest"
    assert 'data-stream="/board/events?names=shown&amp;section=A&amp;state=stuck"' in page
    assert 'href="/board?mistake=push-other-tag#rows"' in instructor.get("/board").text
    sent = instructor.post("/message?state=stuck&section=A", text="hm")
    assert sent.headers["location"] == "/board?done=sent&section=A&state=stuck"
    with instructor.web.stream("GET", "/board/events?state=hand", timeout=20) as stream:
        first = json.loads(next(line for line in stream.iter_lines() if line.startswith("data: "))[6:])
    assert f"row-{grace}" in first and f"row-{ada}" not in first


def test_a_mark_shows_the_newest_of_equal_observations(here, instructor):
    """Without a point at first for one mistake, then for another one."""
    here.observed("ada", "03-push/wrong-tag", ago=timedelta(minutes=5))
    here.observed("ada", "03-push/wrong-namespace", ago=timedelta(minutes=1), spread=0)
    first, second = (one.observation for one in here.results("ada"))
    number = here.number("ada")
    page = instructor.get(f"/learner/{number}/03-push").text
    assert f'href="/observation/{second}"' in page and f"observation={first}" in page
    assert "was reached first with" in page
    assert "was reached first with" not in instructor.get(f"/learner/{number}/03-push?observation={first}").text
    here.observed("ada")
    page = instructor.get(f"/learner/{number}/03-push").text
    assert "was reached first with" not in page and f'href="/observation/{second}"' not in page


@pytest.mark.attack(
    "identity", "Read another learner's mark through one's own page", "an observation of somebody else is not shown"
)
def test_a_learner_reads_nobody_elses_mark(here, instructor):
    here.observed("grace")
    digest, ada = here.results("grace")[0].observation, here.number("ada")
    assert instructor.get(f"/learner/{ada}/03-push?observation={digest}").status_code == 404
    page = here.browser("ada").get(f"/me/03-push?observation={digest}").text
    assert here.room.key.person("grace").username not in page


@pytest.mark.attack(
    "identity",
    "Send a form from another site, without its token, or with another session's",
    "403, and nothing is changed",
)
def test_forged_requests(here, instructor):
    other = here.browser("instructor").csrf()
    for headers, csrf in (
        ({"Origin": "https://evil.example"}, instructor.csrf()),
        ({"Origin": "null"}, instructor.csrf()),
        ({"Sec-Fetch-Site": "cross-site"}, instructor.csrf()),
        ({}, ""),
        ({}, other),
    ):
        answer = instructor.web.post("/message", data={"text": "forged", "csrf": csrf}, headers=headers)
        assert answer.status_code == 403
    assert "forged" not in here.browser("ada").get("/me").text


@pytest.mark.attack(
    "identity",
    "Guess join codes, links and laptops' codes",
    "after 60 wrong codes the address waits five minutes; links have 192 bits; each is logged",
)
def test_guessing_codes(here, monkeypatch):
    monkeypatch.setattr(people, "TRIES", 6)
    web = here.client()
    right = {"ident": "ada", "code": here.opened.code}
    for _ in range(7):  # a class with its mistakes
        assert web.post("/sign-in", data={"ident": "nobody", "code": here.opened.code}).status_code == 403
        assert web.post("/join/used").status_code == 403
    for at in range(6):
        assert web.post("/sign-in", data={"ident": "ada", "code": f"wrong{at}"}).status_code == 403
    assert web.post("/sign-in", data=right).status_code == 429
    assert web.post("/api/join", json={"code": "guessed"}).status_code == 403
    assert here.client().post(f"/join/{here.token(people.LINK, 'grace')}").status_code == 303, "nobody guesses a link"
    assert [len(here.log(kind)) for kind in (people.WRONG_CODE, people.REFUSED)] == [6, 15]
    assert here.log(people.WRONG_CODE)[0].address == "127.0.0.1"
    here.clock.ahead = timedelta(minutes=6)
    assert web.post("/sign-in", data=right).status_code == 303


@pytest.mark.attack(
    "identity",
    "Use a link twice, after a newer one, or after a week; use the code for somebody who is there",
    "each is refused",
)
def test_passes_end(here, instructor):
    web, link = here.client(), here.token(people.LINK, "ada")
    assert web.get(f"/join/{link}").status_code == 200  # what looks at links first does not use them up
    assert [web.post(f"/join/{link}").status_code for _ in range(2)] == [303, 403]
    assert here.client().post("/sign-in", data={"ident": "Ada", "code": here.opened.code}).status_code == 403
    old = here.token(people.LINK, "grace")
    assert instructor.post(f"/learner/{here.number('grace')}/link").status_code == 200
    assert here.client().post(f"/join/{old}").status_code == 403
    late = here.token(people.LINK, "grace")
    here.clock.ahead = timedelta(days=8)
    assert here.client().post(f"/join/{late}").status_code == 403
    assert here.client().post("/sign-in", data={"ident": "li", "code": here.opened.code}).status_code == 403


def test_signing_out_ends_the_session(here):
    ada = here.browser("ada")
    token = ada.token()
    assert ada.post("/me/sign-out").status_code == 303
    other = here.client()
    other.cookies.set(COOKIE, token, domain="127.0.0.1")
    assert other.get("/me").status_code == 303


def test_the_cookie_and_the_headers(here):
    answer = here.client().post(f"/join/{here.token(people.LINK, 'ada')}")
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("__host-", "secure", "httponly", "samesite=lax", "path=/"))
    assert "domain" not in cookie
    for path in ("/", "/sign-in", "/nowhere", "/static/classroom.js", "/static/panel.css", "/api/me", "/ca.pem"):
        answer = here.client().get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
    assert "server" not in answer.headers
    for path in ("/sign-in", f"/join/{here.token(people.LINK, 'ada')}"):
        assert not re.search(r"<style|<script>|style=|onclick", here.client().get(path).text)


@pytest.mark.attack(
    "pages", "HTML, control characters and direction marks in names, texts and messages", "they are shown as text"
)
def test_html_in_names_and_texts(here, instructor):
    bad = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>\u202eevil\x1b[2J"
    ada = here.browser("ada")
    assert ada.post("/me/hand", said=bad).status_code == 303
    slug = next(one for one in EXERCISES)
    number = here.number("ada")
    assert instructor.post(f"/learner/{number}/message", text=bad).status_code == 303
    assert instructor.post(f"/learner/{number}/{slug}/overrule", earned="1", reason=bad).status_code == 303
    pages = [
        instructor.get(path).text
        for path in (f"/learner/{number}", f"/learner/{number}/{slug}", "/board?names=shown", "/log", "/marks")
    ]
    for page in [*pages, ada.get("/me").text, ada.get(f"/me/{slug}").text]:
        assert "<script>alert" not in page and "<img src=x" not in page
        assert "\u202e" not in page and "\x1b" not in page
        assert "<b>Hopper" not in page
    assert "&lt;script&gt;" in pages[0]


@pytest.mark.attack(
    "files",
    "A roster with formulas, paths for a name, and another kind of file",
    "names stay text; nothing is written under the file's name",
)
def test_rosters_that_are_crafted(here, instructor, tmp_path):
    roster = b'id,name\n=cmd|\' /C calc\'!A0,"=HYPERLINK(""http://evil"")"\n../../etc/passwd,../x\n'
    answer = instructor.post("/workshop/roster", files={"roster": ("../../evil.csv", roster, "text/csv")})
    assert "2 learners added" in answer.text
    links = list(csv.reader(io.StringIO(instructor.post("/workshop/links").text.removeprefix("\ufeff"))))
    assert ["'=cmd|' /C calc'!A0", '\'=HYPERLINK("http://evil")'] in [line[:2] for line in links]
    assert not list(tmp_path.rglob("*evil*"))
    for content in (b"\x89PNG\r\n\x1a\n\xff", b"", b"PK\x03\x04\xff\xff"):
        assert instructor.post("/workshop/roster", files={"roster": ("x", content, "text/csv")}).status_code == 409


@pytest.mark.attack("protocol", "Send more than is allowed, told or not told before", "413, as soon as it is too much")
def test_bodies_that_are_too_large(here):
    web = here.client()
    assert web.post("/sign-in", content=b"x" * 1_000_001).status_code == 413
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.post("/sign-in", content=(b"x" * 100_000 for _ in range(11)), headers=form).status_code == 413
    key = {"Authorization": f"Bearer {here.broker}"}
    assert web.post("/api/results", content=(b"x" * 1_000_000 for _ in range(9)), headers=key).status_code == 413


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.fault("Thirty learners sign in in the same second, from one address", "each of them is in, once")
def test_thirty_sign_ins_at_once(tmp_path):
    roster = ("id\n" + "".join(f"learner{at}\n" for at in range(30))).encode()
    with classroom(tmp_path, roster=roster) as here:
        clients = [here.client() for _ in range(30)]
        codes = at_once(
            lambda at: (
                clients[at].post("/sign-in", data={"ident": f"learner{at}", "code": here.opened.code}).status_code
            ),
            30,
        )
        assert codes == [303] * 30
        assert {one.get("/me").status_code for one in clients} == {200}
        assert len(here.log("signed-in")) == 30


def test_the_code_lets_in_those_who_were_added_later(tmp_path):
    with classroom(tmp_path, roster=None) as here:
        roster = b"id\nada\ngrace\n"
        answer = here.browser("instructor").post("/workshop/roster", files={"roster": ("r.csv", roster, "text/csv")})
        assert "2 learners added" in answer.text
        for ident in ("ada", "grace"):
            assert here.client().post("/sign-in", data={"ident": ident, "code": here.opened.code}).status_code == 303


def test_two_who_sign_in_as_the_same_learner_at_once(here):
    clients = [here.client() for _ in range(4)]
    link = here.token(people.LINK, "ada")
    assert sorted(at_once(lambda at: clients[at].post(f"/join/{link}").status_code, 4)) == [303, 403, 403, 403]


def test_hands_and_messages(here, instructor):
    ada = here.browser("ada")
    assert ada.post("/me/hand", said="Why denied?").status_code == 303
    hidden, shown = instructor.get("/board").text, instructor.get("/board?names=shown").text
    assert "hand raised" in hidden and "Why denied" not in hidden and "Ada" not in hidden
    assert "Why denied?" in shown and "Ada Lovelace" in shown
    number = here.number("ada")
    assert instructor.post(f"/learner/{number}/message", text="Read\nthe name").status_code == 303
    assert instructor.post("/message", text="Five more minutes").status_code == 303
    refused = instructor.post("/message", text="  ")
    assert refused.status_code == 409 and "Back to your first page" in refused.text
    refused = instructor.post(f"/learner/{number}/message", text="  ")
    assert f'href="/learner/{number}"' in refused.text, "an error leads back to the page of its form"
    assert "✓ Sent." in instructor.get("/board?done=sent").text
    assert "&lt;b&gt;" not in instructor.get("/board?done=<b>").text, "an address says nothing of its own"
    assert instructor.post(f"/learner/{number}/lower").status_code == 303
    page = ada.get("/me").text
    assert "Read\nthe name" in page and "Five more minutes" in page and "Raise my hand" in page
    assert "Read" not in here.browser("grace").get("/me").text


@pytest.mark.fault("Texts of 100,000 characters", "they are kept whole; a longer one is refused with a sentence")
def test_long_texts(here, instructor):
    slug = "06-practice"
    assert (
        instructor.post("/workshop/settings", **{"weight-06-practice": "2", "self_reported": "on"}).headers["location"]
        == "/workshop?done=kept"
    )
    ada, text = here.browser("ada"), "é\t<" * 33_333
    assert ada.post("/me/reflection", exercise=slug, text=text).status_code == 303
    from html import unescape

    assert text in unescape(ada.get("/me").text)
    assert ada.post("/me/reflection", exercise=slug, text="x" * 100_001).status_code == 409
    assert ada.post("/me/reflection", exercise="01-login", text="x").status_code == 409
    page = instructor.get(f"/learner/{here.number('ada')}/{slug}").text
    number = re.search(r'name="number" value="(\d+)"', page)[1]
    path = f"/learner/{here.number('ada')}/{slug}/reflection"
    assert instructor.post(path, number=number, feedback="Well said", **{"met-0": "on"}).status_code == 303
    read = ada.get("/me").text
    assert "Well said" in read and "Your instructor has read it" in read
    assert ada.post("/me/reflection", exercise=slug, text="another").status_code == 303
    assert instructor.post(path, number=number, feedback="x").status_code == 409


def test_what_was_written_in_jupyterlab_reaches_the_instructor(tmp_path):
    """The panel keeps a reflection among the answers that an observation brings; it changes no verdict by itself."""
    slug = "06-practice"
    with classroom(tmp_path, exercises=("01-login", slug)) as one:
        instructor, ada = one.browser("instructor"), one.browser("ada")

        def hand_in(text, ago):
            seen = one.observation("ada", "01-login/right-as-printed", ago=timedelta(seconds=ago))
            seen = structs.replace(seen, answers={slug: {"reflection": text}, "01-login": {"reflection": "none asked"}})
            told = one.post(one.broker, one.room.key.signed(seen).dump(), learner="ada", exercises=["01-login"])
            assert told.status_code == 200, told.text

        page = f"/learner/{one.number('ada')}/{slug}"
        assert "Nothing written yet" in instructor.get(page).text
        hand_in("Tags <i>move</i>.", 50)
        assert "Tags &lt;i&gt;move&lt;/i&gt;." in instructor.get(page).text
        hand_in("Tags move, digests do not.", 40)  # with no other verdict
        assert "digests do not" in instructor.get(page).text
        assert "digests do not" in ada.get("/me").text
        assert ada.post("/me/reflection", exercise=slug, text="Written on my page").status_code == 303
        hand_in("Tags move, digests do not.", 30)  # it is still in the lab
        assert "Written on my page" in instructor.get(page).text
        hand_in("x" * 100_001, 20)
        assert "x" * 100_000 in instructor.get(page).text
        for text, ago in (("First.", 9), ("Second.", 8), ("First.", 7)):
            hand_in(text, ago)
        assert "First." in (told := instructor.get(page).text) and "Second." not in told, "A, B, A ends as A"
        assert ada.post("/me/reflection", exercise=slug, text="Second.").status_code == 303
        instructor.post(f"{page}/reflection", number=number(instructor.get(page).text), feedback="Short")
        hand_in("Second.", 6)  # the same in both places
        assert "Short" in (told := instructor.get(page).text) and "Second." in told, "it is marked already"
        hand_in("First.", 5)
        assert "First." in instructor.get(page).text
        for ago in (4, 3, 2):  # a laptop with another text says it again and again, and so does the lab
            key = one.token(people.DEVICE, "ada")
            seen = one.observation("ada", "01-login/right-as-printed", ago=timedelta(seconds=ago), spread=ago)
            seen = structs.replace(seen, answers={slug: {"reflection": "On my laptop."}})
            assert one.post(key, seen.dump(), exercises=["01-login"]).status_code == 200
            hand_in("First.", ago - 0.5)
        assert "On my laptop." in instructor.get(page).text


def number(page):
    """Of the text that a mark's page shows."""
    return re.search(r'name="number" value="(\d+)"', page)[1]


def test_an_overruled_mark(here, instructor):
    here.observed("ada", "03-push/wrong-tag")
    path = f"/learner/{here.number('ada')}/03-push/overrule"
    for earned, reason in (("1", " "), ("99", "too many"), ("-1", "x"), ("nan", "x"), ("", "x")):
        assert instructor.post(path, earned=earned, reason=reason).status_code == 409
    assert here.points("ada") == 0
    assert instructor.post(path, earned="1.5", reason="The projector was dark").status_code == 303
    assert here.points("ada") == 1.5
    assert "The projector was dark" in here.browser("ada").get("/me").text
    here.observed("ada")
    assert here.points("ada") == 1.5, "a person's word stands above later results"
    assert instructor.post(path, back="yes", reason="It was not").status_code == 303
    assert here.points("ada") > 1.5


def test_an_overruled_mark_keeps_its_maximum(here, instructor, tmp_path, monkeypatch):
    """The exercise gets a check more: what was given stays the same part of it."""
    here.observed("ada", "03-push/wrong-tag")
    mark = f"/learner/{here.number('ada')}/03-push"
    assert instructor.post(f"{mark}/overrule", earned="3", reason="Well told").status_code == 303
    assert "Set by hand: Well told" in here.browser("ada").get("/me").text
    assert "3 of 4 points" in instructor.get(mark).text
    with a_course(tmp_path, monkeypatch) as file:
        file.write_text(file.read_text().replace("points=2", "points=6", 1))
        judging.afresh()
        assert here.points("ada") == 6, "three quarters of 8"
        for page in (instructor.get(mark).text, here.browser("ada").get("/me").text):
            assert "6 of 8" in page and "Set by hand: 3 of 4: Well told (instructor)" in page
        told = json.loads(instructor.get("/marks/export/json").text)["results"][0]["exercises"]["03-push"]
        assert (told["points"], told["maximum"], told["given"]) == (6, 8, {"points": 3, "maximum": 4})
        assert "set by hand: 3 of 4: Well told" in instructor.get("/marks/export/csv").text


def test_late_work(here, instructor):
    deadline = (here.clock() + timedelta(hours=1)).astimezone().strftime("%Y-%m-%dT%H:%M")
    weights = {f"weight-{slug}": "1" for slug in EXERCISES}
    assert (
        instructor.post("/workshop/settings", deadline=deadline, late="50", self_reported="on", **weights).status_code
        == 303
    )
    here.clock.ahead = timedelta(hours=3)
    whole = here.observed("ada")["changed"][0]["points"]
    assert here.points("ada") == whole / 2
    assert "late" in here.browser("ada").get("/me").text
    for changed in ({"deadline": "soon"}, {"late": "101"}, {"attempts": "many"}, {"weight-01-login": "-1"}):
        assert instructor.post("/workshop/settings", **(weights | changed)).status_code == 409
    assert instructor.post("/workshop/settings").status_code == 409, "no exercise is left"


def test_grading_again_is_looked_at_before_it_counts(here, instructor, tmp_path, monkeypatch):
    """A course whose check is mended while the classroom runs."""
    import shutil

    from labkit import paths

    here.observed("ada", "03-push/wrong-tag")
    here.observed("grace")
    assert "nothing to do" in instructor.get("/regrade").text
    course = tmp_path / "course"
    shutil.copytree(paths.course() / "exercises", course / "exercises")
    monkeypatch.setenv("LABKIT_COURSE", str(course))
    try:
        file = course / "exercises/03-push/checks.py"
        text = file.read_text()
        file.write_text(re.sub(r"(def in_hub\(.*\n(?:    \"\"\".*\n)?)", r'\1    return "mended"\n', text, count=1))
        assert file.read_text() != text
        before = here.points("ada")
        assert "Learner 1" in instructor.get("/regrade").text
        page = instructor.get("/regrade?names=shown").text
        assert (
            "2 results would be graded again" in page and "ada" in page and "grace" not in page.partition("<tbody>")[2]
        )
        assert here.points("ada") == before == 0, "nothing counts yet"
        token = re.search(r'name="token" value="([0-9a-f]+)"', page)[1]
        assert instructor.post("/regrade", token="0" * 64).status_code == 409
        assert "They count now" in instructor.post("/regrade", token=token).text
        assert here.points("ada") > 0
        assert instructor.post("/regrade", token=token).status_code == 409
        assert [len(here.results(who)) for who in ("ada", "grace")] == [2, 2]
        shown = instructor.get(f"/learner/{here.number('ada')}/03-push").text
        assert "mended" in shown
    finally:
        monkeypatch.undo()
        judging.afresh()


@contextlib.contextmanager
def a_course(folder, monkeypatch):
    """A copy of the course, which may change while the classroom runs; its exercise 03-push is given."""
    import shutil

    from labkit import paths

    course = folder / "course"
    shutil.copytree(paths.course() / "exercises", course / "exercises")
    with monkeypatch.context() as patch:
        patch.setenv("LABKIT_COURSE", str(course))
        judging.afresh()
        try:
            yield course / "exercises/03-push/checks.py"
        finally:
            patch.undo()
            judging.afresh()


def first(file, line):
    """Puts a line at the beginning of a check, and returns what the file was before."""
    text = file.read_text()
    file.write_text(re.sub(r"(def in_hub\(.*\n(?:    \"\"\".*\n)?)", rf"\1    {line}\n", text, count=1))
    assert file.read_text() != text
    judging.afresh()
    return text


BROKEN = 'from labkit.content.check import fail; fail("build-none", expected="", found="")'
"""A check that recognizes nothing."""


def mended(instructor):
    """Grades again, and makes it count; the list that was shown before."""
    page = instructor.get("/regrade").text
    token = re.search(r'name="token" value="([0-9a-f]+)"', page)[1]
    assert "They count now" in instructor.post("/regrade", token=token).text
    return page


@pytest.mark.parametrize("broken", [BROKEN, 'raise RuntimeError("broken")'])
def test_grading_again_finds_work_that_a_broken_check_did_not_recognize(
    here, instructor, tmp_path, monkeypatch, broken
):
    with a_course(tmp_path, monkeypatch) as file:
        for ident in ("ada", "grace"):
            assert here.observed(ident, "03-push/wrong-tag", ago=timedelta(minutes=9))["changed"]
        whole = first(file, BROKEN)
        for ident in ("ada", "grace"):
            here.observed(ident, "03-push/wrong-tag", ago=timedelta(minutes=8.5))
        if broken != BROKEN:
            file.write_text(whole)
            first(file, broken)
        assert here.observed("ada", ago=timedelta(minutes=8))["changed"] == [], "it is right, and the check is broken"
        assert here.observed("grace", "03-push/wrong-tag", ago=timedelta(minutes=7))["changed"] == []
        assert [len(here.results(who)) for who in ("ada", "grace")] == [2, 2]
        file.write_text(whole)
        mark = f"/learner/{here.number('ada')}/03-push"
        assert "better than what counts" in instructor.get(mark).text
        page = instructor.get("/regrade?names=shown").text
        assert "1 of them is work that no check recognized" in page
        assert "ada" in (table := page.partition("<tbody>")[2]) and "grace" not in table
        assert here.points("ada") == 0, "nothing counts yet"
        mended(instructor)
        assert (here.points("ada"), here.points("grace")) == (4, 0)
        assert here.results("ada")[-1].done
        assert "better than what counts" not in instructor.get(mark).text
        assert "nothing to do" in instructor.get("/regrade").text
        again = here.observed("ada", ago=timedelta(minutes=1))
        assert again["changed"] == [], "what was found is what the lab shows"


def test_a_mark_is_opened_with_todays_content_and_read_only_where_that_changed(here, instructor, tmp_path, monkeypatch):
    from labkit.content import exercises

    here.observed("ada", "03-push/wrong-tag")
    mark = f"/learner/{here.number('ada')}/03-push"
    with a_course(tmp_path, monkeypatch) as file:
        assert "mended" not in instructor.get(mark).text
        read = exercises.read.cache_info().misses
        for _ in range(3):
            instructor.get(mark)
        assert exercises.read.cache_info().misses == read
        first_line = 'return "mended"'
        text = file.read_text()
        file.write_text(re.sub(r"(def in_hub\(.*\n(?:    \"\"\".*\n)?)", rf"\1    {first_line}\n", text, count=1))
        assert "mended" in instructor.get(mark).text
        assert exercises.read.cache_info().misses > 0
        messages = file.parents[1] / "12-mirror/diagnoses.toml"
        messages.write_text(messages.read_text().replace("Docker Hub has refused no pull", "No pull was refused"))
        version = exercises.version()
        instructor.get(mark)
        assert exercises.version() != version


def test_work_that_is_found_later_is_late_if_it_was(here, instructor, tmp_path, monkeypatch):
    """Before the deadline one look is kept, and after it another: what was right in time counts as in time."""
    weights = {f"weight-{slug}": "1" for slug in EXERCISES}
    deadline = (here.clock() - timedelta(hours=1)).astimezone().strftime("%Y-%m-%dT%H:%M")
    settings = {"deadline": deadline, "late": "50", "self_reported": "on", **weights}
    assert instructor.post("/workshop/settings", **settings).status_code == 303
    with a_course(tmp_path, monkeypatch) as file:
        whole = first(file, BROKEN)
        for ident, attempt, hours in (
            ("ada", "wrong-tag", 5), ("ada", "right-as-printed", 4), ("ada", "wrong-tag", 0.5),
            ("grace", "wrong-tag", 5), ("grace", "right-as-printed", 0.5),
            ("li", "right-as-printed", 4), ("li", "right-as-printed", 3.9), ("li", "wrong-tag", 3),
        ):  # fmt: skip
            here.observed(ident, f"03-push/{attempt}", ago=timedelta(hours=hours))
        file.write_text(whole)
        mended(instructor)
        # li's first look is a result itself
        assert [here.points(who) for who in ("ada", "grace", "li")] == [4, 2, 4]


def kept(here):
    """How many observations the database has, and how many places for the newest look."""
    from sqlalchemy import func, select

    from labkit.classroom.records.models import Newest, Observation

    with here.room.database.reading() as session:
        return [session.scalar(select(func.count()).select_from(one)) for one in (Observation, Newest)]


def test_what_is_kept_goes_with_the_learner(here):
    from sqlalchemy import delete

    from labkit.classroom.records.models import Observation, Result

    for ident in ("ada", "grace"):
        for minutes in (9, 8):
            here.observed(ident, "03-push/wrong-tag", ago=timedelta(minutes=minutes))
    assert kept(here) == [4, 2]
    with here.room.database.writing() as session:
        for one in (Result, Observation):
            session.execute(delete(one).where(one.member_id == here.number("ada")))
    assert kept(here) == [2, 1]


def test_of_looks_that_change_nothing_one_is_kept(here):
    for minutes in range(20, 0, -1):
        here.observed("ada", "03-push/wrong-tag", ago=timedelta(minutes=minutes))
    assert kept(here) == [2, 1], "the result, and the newest look"
    assert len(here.results("ada")) == 1
    here.observed("ada")
    assert kept(here) == [2, 1], "a result is its own newest look"
    seen = here.observation("ada", "03-push/wrong-tag", ago=timedelta(minutes=30))
    here.post(here.broker, here.room.key.signed(seen).dump(), learner="ada", exercises=["03-push"])
    assert kept(here)[1] == 1


def test_a_lab_in_which_nothing_happens_writes_nothing(here):
    from labkit.classroom.records.models import Member

    seen = here.observation("ada", ago=timedelta(minutes=3))

    def hand_in(later):
        again = structs.replace(seen, taken=(here.clock() - timedelta(minutes=3) + later).isoformat())
        return here.post(here.broker, here.room.key.signed(again).dump(), learner="ada", exercises=["03-push"])

    def life():
        with here.room.database.reading() as session:
            return session.get_one(Member, here.number("ada")).seen

    assert hand_in(timedelta()).json()["changed"]
    before, came = kept(here), life()
    for second in range(1, 6):
        assert hand_in(timedelta(seconds=second)).json()["changed"] == []
    assert (kept(here), life()) == (before, came)
    here.clock.ahead = timedelta(seconds=61)
    assert hand_in(timedelta(seconds=61)).json()["changed"] == []
    assert kept(here) == before and life() > came


@pytest.mark.fault(
    "Somebody changes what the database kept of a learner's lab, and grades again",
    "it is left out, and the list says whose it was: its digest and its signature are compared again",
)
def test_what_was_changed_in_the_database_is_not_found_again(here, instructor, tmp_path, monkeypatch):
    import zlib

    from sqlalchemy import select

    from labkit.classroom.records import handing_in
    from labkit.classroom.records.models import Newest, Observation

    def forge(ident, seen, digest=True):
        """Puts another observation in the place of the newest one."""
        import hashlib

        content = handing_in.canonical(seen)
        with here.room.database.writing() as session:
            newest = session.scalars(select(Newest).where(Newest.member_id == here.number(ident))).one()
            row = session.get_one(Observation, newest.observation)
            if digest:
                session.add(
                    made := Observation(
                        digest=hashlib.sha256(content).hexdigest(), member_id=row.member_id, origin=row.origin,
                        taken=row.taken, received=row.received, data=zlib.compress(content),
                    )
                )  # fmt: skip
                session.flush()
                newest.observation = made.digest
            else:
                row.data = zlib.compress(content)

    with a_course(tmp_path, monkeypatch) as file:
        whole = first(file, BROKEN)
        for ident in ("ada", "grace", "li"):
            for minutes in (9, 8):
                here.observed(ident, "03-push/wrong-tag", ago=timedelta(minutes=minutes))
        forge("ada", here.observation("ada"))  # not signed
        forge("grace", here.room.key.signed(here.observation("grace")), digest=False)
        forge("li", here.room.key.signed(here.observation("ada", spread=1)))  # signed, and another's
        file.write_text(whole)
        page = instructor.get("/regrade").text
        assert page.count("Left out") == 1 and "not signed" in page and "changed after" in page
        assert "not from li" in page
        mended(instructor)
        assert [here.points(who) for who in ("ada", "grace", "li")] == [0, 0, 0]


def test_an_observation_can_be_taken_along_and_graded_elsewhere(here, instructor, tmp_path):
    from labkit import session

    here.observed("ada")
    text = instructor.get(f"/observation/{here.results('ada')[0].observation}").text
    file = tmp_path / "ada.json"
    file.write_text(text)
    public = here.opened.folder / "workshop.key.pub"
    report = session.regraded(["03-push"], file, session.Asked(learner="ada", signed_by=public))
    assert report.exit_code == 0


def test_a_limit_of_tries(here, instructor):
    """Recorded labs of 03-push were reset before each attempt, and their logs say so; of 02-tag there is none."""
    weights = {f"weight-{slug}": "1" for slug in EXERCISES}
    ada = here.browser("ada")
    assert "left" not in (page := ada.get("/me").text) and "tries" not in page.partition("My marks")[2]
    assert instructor.post("/workshop/settings", attempts="2", **weights).status_code == 303

    def left(slug):
        return re.search(rf"{slug} · [^<]*</a>: [^<]*· (\d) tr(?:y|ies) left", ada.get("/me").text)[1]

    for attempt, expected in (("typo", "2"), ("version", "1"), ("no-namespace", "0")):
        here.observed("ada", f"02-tag/wrong-{attempt}")
        assert left("02-tag") == expected
    assert here.observed("ada", "02-tag/right-as-printed")["changed"], "it is kept"
    assert (here.points("ada", "02-tag"), left("02-tag")) == (0, "0"), "and does not count"
    for attempt in ("tag", "latest", "namespace"):
        here.observed("ada", f"03-push/wrong-{attempt}")
        assert left("03-push") == "2"
    here.observed("ada")
    assert here.points("ada") == 4
    assert "left" not in re.search(r"03-push · [^<]*</a>: [^<]*", ada.get("/me").text)[0], "it is done"
    assert "after 2 tries" in ada.get("/me").text


# ── the board ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_board_is_told_within_two_seconds(here, instructor):
    with instructor.web.stream("GET", "/board/events") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        first = json.loads(next(lines)[6:])
        assert "0 of" in first and "Ada" not in first
        here.browser("ada")
        begun = time.monotonic()
        here.observed("ada")
        for line in lines:
            if '<strong class="big">1 of 1</strong>' in json.loads(line[6:]):
                break
        assert time.monotonic() - begun < 10  # two seconds where nothing else runs: bench/classroom.py


# ── laptops and faults ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.fault(
    "A laptop is offline, then online again", "what it queued comes in order, counts once, and is marked self-reported"
)
def test_an_open_tab_is_no_sign_of_life(here):
    """A stream asks its door again and again; only a page that is opened says that somebody is there."""

    def seen():
        with here.room.database.reading() as session:
            return people.by_ident(session, here.room.workshop(session), "ada").seen

    ada = here.browser("ada")
    ada.get("/me")
    before = seen()
    here.clock.ahead = timedelta(minutes=30)
    with ada.web.stream("GET", "/me/events") as stream:
        assert stream.status_code == 200
        assert next(line for line in stream.iter_lines() if line.startswith("data:"))
    assert seen() == before
    ada.get("/me")
    assert seen() > before


def test_a_laptop_that_was_offline(tmp_path):
    work = tmp_path / "work"
    with classroom(tmp_path / "rooms") as here:
        joined = here.laptop(work, "ada")
        assert (joined.learner, joined.person["username"]) == ("ada", here.room.key.person("ada").username)
        assert (work / queue.PLACE / "joined.json").stat().st_mode & 0o777 == 0o600
        assert json.loads(queue.values(work).read_bytes())["username"] == joined.person["username"]
        port = here.opened.socket.getsockname()[1]
        texts = []
        for minutes, attempt in ((0, "wrong-tag"), (20, "wrong-namespace"), (40, "right-as-printed")):
            here.clock.ahead = timedelta(minutes=minutes)
            texts.append(here.observation("ada", f"03-push/{attempt}").dump())
    for text in texts:
        assert queue.put(work, text, ("03-push",))
    assert not queue.put(work, texts[-1], ("03-push",))
    away = queue.send(work)
    assert (away.sent, away.left) == (0, 3) and "does not answer" in away.away
    with classroom_again(tmp_path, port) as here:
        here.clock.ahead = timedelta(minutes=60)
        assert queue.send(work, here.clock) == queue.Sent(sent=3)
        assert [one.done for one in here.results("ada")] == [False, False, True]
        assert {one.origin for one in here.results("ada")} == {"self-reported"}
        taken = [one.taken for one in here.results("ada")]
        assert [round((later - taken[0]).total_seconds() / 60) for later in taken] == [0, 20, 40]
        queue.put(work, texts[0], ("03-push",))
        assert queue.send(work, here.clock) == queue.Sent(again=1)
        assert len(here.results("ada")) == 3


def classroom_again(tmp_path, port):
    """The same classroom, opened again at the same port."""
    from unittest import mock

    from labkit.classroom import opening

    real = opening.Wanted
    with mock.patch.object(opening, "Wanted", lambda **given: real(**{**given, "port": port})):
        return _entered(classroom(tmp_path / "rooms"))


class _entered:
    """A context that was entered already, so that what it was made under may end."""

    def __init__(self, context):
        self.context, self.value = context, context.__enter__()

    def __enter__(self):
        return self.value

    def __exit__(self, *error):
        return self.context.__exit__(*error)


def test_what_the_classroom_refuses_is_put_aside(here, tmp_path):
    work = tmp_path / "work"
    here.laptop(work, "ada")
    queue.put(work, here.observation("grace").dump())
    sent = queue.send(work)
    assert (sent.sent, sent.left, len(sent.refused)) == (0, 0, 1) and "from grace" in sent.refused[0]
    assert len(list((work / queue.PLACE / "refused").iterdir())) == 1


@pytest.mark.attack(
    "identity",
    "Stand between a laptop and the classroom when it joins",
    "the code names the certificate: nothing is sent to another one",
)
def test_joining_somebody_else(here, tmp_path):
    token = here.token(LAPTOP, "ada")
    for code, told in (
        (f"{token}.{'0' * 32}", "certificate is another one"),
        (token, "not a code"),
        ("", "not a code"),
        (f"wrong.{here.room.fingerprint}", "has been used"),
    ):
        with pytest.raises(LabError, match=told):
            queue.join(tmp_path, here.room.address, code)
    for address in ("http://127.0.0.1:1", "https://", "127.0.0.1", "https://127.0.0.1:1"):
        with pytest.raises(LabError, match=r"not a classroom's address|does not answer"):
            queue.join(tmp_path, address, f"{token}.{here.room.fingerprint}")
    assert queue.join(tmp_path, here.room.address, f"{token}.{here.room.fingerprint}").learner == "ada"


@pytest.mark.fault("The database is full", "503 and a sentence; a laptop keeps what it has and sends it later")
def test_a_full_database(here, tmp_path):
    from sqlalchemy import event, text

    work = tmp_path / "work"
    here.laptop(work, "ada")
    for at in range(24):
        queue.put(
            work, here.observation("ada", f"03-push/{('wrong-tag', 'right-as-printed')[at % 2]}").dump(), ("03-push",)
        )
    engine = here.room.database.engine
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()

    def small(connection, *_):
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(engine, "connect", small)
    engine.dispose()
    sent = queue.send(work)
    assert sent.left > 0 and "full" in sent.away, sent
    assert len(here.results("ada")) == sent.sent
    event.remove(engine, "connect", small)
    engine.dispose()
    assert queue.send(work) == queue.Sent(sent=sent.left)
    assert len(here.results("ada")) == 24


def test_another_key_does_not_open_the_same_workshop(here, tmp_path):
    from labkit.classroom import opening
    from labkit.lab.owner import workshop as keys

    keys.new(tmp_path / "other.key", "spring")
    wanted = opening.Wanted("spring", tmp_path / "rooms", EXERCISES, "127.0.0.1", 0, key=tmp_path / "other.key")
    with pytest.raises(LabError, match="another key"):
        opening.open_(wanted)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".", "x" * 61, "a b"])
def test_a_name_that_is_none(tmp_path, name):
    from labkit.classroom import opening

    with pytest.raises(LabError, match="cannot be a workshop's name"):
        opening.open_(opening.Wanted(name, tmp_path, EXERCISES))


def test_the_simulated_class_is_played_against_a_real_classroom(tmp_path):
    import subprocess
    import sys

    words = [
        sys.executable,
        "-m",
        "labkit",
        "classroom",
        "demo",
        "--learners",
        "3",
        "--speed",
        "5000",
        "--port",
        "0",
        "--once",
        "--json",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["problems"] == [] and told["results"] > 10


def test_without_the_extra_the_command_says_what_to_install(monkeypatch):
    from labkit.classroom import needs

    monkeypatch.setattr(needs, "PACKAGES", ("sqlalchemy", "no_such_package"))
    with pytest.raises(LabError, match=r"not installed here: no_such_package") as told:
        needs.check()
    assert "pip install 'labkit[classroom]'" in told.value.fix


def test_a_lab_with_the_values_that_a_classroom_gave(here, tmp_path):
    from labkit.cli.up import _given
    from labkit.lab.plan import Plan

    here.laptop(tmp_path, "ada")
    file = queue.values(tmp_path)
    whose = here.room.key.person("ada")
    assert _given(file, "", "") == _given(file, "", "ada") == whose
    plan = Plan("lab", learner="ada", given=whose)
    assert Plan.from_labels([plan.labels()]).person == whose
    assert plan.grown(Plan("lab", learner="ada")).person == whose
    for other, learner in (("seed", ""), ("", "grace")):
        with pytest.raises(LabError, match="whose lab it is"):
            _given(file, other, learner)
    with pytest.raises(LabError, match="does not belong to this workshop"):
        Plan("lab", learner="ada").grown(plan)
    file.write_text("{")
    with pytest.raises(LabError, match="no values of a workshop"):
        _given(file, "", "")


def test_which_exercises_cannot_be_finished_without_jupyterlab(tmp_path):
    from labkit.classroom import opening

    with classroom(tmp_path, exercises=("01-login", "02-tag", "06-practice", "14-cloud")) as one:
        assert opening.with_questions(one.opened) == ("06-practice", "14-cloud")


def test_up_joins_the_classroom_first_and_only_once(here, tmp_path, monkeypatch, capsys):
    """`labkit up --join URL`, with the code on standard input."""
    from labkit.cli.up import _join
    from labkit.paths import Home

    home, address = Home("lab", tmp_path / "state", tmp_path / "work", tmp_path / "cache"), here.room.address
    code = f"{here.token(LAPTOP, 'ada')}.{here.room.fingerprint}"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{code}\n"))
    file = _join(home, address, None)
    assert file == queue.values(home.work)
    assert (queue.joined(home.work).learner, json.loads(file.read_text())["learner"]) == ("ada", "ada")
    told = capsys.readouterr()
    assert "as ada" in told.err
    assert code not in told.out + told.err
    assert _join(home, f"{address}/", None) == file  # there is no second code to read
    with pytest.raises(LabError, match="not a code for a machine"):
        _join(home, "https://127.0.0.1:1", None)  # another classroom
    with pytest.raises(LabError, match="brings the values"):
        _join(home, address, file)


def test_the_gradebook_is_that_of_the_board(here, instructor, tmp_path):
    from click.testing import CliRunner

    from labkit.classroom.gradebook import Gradebook
    from labkit.cli.main import cli

    here.observed("ada", "03-push/wrong-tag")
    here.observed("grace")
    path = f"/learner/{here.number('ada')}/03-push/overrule"
    assert instructor.post(path, earned="1.5", reason="The projector was dark").status_code == 303
    asked = ["classroom", "gradebook", "--folder", str(tmp_path / "rooms"), "--workshop"]
    told = CliRunner().invoke(cli, [*asked, "spring"])
    assert told.exit_code == 0, told.output
    book = Gradebook.parse(told.stdout)
    assert [one.id for one in book.learners] == ["ada", "grace", "li"]
    for ident in ("ada", "grace"):
        assert book.counting(ident, "03-push").points == here.points(ident)
    assert "The projector was dark" in book.counting("ada", "03-push").mark.overruled
    assert book.counting("li", "03-push") is None
    lost = CliRunner().invoke(cli, [*asked, "autumn"])
    assert lost.exit_code == 2 and "There is no workshop autumn" in lost.output
