"""What is tried on Artifact Registry's and gcr.io's own ways: tokens, key files, names, and keys of real projects."""

import base64
import json

import pytest
from by_hand import HUB, digest_of, forget, seen
from by_hand import Registry as ByHand
from clouds import API, REPOSITORIES, Google, basic
from speaker import IMAGE

attack = pytest.mark.attack
TOKEN, KEY, ENCODED = "oauth2accesstoken", "_json_key", "_json_key_base64"
ACCOUNT = "ci-robot@my-project.iam.gserviceaccount.com"


@pytest.fixture
def both(running_lab):
    """Artifact Registry, with an image in my-project/shop/app, and gcr.io."""
    address = running_lab.parts["edge"].address
    found = Google(address), Google(address, "gcr", "my-project")
    found[0].make()
    found[0].there = found[0].repository("app")
    found[0].digest = found[0].there.image("v1", "secret")[0]["digest"]
    yield found
    for registry in found:
        registry.close()
    forget(running_lab, "my-project/shop/app", "my-project/shop/more", registry="artifact")
    forget(running_lab, "my-project/app", registry="gcr")
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/forget", {"registries": ["artifact", "gcr"]})


def key_file(artifact):
    return artifact.api("POST", "/lab/keys", {"account": ACCOUNT}).is_(201).json


def signs_in(registry, user, secret):
    return registry.ask("GET", "/v2/token", headers=basic(user, secret))


def bearer(registry, *scopes, account=None):
    """The header for these scopes; as nobody, or as an account."""
    query = "&".join(f"scope=repository:{scope}" for scope in scopes)
    token = registry.ask("GET", f"/v2/token?{query}", headers=basic(*account) if account else {}).is_(200).json["token"]
    return {"Authorization": f"Bearer {token}"}


@attack(
    "protocol",
    "a token of Artifact Registry's that was altered, made up, is another registry's, or shown as another user",
    "401",
)
def test_only_its_own_tokens_open_it(running_lab, both):
    artifact, gcr = both
    token = artifact.token()
    ends = token.split("-")[2]
    for registry in both:
        assert signs_in(registry, TOKEN, token).status == 200
        for typed in (
            "",
            "x",
            token[:-4],
            token.replace(ends, str(int(ends) + 9)),
            f"gcloud-lab-{ends}-0-0",
            "gcloud-lab-",
        ):
            assert signs_in(registry, TOKEN, typed).status == 401
        for user in ("myusername", KEY, ENCODED, "AWS", ""):
            assert signs_in(registry, user, token).status == 401
        assert signs_in(registry, "myusername", "mypassword").status == 401
    path = f"/v2/my-project/shop/app/manifests/{artifact.digest}"
    assert artifact.ask("GET", path, headers=basic(TOKEN, token)).status == 401  # a Basic header is for the token alone
    mine = bearer(artifact, "my-project/shop/app:pull", account=(TOKEN, token))
    assert artifact.ask("GET", path, headers={**mine, "Accept": IMAGE}).status == 200
    theirs = bearer(gcr, "my-project/shop/app:pull", account=(TOKEN, token))
    assert artifact.ask("GET", path, headers=theirs).status == 401
    hub = ByHand(running_lab, HUB, "myusername").may("repository:library/busybox:pull")
    assert artifact.ask("GET", path, headers=hub.head).status == 401
    assert hub.token(user=TOKEN, password=token).status == 401
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/expire", {"registry": "artifact"})
    assert signs_in(artifact, TOKEN, token).status == signs_in(gcr, TOKEN, token).status == 401
    assert artifact.ask("GET", path, headers=mine).status == 401


@attack(
    "protocol",
    "a key file of a real project at Artifact Registry: as it is, in base64 with and without line breaks, escaped, as another user",
    "refused with the reason; it is nowhere in the log, and nothing is kept",
)
def test_a_real_key_file_is_kept_nowhere(running_lab, both):
    file = key_file(both[0])
    secret = "-----BEGIN PRIVATE KEY-----\nMIIEvRealKey\n-----END PRIVATE KEY-----\n"
    real = json.dumps({**file, "private_key": secret}, indent=2)
    escaped = real.replace("-----BEGIN", "\\u002d----BEGIN")
    whole = base64.b64encode(real.encode()).decode()
    shapes = (
        real,
        whole,
        base64.encodebytes(real.encode()).decode(),
        escaped,
        base64.b64encode(escaped.encode()).decode(),
    )
    for registry in both:
        for shown in (*shapes, "ya29." + "a0AfH6SMB" * 5):
            for user in (KEY, ENCODED, TOKEN, "me"):
                told = signs_in(registry, user, shown)
                assert told.status == 401 and "takes no real credential" in told.json["details"], (user, shown)
        assert "takes no real credential" in signs_in(registry, real, "x").json["details"]
    log = str(seen(running_lab, "log").log)
    assert "MIIEvRealKey" not in log and whole[:40] not in log and "ya29" not in log
    assert signs_in(both[0], KEY, json.dumps(file)).status == 200
    for odd in ("{", "[" * 4000, '{"private_key": 1}', '{"private_key": null}', "{}", "\0"):
        assert signs_in(both[0], KEY, odd).status == signs_in(both[0], ENCODED, odd).status == 401


