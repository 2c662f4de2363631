"""Docker Hub: its limit of pulls, immutable tags, private repositories and access tokens, in its own words."""

import base64
import contextlib
import json
import time

import pytest
from test_flavours import Shelf as Tags

from labkit.edge.flavours import flavours
from labkit.edge.flavours.base import Asked, View, marked
from labkit.edge.flavours.hub import LIMIT, Full
from labkit.edge.flavours.hub import MOST as MOST_SETTINGS
from labkit.edge.flavours.patterns import Unknown, compiled
from labkit.edge.flavours.pulls import MOST, Allowed, Pulls
from labkit.edge.flavours.routes import Call
from labkit.edge.tokens import Token

ME, OTHER = "10.0.0.21", "10.0.0.31"


class Shelf(Tags):
    """With what the manifests are: an image, but for those whose digest says another thing."""

    def has_manifest(self, _, name, digest):
        return digest in self.tags(None, name).values()

    def manifest(self, digest):
        return {"kind": digest.partition(":")[2]} if digest in ("sha256:index",) else {"kind": "image"}


SHELF = Shelf(library__busybox={"latest": "sha256:b", "all": "sha256:index"}, myusername__app={"v1": "sha256:1"})


@pytest.fixture
def hub(tmp_path):
    return flavours(tmp_path)["hub"]


def asked(
    hub, action="pull", name="library/busybox", rest="latest", user=None, kind="manifests", client=ME, head=False
):
    view = View(SHELF, "hub", name, hub.others.get(name, ""))
    return Asked(view, action, kind, rest, user, True, client, head)


def left(hub, **who):
    return int(hub.headers(asked(hub, **who))["ratelimit-remaining"].partition(";")[0])


# ── the limit of pulls ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_may_pull_a_hundred_times_and_an_account_two_hundred(hub):
    assert hub.headers(asked(hub)) == {
        "ratelimit-limit": "100;w=21600",
        "ratelimit-remaining": "100;w=21600",
        "docker-ratelimit-source": ME,
    }
    assert hub.headers(asked(hub, user="myusername"))["docker-ratelimit-source"] == "myusername"
    for number in range(100):
        assert hub.begins(asked(hub)) is None
        assert left(hub) == 99 - number
    told = hub.begins(asked(hub))
    assert (told.status, told.code, told.reason) == (429, "TOOMANYREQUESTS", "rate-limit")
    assert told.message.startswith("You have reached your pull rate limit. You may increase the limit by")
    assert left(hub) == 0
    assert left(hub, client=OTHER) == 100  # another machine
    assert left(hub, user="myusername") == 200  # somebody on the same machine
    assert all(hub.begins(asked(hub, user="myusername")) is None for _ in range(200))
    assert hub.begins(asked(hub, user="myusername", client=OTHER)).status == 429  # an account, wherever it is
    assert hub.begins(asked(hub, client=OTHER)) is None


@pytest.mark.parametrize(
    "what",
    [
        {"head": True},
        {"kind": "blobs", "rest": "sha256:b"},
        {"kind": "tags", "rest": "list"},
        {"kind": "referrers", "rest": "sha256:b"},
        {"action": "push"},
        {"action": "delete"},
        {"rest": "none"},
        {"rest": "sha256:none"},
        {"rest": "all"},  # an index: what counts is the image that it lists
        {"name": "library/none"},
    ],
)
def test_what_is_no_pull_does_not_count(hub, what):
    hub.pulls.change(Allowed(0, 0, 10))
    assert hub.begins(asked(hub, **what)) is None
    assert hub.pulls.told()["used"] == {}


def test_the_headers_come_with_manifests_only(hub):
    assert hub.headers(asked(hub, head=True)) == hub.headers(asked(hub))
    assert hub.headers(asked(hub, kind="blobs")) == hub.headers(asked(hub, "push")) == {}


def test_the_repository_that_dockers_documentation_asks_for_is_another_name(hub):
    view = asked(hub, name="ratelimitpreview/test").view
    assert view.exists and hub.allowed(None, view) == {"pull"} == hub.allowed("myusername", view)
    assert hub.begins(asked(hub, name="ratelimitpreview/test")) is None and left(hub) == 99


