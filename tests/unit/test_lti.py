"""The tool, against a platform of the tests' own with two characters (lti_platform)."""

import itertools
import json
import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import jwt
import pytest
from click.testing import CliRunner
from lti_platform import ROLE, Platform, Running, a_key
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from labkit.classroom.gradebook import Gradebook, Ids, Item, Learner, Mark, Review
from labkit.classroom.lti import checking, platforms, poster
from labkit.classroom.lti import launch as launches
from labkit.classroom.lti.launch import AGS, LTI, NRPS
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.platforms import Keys
from labkit.classroom.lti.scoring import Answer, Key, stamp_text
from labkit.classroom.lti.services import Careful, Services
from labkit.classroom.lti.tool import LARGEST, Tool
from labkit.cli.main import cli
from labkit.errors import LabError

ADDRESS = "https://tool.example/lti"
ITEMS = (
    Item(exercise="00-read", title="Read", maximum=0),
    Item(exercise="01-login", title="Sign in <b>", maximum=4),
    Item(exercise="03-push", title="Push", maximum=10),
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    made = Keys(tmp_path_factory.mktemp("lti") / "keys")
    made.new(2048)
    return made


@pytest.fixture(scope="module")
def both(keys):
    with Running(Platform("moodle", keys)) as moodle, Running(Platform("canvas", keys)) as canvas:
        yield {"moodle": moodle, "canvas": canvas}


@pytest.fixture(params=["moodle", "canvas"])
def platform(request, both):
    both[request.param].reset()
    return both[request.param]


@pytest.fixture
def moodle(both):
    both["moodle"].reset()
    return both["moodle"]


class Classroom:
    """The tool in an app, and a browser."""

    def __init__(self, platform, keys, folder, clock=time.time):
        self.platform, self.launches = platform, []
        self.outbox = Outbox(folder / "scores.sqlite")
        self.registered = (platform.registered(),)
        tool = Tool(ADDRESS, self.registered, keys, self.outbox, clock)
        app = Starlette()
        app.router.routes.append(
            Mount("/lti", routes=tool.routes(self.welcome, self.choose, lambda: ("spring", ITEMS)))
        )
        self.browser = TestClient(app, base_url="https://tool.example", follow_redirects=False)
        self.services = Services(self.registered, keys)

    async def welcome(self, request, launched):
        self.launches.append(launched)
        return PlainTextResponse(f"Hello {launched.name}")

    async def choose(self, request, launched, back, choices):
        self.back, self.choices = back, choices
        return PlainTextResponse("choose")

    def login(self, **changes):
        told = {
            "iss": self.platform.url,
            "login_hint": "7",
            "client_id": self.platform.client,
            "target_link_uri": "https://evil.example/",
        }
        return self.browser.post(
            "/lti/login", data={name: value for name, value in (told | changes).items() if value is not None}
        )

    def launch(self, **claims):
        return self.browser.post("/lti/launch", data=self.platform.message(self.login().headers["location"], **claims))


@pytest.fixture
def classroom(moodle, keys, tmp_path):
    return Classroom(moodle, keys, tmp_path)


# Signing in


def test_a_learner_signs_in(platform, keys, tmp_path):
    classroom = Classroom(platform, keys, tmp_path)
    answer = classroom.launch()
    assert (answer.status_code, answer.text) == (200, "Hello Ada")
    found = classroom.launches[0]
    assert (found.subject, found.email, found.roles, found.teaches) == ("ada", "ada@example.org", {"learner"}, False)
    assert (found.context, found.title, found.link, found.deployment) == ("c1", "Spring", "r1", "1")
    assert found.learner.ids == Ids(issuer=platform.url, subject="ada")


def test_the_login_leads_to_the_platform_alone_and_sets_a_cookie_for_this_host(classroom):
    answer = classroom.login()
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{classroom.platform.url}/auth?")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-lti-state-")
    assert {"Secure", "HttpOnly", "SameSite=None", "Path=/", "Partitioned", "Max-Age=300"} <= set(cookie.split("; "))
    assert "evil.example" not in answer.headers["location"]


