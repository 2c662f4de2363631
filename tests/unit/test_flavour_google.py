"""Artifact Registry and gcr.io: names, repositories, tokens and keys, in their own words."""

import base64
import json

import pytest
from test_flavours import Shelf, asked

from labkit.edge.flavours import flavours
from labkit.edge.flavours.base import Account, View
from labkit.edge.flavours.google import ENCODED, HELPER, KEY, TOKEN
from labkit.edge.flavours.routes import Call

SHELF = Shelf(**{"my-project__shop__app": {"v1": "sha256:1", "dev": "sha256:1"}})
REPOSITORIES = "/v1/projects/my-project/locations/europe-west1/repositories"
SIGNED = Account(TOKEN, "", "short-lived token")
ACCOUNT = "ci-robot@my-project.iam.gserviceaccount.com"


@pytest.fixture
def both(tmp_path):
    found = flavours(tmp_path)
    return found["artifact"], found["gcr"]


@pytest.fixture
def rest(both):
    def ask(method, path, body=None, user=TOKEN, query=None):
        answer, parts = both[0].routes.find(method, path)
        return answer(both[0], Call(method, path, parts, query or {}, body, user, SHELF))

    return ask


def made(rest, name="shop", **config):
    body = {"format": "DOCKER", "dockerConfig": config}
    return rest("POST", REPOSITORIES, body, query={"repositoryId": name})


def test_a_token_is_valid_for_an_hour_in_both(both, rest):
    token = rest("POST", "/lab/token", user=None).body["access_token"]
    for flavour in both:
        for name in (TOKEN, HELPER):
            assert flavour.sign_in(name, token).kind == "short-lived token"
        assert flavour.sign_in("myusername", "mypassword").status == 401
    assert token not in str(both[0].kept.said)
    both[1].clock.move(3601)
    assert [(flavour.sign_in(TOKEN, token).status, flavour.sign_in(TOKEN, token).reason) for flavour in both] == [
        (401, "expired"),
        (401, "expired"),
    ]


def test_a_key_file_of_the_labs_signs_in_and_a_real_one_is_refused(both, rest):
    file = rest("POST", "/lab/keys", {"account": ACCOUNT}).body
    text = json.dumps(file)
    for flavour in both:
        assert flavour.sign_in(KEY, text).kind == "service key"
        assert flavour.sign_in(ENCODED, base64.b64encode(text.encode()).decode()).kind == "service key"
    assert file["private_key"] not in str(both[0].kept.said)
    before = str(both[0].kept.said)
    real = json.dumps({**file, "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"})
    encoded = base64.encodebytes(real.encode()).decode()
    escaped = real.replace("-----BEGIN", "\\u002d----BEGIN").replace("PRIVATE", "PRIV\\u0041TE")
    for name in (KEY, ENCODED, TOKEN, "me"):
        for secret in (real, encoded, encoded.replace("\n", ""), escaped, base64.b64encode(escaped.encode()).decode()):
            told = both[0].sign_in(name, secret)
            assert "takes no real credential" in told.message and "MIIE" not in str(told)
    for odd in ("", "{", "[]", "[" * 100_000, '{"private_key": 1}', "\ud800"):
        assert both[0].sign_in(KEY, odd).status == both[0].sign_in(ENCODED, odd).status == 401
    assert str(both[0].kept.said) == before
    for account in (None, "x", "ci-robot@other-project.iam.gserviceaccount.com"):
        assert rest("POST", "/lab/keys", {"account": account}).status == 400
    assert rest("POST", "/lab/keys", {"account": ACCOUNT}, None).status == 401


def test_keys_are_bounded_and_no_number_of_tokens_makes_one_invalid(both, rest):
    first = rest("POST", "/lab/token", user=None).body["access_token"]
    for _ in range(250):
        rest("POST", "/lab/token", user=None)
    assert both[0].sign_in(TOKEN, first).name == both[1].sign_in(TOKEN, first).name == TOKEN
    told = [rest("POST", "/lab/keys", {"account": ACCOUNT}).status for _ in range(210)]
    assert told == [201] * 200 + [429] * 10