def test_a_lesson_sets_other_numbers_and_a_reset_brings_the_vendors_back(hub, tmp_path):
    hub.begins(asked(hub))
    hub.pulls.change(Allowed(1, 3, 10))
    assert hub.pulls.told() == {"pulls": 1, "signed_in": 3, "window": 21600, "changed": True, "used": {}}
    assert hub.begins(asked(hub)) is None and hub.begins(asked(hub)).status == 429
    assert hub.pulls.told()["used"] == {ME: 1}
    assert flavours(tmp_path)["hub"].pulls.allowed == Allowed(1, 3, 21600)  # it outlives the edge
    hub.pulls.change(None)
    assert hub.pulls.allowed == LIMIT and left(hub) == 100
    hub.pulls.change(Allowed(0, 0, 10))
    hub.forget()
    assert hub.pulls.allowed == LIMIT and left(hub) == 100
    hub.kept.said["limit"] = ["x", None]
    assert hub.pulls.allowed == LIMIT


def test_after_six_hours_it_begins_anew(hub, tmp_path):
    now = [0.0]
    pulls = Pulls(hub.kept, lambda: now[0], Allowed(2, 2, 100))
    assert [pulls.take(ME, None) for _ in range(3)] == [True, True, False]
    now[0] = 99.0
    assert not pulls.take(ME, None)
    now[0] = 100.0
    assert pulls.take(ME, None) and pulls.left(ME, None) == 1


def test_no_account_is_taken_for_an_address_and_no_number_of_them_costs_memory(hub):
    assert hub.pulls.take(ME, ME) and left(hub) == 100
    for number in range(MOST + 50):
        hub.pulls.take(f"address {number}", None)
    assert len(hub.pulls.told()["used"]) == MOST


# ── repositories: private ones, immutable tags ───────────────────────────────────────────────────────────────────────

APP = "/v2/namespaces/myusername/repositories/app"


def sign_in(hub, user="myusername", secret="mypassword"):
    """A bearer token of the API."""
    reply = ask(hub, "POST", "/v2/auth/token", {"identifier": user, "secret": secret})
    assert reply.status == 200, reply.body
    return reply.body["access_token"]


def ask(hub, method, path, body=None, token="", scheme="Bearer", shelf=SHELF, **query):
    """Asks the API by its table, as the front does."""
    found = hub.routes.find(method, path)
    assert found, path
    answer, parts = found
    head = {"authorization": f"{scheme} {token}"} if token else {}
    sent = b"" if body is None else json.dumps(body).encode()
    return answer(hub, Call(method, path, parts, query, None, None, shelf, head, sent))


def may(hub, user, name="myusername/app", shelf=SHELF):
    return hub.allowed(user, View(shelf, "hub", name))


ALL = {"pull", "push", "delete"}


def test_a_private_repository_is_its_owners_alone(hub):
    assert may(hub, None) == may(hub, "colleague") == {"pull"} and may(hub, "myusername") == ALL
    token = sign_in(hub)
    told = ask(hub, "PATCH", APP, {"is_private": True, "description": "mine"}, token)
    assert told.status == 200 and told.body["is_private"] and told.body["description"] == "mine"
    assert may(hub, None) == may(hub, "colleague") == set() and may(hub, "myusername") == ALL
    assert hub.denied(asked(hub, name="myusername/app")).reason == "private"
    assert hub.denied(asked(hub, name="myusername/app", user="colleague")).reason == "private"
    assert hub.denied(asked(hub, "push", "myusername/app", user="colleague")).reason == "foreign-namespace"
    assert hub.denied(asked(hub, name="myusername/app", user="myusername")).reason == ""
    assert hub.private() == ["myusername/app"]
    for other in ("", sign_in(hub, "colleague", "theirpassword")):  # nobody is told that it is there
        for path in (APP, f"{APP}/", f"{APP}/tags", f"{APP}/tags/v1", "/v2/repositories/myusername/app"):
            assert ask(hub, "GET", path, token=other).status == 404, path
        assert ask(hub, "GET", "/v2/namespaces/myusername/repositories", token=other).body["results"] == []
        assert ask(hub, "PATCH", APP, {"is_private": False}, other).status in (401, 404)
    assert ask(hub, "GET", f"{APP}/tags/v1", token=token).body == {"name": "v1", "digest": "sha256:1"}
    assert ask(hub, "POST", "/v2/repositories/myusername/app/privacy/", {"is_private": False}, token).status == 200
    assert may(hub, None) == {"pull"} and hub.private() == []