@pytest.mark.parametrize(
    "wrong", [{"iss": None}, {"iss": "https://evil.example"}, {"client_id": "another"}, {"login_hint": None}]
)
def test_a_login_from_elsewhere_is_refused(classroom, wrong):
    answer = classroom.login(**wrong)
    assert answer.status_code == 400 and "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_login_without_a_client_is_for_the_only_one(classroom):
    assert classroom.login(client_id=None).status_code == 303


def test_two_logins_at_once_do_not_mix(classroom):
    first, second = classroom.login().headers["location"], classroom.login().headers["location"]
    for location in (second, first):
        assert classroom.browser.post("/lti/launch", data=classroom.platform.message(location)).status_code == 200


AUD = {"aud": ["another", "the-client"]}


@pytest.mark.attack(
    "identity",
    "A learning platform's message that is forged, expired, for another tool or deployment, or signed with no key or another",
    "it is refused in a sentence; nobody is signed in",
)
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"iss": "https://evil.example"}, "registered"),
        ({"aud": "another"}, "registered"),
        (AUD, "registered"),
        ({"aud": ["the-client", "another"]}, "several tools"),
        ({"aud": ["the-client", "another"], "azp": "another"}, "several tools"),
        ({"aud": None}, "registered"),
        ({f"{LTI}deployment_id": "2"}, "deployment"),
        ({f"{LTI}deployment_id": None}, "deployment_id"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "exp"),
        ({"iat": int(time.time()) + 9999}, "not yet valid"),
        ({"iat": None}, "iat"),
        ({"nonce": "another"}, "Nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({f"{LTI}version": "1.1"}, "version"),
        ({f"{LTI}message_type": "Other"}, "message type"),
        ({"algorithm": "none"}, "public key"),
        ({"algorithm": "HS256"}, "public key"),
        ({"key": a_key("first", 1)}, "Signature"),
        ({"key": a_key("unknown")}, "public key"),
        ({"header": {"kid": ""}}, "KID"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else ",".join(value)
    ),  # names alone: keys and times differ from worker to worker
)
def test_a_forged_or_old_message_is_refused(classroom, wrong, told):
    answer = classroom.launch(**wrong)
    assert answer.status_code == 400, answer.text
    assert told.lower() in answer.text.lower()
    assert answer.headers["content-type"].startswith("text/plain")
    assert classroom.launches == []


def test_a_message_for_several_tools_that_names_this_one_is_taken(classroom):
    assert classroom.launch(aud=["the-client", "another"], azp="the-client").status_code == 200


def test_a_clock_that_is_a_little_wrong_refuses_nobody(classroom):
    now = int(time.time())
    assert classroom.launch(iat=now + 30, exp=now + 300).status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"state": "x"},
        {"id_token": "x", "state": "x"},
        {"id_token": "a.b.c", "state": ""},
        {"id_token": "W10.W10.W10"},
        {"id_token": "bnVsbA.bnVsbA.x"},
    ],
)
def test_what_is_no_message_is_refused_in_a_sentence(classroom, data):
    state = urlsplit(classroom.login().headers["location"]).query.split("state=")[1].split("&")[0]
    answer = classroom.browser.post("/lti/launch", data={"state": state} | data)
    assert answer.status_code == 400 and "Traceback" not in answer.text


@pytest.mark.attack(
    "identity",
    "A learning platform's message sent twice, with its cookie and without",
    "it is taken once",
)
def test_the_same_message_is_taken_once(classroom):
    message = classroom.platform.message(classroom.login().headers["location"])
    cookies = dict(classroom.browser.cookies)
    assert classroom.browser.post("/lti/launch", data=message).status_code == 200
    again = classroom.browser.post("/lti/launch", data=message)
    assert again.status_code == 400 and "State not found" in again.text, "the browser has forgotten the login"
    classroom.browser.cookies.update(cookies)
    again = classroom.browser.post("/lti/launch", data=message)
    assert again.status_code == 400 and "used before" in again.text
    assert len(classroom.launches) == 1


