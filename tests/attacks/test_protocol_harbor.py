"""What is tried on a vendor's own ways: Harbor's API, its robots, and what one registry's rights are worth in another."""

import base64
import json

import pytest
from by_hand import HUB, OCI, Registry, digest_of, forget, seen

HOST = ("harbor.lab", 443)
attack = pytest.mark.attack


class Harbor(Registry):
    """Signs in with each request, as Harbor takes it."""

    def __init__(self, lab, user=None, password=None):
        super().__init__(lab, HOST, user)
        if user:
            self.head = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    def api(self, method, path, body=None, **headers):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(method, f"/api/v2.0{path}", data, Content_Type="application/json", **headers)


@pytest.fixture
def mine(running_lab):
    """Signed in as the learner, with a project of the colleague's beside."""
    other = Harbor(running_lab, "colleague", "theirpassword")
    assert other.api("POST", "/projects", {"project_name": "theirs"}).status == 201
    secret = other.begin("theirs/app")
    assert other.ask("PUT", f"{secret}&digest={digest_of(b'secret')}", b"secret").status == 201
    yield Harbor(running_lab, "myusername", "mypassword")
    forget(running_lab, "theirs/app", "library/app", registry="harbor")
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/forget", {"registries": ["harbor"]})


@attack("protocol", "a mount out of another's project in Harbor, with Basic", "401, or a plain upload (202)")
def test_a_mount_out_of_anothers_project(running_lab, mine):
    assert mine.ask("HEAD", f"/v2/theirs/app/blobs/{digest_of(b'secret')}").status == 401
    assert mine.api("POST", "/projects", {"project_name": "mine"}).status == 201
    answer = mine.ask("POST", f"/v2/mine/app/blobs/uploads/?mount={digest_of(b'secret')}&from=theirs/app")
    assert answer.status == 202
    assert mine.ask("HEAD", f"/v2/mine/app/blobs/{digest_of(b'secret')}").status == 404
    forget(running_lab, "mine/app", registry="harbor")


@attack("protocol", "a token of Docker Hub's at Harbor, and Harbor's at Docker Hub", "401")
def test_a_token_is_worth_nothing_elsewhere(running_lab, mine):
    hub = Registry(running_lab, HUB, "myusername").may("repository:library/busybox:pull")
    told = mine.ask("GET", "/v2/", Authorization=hub.head["Authorization"])
    assert told.status == 401
    token = mine.ask("GET", "/service/token?scope=repository:library/app:pull").json["token"]
    assert mine.ask("GET", "/v2/", Authorization=f"Bearer {token}").status == 200
    answer = hub.ask("GET", "/v2/library/busybox/manifests/latest", Authorization=f"Bearer {token}")
    assert answer.status == 401


@attack("protocol", "Harbor's API by nobody, by another, and by a wrong password", "401 or 403, and nothing changes")
def test_only_who_may_changes_anything(running_lab, mine):
    nobody, wrong = Harbor(running_lab), Harbor(running_lab, "admin", "wrong")
    robot = {"kind": "project", "namespace": "theirs", "access": [{"resource": "repository", "action": "pull"}]}
    asked = [
        ("POST", "/projects", {"project_name": "more"}),
        ("DELETE", "/projects/theirs", None),
        ("POST", "/robots", {"name": "r", "level": "project", "permissions": [robot]}),
        ("POST", "/projects/theirs/immutabletagrules", {}),
        ("GET", "/projects/theirs/repositories", None),
    ]
    for method, path, body in asked:
        assert nobody.api(method, path, body).status == 401, path
        assert wrong.api(method, path, body).status == 401, path
    for method, path, body in asked[1:]:
        assert mine.api(method, path, body).status == 403, path
    names = [one["name"] for one in Harbor(running_lab, "admin", "Harbor12345").api("GET", "/projects").json]
    assert names == ["library", "theirs"]