def test_a_repository_is_created_before_its_first_push(hub):
    path, token = "/v2/namespaces/myusername/repositories", sign_in(hub)
    body = {"name": "new", "namespace": "myusername", "is_private": True}
    assert ask(hub, "POST", path, body).status == 401
    assert ask(hub, "POST", path, body, sign_in(hub, "colleague", "theirpassword")).status == 403
    told = ask(hub, "POST", path, body, token)
    assert told.status == 201 and told.body["is_private"] and told.body["immutable_tags_settings"]["enabled"] is False
    assert ask(hub, "POST", path, body, token).status == 400
    assert ask(hub, "POST", path, {"name": "app"}, token).status == 400  # pushed before
    assert may(hub, None, "myusername/new") == may(hub, "colleague", "myusername/new") == set()
    assert ask(hub, "POST", path, {"name": "open"}, token).status == 201
    assert may(hub, None, "myusername/open") == {"pull"}
    for odd in ("", "A", "a", "a/b", "../x", 5, None):
        assert ask(hub, "POST", path, {"name": odd}, token).status == 400
    hub.gone("myusername/new")
    assert may(hub, "colleague", "myusername/new") == set() and hub.private() == []


def fixed(hub, tag="v1", name="myusername/app", action="push"):
    return hub.forbids(asked(hub, action, name, tag, "myusername"))


def test_an_immutable_tag_takes_no_other_image(hub):
    token = sign_in(hub)
    assert fixed(hub) is None
    told = ask(hub, "PATCH", f"{APP}/immutabletags", {"immutable_tags": True, "immutable_tags_rules": []}, token)
    assert told.body["immutable_tags_settings"] == {"enabled": True, "rules": [".*"]}
    refusal = fixed(hub)
    assert (refusal.status, refusal.code, refusal.reason, refusal.unless) == (403, "DENIED", "immutable", "sha256:1")
    assert refusal.message.endswith("due to immutability settings. To push this image, use a different tag.")
    assert fixed(hub, "v2") is fixed(hub, "sha256:2") is None  # new ones
    assert fixed(hub, name="myusername/other") is None
    assert fixed(hub, action="delete").reason == "still-tagged"
    assert hub.immutable() == {"myusername/app": [".*"]}
    assert ask(hub, "DELETE", f"{APP}/tags/v1", token=token).status == 403
    rules = {"immutable_tags": True, "immutable_tags_rules": [r"^v\d+\.\d+$", "release"]}
    assert ask(hub, "PATCH", f"{APP}/immutabletags", rules, token).status == 200
    assert fixed(hub) is None
    for tag, held in (("v1.0", True), ("v1.0.0", False), ("my-release-1", True), ("dev", False)):
        assert hub.is_immutable("myusername/app", tag) is held
    assert ask(hub, "PATCH", f"{APP}/immutabletags", {"immutable_tags": False}, token).status == 200
    assert hub.immutable() == {} and fixed(hub) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"immutable_tags": "yes"},
        {"immutable_tags": True, "immutable_tags_rules": "v.*"},
        {"immutable_tags": True, "immutable_tags_rules": ["("]},
        {"immutable_tags": True, "immutable_tags_rules": [5]},
        {"immutable_tags": True, "immutable_tags_rules": ["x"] * 21},
        {"immutable_tags": True, "immutable_tags_rules": ["((a{99}){99}){99}"]},
    ],
)
def test_rules_that_cannot_be_are_refused(hub, body):
    assert ask(hub, "PATCH", f"{APP}/immutabletags", body, sign_in(hub)).status == 400
    assert hub.immutable() == {}


def test_which_tags_a_rule_means(hub):
    token = sign_in(hub)
    assert ask(hub, "POST", f"{APP}/immutabletags/verify", {"regex": "^v"}, token).body == {"tags": ["v1"]}
    assert ask(hub, "POST", f"{APP}/immutabletags/verify", {"regex": "("}, token).status == 400


