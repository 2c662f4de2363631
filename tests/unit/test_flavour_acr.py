"""Azure Container Registry: exchange, service principals and locks, in its own words."""

import pytest
from test_flavours import Shelf, asked

from labkit.edge.flavours import flavours
from labkit.edge.flavours.acr import DISALLOWED, ENTRA, HOST, NIL, VISIT
from labkit.edge.flavours.base import View
from labkit.edge.flavours.routes import Call

SHELF = Shelf(app={"v1": "sha256:1", "dev": "sha256:1"}, team__app={"v1": "sha256:2"})
FORM = {"grant_type": "access_token", "service": HOST, "access_token": ENTRA}


@pytest.fixture
def acr(tmp_path):
    return flavours(tmp_path)["acr"]


@pytest.fixture
def rest(acr):
    def ask(method, path, body=None, user=NIL):
        answer, parts = acr.routes.find(method, path)
        return answer(acr, Call(method, path, parts, {}, body, user, SHELF))

    return ask


def test_nobody_signs_in_with_a_password_and_the_admin_user_is_off(acr):
    for name, secret in (("myusername", "mypassword"), ("myregistry", "x"), (NIL, "wrong")):
        told = acr.sign_in(name, secret)
        assert (told.status, told.code, told.message) == (401, "UNAUTHORIZED", VISIT)
    assert not acr.in_use


def test_a_refresh_token_is_valid_for_three_hours(acr, rest):
    token = rest("POST", "/oauth2/exchange", FORM).body["refresh_token"]
    assert acr.sign_in(NIL, token).kind == "short-lived token"
    assert token not in str(acr.kept.said)
    acr.clock.move(3 * 3600 - 5)
    assert acr.sign_in(NIL, token).name == NIL
    acr.clock.move(6)
    assert (acr.sign_in(NIL, token).message, acr.sign_in(NIL, token).reason) == (VISIT, "expired")


def test_what_is_no_token_of_the_lab_is_not_exchanged(acr, rest):
    real = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9abc.sig"
    told = rest("POST", "/oauth2/exchange", {**FORM, "access_token": real}).body["errors"][0]["message"]
    assert "takes no real credential" in told and real not in told
    for form in (None, {}, {**FORM, "service": "x"}, {**FORM, "grant_type": "password"}, {**FORM, "access_token": ""}):
        assert rest("POST", "/oauth2/exchange", form).status == 401
    assert "takes no real credential" in acr.sign_in(NIL, real).message
    assert "takes no real credential" in acr.sign_in("app", "abC8Q~" + "a" * 34).message
    assert not acr.in_use


def test_no_number_of_tokens_makes_one_invalid_and_only_an_own_one_is_taken(acr, rest, tmp_path):
    first = rest("POST", "/oauth2/exchange", FORM).body["refresh_token"]
    for _ in range(250):
        rest("POST", "/oauth2/exchange", FORM)
    assert acr.sign_in(NIL, first).name == NIL
    longer = first.replace("acr-lab-1", "acr-lab-9", 1)
    other = flavours(tmp_path / "other")["acr"]
    foreign = other.exchange(Call("POST", "", {}, {}, FORM, None, SHELF)).body["refresh_token"]
    for typed in (longer, foreign, first[:-1], first + "0", first.upper(), "acr-lab-", "acr-lab-9-", "-", "\ud800", ""):
        assert acr.sign_in(NIL, typed).message == VISIT
    assert acr.sign_in("myusername", first).message == VISIT


@pytest.mark.parametrize(
    ("role", "may"), [("acrpull", {"pull"}), ("AcrPush", {"pull", "push"}), ("owner", {"pull", "push", "delete"})]
)
def test_a_service_principal_does_what_its_role_says(acr, rest, role, may):
    made = rest("POST", "/lab/principals", {"name": "ci", "role": role})
    app = made.body["appId"]
    assert made.status == 201 and acr.sign_in(app, made.body["password"]).kind == "service key"
    assert acr.allowed(app, View(SHELF, "acr", "app")) == may
    told = acr.denied(asked(acr, SHELF, "push", "app", user=app))
    assert (told.status, told.message, told.problem) == (401, VISIT, "")
    assert told.detail == [{"Type": "repository", "Name": "app", "Action": "push"}]
    assert rest("POST", "/lab/principals", {"name": "ci", "role": "x"}).status == 400
    assert rest("POST", "/lab/principals", {"name": "ci", "role": role}, None).status == 401


def test_a_principal_that_is_made_again_gets_another_password(acr, rest):
    made, again = (rest("POST", "/lab/principals", {"name": "ci", "role": role}) for role in ("acrpull", "acrpush"))
    assert again.status == 200 and again.body["appId"] == made.body["appId"]
    assert acr.sign_in(made.body["appId"], made.body["password"]).reason == "wrong-password"
    assert acr.allowed(acr.sign_in(again.body["appId"], again.body["password"]).name, None) == {"pull", "push"}
    told = rest("GET", "/lab/principals").body
    assert told == [{"appId": made.body["appId"], "displayName": "ci"}]
    assert rest("GET", "/lab/principals", user=again.body["appId"]).status == 401