@pytest.mark.attack(
    "pages",
    "Request forgery: the attacker's own sign-in from a learning platform, in your browser",
    "your browser did not ask for it: it is refused",
)
def test_a_message_of_another_browser_is_refused(classroom):
    """Request forgery: an attacker's own sign-in, in the victim's browser."""
    message = classroom.platform.message(classroom.login().headers["location"], user="bob")
    classroom.browser.cookies.clear()
    assert classroom.browser.post("/lti/launch", data=message).status_code == 400
    classroom.login()
    assert classroom.browser.post("/lti/launch", data=message).status_code == 400
    assert classroom.launches == []


def test_a_platform_changes_its_key(classroom):
    assert classroom.launch().status_code == 200
    old = classroom.platform.keys[0]
    classroom.platform.keys[:] = [a_key("second")]
    assert classroom.launch().status_code == 200
    assert classroom.launch(key=old).status_code == 400


def test_a_platform_without_its_keys_is_told(classroom):
    location = classroom.login().headers["location"]
    message = classroom.platform.message(location)
    classroom.platform.keys.clear()
    answer = classroom.browser.post("/lti/launch", data=message)
    assert answer.status_code == 400 and "public key" in answer.text


def test_a_message_that_is_too_long_is_not_read(classroom):
    answer = classroom.browser.post("/lti/launch", data={"id_token": "x" * LARGEST})
    assert answer.status_code == 413


def test_names_come_as_text(classroom):
    classroom.launch(
        name="<script>\x00",
        email=None,
        **{f"{LTI}context": "odd", f"{AGS}claim/endpoint": [], f"{NRPS}claim/namesroleservice": 1},
    )
    assert classroom.launches[0].name == "<script>\x00"
    assert (classroom.launches[0].context, classroom.launches[0].members) == ("", "")


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([f"{ROLE}Learner"], {"learner"}),
        (["Learner"], {"learner"}),
        ([f"{ROLE}Instructor"], {"instructor"}),
        (["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"], {"assistant"}),
        (["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"], set()),
        (["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator", 7], set()),
        (["urn:lti:sysrole:ims/lis/Instructor"], set()),
        ("Instructor", set()),
        (None, set()),
    ],
)
def test_only_roles_in_the_course_count(told, found):
    assert launches.roles(told) == found


# Links, names and roles, line items


def links(choices):
    return {
        one.name: jwt.decode(one.answer, options={"verify_signature": False})[f"{launches.DEEP}content_items"]
        for one in choices
    }


def test_a_teacher_makes_a_link_for_an_exercise(classroom, keys):
    message = classroom.platform.choosing(classroom.login().headers["location"], accept_multiple=True)
    assert classroom.browser.post("/lti/launch", data=message).status_code == 200
    assert classroom.back == f"{classroom.platform.url}/links"
    found = links(classroom.choices)
    whole, all_ = "The whole workshop, with one link", "All exercises, a link for each"
    assert list(found) == [whole, all_, "00-read Read", "01-login Sign in <b>", "03-push Push"]
    one = found["03-push Push"][0]
    column = {"scoreMaximum": 10, "tag": "03-push", "label": "Push", "resourceId": "spring"}
    assert (one["url"], one["custom"], one["lineItem"]) == (f"{ADDRESS}/launch", {"exercise": "03-push"}, column)
    assert "lineItem" not in found["00-read Read"][0] and "lineItem" not in found[whole][0]
    assert len(found[all_]) == 3
    public = jwt.PyJWK(keys.published()["keys"][-1]).key
    claims = jwt.decode(classroom.choices[0].answer, public, ["RS256"], audience=classroom.platform.url)
    assert claims["iss"] == classroom.platform.client


@pytest.mark.attack(
    "identity",
    "A learner adds links to the course; a link's way back leads to a script or away from TLS",
    "only teachers add links; the way back must be https",
)
@pytest.mark.parametrize(
    ("user", "settings", "status"),
    [
        ("ada", {}, 403),
        ("tom", {"deep_link_return_url": "javascript:alert(1)"}, 400),
        ("tom", {"deep_link_return_url": "http://evil.example"}, 400),
    ],
)
def test_who_may_not_make_links_and_where_they_do_not_go(classroom, user, settings, status):
    message = classroom.platform.choosing(classroom.login().headers["location"], user, **settings)
    assert classroom.browser.post("/lti/launch", data=message).status_code == status