@attack(
    "protocol", "a body of 1 MB, 100,000 deep, or of no JSON at Harbor's API; odd paths", "4xx; the next one is served"
)
def test_odd_requests_to_the_api(running_lab, mine):
    before = seen(running_lab, "log").log
    assert mine.api("POST", "/projects", b" " * 1_000_000).status == 413
    for body in (b"[" * 60_000, b"\xff\xfe", b"[]", b"", b'{"project_name": {"a": 1}}'):
        assert mine.api("POST", "/projects", body).status == 400
    for path in (
        "/projects/%2e%2e%2f",
        "/projects/..",
        "/projects/%00",
        "/nothing",
        "/projects/x/../../..",
        "/robots/%2F",
    ):
        assert 400 <= mine.api("GET", path).status < 500, path
    assert mine.api("GET", "/projects").status == 200
    assert seen(running_lab, "log").log == before


@attack("protocol", "250 projects", "200 are kept, the others are refused")
def test_what_a_vendor_keeps_is_bounded(mine):
    mine.stays = True
    told = [mine.api("POST", "/projects", {"project_name": f"p{n}"}).status for n in range(250)]
    mine.close()
    assert told.count(201) < 200 and set(told) == {201, 403}


@pytest.fixture
def narrow(running_lab, mine):
    """The learner's project, which may take 3,000 bytes."""
    made = mine.api("POST", "/projects", {"project_name": "mine"})
    number = made.headers["Location"].rpartition("/")[2]
    admin = Harbor(running_lab, "admin", "Harbor12345")
    assert admin.api("PUT", f"/quotas/{number}", {"hard": {"storage": 3000}}).status == 200
    yield mine
    forget(running_lab, *(f"mine/{name}" for name in ("app", "other", *map(str, range(8)))), registry="harbor")


def used(lab):
    summary = Harbor(lab, "admin", "Harbor12345").api("GET", "/projects/mine/summary").json
    return summary["quota"]["used"]["storage"]


@attack(
    "protocol",
    "beyond a quota of Harbor's: at once, in chunks, without a length, with a client's X-Length, by eight uploads side by side",
    "403; no image is beyond it",
)
def test_a_quota_is_not_evaded(running_lab, narrow):
    large, digest = b"x" * 4000, digest_of(b"x" * 4000)
    answer = narrow.ask("PUT", f"{narrow.begin('mine/app')}&digest={digest}", large, X_Length="0")
    assert (answer.status, answer.code) == (403, "DENIED")
    place = narrow.begin("mine/app")
    for part in (large[:2000], large[2000:]):
        place = narrow.ask("PATCH", place, part).headers["Location"]
    assert narrow.ask("PUT", f"{place}&digest={digest}", b"").status == 403
    assert used(running_lab) == 0

    # What has no length, and what is begun side by side, is looked at with the manifest.
    several = [narrow.begin(f"mine/{number}") for number in range(8)]
    layers = [b"%d" % number * 1000 for number in range(8)]
    told = [
        narrow.ask("PUT", f"{place}&digest={digest_of(layer)}", layer)
        for place, layer in zip(several, layers, strict=True)
    ]
    assert [answer.status for answer in told] == [201] * 3 + [403] * 5
    unsaid = f"{narrow.begin('mine/app')}&digest={digest_of(b'y' * 1000)}"
    assert narrow.ask("PUT", unsaid, iter([b"y" * 500, b"y" * 500])).status == 201
    assert used(running_lab) == 4000 and narrow.ask("POST", "/v2/mine/app/blobs/uploads/").status == 403
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": {}, "layers": []}).encode()
    answer = narrow.ask("PUT", "/v2/mine/app/manifests/v1", manifest, Content_Type=OCI)
    assert (answer.status, answer.code) == (403, "DENIED")
    assert "mine/app" not in seen(running_lab, "registries").registries.known["harbor"].repositories


