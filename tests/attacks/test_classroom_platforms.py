"""Learning platforms as a way in: what somebody is there, messages that are not HTTP's or JSON's, and a platform that hangs."""

import base64
import json
import threading
import time

import httpx
import pytest
from classrooms import at_once
from lti_platform import ROLE, Platform, Running
from test_classroom_lti import There, there

from labkit.classroom.lti import launch
from labkit.classroom.lti.launch import LTI
from labkit.classroom.lti.platforms import Keys

attack = pytest.mark.attack
MEMBERSHIP = ROLE.removesuffix("#")


@pytest.fixture(scope="module")
def moodle(tmp_path_factory):
    key = tmp_path_factory.mktemp("key")
    Keys(key).new(2048)
    with Running(Platform("moodle", None)) as one:
        one.key = key
        yield one


@attack(
    "identity",
    "Come from a learning platform as a learner whose sub-role, institution or system role has “Instructor” in its name",
    "a learner: what somebody is in the course stands first; nothing else makes a teacher",
)
def test_a_sub_role_makes_nobody_a_teacher(tmp_path, moodle):
    teaches = {"instructor", "assistant"}
    for role in (
        f"{MEMBERSHIP}/Learner#Instructor",
        f"{MEMBERSHIP}/Mentor#Instructor",
        f"{MEMBERSHIP}/Member#Instructor",
        f"{MEMBERSHIP}#NoInstructor",
        f"{MEMBERSHIP}X#Instructor",
        "Learner/Instructor",
        "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor",
        "urn:lti:role:ims/lis/Instructor",
        "http://evil.example/membership#Instructor",
        "instructor",
        "＃Instructor",
    ):
        assert not launch.roles([role]) & teaches, role
    assert launch.roles([f"{MEMBERSHIP}/Instructor#PrimaryInstructor"]) == {"instructor"}
    assert launch.roles([f"{MEMBERSHIP}/Instructor#TeachingAssistantSection"]) == {"assistant"}
    with there(tmp_path, moodle, 'teachers = true\ncourses = ["c1"]') as here:
        one, web = There(here, moodle), here.client()
        roles = [f"{MEMBERSHIP}#Learner", f"{MEMBERSHIP}/Learner#Instructor"]
        assert one.launch(web, **{f"{LTI}roles": roles}).headers["location"] == "/me"
        assert web.get("/workshop").status_code == 403


def forged(here, moodle, web, claims=None, head=None, raw=""):
    """A message that nobody has signed, as far as a stranger gets: login, state and nonce are real."""
    location = There(here, moodle).location(web)
    asked = dict(httpx.QueryParams(location.partition("?")[2]))
    told = {"iss": moodle.url, "aud": moodle.client, "nonce": asked["nonce"], "sub": "ada", "iat": int(time.time()),
            "exp": int(time.time()) + 300, f"{LTI}deployment_id": "1", f"{LTI}version": "1.3.0", **(claims or {})}  # fmt: skip
    parts = ({"alg": "RS256", "kid": "first", **(head or {})}, told)
    text = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)
    return {"id_token": raw or f"{text}.c2lnbmF0dXJl", "state": asked["state"]}


@attack(
    "classroom",
    "A learning platform's message that is no JWT, deep, endless, of other types, or with a key of its own in its head",
    "400 in a sentence of plain text; never a failure of the server",
)
def test_messages_that_are_none(tmp_path, moodle):
    deep = base64.urlsafe_b64encode(b"[" * 60_000).decode()
    with there(tmp_path, moodle) as here:
        web = here.client()
        for more in (
            {"raw": "x"},
            {"raw": "..."},
            {"raw": f"{deep}.{deep}.x"},
            {"raw": "é.\x00.é"},
            {"raw": "e30.e30.e30"},
            {"raw": "bnVsbA.bnVsbA.x"},
            {"head": {"alg": "none"}},
            {"head": {"alg": ["RS256"]}},
            {"head": {"kid": {"$ne": 1}}},
            {"head": {"kid": "../../etc/passwd", "jku": "https://evil.example/", "x5u": "https://evil.example/"}},
            {"head": {"crit": ["b64"], "b64": False}},
            {"claims": {"iss": ["x"]}},
            {"claims": {"aud": {"x": 1}}},
            {"claims": {"aud": []}},
            {"claims": {"aud": [[]]}},
            {"claims": {"iss": None, "aud": None}},
            {"claims": {"exp": 10**400}},
            {"claims": {"exp": 1e300, "iat": "now"}},
            {"claims": {"nonce": None}},
            {"claims": {f"{LTI}deployment_id": ["1"]}},
        ):
            answer = web.post("/lti/launch", data=forged(here, moodle, web, **more))
            assert answer.status_code == 400, (more, answer.text[:100])
            assert answer.headers["content-type"].startswith("text/plain")
        assert not here.log("signed-in")


@attack(
    "classroom",
    "Sixty forged messages at once, while the platform whose key they need takes for ever to answer",
    "others are served meanwhile; the messages wait for each other",
)
def test_a_platform_that_hangs_keeps_nobody_waiting(tmp_path, moodle, monkeypatch):
    go, came = threading.Event(), threading.Event()
    with there(tmp_path, moodle) as here:
        session = here.room.lti.tool._session
        real = session.request

        def hangs(*args, **more):
            came.set()
            go.wait(30)
            return real(*args, **more)

        monkeypatch.setattr(session, "request", hangs)
        webs = [here.client() for _ in range(60)]
        forms = [forged(here, moodle, web) for web in webs]
        told = []
        senders = threading.Thread(
            target=lambda: told.extend(at_once(lambda at: webs[at].post("/lti/launch", data=forms[at]).status_code, 60))
        )
        senders.start()
        try:
            assert came.wait(20)
            others = here.client()
            others.timeout = 5
            assert {others.get("/sign-in").status_code for _ in range(5)} == {200}
            assert others.get("/me").status_code == 303
        finally:
            go.set()
            senders.join(60)
        assert set(told) == {400}