def test_only_its_owner_changes_a_repository(hub):
    other = sign_in(hub, "colleague", "theirpassword")
    for method, path, body in (
        ("PATCH", APP, {"is_private": True}),
        ("PATCH", f"{APP}/immutabletags", {"immutable_tags": True, "immutable_tags_rules": []}),
        ("POST", f"{APP}/immutabletags/verify", {"regex": "v"}),
        ("DELETE", f"{APP}/tags/v1", None),
    ):
        assert ask(hub, method, path, body).status == 401
        assert ask(hub, method, path, body, other).status == 403
        assert ask(hub, method, path.replace("app", "none"), body, other).status == 404
    assert hub.repositories == {}
    busybox = "/v2/namespaces/library/repositories/busybox"
    assert ask(hub, "PATCH", busybox, {"is_private": True}, sign_in(hub)).status == 403


def test_lists_come_by_pages(hub):
    shelf = Shelf(**{f"myusername__r{number:02}": {"v1": "sha256:1"} for number in range(25)})
    path = "/v2/namespaces/myusername/repositories"
    told = ask(hub, "GET", path, shelf=shelf, page="3").body
    assert told["count"] == 25 and [one["name"] for one in told["results"]] == [f"r{n}" for n in range(20, 25)]
    assert told["previous"] == f"https://hub.docker.com{path}?page=2&page_size=10" and told["next"] is None
    assert ask(hub, "GET", path, shelf=shelf, name="r1").body["count"] == 10
    for odd in ({"page": "0"}, {"page": "x"}, {"page_size": "101"}):
        assert ask(hub, "GET", path, shelf=shelf, **odd).status == 400


def test_what_labkit_changes_is_the_same(hub):
    hub.change("myusername/app", {"immutable": True, "rules": ["^v"]})
    hub.change("myusername/app", {"private": True})
    assert (hub.immutable(), hub.private()) == ({"myusername/app": ["^v"]}, ["myusername/app"])
    for name, wishes in (
        ("library/busybox", {"private": True}),
        ("app", {"private": True}),
        ("myusername/App", {"private": True}),
        ("myusername/app", {"made": 1.0}),
        ("myusername/app", {"private": 1}),
    ):
        with pytest.raises(ValueError):
            hub.change(name, wishes)
    for number in range(MOST_SETTINGS + 10):
        with contextlib.suppress(Full):
            hub.change(f"myusername/r{number}", {"private": True})
    assert len(hub.repositories) == MOST_SETTINGS


@pytest.mark.parametrize("key", ["private", "harbor", "nexus-hosted"])
def test_others_have_no_such_settings(tmp_path, key):
    flavour = flavours(tmp_path)[key]
    with pytest.raises(ValueError, match="has no settings of a repository"):
        flavour.change("a/b", {"private": True})
    assert flavour.private() == [] and flavour.immutable() == {} and flavour.pulls is None


# ── access tokens ────────────────────────────────────────────────────────────────────────────────────────────────────


def made(hub, *scopes, **more):
    """A new access token: (its uuid, itself)."""
    body = {"token_label": "CI", "scopes": list(scopes) or ["repo:read"], **more}
    reply = ask(hub, "POST", "/v2/access-tokens", body, sign_in(hub))
    assert reply.status == 201, reply.body
    return reply.body["uuid"], reply.body["token"]


def withheld(hub, account, *wanted, name="myusername/app"):
    return hub.withheld(set(wanted), account, View(SHELF, "hub", name))


def test_an_access_token_is_shown_once_and_signs_in(hub):
    key, token = made(hub)
    assert token.startswith("labpat_") and token not in str(hub.kept.said)
    account = hub.sign_in("myusername", token)
    assert (account.name, account.kind, account.scope) == ("myusername", "access token", "repo:read")
    assert hub.sign_in("colleague", token).status == 401
    told = ask(hub, "GET", "/v2/access-tokens", token=sign_in(hub)).body
    assert (told["count"], told["active_count"], told["results"][0]["uuid"]) == (1, 1, key)
    assert told["results"][0]["token"] == "" and told["results"][0]["scopes"] == ["repo:read"]
    other = sign_in(hub, "colleague", "theirpassword")
    assert ask(hub, "GET", "/v2/access-tokens", token=other).body["results"] == []
    for method in ("GET", "PATCH", "DELETE"):
        assert ask(hub, method, f"/v2/access-tokens/{key}", {}, other).status == 404


