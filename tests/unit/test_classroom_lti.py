"""Learning platforms joined to the classroom, over real HTTPS: from the launch to the mark, the roster, and what is refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from classrooms import EXERCISES, Classroom, Clock, classroom
from lti_platform import Platform, Running
from test_classroom_app import until as waited

from labkit.classroom.app.security import COOKIE
from labkit.classroom.lti import courier, launch, poster, scoring
from labkit.classroom.lti.launch import AGS, LTI, NRPS
from labkit.classroom.lti.platforms import Keys
from labkit.classroom.records import people

ROSTER = (
    b"id,name,email,section\nada,Ada Lovelace,ada@example.org,A\n"
    b"bob,Bob,BOB@example.org,B\ntwin1,T,twin@example.org,\ntwin2,T,twin@example.org,\n"
)


def until(look):
    """The value of a state that comes; with patience, since much may run beside this."""
    return waited(look, 60.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The pauses of the sender, which no test has to wait for."""
    monkeypatch.setattr(courier, "GATHER", 0.02)
    monkeypatch.setattr(poster, "LOOK", 0.05)
    monkeypatch.setattr(scoring, "FIRST", 0.2)
    monkeypatch.setattr(scoring, "PAUSE", 0.2)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    key = tmp_path_factory.mktemp("key")
    Keys(key).new(2048)
    with Running(Platform("moodle", None)) as moodle, Running(Platform("canvas", None)) as canvas:
        moodle.key = canvas.key = key
        yield {"moodle": moodle, "canvas": canvas}


@pytest.fixture
def moodle(both):
    both["moodle"].reset()
    return both["moodle"]


def written(folder, platform, more=""):
    """The TOML file with this platform; the tool's key is made once for all tests, since that takes seconds."""
    shutil.copytree(platform.key, folder / "rooms/spring/lti-keys", dirs_exist_ok=True)
    told = platform.registered()
    lines = [f"{name} = {json.dumps(getattr(told, name))}" for name in told.__struct_fields__[:6]]
    file = folder / "lti.toml"
    file.write_text("\n".join(["[[platform]]", *lines, 'deployments = ["1"]', more]))
    return file


class There:
    """A classroom to which a platform leads."""

    def __init__(self, here, platform):
        self.here, self.platform = here, platform
        platform.address = f"{here.room.address}/lti"
        platform.tool_keys = here.room.lti.keys

    def location(self, web):
        told = {"iss": self.platform.url, "login_hint": "7", "client_id": self.platform.client, "target_link_uri": "x"}
        answer = web.post("/lti/login", data=told)
        assert answer.status_code == 303
        return answer.headers["location"]

    def launch(self, web=None, frame=False, **claims):
        """The platform's message, in this browser; claims as `Platform.message` has them."""
        web = web or self.here.client()
        message = self.platform.message(self.location(web), **claims)
        kind = {"Sec-Fetch-Dest": "iframe" if frame else "document", "Sec-Fetch-Site": "cross-site"}
        return web.post("/lti/launch", data=message, headers=kind)

    def enter(self, **claims):
        """Somebody signs in from there."""
        web = self.here.client()
        answer = self.launch(web, **claims)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/me"), answer.text
        return web

    def score(self, user="ada", exercise="03-push"):
        return self.platform.results.get((user, exercise), {}).get("score")

    def sent(self, user="ada", exercise="03-push"):
        """How often the platform was told this learner's points."""
        item = next(one for one in self.platform.items.values() if one["tag"] == exercise)
        known = [pending.points for pending in self.here.room.lti.outbox.all() if pending.key.item == item["id"]]
        return len([one for one in self.platform.scores if one["userId"] == user]), known


def there(folder, platform, more="", **settings):
    return classroom(folder / "rooms", roster=ROSTER, lti=written(folder, platform, more), **settings)


@pytest.fixture
def joined(tmp_path, moodle):
    with there(tmp_path, moodle) as here:
        yield There(here, moodle)


