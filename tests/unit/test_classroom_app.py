"""The classroom over real HTTPS: what people see and do, what is refused, and what holds when things break."""

import csv
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
from labkit.classroom.records import people
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
    marks = instructor.get("/marks").text
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
    assert "Ada" in tim.get("/marks").text and "Hopper" not in tim.get("/marks").text
    assert tim.get(f"/learner/{here.number('grace')}").status_code == 404
    assert tim.get(f"/learner/{here.number('ada')}").status_code == 200
    here.observed("grace")
    digest = here.results("grace")[0].observation
    assert (tim.get(f"/observation/{digest}").status_code, instructor.get(f"/observation/{digest}").status_code) == (
        404,
        200,
    )
    assert (tim.get("/workshop").status_code, tim.post("/message", text="x").status_code) == (403, 403)
    assert tim.get("/board/data?section=B").json()["learners"] == 2


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
    assert instructor.post("/message", text="  ").status_code == 409
    assert instructor.post(f"/learner/{number}/lower").status_code == 303
    page = ada.get("/me").text
    assert "Read\nthe name" in page and "Five more minutes" in page and "Raise my hand" in page
    assert "Read" not in here.browser("grace").get("/me").text


@pytest.mark.fault("Texts of 100,000 characters", "they are kept whole; a longer one is refused with a sentence")
def test_long_texts(here, instructor):
    slug = "06-practice"
    assert (
        instructor.post("/workshop/settings", **{"weight-06-practice": "2", "self_reported": "on"}).status_code == 303
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
    from labkit.classroom.records import judging

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
        page = instructor.get("/regrade").text
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


def test_an_observation_can_be_taken_along_and_graded_elsewhere(here, instructor, tmp_path):
    from labkit import session

    here.observed("ada")
    text = instructor.get(f"/observation/{here.results('ada')[0].observation}").text
    file = tmp_path / "ada.json"
    file.write_text(text)
    public = here.opened.folder / "workshop.key.pub"
    report = session.regraded(["03-push"], file, session.Asked(learner="ada", signed_by=public))
    assert report.exit_code == 0


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