def test_each_scope_has_the_rights_of_those_below(hub):
    hub.change("myusername/secret", {"private": True})
    rights = {"repo:public_read": 1, "repo:read": 2, "repo:write": 3, "repo:admin": 4}
    for scope, level in rights.items():
        account = hub.sign_in("myusername", made(hub, scope)[1])
        assert withheld(hub, account, "pull") is None
        assert (withheld(hub, account, "pull", name="myusername/secret") is None) is (level >= 2)
        assert (withheld(hub, account, "pull", "push") is None) is (level >= 3)
        assert (withheld(hub, account, "delete") is None) is (withheld(hub, account, "*") is None) is (level == 4)
    told = withheld(hub, hub.sign_in("myusername", made(hub, "repo:read")[1]), "push")
    assert (told.status, told.message, told.reason) == (
        401,
        "access token has insufficient scopes",
        "fewer-rights",
    )
    assert withheld(hub, hub.sign_in("myusername", "mypassword"), "*") is None
    assert withheld(hub, None, "*") is None  # nobody gets a token for nothing
    assert hub.sign_in("myusername", made(hub, "repo:read", "repo:write")[1]).scope == "repo:write"


def test_an_access_token_ends_is_switched_off_or_deleted(hub):
    key, token = made(hub, "repo:admin", expires_at="2099-01-01T00:00:00Z")
    forever, bearer = made(hub)[1], sign_in(hub, "myusername", token)
    assert ask(hub, "PATCH", APP, {"is_private": True}, bearer).status == 200
    patch = ask(hub, "PATCH", f"/v2/access-tokens/{key}", {"is_active": False, "token_label": "old"}, sign_in(hub))
    assert (patch.body["is_active"], patch.body["token_label"]) == (False, "old")
    assert hub.sign_in("myusername", token).reason == "wrong-password"
    assert ask(hub, "PATCH", APP, {"is_private": False}, bearer).status == 401  # no bearer token outlives it here
    ask(hub, "PATCH", f"/v2/access-tokens/{key}", {"is_active": True}, sign_in(hub))
    assert hub.sign_in("myusername", token).name == "myusername"
    assert hub.last_end() > 70 * 365 * 86400
    hub.clock.move(hub.last_end())
    told = hub.sign_in("myusername", token)
    assert (told.message, told.reason) == ("personal access token is expired", "expired")
    assert ask(hub, "PATCH", APP, {"is_private": False}, bearer).status == 401
    assert hub.sign_in("myusername", forever).name == hub.sign_in("myusername", "mypassword").name
    assert ask(hub, "DELETE", f"/v2/access-tokens/{key}", token=sign_in(hub)).status == 204
    assert hub.sign_in("myusername", token).reason == "wrong-password"
    assert hub.last_end() == 300