def test_names_and_roles_come_page_by_page_and_teachers_are_no_learners(classroom):
    classroom.launch()
    found = classroom.services.members(classroom.launches[0].course)
    assert [(one.id, one.name, one.ids.issuer) for one in found] == [
        ("ada", "Ada", classroom.platform.url),
        ("bob", "Bob", classroom.platform.url),
    ]
    classroom.launch(**{f"{NRPS}claim/namesroleservice": None})
    with pytest.raises(LabError, match="names and roles"):
        classroom.services.members(classroom.launches[1].course)


def test_line_items_are_made_once_and_none_for_an_exercise_without_points(classroom):
    classroom.launch()
    made = classroom.services.line_items(classroom.launches[0].course, ITEMS, "spring")
    assert set(made) == {"01-login", "03-push"}
    assert classroom.services.line_items(classroom.launches[0].course, ITEMS, "spring") == made
    assert classroom.services.line_items(classroom.launches[0].course, ITEMS, "autumn") != made
    assert len(classroom.platform.items) == 4


def test_a_link_for_one_exercise_brings_its_own_line_item(classroom):
    """What a link brought stays; what is tagged there is found; nothing is made that nobody asked for."""
    classroom.launch(**{f"{LTI}custom": {"exercise": "03-push"}})
    course = classroom.launches[0].course
    assert not course.whole and classroom.services.line_items(course, ITEMS, "spring") == {}
    made = {
        "resourceId": "spring",
        "tag": "01-login",
        "scoreMaximum": 4,
        "id": f"{classroom.platform.url}/item/7?type_id=1",
    }
    classroom.platform.items["7"] = made
    own = {"01-login": "https://gone.example/item/9"}
    assert classroom.services.line_items(course, ITEMS, "spring", own) == {"01-login": made["id"]}
    classroom.launch(**{f"{AGS}claim/endpoint": {"scope": [launches.SCORE], "lineitem": "https://x.example/item/9"}})
    with pytest.raises(LabError, match="line items"):
        classroom.services.line_items(classroom.launches[1].course, ITEMS, "spring")


# Scores


class Clock:
    def __init__(self, now=1_900_000_000.9):
        self.now = now

    def __call__(self):
        return self.now


class Sending:
    """An outbox, a platform with line items, and a clock that the test sets."""

    def __init__(self, classroom):
        classroom.launch()
        self.platform, self.outbox, self.services = classroom.platform, classroom.outbox, classroom.services
        self.items = self.services.line_items(classroom.launches[0].course, ITEMS, "spring")
        self.clock = Clock()

    def key(self, user="ada", exercise="03-push"):
        return Key(issuer=self.platform.url, client=self.platform.client, item=self.items[exercise], user=user)

    def put(self, points, user="ada", comment="", maximum=10):
        return self.outbox.put(self.key(user), points, maximum, self.clock(), comment)

    def step(self, seconds=0.0):
        self.clock.now += seconds
        return poster.step(self.outbox, self.services.post, self.clock)

    def result(self, user="ada", exercise="03-push"):
        return self.platform.results[user, exercise]["score"]


@pytest.fixture
def sending(platform, keys, tmp_path):
    return Sending(Classroom(platform, keys, tmp_path))


def test_raw_points_go_with_the_exercises_maximum_and_the_platform_rescales(sending):
    sending.platform.items["2"]["scoreMaximum"] = 100
    sending.put(7.5)
    assert sending.step().open is False
    assert sending.result() == 75
    sent = sending.platform.scores[0]
    assert (sent["scoreGiven"], sent["scoreMaximum"], sent["gradingProgress"]) == (7.5, 10, "FullyGraded")
    assert sent["timestamp"] == "2030-03-17T17:46:40.000+00:00"
    assert sent["https://canvas.instructure.com/lti/submission"] == {"new_submission": False}


def test_many_changes_of_a_mark_are_all_taken(sending):
    """More than Canvas's limit of attempts, each in the same second by our clock but for the pause."""
    for points in range(8):
        sending.put(points)
        assert sending.step(2).problem == ""
    assert sending.result() == 7
    stamps = [sent["timestamp"] for sent in sending.platform.scores]
    assert stamps == sorted(set(stamps)) and len(stamps) == 8