def test_no_token_is_given_where_nothing_may_be_done(acr, rest):
    principal = rest("POST", "/lab/principals", {"name": "ci", "role": "acrpull"}).body
    app = principal["appId"]
    account = acr.sign_in(app, principal["password"])
    view = View(SHELF, "acr", "app")
    told = acr.withheld({"pull", "push"}, None, view)
    assert (told.status, told.message, told.reason) == (401, VISIT, "not-signed-in")
    assert acr.withheld({"push"}, account, view).reason == "fewer-rights"
    assert acr.withheld({"pull", "push"}, account, view) is None
    assert acr.granted({"pull", "push"}, app, view) == {"pull"}


def test_what_is_missing_is_said_in_its_words(acr):
    assert acr.missing(asked(acr, SHELF, "pull", "app", "v9")).message == 'manifest tagged by "v9" is not found'
    assert acr.missing(asked(acr, SHELF, "pull", "app", "sha256:9")).message == "manifest sha256:9 is not found"


def test_a_tag_that_is_locked_stays_and_the_others_move(acr, rest):
    assert rest("PATCH", "/acr/v1/app/_tags/v1", {"writeEnabled": False}).body["tag"]["changeableAttributes"] == {
        "deleteEnabled": True,
        "listEnabled": True,
        "readEnabled": True,
        "writeEnabled": False,
    }
    told = acr.forbids(asked(acr, SHELF, "push", "app", "v1", NIL))
    assert (told.code, told.message, told.reason) == ("REGISTRY_DISALLOWED_OPERATION", DISALLOWED, "locked")
    for action, tag in (("push", "dev"), ("push", "new"), ("pull", "v1")):
        assert acr.forbids(asked(acr, SHELF, action, "app", tag, NIL)) is None
    assert acr.forbids(asked(acr, SHELF, "delete", "app", "sha256:1", NIL)).reason == "locked"
    assert acr.forbids(asked(acr, SHELF, "delete", "app", "sha256:7", NIL, "blobs")).reason == "locked"
    assert acr.forbids(asked(acr, SHELF, "delete", "team/app", "sha256:7", NIL, "blobs")) is None
    rest("PATCH", "/acr/v1/app/_tags/v1", {"writeEnabled": True})
    assert acr.forbids(asked(acr, SHELF, "push", "app", "v1", NIL)) is None
    assert acr.locks == {}


def test_locks_are_bounded(acr, rest):
    SHELF.held["many"] = {f"t{n}": f"sha256:{n}" for n in range(250)}
    told = [rest("PATCH", f"/acr/v1/many/_tags/t{n}", {"writeEnabled": False}).status for n in range(250)]
    del SHELF.held["many"]
    assert told == [200] * 200 + [403] * 50


def test_a_repository_or_a_manifest_is_locked(acr, rest):
    rest("PATCH", "/acr/v1/team/app", {"writeEnabled": False})
    assert acr.forbids(asked(acr, SHELF, "push", "team/app", "new", NIL)).reason == "locked"
    assert acr.forbids(asked(acr, SHELF, "push", "team/app", "uploads/", NIL, "blobs")).reason == "locked"
    rest("PATCH", "/acr/v1/app/_manifests/sha256:1", {"readEnabled": False})
    assert acr.forbids(asked(acr, SHELF, "pull", "app", "v1", NIL)).reason == "locked"


def test_the_api_tells_what_was_pushed(rest):
    assert rest("GET", "/acr/v1/_catalog").body["repositories"] == ["app", "team/app"]
    assert [one["name"] for one in rest("GET", "/acr/v1/app/_tags").body["tags"]] == ["v1", "dev"]
    assert rest("GET", "/acr/v1/team/app/_tags/v1").body["tag"]["digest"] == "sha256:2"
    assert rest("GET", "/acr/v1/app/_manifests").body["manifests"][0]["tags"] == ["v1", "dev"]
    assert rest("GET", "/acr/v1/app").body["tagCount"] == 2
    for path in ("/acr/v1/none/_tags", "/acr/v1/app/_tags/none", "/acr/v1/app/_manifests/sha256:9", "/acr/v1/none"):
        assert rest("GET", path).status == 404
        assert rest("GET", path, user=None).status == 401
    assert rest("GET", "/acr/v1/_catalog", user=None).status == 401
    for body in (None, {}, {"writeEnabled": "false"}, {"x": True}, {"listEnabled": False}):
        assert rest("PATCH", "/acr/v1/app/_tags/v1", body).status == 400