def test_who_signs_in_with_an_access_token_looks_after_none(hub):
    """Else a token that leaks would make itself others."""
    hub.change("myusername/secret", {"private": True})
    for scope in ("repo:admin", "repo:write", "repo:read", "repo:public_read"):
        key, token = made(hub, scope)
        bearer = sign_in(hub, "myusername", token)
        for method, path in (
            ("POST", "/v2/access-tokens"),
            ("GET", "/v2/access-tokens"),
            ("PATCH", f"/v2/access-tokens/{key}"),
            ("DELETE", f"/v2/access-tokens/{key}"),
        ):
            assert ask(hub, method, path, {"token_label": "x", "scopes": ["repo:admin"]}, bearer).status == 403
        assert ask(hub, "PATCH", APP, {"is_private": False}, bearer).status == (200 if scope == "repo:admin" else 403)
        seen = ask(hub, "GET", "/v2/namespaces/myusername/repositories/secret", token=bearer).status
        assert seen == (404 if scope == "repo:public_read" else 200)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"scopes": ["repo:read"]},
        {"token_label": "", "scopes": ["repo:read"]},
        {"token_label": "x" * 101, "scopes": ["repo:read"]},
        {"token_label": "x"},
        {"token_label": "x", "scopes": []},
        {"token_label": "x", "scopes": ["repo:all"]},
        {"token_label": "x", "scopes": [["repo:read"]]},
        {"token_label": "x", "scopes": ["repo:read"], "expires_at": "soon"},
        {"token_label": "x", "scopes": ["repo:read"], "expires_at": 5},
        {"token_label": "x", "scopes": ["repo:read"], "expires_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_an_access_token_that_cannot_be_is_refused(hub, body):
    assert ask(hub, "POST", "/v2/access-tokens", body, sign_in(hub)).status == 400
    assert hub.tokens == {}


def test_signing_in_to_the_api(hub):
    told = ask(hub, "POST", "/v2/users/login/", {"username": "myusername", "password": "mypassword"}).body
    assert ask(hub, "GET", "/v2/access-tokens", token=told["token"], scheme="JWT").status == 200
    for body in (None, {}, {"username": "myusername"}, {"username": 5, "password": []}):
        assert ask(hub, "POST", "/v2/users/login", body).status == 400
    wrong = ask(hub, "POST", "/v2/auth/token", {"identifier": "myusername", "secret": "x"})
    assert (wrong.status, wrong.body["detail"]) == (401, "Incorrect authentication credentials")
    real = ask(hub, "POST", "/v2/auth/token", {"identifier": "myusername", "secret": "dckr_pat_" + "aB3-_" * 6})
    assert real.status == 401 and "takes no real credential" in real.body["detail"]
    for odd in ("x", "x.y", hub.bearers.issue(Token("registry.docker.io", "myusername", {}))):
        assert ask(hub, "GET", "/v2/access-tokens", token=odd).status == 401
    bearer = sign_in(hub)
    assert (
        "mypassword" not in bearer
        and marked("mypassword") not in base64.b64decode(bearer.split(".")[0] + "==").decode()
    )
    hub.clock.move(700)
    assert ask(hub, "GET", "/v2/access-tokens", token=bearer).status == 401


def test_no_more_access_tokens_are_kept_than_these(hub):
    for _ in range(MOST_SETTINGS):
        hub.give("myusername", "x", "repo:read", None)
    body = {"token_label": "x", "scopes": ["repo:read"]}
    assert ask(hub, "POST", "/v2/access-tokens", body, sign_in(hub)).status == 403


# ── patterns of tags ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("v.*", ("v1", "dev1"), ("1.0",)),  # Docker's own example; a part of the tag is enough
        (".*-RELEASE", ("1-RELEASE", "1-RELEASE-2"), ("1-release",)),
        (r"^\d+\.\d+\.\d+$", ("1.2.3",), ("v1.2.3", "1.2.3-rc1", "1.2")),
        ("(?i)^RELEASE", ("release-1",), ("my-release",)),
        (r"^[[:alpha:]]\pN$", ("v1",), ("11", "v")),
        ("", ("v1", ""), ()),
    ],
)
def test_a_pattern_is_one_of_re2(pattern, yes, no):
    fits = compiled(pattern)
    assert all(fits(tag) for tag in yes) and not any(fits(tag) for tag in no)


@pytest.mark.parametrize(
    "odd", ["(", "a)", "*", "a**", "[", r"(a)\1", "a(?=b)", "((a{99}){99})", "x" * 300, "\\", "[z-a]", "\ud800"]
)
def test_what_is_no_pattern_says_so(odd, capfd):
    with pytest.raises(Unknown):
        compiled(odd)
    assert "re2.cc" not in capfd.readouterr().err


@pytest.mark.parametrize("slow", ["(a+)+$", "(a*)*b", "(a|a)*$", "(.*)(.*)(.*)(.*)x"])
def test_no_pattern_takes_long(slow):
    """Each of these takes Python's own patterns longer than anybody waits."""
    began = time.perf_counter()
    compiled(slow)("a" * 127 + "!")
    assert time.perf_counter() - began < 2