@attack("protocol", "a guest of Harbor's project who would be its administrator", "403, and the role stays")
def test_a_guest_stays_one(running_lab, mine):
    theirs = Harbor(running_lab, "colleague", "theirpassword")
    made = theirs.api("POST", "/projects/theirs/members", {"role_id": 3, "member_user": {"username": "myusername"}})
    place = made.headers["Location"].removeprefix("/api/v2.0")
    number = place.rpartition("/")[2]
    policy = {"algorithm": "or", "rules": [], "scope": {"level": "project", "ref": 2}}
    for method, path, body in (
        ("PUT", place, {"role_id": 1}),
        ("DELETE", place, None),
        ("POST", "/projects/theirs/members", {"role_id": 1, "member_user": {"username": "admin"}}),
        ("POST", "/retentions", policy),
        ("PUT", "/projects/theirs", {"metadata": {"public": "true"}}),
        ("PUT", "/quotas/2", {"hard": {"storage": 1}}),
        ("DELETE", "/projects/theirs", None),
    ):
        assert mine.api(method, path, body).status == 403, (method, path)
    assert mine.ask("POST", "/v2/theirs/app/blobs/uploads/").status == 401
    assert mine.ask("HEAD", f"/v2/theirs/app/blobs/{digest_of(b'secret')}").status == 200
    assert theirs.api("GET", f"/projects/theirs/members/{number}").json["role_name"] == "guest"
    assert theirs.api("DELETE", place).status == 200
    assert mine.ask("HEAD", f"/v2/theirs/app/blobs/{digest_of(b'secret')}").status == 401


@attack(
    "protocol",
    "a robot that was disabled, by its secret and by a token of before",
    "401; the token until it ends, as in Harbor",
)
def test_a_robot_that_is_disabled(running_lab, mine):
    theirs = Harbor(running_lab, "colleague", "theirpassword")
    access = [{"resource": "repository", "action": "pull"}]
    body = {
        "level": "project",
        "duration": 1,
        "permissions": [{"kind": "project", "namespace": "theirs", "access": access}],
    }
    made = theirs.api("POST", "/robots", {"name": "r", **body}).json
    robot = Harbor(running_lab, made["name"], made["secret"])
    path = f"/v2/theirs/app/blobs/{digest_of(b'secret')}"
    assert robot.ask("HEAD", path).status == 200
    assert robot.ask("POST", "/v2/theirs/app/blobs/uploads/").status == 401
    body |= {"name": made["name"], "disable": True}
    assert theirs.api("PUT", f"/robots/{made['id']}", body).status == 200
    assert robot.ask("HEAD", path).status == 401
    assert robot.ask("GET", "/service/token?scope=repository:theirs/app:pull").status == 401
    assert made["secret"] not in str(seen(running_lab, "log").log)


@attack(
    "protocol",
    "retention with patterns that never end, 16 rules, numbers of 400 digits, a run by nobody",
    "4xx, or done at once",
)
def test_odd_retention(running_lab, mine):
    number = mine.api("POST", "/projects", {"project_name": "mine"}).headers["Location"].rpartition("/")[2]

    def policy(*patterns, params=1):
        rules = [
            {
                "template": "latestPushedK",
                "params": {"latestPushedK": params},
                "tag_selectors": [{"decoration": "matches", "pattern": pattern}],
                "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": pattern}]},
            }
            for pattern in patterns
        ]
        return {"rules": rules, "scope": {"level": "project", "ref": int(number)}}

    for body in (
        policy(*map(str, range(16))),
        policy("x" * 256),
        policy("**", params=int("9" * 400)),
        policy("**", params=1.5),
    ):
        assert mine.api("POST", "/retentions", body).status == 400
    mine.image("mine/app", "a" * 128, b"{}")
    made = mine.api("POST", "/retentions", policy("*a" * 100 + "b", "{a,b}" * 50, "{" * 200, "**"))
    place = made.headers["Location"].removeprefix("/api/v2.0")
    assert Harbor(running_lab).api("POST", f"{place}/executions", {"dry_run": False}).status == 401
    assert mine.api("POST", f"{place}/executions", {"dry_run": False}).status == 201
    (run,) = mine.api("GET", f"{place}/executions").json
    assert run["status"] == "Success"
    assert "mine/app" in seen(running_lab, "registries").registries.known["harbor"].repositories
    forget(running_lab, "mine/app", registry="harbor")


@attack("protocol", "a real credential typed at each registry", "401 with the reason; it is nowhere in the log")
def test_a_real_credential_is_kept_nowhere(running_lab, mine):
    real = "dckr_pat_" + "aBcDe12345" * 3
    hub = Registry(running_lab, HUB)
    for answer in (
        hub.token(user="myusername", password=real),
        hub.token(user=real, password="x"),
        Harbor(running_lab, real, "x").ask("GET", "/service/token"),
    ):
        assert answer.status == 401 and "takes no real credential" in answer.json["details"]
    assert real not in str(seen(running_lab, "log").log)