# ── from the launch to the mark ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("character", ["moodle", "canvas"])
def test_from_the_launch_to_the_mark(tmp_path, both, character):
    """A learner comes in a frame, works, and the platform has the points: partial ones, late ones, and those of an instructor."""
    platform = both[character]
    platform.reset()
    with there(tmp_path, platform) as here:
        one = There(here, platform)
        web = here.client()
        page = one.launch(web, frame=True)
        assert page.status_code == 200 and COOKIE not in web.cookies
        assert f"frame-ancestors {platform.url};" in page.headers["content-security-policy"] + ";"
        assert "x-frame-options" not in page.headers
        token = re.search(r'name="token" value="([^"]+)"', page.text)[1]
        entered = web.post("/lti/enter", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"})
        assert entered.status_code == 303 and "samesite=lax" in entered.headers["set-cookie"].lower()
        mine = web.get("/me")
        assert "Ada Lovelace" in mine.text and mine.headers["x-frame-options"] == "DENY"
        assert web.post("/lti/enter", data={"token": token}).status_code == 403, "the button works once"
        bob = re.search(r'name="token" value="([^"]+)"', one.launch(web, frame=True, user="bob").text)[1]
        old = here.client(cookies={COOKIE: web.cookies[COOKIE]})
        assert web.post("/lti/enter", data={"token": bob}).status_code == 303 and "Bob" in web.get("/me").text
        assert old.get("/me").status_code == 303, "who was signed in there before is not any more"
        whole = here.observed("ada", "05-deploy/right-by-digest")["changed"][0]["points"]
        until(lambda: one.score(exercise="05-deploy") == whole)
        assert {tag for _, tag in platform.results} == {"05-deploy"}, "who has no mark has no score"
        assert {item["tag"] for item in platform.items.values()} == set(EXERCISES)
        column = next(item for item in platform.items.values() if item["tag"] == "04-pull")
        column["scoreMaximum"] = 100
        earned = here.observed("ada", "04-pull/wrong-tag")["changed"][0]
        share = earned["earned"] / earned["points"]
        until(lambda: one.score(exercise="04-pull") is not None)
        assert one.score(exercise="04-pull") == pytest.approx(100 * share)
        instructor, path = here.browser("instructor"), f"/learner/{here.number('ada')}/04-pull/overrule"
        assert instructor.post(path, earned="1", reason="The network was down").status_code == 303
        until(lambda: one.score(exercise="04-pull") == pytest.approx(100 / earned["points"]))
        if character == "canvas":
            assert platform.comments["ada", "04-pull"] == ["Set by hand: The network was down (instructor)"]
            assert not platform.attempts, "no score is a new attempt"
        assert instructor.post(path, back="yes", reason="It was not").status_code == 303
        until(lambda: one.score(exercise="04-pull") == pytest.approx(100 * share))
        path = f"/learner/{here.number('ada')}/02-tag/overrule"
        instructor.post(path, earned="1", reason="Said aloud")
        until(lambda: one.score(exercise="02-tag") == 1)
        instructor.post(path, back="yes", reason="Somebody else said it")
        until(lambda: one.score(exercise="02-tag") == 0)
        deadline = (here.clock() - timedelta(hours=1)).astimezone().strftime("%Y-%m-%dT%H:%M")
        weights = {f"weight-{slug}": "1" for slug in EXERCISES}
        instructor.post("/workshop/settings", deadline=deadline, late="50", self_reported="on", **weights)
        until(lambda: one.score(exercise="05-deploy") == whole / 2)
        assert {sent["gradingProgress"] for sent in platform.scores} == {"FullyGraded"}
        told = instructor.get("/lti-status").text
        assert "<strong>0</strong> waiting" in told and "<strong>0</strong> refused" in told


def test_grading_again_counts_once_it_is_confirmed(joined, monkeypatch):
    from labkit.classroom.records import handing_in, judging
    from labkit.grading.grade import grade_one

    here = joined.here
    joined.enter()
    whole = here.observed("ada")["changed"][0]["points"]
    until(lambda: joined.score() == whole)
    wrong = handing_in.kept  # a check was mended: what was right is wrong by today's content
    monkeypatch.setattr(judging.exercises, "version", _mended(judging.exercises.version))
    worse = here.observation("ada", "03-push/wrong-tag")
    monkeypatch.setattr(judging, "grade_one", lambda exercise, seen: grade_one(exercise, worse))
    instructor = here.browser("instructor")
    page = instructor.get("/regrade").text
    here.room.lti.courier.look()
    assert joined.score() == whole, "a list of what would change changes nothing"
    assert instructor.post("/regrade", token=re.search(r'name="token" value="([^"]+)"', page)[1]).status_code == 200
    until(lambda: joined.score() != whole)
    assert handing_in.kept is wrong


def _mended(version):
    def told():
        return "mended"

    told.cache_clear = version.cache_clear
    return told


def test_two_courses_get_their_own_learners(joined):
    """Each with links for exercises, which bring line items."""
    platform = joined.platform
    for number, course, user in (("1", "c1", "ada"), ("2", "c2", "bob")):
        item = {"id": f"{platform.url}/item/{number}?type_id=1", "tag": f"of-{course}", "scoreMaximum": 10}
        platform.items[number] = item
        ags = {"scope": [launch.SCORE], "lineitem": item["id"]}
        claims = {f"{LTI}context": {"id": course}, f"{AGS}claim/endpoint": ags, f"{LTI}custom": {"exercise": "03-push"}}
        joined.enter(user=user, **claims)
    for user in ("ada", "bob", "twin1"):
        joined.here.observed(user, spread=len(user))
    until(lambda: len(platform.results) == 2)
    assert set(platform.results) == {("ada", "of-c1"), ("bob", "of-c2")}


@pytest.mark.fault(
    "The learning platform is away, comes back, has lost a column, and refuses a learner",
    "The instructor sees what waits and what was refused, and sends all again; each learner has their points",
)
def test_away_back_and_sent_again(joined):
    here, platform = joined.here, joined.platform
    joined.enter()
    joined.enter(user="bob")
    instructor = here.browser("instructor")
    until(lambda: len(platform.items) == len(EXERCISES))
    platform.down = 503
    whole = here.observed("ada")["changed"][0]["points"]
    until(lambda: "503" in instructor.get("/lti-status").text)
    assert "<strong>1</strong> waiting" in instructor.get("/lti-status").text
    platform.down = 0
    until(lambda: joined.score() == whole)
    platform.members["bob"] = ["Mentor"]
    here.observed("bob", spread=3)
    until(lambda: "<strong>1</strong> refused" in instructor.get("/lti-status").text)
    assert "not a learner" in instructor.get("/lti-status").text
    platform.members["bob"] = ["Learner"]
    gone = next(number for number, item in platform.items.items() if item["tag"] == "03-push")
    del platform.items[gone]
    platform.results.clear()
    assert instructor.post("/lti-status/again").status_code == 303
    until(lambda: joined.score() == whole and joined.score("bob") == whole)
    assert platform.items[next(n for n, one in platform.items.items() if one["tag"] == "03-push")]["id"]


@pytest.mark.fault(
    "The classroom is killed after marks were kept, and before the learning platform has them",
    "after the next start it gets each of them, once",
)
def test_killed_and_started_again(tmp_path, moodle):
    (tmp_path / "roster.csv").write_bytes(ROSTER)
    file = written(tmp_path, moodle)

    def start():
        words = [
            "classroom",
            "up",
            "--workshop",
            "spring",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--json",
            "--no-labs",
            "--lti",
        ]
        words += [str(file), "--folder", str(tmp_path / "rooms"), "--learners", str(tmp_path / "roster.csv")]
        process = subprocess.Popen([sys.executable, "-m", "labkit", *words], stdout=subprocess.PIPE, text=True)
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        return process, json.loads(text)

    from labkit.classroom.app.room import Room
    from labkit.classroom.records.database import Database
    from labkit.lab.owner import workshop as keys

    process, told = start()
    folder = tmp_path / "rooms/spring"
    room = Room(
        Database(f"sqlite:///{folder / 'classroom.db'}"),
        1,
        keys.read(folder / "workshop.key"),
        told["address"],
        (folder / "tls/ca.pem").read_bytes(),
    )
    room.lti = type("Known", (), {"keys": Keys(folder / "lti-keys")})()
    here = Classroom(type("Opened", (), {"room": room, "folder": folder})(), Clock())
    one = There(here, moodle)
    web = here.client()
    answer = one.launch(web)
    assert answer.status_code == 303, answer.text
    until(lambda: len(moodle.items) == len(EXERCISES))
    whole = here.observed("ada")["changed"][0]["points"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    before = len(moodle.scores)
    process, told = start()
    try:
        until(lambda: one.score() == whole)
        room.address = told["address"]
        here.observed("ada", "02-tag/right-as-printed")
        until(lambda: one.score(exercise="02-tag"))
        assert len(moodle.scores) == max(1, before) + 1, "nothing twice"
    finally:
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
        process.stdout.close()
        here.close()
        room.database.close()


# ── who comes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.attack(
    "identity",
    "Replay a learning platform's message at the classroom, or change its audience or its nonce",
    "nobody is signed in",
)
def test_what_is_no_launch(joined):
    web = joined.here.client()
    message = joined.platform.message(joined.location(web))
    cookies = dict(web.cookies)
    plainly = {"Sec-Fetch-Dest": "document"}
    assert web.post("/lti/launch", data=message, headers=plainly).status_code == 303
    again = joined.here.client(cookies=cookies)
    refused = again.post("/lti/launch", data=message, headers=plainly)
    assert refused.status_code == 400 and COOKIE not in again.cookies
    assert "frame-ancestors" in refused.headers["content-security-policy"], "the platform's frame shows why"
    for wrong in ({"aud": "another"}, {"nonce": "another"}, {"exp": 1}):
        other = joined.here.client()
        assert joined.launch(other, **wrong).status_code == 400 and COOKIE not in other.cookies
    assert len(joined.here.log("signed-in")) == 1


@pytest.mark.attack(
    "identity",
    "Come from a learning platform with an e-mail address that is another learner's, is two learners', or is nobody's",
    "the first who came stays who they are; the others are refused and logged",
)
def test_who_is_nobody_here(joined):
    joined.enter()
    for user, email in (
        ("eve", "ada@example.org"),
        ("eve", "twin@example.org"),
        ("eve", "eve@example.org"),
        ("eve", ""),
    ):
        answer = joined.launch(user=user, email=email or None)
        assert answer.status_code == 403, email
    assert "not on the roster" in joined.launch(user="eve").text
    assert joined.launch(user="eve", email="\u212aaren@example.org").status_code == 403, (
        "a sign that looks like K is none"
    )
    told = [one.what for one in joined.here.log(people.REFUSED)]
    assert len(told) == 6 and "eve" in told[0] and "already" in told[0] and "Several" in told[1]
    joined.enter(email="renamed@example.org")
    assert len(joined.here.log("signed-in")) == 2, "who has come once is known by the platform's own number"


def test_who_is_not_on_the_roster_is_added_where_the_instructor_allows_it(tmp_path, moodle):
    with there(tmp_path, moodle, 'enroll = true\nlearner = "subject"\ncourses = ["c1"]') as here:
        one = There(here, moodle)
        moodle.members["instructor"] = ["Learner"]
        assert "Eve" in one.enter(user="eve", name="Eve <b>").get("/me").text
        assert one.launch(user="instructor").status_code == 403, "an id that somebody has"
        assert one.launch(user="fay", **{f"{LTI}context": {"id": "c2"}}).status_code == 403
        assert {member.ident for member in _learners(here)} == {"ada", "bob", "twin1", "twin2", "eve"}
        assert here.log("roster")[-1].what == "added from moodle"


def _learners(here):
    with here.room.database.reading() as session:
        return people.learners(session, here.room.workshop(session))


@pytest.mark.attack(
    "identity",
    "Teach some course of a learning platform, and open the board from there",
    "only teachers of the courses that the instructor names, and never as somebody who is there already",
)
def test_who_teaches_opens_the_board_where_the_platform_is_trusted(tmp_path, joined, moodle):
    assert joined.launch(user="tom").status_code == 403
    with there(tmp_path / "trusted", moodle, 'teachers = true\ncourses = ["c1"]') as here:
        one, web = There(here, moodle), here.client()
        assert one.launch(user="tom", **{f"{LTI}context": {"id": "c2"}}).status_code == 403
        answer = one.launch(web, user="tom", name="instructor")
        assert answer.headers["location"] == "/board"
        assert web.get("/workshop").status_code == 200
        ids = {line.what: line.member_id for line in here.log("signed-in")}
        assert ids["from moodle"] != here.number("instructor"), "a name makes nobody somebody else"
        moodle.members["tom"] = ["Learner"]
        assert one.launch(user="tom").status_code == 403
        assert web.get("/board").status_code == 200, "what was refused changes nothing"


@pytest.fixture(autouse=True)
def folders(tmp_path):
    (tmp_path / "trusted").mkdir()


def test_a_button_from_another_site_signs_nobody_in(joined):
    page = joined.launch(frame=True).text
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    web = joined.here.client()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert web.post("/lti/enter", data={"token": token}, headers=headers).status_code == 403
    joined.here.clock.ahead = timedelta(minutes=6)
    assert web.post("/lti/enter", data={"token": token}).status_code == 403


# ── links and the roster ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_teacher_chooses_what_a_link_is_for(joined):
    web = joined.here.client()
    message = joined.platform.choosing(joined.location(web), accept_multiple=True)
    page = web.post("/lti/launch", data=message, headers={"Sec-Fetch-Dest": "iframe"})
    assert page.status_code == 200 and page.text.count('name="JWT"') == 2 + len(EXERCISES)
    policy = page.headers["content-security-policy"]
    assert f"form-action 'self' {joined.platform.url};" in policy and "x-frame-options" not in page.headers
    assert joined.launch(user="tom").status_code == 403


def test_the_roster_is_taken_after_it_was_shown(joined):
    here, platform = joined.here, joined.platform
    joined.enter()
    platform.members |= {"eve": ["Learner"], "instructor": ["Learner"]}
    instructor = here.browser("instructor")
    number = re.search(r'name="course" value="(\d+)"', instructor.get("/lti-status").text)[1]
    page = instructor.post("/lti-status/roster", course=number).text
    assert "2 to be added" in page and "eve@example.org" in page
    assert "1 on the roster, found there for the first time" in page and "bob (Bob) is Bob there" in page
    assert "Tom" not in page and len(_learners(here)) == 4, "nothing has changed yet"
    token = re.search(r'name="token" value="([0-9a-f]{64})"', page)[1]
    platform.members["fay"] = ["Learner"]
    assert instructor.post("/lti-status/roster/take", course=number, token=token).status_code == 409
    del platform.members["fay"]
    assert instructor.post("/lti-status/roster/take", course=number, token=token).status_code == 303
    assert {one.ident for one in _learners(here)} >= {"eve@example.org", "instructor@example.org", "bob"}
    assert next(one.name for one in _learners(here) if one.ident == "ada") == "Ada", "the platform's names count"
    here.observed("bob")
    until(lambda: joined.score("bob"))
    platform.down = 503
    assert "503" in instructor.post("/lti-status/roster", course=number).text
    assert instructor.post("/lti-status/roster", course="99").status_code == 404
    platform.down = 0
    del platform.members["bob"]
    assert "no longer in this course" in instructor.post("/lti-status/roster", course=number).text
    joined.enter(**{f"{NRPS}claim/namesroleservice": None})


def test_the_pages_are_the_instructors(joined):
    ada = joined.here.browser("ada")
    assert ada.get("/lti-status").status_code == 403
    for path in ("/lti-status/again", "/lti-status/roster", "/lti-status/roster/take"):
        assert ada.post(path, course="1").status_code == 403
    assert "/lti-status" in joined.here.browser("instructor").get("/workshop").text


def test_without_platforms_there_are_no_such_pages(tmp_path):
    with classroom(tmp_path / "rooms") as here:
        assert here.client().post("/lti/login").status_code in (404, 405)
        assert "/lti-status" not in here.browser("instructor").get("/workshop").text