def test_two_changes_within_two_seconds_are_one_score_the_newest(sending):
    sending.put(1)
    sending.step()
    for points in (2, 3, 4):
        sending.put(points)
        assert sending.step(0.5) is None
    assert sending.step(0.6) is not None
    assert [sent["scoreGiven"] for sent in sending.platform.scores] == [1, 4]
    assert sending.step(100) is None


def test_what_changes_while_it_is_under_way_is_sent_too(sending):
    sending.put(1)
    taken = sending.outbox.take(sending.clock())
    sending.put(5)
    assert sending.step(1) is None, "one sender at a time"
    assert sending.outbox.answered(taken, *sending.services.post(taken)[:2], sending.clock()).open
    sending.step(2)
    assert sending.result() == 5


@pytest.mark.fault(
    "The clock goes back by a day while scores are sent",
    "Times keep rising for each learner and exercise; no score waits a day",
)
def test_the_clock_goes_back_a_day(sending):
    sending.put(1)
    sending.step()
    sending.put(2)
    sending.clock.now -= 86_400
    assert sending.step().problem == "", "what was kept by a clock ahead does not wait a day"
    assert sending.result() == 2


@pytest.mark.fault(
    "The memory of what was sent to a learning platform is lost",
    "Later and later times, until the platform takes the score",
)
def test_the_memory_of_what_was_sent_is_lost(sending, tmp_path):
    """A new outbox with a clock that is an hour behind the platform's record: later and later timestamps until it is taken."""
    sending.put(1)
    sending.step()
    sending.outbox = Outbox(tmp_path / "new.sqlite")
    sending.clock.now -= 3600
    sending.put(2)
    tries = 0
    while sending.step(2).open:
        tries += 1
        assert tries < 6
    assert sending.result() == 2
    sending.put(3)
    assert sending.step(2).problem == "" and sending.result() == 3


def test_it_is_not_tried_for_ever(sending, tmp_path):
    sending.put(1)
    sending.step()
    sending.platform.results["ada", "03-push"]["at"] += 1e9
    sending.put(2)
    for _ in range(10):
        sending.step(2)
    stuck = sending.outbox.find(sending.key())
    assert stuck.stuck and ("409" in stuck.problem or "400" in stuck.problem)
    sending.put(3)
    assert not sending.outbox.find(sending.key()).stuck, "a new mark is tried anew"


def test_the_scores_of_a_platform_that_is_away_wait_together(sending):
    for user in ("ada", "bob"):
        sending.put(3, user=user)
    sending.platform.down = 503
    asked = sending.step()
    assert asked.open and sending.step(4.9) is None, "bob's is not tried in between"
    elsewhere = Key(issuer="https://elsewhere.example", client="x", item="https://elsewhere.example/1", user="u")
    sending.outbox.put(elsewhere, 1, 1, sending.clock())
    assert sending.step().key == elsewhere, "another platform's do not wait for it"
    sending.platform.down = 0
    while sending.step(5):
        pass
    assert (sending.result(), sending.result("bob")) == (3, 3)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_platform_that_is_away_is_tried_again(sending, status):
    sending.put(3)
    sending.platform.down = status
    assert sending.step().open
    sending.platform.down = 0
    sending.step(5)
    assert sending.result() == 3


@pytest.mark.fault(
    "The learning platform is away",
    "Its scores are tried again for a day, with growing pauses, then told; a new mark starts anew",
)
def test_it_is_tried_for_a_day(sending):
    sending.put(3)
    post, sending.services.post = sending.services.post, lambda _: (Answer.LATER, "away", 0.0)
    begun, pauses = sending.clock.now, []
    while (standing := sending.outbox.find(sending.key())).open:
        wait = max(0.0, standing.next - sending.clock.now)
        sending.step(wait)
        pauses.append(wait)
    assert 86_400 <= sending.clock.now - begun <= 86_400 + 2 * 3600
    assert pauses[1:4] == [5, 10, 20] and max(pauses) == 3600 and len(pauses) < 50
    assert sending.outbox.find(sending.key()).stuck
    sending.services.post = post
    sending.put(3)
    sending.step(5)
    assert sending.result() == 3