@attack(
    "protocol",
    "Artifact Registry's API by nobody, by a wrong token, for another project; a key for another project's account",
    "Google's own error; nothing changes",
)
def test_only_who_is_signed_in_changes_anything(both):
    artifact = both[0]
    body = {"format": "DOCKER"}
    asked = (
        ("POST", f"{REPOSITORIES}?repositoryId=more", body),
        ("PATCH", f"{REPOSITORIES}/shop", {"dockerConfig": {"immutableTags": True}}),
        ("GET", REPOSITORIES, None),
    )
    for method, path, sent in asked:
        assert artifact.api(method, path, sent, None, API).status == 401
        for account in ((TOKEN, "wrong"), ("myusername", "mypassword")):
            assert artifact.api(method, path, sent, account, API).status == 401
        assert artifact.api(method, path.replace("my-project", "other"), sent, host=API).status == 403
    assert artifact.api("POST", "/lab/keys", {"account": ACCOUNT}, None).status == 401
    for account in ("x@other.iam.gserviceaccount.com", f"{ACCOUNT}\n", {"a": 1}, None, "a" * 500):
        assert artifact.api("POST", "/lab/keys", {"account": account}).status == 400
    (there,) = artifact.api("GET", REPOSITORIES, host=API).json["repositories"]
    assert there["name"].endswith("/shop") and there["dockerConfig"] == {"immutableTags": False}


@attack(
    "protocol",
    "images of another project, of no repository and of nobody's at Artifact Registry and gcr.io; a mount out of another's",
    "401, 403 or 404; a push that names what is not there as a source goes on",
)
def test_rights_end_at_the_project(both):
    artifact, gcr = both
    account = (TOKEN, artifact.token())
    for registry, name in ((artifact, "other/shop/app"), (gcr, "other/app")):
        for actions in ("pull", "push", "pull,push", "*"):
            query = f"/v2/token?scope=repository:{name}:{actions}"
            assert registry.ask("GET", query, headers=basic(*account)).status == 403
            assert registry.ask("GET", query).status == 403
    assert artifact.ask("GET", "/v2/token?scope=repository:my-project/app:push", headers=basic(*account)).status == 400
    none = bearer(artifact, "my-project/none/app:pull,push", account=account)
    assert artifact.ask("POST", "/v2/my-project/none/app/blobs/uploads/", b"", none).status == 404
    sources = ("my-project/app:pull", "other/shop/app:pull", "my-project/none/app:pull", "my-project/shop/app:pull")
    mine = bearer(artifact, "my-project/shop/more:pull,push", *sources, account=account)
    layer = digest_of(b"layer secret")
    for source, status in (("other/shop/app", 202), ("my-project/none/app", 202), ("my-project/shop/app", 201)):
        place = f"/v2/my-project/shop/more/blobs/uploads/?mount={layer}&from={source}"
        assert artifact.ask("POST", place, b"", mine).status == status
    only = bearer(artifact, "my-project/shop/more:pull,push", account=account)
    assert artifact.ask("POST", place.replace(layer, artifact.digest), b"", only).status == 202
    assert artifact.ask("GET", f"/v2/other/shop/app/blobs/{layer}", headers=mine).status == 403


@attack(
    "protocol",
    "around Artifact Registry's immutable tags: over the tag, by an odd name, by an index, by a token from before",
    "400; the tag leads where it led",
)
def test_an_immutable_tag_stays(both):
    artifact = both[0]
    other = artifact.there.image("", "other")[1]
    artifact.api("PATCH", f"{REPOSITORIES}/shop", {"dockerConfig": {"immutableTags": True}}, host=API).is_(200)
    kinds = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json", "text/plain")
    for kind in kinds:
        answer = artifact.there.ask("PUT", "manifests/v1", other, Content_Type=kind)
        assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    for odd in ("v1/", "v1%00", "%76%31", "v1%20", "../app/manifests/v1", "v1?x=1"):
        assert artifact.there.ask("PUT", f"manifests/{odd}", other, Content_Type=kinds[0]).status in (400, 404), odd
    assert artifact.there.get("manifests/v1").digest == artifact.digest
    artifact.there.image("v2", "other")


@attack(
    "protocol",
    "a body of 1 MB, 60,000 deep, or of no JSON, odd names and headers at Artifact Registry's API",
    "4xx; nothing of it is kept; the next one is served",
)
def test_odd_requests_to_the_api(both):
    artifact = both[0]
    place = f"{REPOSITORIES}?repositoryId=more"
    assert artifact.api("POST", place, b" " * 1_000_000, host=API).status == 413
    assert artifact.api("POST", "/lab/keys", b" " * 1_000_000).status == 413
    for body in (b"[" * 60_000, b"\xff\xfe", b"[]", b"", b"7", {"format": "MAVEN"}):
        assert artifact.api("POST", place, body, host=API).status == 400
        assert artifact.api("PATCH", f"{REPOSITORIES}/shop", body, host=API).status == 400
        assert artifact.api("POST", "/lab/keys", body).status == 400
    for name in ("", "..", "%2e%2e", "a%00b", "A", "a" * 64, "shop%0d%0aSet-Cookie:%20a", "a%2Fb", "_layers"):
        answer = artifact.api("POST", f"{REPOSITORIES}?repositoryId={name}", {"format": "DOCKER"}, host=API)
        assert answer.status == 400 and answer.headers["Set-Cookie"] is None
        if name:
            assert artifact.api("GET", f"{REPOSITORIES}/{name}", host=API).status in (400, 404)
    assert len(artifact.api("GET", REPOSITORIES, host=API).json["repositories"]) == 1


@attack("protocol", "210 repositories in Artifact Registry", "200 are kept, the others are refused")
def test_what_it_keeps_is_bounded(both):
    artifact, account = both[0], (TOKEN, both[0].token())
    body = {"format": "DOCKER"}
    made = [artifact.api("POST", f"{REPOSITORIES}?repositoryId=r{n}", body, account, API).status for n in range(210)]
    assert made.count(200) == 199 and set(made) == {200, 429}