def test_a_repository_must_exist_first(both, rest):
    view = View(SHELF, "artifact", "my-project/shop/app")
    resource = 'on resource "projects/my-project/locations/europe-west1/repositories/shop" (or it may not exist)'
    permission = '"artifactregistry.repositories.uploadArtifacts"'
    assert both[0].withheld({"push", "pull"}, SIGNED, view) is None and both[0].allowed(TOKEN, view) == set()
    told = both[0].denied(asked(both[0], SHELF, "push", view.name, user=TOKEN))
    assert (told.status, told.code, told.message) == (404, "NAME_UNKNOWN", 'Repository "shop" not found')
    assert told.reason == "no-such-repository"
    told = both[0].withheld({"push", "pull"}, None, view)
    assert told.message == (
        f"Unauthenticated request. Unauthenticated requests do not have permission {permission} {resource}"
    )
    told = both[0].withheld({"push", "pull"}, SIGNED, View(SHELF, "artifact", "other/shop/app"))
    assert (told.status, told.code) == (403, "DENIED")
    assert told.message == f"Permission {permission} denied {resource.replace('my-project', 'other')}"
    assert "downloadArtifacts" in both[0].withheld({"pull"}, None, view).message
    assert made(rest).status == 200
    assert both[0].withheld({"push", "pull"}, SIGNED, view) is None
    assert both[0].withheld({"pull"}, None, view).reason == "not-signed-in"
    assert both[0].withheld({"pull"}, SIGNED, View(SHELF, "artifact", "other/shop/app")).reason == "foreign-namespace"


def test_what_is_missing_is_said_in_its_words(both):
    told = both[0].missing(asked(both[0], SHELF, "pull", "my-project/shop/app", "v9"))
    assert (told.status, told.code, told.message) == (404, "MANIFEST_UNKNOWN", 'Failed to fetch "v9"')


def test_a_name_has_three_parts(both):
    for told in (
        both[0].misnamed("my-project/shop"),
        both[0].withheld({"push"}, SIGNED, View(SHELF, "artifact", "my-project/shop")),
    ):
        assert (told.status, told.code) == (400, "NAME_INVALID")
        assert told.message == (
            "Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE"
        )
    assert both[1].misnamed("my-project/app") is None


def test_tags_are_immutable_where_the_repository_says_so(both, rest):
    made(rest, immutableTags=True)

    def forbids(rest="v1"):
        return both[0].forbids(asked(both[0], SHELF, "push", "my-project/shop/app", rest, TOKEN))

    assert (forbids().status, forbids().code, forbids().reason) == (400, "MANIFEST_INVALID", "immutable")
    assert forbids().message == "cannot update tag v1. The repository has enabled tag immutability"
    assert forbids("new") is None
    assert rest("PATCH", f"{REPOSITORIES}/shop", {"dockerConfig": {"immutableTags": False}}).status == 200
    assert forbids() is None
    assert rest("PATCH", f"{REPOSITORIES}/shop", {}).status == 400


def test_gcr_is_served_from_the_location_us(both):
    view = View(SHELF, "gcr", "other/app")
    assert (
        'on resource "projects/other/locations/us/repositories/gcr.io"'
        in both[1].withheld({"push"}, SIGNED, view).message
    )
    assert both[1].withheld({"push"}, SIGNED, View(SHELF, "gcr", "my-project/app")) is None


def test_the_api_tells_what_is_there(both, rest):
    assert not both[0].in_use
    assert rest("GET", REPOSITORIES).body == {"repositories": []}
    made(rest)
    assert both[0].in_use and not both[1].in_use
    assert made(rest).status == 409
    assert rest("GET", f"{REPOSITORIES}/shop").body["dockerConfig"] == {"immutableTags": False}
    (image,) = rest("GET", f"{REPOSITORIES}/shop/dockerImages").body["dockerImages"]
    assert image == {"uri": "europe-west1-docker.pkg.dev/my-project/shop/app@sha256:1", "tags": ["v1", "dev"]}
    assert rest("GET", f"{REPOSITORIES}/none").status == 404
    assert rest("GET", REPOSITORIES, user=None).status == 401
    assert rest("GET", REPOSITORIES.replace("europe-west1", "us")).status == 403
    for name in ("", "Shop", "a", "a/b", "x" * 64):
        assert made(rest, name).status == 400