def test_a_clock_that_jumps_by_a_day_ends_nothing(sending):
    sending.put(3)
    sending.platform.down = 503
    sending.step()
    assert sending.step(90_000).open
    sending.platform.down = 0
    sending.step(60)
    assert sending.result() == 3


def test_a_platform_says_how_long_to_wait(sending):
    sending.put(3)
    sending.platform.down, sending.platform.headers = 503, {"retry-after": "900"}
    assert sending.step().next == sending.clock.now + 900
    sending.platform.down = 0
    assert sending.step(899) is None
    sending.step(1)
    assert sending.result() == 3


def test_a_platform_that_does_not_answer_at_all(sending):
    sending.put(3)
    sending.services = Services(
        (sending.platform.registered(token="http://127.0.0.1:9/token"),), sending.platform.tool_keys
    )
    assert sending.step().open
    assert "ConnectionError" in sending.outbox.find(sending.key()).problem


def test_a_token_that_the_platform_forgot_is_fetched_anew(sending):
    sending.put(3)
    sending.step()
    sending.put(4)
    sending.platform.tokens.clear()
    assert sending.step(3).open
    sending.step(10)
    assert sending.result() == 4


def test_a_tool_key_that_the_platform_does_not_know_yet_ends_nothing(sending, tmp_path):
    stranger = Keys(tmp_path / "other")
    stranger.new(2048)
    sending.put(3)
    sending.services = Services((sending.platform.registered(),), stranger)
    standing = sending.step()
    assert standing.open and "400" in standing.problem


def test_what_a_platform_will_never_take_is_left(sending):
    sending.put(3, user="tom")
    standing = sending.step()
    assert standing.stuck and "not a learner" in standing.problem
    assert sending.step(9999) is None


def test_a_comment_goes_once(sending):
    for points in (1, 2):
        sending.put(points, comment="Look again at tags.")
        sending.step(3)
    sending.put(2, comment="Better.")
    sending.step(3)
    assert [sent.get("comment") for sent in sending.platform.scores] == ["Look again at tags.", None, "Better."]


def test_the_same_result_twice_is_sent_once(sending):
    sending.put(3)
    sending.step()
    sending.put(3)
    assert sending.step(100) is None
    assert len(sending.platform.scores) == 1


@pytest.mark.parametrize(
    ("points", "maximum"),
    [(float("nan"), 1), (1, float("inf")), (float("inf"), float("inf")), (-1, 1), (2, 1), (0, 0), (True, 1)],
)
def test_what_is_no_score_is_never_kept(tmp_path, points, maximum):
    outbox = Outbox(tmp_path / "x")
    with pytest.raises(ValueError):
        outbox.put(Key(issuer="i", client="c", item="x", user="u"), points, maximum, 0)
    assert outbox.all() == []


@pytest.mark.fault(
    "The sender of scores dies after the platform has a score, and before it is noted",
    "The score is sent again with a later time; none is lost",
)
def test_a_process_that_dies_loses_nothing_and_uses_no_timestamp_twice(sending, tmp_path):
    sending.put(6)
    lost = sending.outbox.take(sending.clock())
    sending.services.post(lost)  # the platform has it, and nobody learned of it
    sending.outbox = Outbox(tmp_path / "scores.sqlite")
    assert sending.step(30) is None
    assert sending.step(31).problem == ""
    assert sending.result() == 6
    first, second = (sent["timestamp"] for sent in sending.platform.scores)
    assert first < second


def test_a_gradebook_fills_the_outbox(sending):
    known = Learner(id="ada", ids=Ids(issuer=sending.platform.url, subject="ada"))
    other = Learner(id="eve", ids=Ids(issuer="https://elsewhere.example", subject="bob"))
    at = datetime.now(UTC)
    marks = tuple(
        Mark(learner=who, exercise=item.exercise, points=item.maximum / 2, maximum=item.maximum, at=at)
        for who in ("ada", "eve")
        for item in ITEMS
    )
    book = Gradebook(workshop="spring", learners=(known, other, Learner(id="none")), items=ITEMS, marks=marks)
    told = (sending.outbox, book, sending.items, sending.platform.url, sending.platform.client, sending.clock())
    assert poster.fill(*told) == 2
    while sending.step(1):
        pass
    assert (sending.result(exercise="01-login"), sending.result()) == (2, 5)
    poster.fill(*told)
    assert sending.step(99) is None and len(sending.platform.scores) == 2


def test_what_was_said_of_a_text_goes_once_and_only_where_it_is_another(sending):
    """Points stay: a score is sent for other words alone, and never for words that only the course has changed or that are
    gone. Timestamps rise all the same."""
    known = Learner(id="ada", ids=Ids(issuer=sending.platform.url, subject="ada"))
    at, item = datetime.now(UTC), next(one for one in ITEMS if one.maximum)
    mark = Mark(learner="ada", exercise=item.exercise, points=2, maximum=item.maximum, at=at)

    def fill(*said):
        reviews = tuple(
            Review(learner="ada", exercise=item.exercise, at=at, rubric=((line, True),), feedback=text)
            for line, text in said
        )
        book = Gradebook(workshop="spring", learners=(known,), items=ITEMS, marks=(mark,), reviews=reviews)
        platform = sending.platform
        count = poster.fill(sending.outbox, book, sending.items, platform.url, platform.client, sending.clock())
        while sending.step(3):
            pass
        return count

    assert fill() == 1, "a score without a word"
    assert fill(("Says why", "Good.")) == 1
    assert [fill(("Says why", "Good.")), fill(("Says the reason", "Good.")), fill()] == [0, 0, 0]
    assert fill(("Says why", "Good.")) == 0, "it is back, and the platform has it"
    assert fill(("Says why", "Better.")) == 1
    sent = sending.platform.scores
    first = "1 of 1 lines of the rubric are met."
    assert [one.get("comment") for one in sent] == [None, f"{first}\nGood.", f"{first}\nBetter."]
    assert {one["scoreGiven"] for one in sent} == {2}
    stamps = [datetime.fromisoformat(one["timestamp"]) for one in sent]
    assert all((after - before).total_seconds() >= 1 for before, after in itertools.pairwise(stamps))


def test_thirty_learners_each_get_their_own(sending):
    sending.platform.members |= {f"l{number}": ["Learner"] for number in range(30)}
    for number in range(30):
        sending.put(number % 11, user=f"l{number}")
    while sending.step():
        pass
    assert [sending.result(f"l{number}") for number in range(30)] == [number % 11 for number in range(30)]


def test_the_sender_runs_until_it_is_stopped(sending):
    stop = threading.Event()
    thread = threading.Thread(target=poster.run, args=(sending.outbox, sending.services.post, stop))
    thread.start()
    try:
        sending.outbox.put(sending.key(), 8, 10, time.time())
        deadline = time.monotonic() + 30
        while ("ada", "03-push") not in sending.platform.results and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join(30)
    assert sending.result() == 8


# What is kept


def test_two_senders_never_take_the_same(tmp_path):
    one, two = Outbox(tmp_path / "x"), Outbox(tmp_path / "x")
    one.put(Key(issuer="i", client="c", item="x", user="u"), 1, 1, 0)
    assert [each.take(0) is None for each in (one, two)] == [False, True]


def test_a_file_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "x").write_bytes(b"no database" * 1000)
    with pytest.raises(LabError, match="cannot be read or kept"):
        Outbox(tmp_path / "x")


def test_used_launches_are_forgotten_once_they_have_expired(tmp_path):
    outbox = Outbox(tmp_path / "x")
    assert [outbox.use("n", 0, 10), outbox.use("n", 5, 10), outbox.use("n", 11, 20)] == [True, False, True]


def test_a_timestamp_has_milliseconds_and_a_zone():
    assert stamp_text(0) == "1970-01-01T00:00:00.000+00:00"


# Registration


def test_platforms_are_read_from_a_file(tmp_path):
    told = {
        "name": '"Moodle"',
        "issuer": '"https://moodle.example"',
        "client": '"abc"',
        "login": '"https://moodle.example/mod/lti/auth.php"',
        "token": '"https://moodle.example/mod/lti/token.php"',
        "keys": '"https://moodle.example/mod/lti/certs.php"',
        "deployments": '["1"]',
    }

    def written(changes, times=1, address=""):
        text = "".join(f"{name} = {value}\n" for name, value in (told | changes).items() if value)
        (tmp_path / "lti.toml").write_text(address + f"[[platform]]\n{text}" * times)
        return platforms.read(tmp_path / "lti.toml")

    assert written({}).platform[0].client == "abc"
    for wrong in (
        {"login": '"http://moodle.example/"'},
        {"deployments": "[]"},
        {"issuer": ""},
        {"more": "1"},
        {"keys": '"file:///etc/passwd"'},
        {"name": "'"},
        {"teachers": "true"},
        {"frames": '["http://x.example"]'},
        {"frames": '["https://x.example;script-src"]'},
        {"learner": '"shoe size"'},
    ):
        with pytest.raises(LabError, match="does not tell the platforms"):
            written(wrong)
    with pytest.raises(LabError, match="twice"):
        written({}, 2)
    assert written({}, 1, 'address = "https://lab.example:8443"\n').address == "https://lab.example:8443"
    for wrong in ("http://lab.example", "https://lab.example/x", "lab.example"):
        with pytest.raises(LabError, match="address must be"):
            written({}, 1, f"address = '{wrong}'\n")
    canvas = written({"issuer": '"https://canvas.example"', "frames": '["https://School.example/x"]'}).platform[0]
    assert canvas.origins == ("https://canvas.example", "https://moodle.example", "https://school.example")


def test_a_registration_is_tried(platform, keys, tmp_path):
    def found(own=keys, **wrong):
        return [one.good for one in checking.check(platform.registered(**wrong), own)]

    assert found() == [True] * 5
    stranger = Keys(tmp_path / "other")
    stranger.new(2048)
    assert found(stranger) == [True, True, False, False, False]
    assert found(client="another") == [True, True, False, False, False]
    nowhere = "http://127.0.0.1:9/token"
    assert found(keys=f"{platform.url}/nowhere", login=nowhere, token=nowhere) == [False] * 5
    assert found(keys=platform.registered().login)[0] is False
    lines = [
        f"{name} = {json.dumps(getattr(platform.registered(), name))}"
        for name in platforms.Platform.__struct_fields__[:6]
    ]
    (tmp_path / "lti.toml").write_text("\n".join(["[[platform]]", *lines, 'deployments = ["1"]']))
    for folder, code, told in (
        (keys.folder, 0, "✓ token for scores: given"),
        (stranger.folder, 1, "→ compare `client`"),
    ):
        done = CliRunner().invoke(cli, ["lti", "check", str(tmp_path / "lti.toml"), "--keys", str(folder)])
        assert done.exit_code == code and told in done.output, done.output
    platform.down = 503
    told = checking.check(platform.registered(), keys)[2]
    assert "503" in told.what and "audience" in told.fix


def test_the_newest_key_signs_and_the_others_stay_published(tmp_path):
    made = Keys(tmp_path / "keys")
    with pytest.raises(LabError, match="no key"):
        made.private()
    first = made.new(2048)
    old = made.private()
    made.new(2048)
    assert made.private() != old and len(made.published()["keys"]) == 2
    assert "d" not in json.dumps([sorted(key) for key in made.published()["keys"]]).replace("kid", "").replace(
        '"use"', ""
    )
    assert (first.stat().st_mode & 0o777, first.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    sorted(first.parent.iterdir())[-1].chmod(0o644)
    with pytest.raises(LabError, match="Other users can read"):
        made.private()


def test_the_tools_keys_are_public(classroom):
    answer = classroom.browser.get("/lti/keys")
    assert {"kty", "n", "e", "kid"} <= answer.json()["keys"][0].keys()


@pytest.mark.attack(
    "identity",
    "A platform's address redirects a score, and the token with it",
    "the redirect is not followed; the score is sent again later",
)
def test_requests_go_nowhere_else(moodle):
    """A redirect would carry the token along; a score that was sent elsewhere was not taken."""
    with Running(Platform("moodle", moodle.tool_keys)) as other:
        app = Starlette(routes=[Route("/x", lambda _: RedirectResponse(f"{other.url}/jwks"), methods=["GET", "POST"])])
        other.app = lambda: app
        with Running(other) as away, pytest.raises(OSError, match="elsewhere"):
            Careful().post(f"{away.url}/x")
    assert Careful().trust_env is False
