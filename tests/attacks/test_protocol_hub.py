"""What is tried on Docker Hub's own ways: its limit of pulls, private repositories, immutable tags, access tokens, its API."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from by_hand import HUB, OCI, PASSWORDS, Registry, digest_of, forget, on, seen

API = ("hub.docker.com", 443)
NEXUS = ("nexus.lab:8083", 8083)
APP, OTHER = "myusername/attacked", "colleague/mine"
SETTINGS = f"/v2/namespaces/myusername/repositories/{APP.partition('/')[2]}"
BUSYBOX = "/v2/library/busybox/manifests/latest"
attack = pytest.mark.attack


class Hub(Registry):
    """The Hub's own API, signed in by a password or an access token, or as nobody."""

    def __init__(self, lab, user=None, secret=None):
        super().__init__(lab, API, user)
        if user:
            told = self.api("POST", "/v2/auth/token", {"identifier": user, "secret": secret or PASSWORDS[user]})
            assert told.status == 200, told.body
            self.head = {"Authorization": f"Bearer {told.json['access_token']}"}

    def api(self, method, path, body=None):
        return self.ask(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body).encode())

    def token(self, *scopes):
        told = self.api("POST", "/v2/access-tokens", {"token_label": "attack", "scopes": list(scopes)})
        assert told.status == 201, told.body
        return told.json["uuid"], told.json["token"]


@pytest.fixture
def mine(running_lab):
    """Signed in to the API as the learner, with an image at APP:v1."""
    Registry(running_lab, HUB, "myusername").writes(APP).image(APP, "v1", b"{}")
    yield Hub(running_lab, "myusername")
    forget(running_lab, APP, OTHER)
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/forget", {"registries": ["hub"]})


def limit(lab, pulls, signed_in=1000):
    with lab.wire("edge") as wire:
        wire.request("POST", "/limit", {"registry": "hub", "pulls": pulls, "signed_in": signed_in})


def anyone(lab):
    return Registry(lab, HUB).may("repository:library/busybox:pull")


# ── the limit of pulls ───────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "protocol", "X-Forwarded-For, X-Real-IP and Forwarded that name another address, once the pulls are used up", "429"
)
def test_who_asks_does_not_say_from_where(running_lab, mine):
    limit(running_lab, 1)
    one = anyone(running_lab)
    assert one.ask("GET", BUSYBOX).status == 200
    for head in ({"X_Forwarded_For": "10.9.9.9"}, {"X_Real_IP": "10.9.9.9"}, {"Forwarded": "for=10.9.9.9"}):
        told = one.ask("GET", BUSYBOX, **head)
        assert (told.status, told.code) == (429, "TOOMANYREQUESTS"), head
        assert told.headers["ratelimit-remaining"] == "0;w=21600" and "10.9.9.9" not in told
    assert anyone(running_lab).ask("GET", BUSYBOX).status == 429  # nor does another token help
    assert one.ask("HEAD", BUSYBOX).status == 200


@attack("protocol", "40 pulls at once where 5 are left", "5 are served, 35 get 429")
def test_pulls_at_once_do_not_outrun_the_limit(running_lab, mine):
    limit(running_lab, 5)
    head = anyone(running_lab).head

    def pull(_):
        one = Registry(running_lab, HUB)
        one.head = head
        return one.ask("GET", BUSYBOX).status

    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(pull, range(40)))
    assert (told.count(200), told.count(429)) == (5, 35)


@attack(
    "protocol", "a machine gives itself a second address to pull on", "each address has its own pulls, as on the Hub"
)
def test_each_address_is_counted_by_itself(running_lab, mine):
    limit(running_lab, 1)
    second = running_lab.parts["workstation"].address.rpartition(".")[0] + ".250"
    script = f"""
T=$(curl -s "https://auth.docker.io/token?service=registry.docker.io&scope=repository:library/busybox:pull" | jq -r .token)
pull() {{ curl -s -o /dev/null -w '%{{http_code}} ' -H "Authorization: Bearer $T" "$@" https://registry-1.docker.io{BUSYBOX}; }}
ip address add {second}/24 dev eth0
pull; pull; pull --interface {second}; pull --interface {second}; pull
ip address del {second}/24 dev eth0
"""
    assert on(running_lab, "workstation", "sh", "-c", script).split() == ["200", "429", "200", "429", "429"]
    with running_lab.wire("edge") as wire:
        used = wire.get("/limit?registry=hub")["used"]
    assert set(used.values()) == {1} and len(used) == 2


@attack(
    "protocol",
    "/limit of the edge's desk with no number, below 0, too large, of another registry",
    "400; nothing changes",
)
def test_odd_limits(running_lab, mine):
    from labkit.lab.engine.wire import WireError

    with running_lab.wire("edge") as wire:
        before = wire.get("/limit?registry=hub")
        for odd in (
            {"pulls": "x"},
            {"pulls": -1},
            {"pulls": 10**9},
            {"pulls": True},
            {"registry": "nexus"},
            {"registry": []},
        ):
            with pytest.raises(WireError) as told:
                wire.request("POST", "/limit", {"registry": "hub", **odd})
            assert told.value.status == 400, odd
        assert wire.get("/limit?registry=hub") == before


# ── private repositories ─────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "protocol",
    "a private repository's manifest, layer, tags, referrers and API by another and by nobody; by its digest, by a mount, by Nexus's proxy",
    "401 or 404; the mount is a plain upload (202)",
)
def test_a_private_repository_is_closed_on_every_side(running_lab, mine):
    digest = mine.api("GET", f"{SETTINGS}/tags/v1").json["digest"]
    layer = digest_of(b"layer")
    assert mine.api("PATCH", SETTINGS, {"is_private": True}).status == 200
    paths = ["manifests/v1", f"manifests/{digest}", f"blobs/{layer}", "tags/list", f"referrers/{digest}"]  # fmt: skip
    for user in ("colleague", None):
        one = Registry(running_lab, HUB, user).may(f"repository:{APP}:pull", f"repository:{APP}:*")
        assert [one.ask("GET", f"/v2/{APP}/{path}", Accept=OCI).status for path in paths] == [401] * len(paths)
        assert one.ask("HEAD", f"/v2/{APP}/manifests/v1", Accept=OCI).status == 401
        assert one.ask("GET", "/v2/_catalog").status == 401
        page = Hub(running_lab, user)
        assert page.api("GET", SETTINGS).status == page.api("GET", f"{SETTINGS}/tags").status == 404
        listed = page.api("GET", "/v2/namespaces/myusername/repositories?page_size=100").json["results"]
        assert APP not in {f"myusername/{one['name']}" for one in listed}
    thief = Registry(running_lab, HUB, "colleague").may(f"repository:{OTHER}:pull,push", f"repository:{APP}:pull")
    assert thief.ask("POST", f"/v2/{OTHER}/blobs/uploads/?mount={layer}&from={APP}").status == 202
    assert thief.ask("HEAD", f"/v2/{OTHER}/blobs/{layer}").status == 404
    proxied = Registry(running_lab, NEXUS)
    basic = {"Authorization": "Basic YWRtaW46YWRtaW4xMjM="}  # the lab's admin of Nexus
    assert proxied.ask("GET", BUSYBOX, **basic).status == 200
    assert [proxied.ask("GET", f"/v2/{APP}/{path}", **basic).status for path in paths[:3]] == [404] * 3
    owner = Registry(running_lab, HUB, "myusername").may(f"repository:{APP}:pull")
    assert [owner.ask("GET", f"/v2/{APP}/{path}", Accept=OCI).status for path in paths] == [200] * len(paths)


@attack(
    "protocol",
    "a repository becomes private while somebody's token for it lives",
    "its token is good for five minutes, no new one is",
)
def test_a_token_from_before_it_was_private(running_lab, mine):
    before = Registry(running_lab, HUB).may(f"repository:{APP}:pull")
    assert mine.api("PATCH", SETTINGS, {"is_private": True}).status == 200
    assert (
        before.ask("GET", f"/v2/{APP}/manifests/v1", Accept=OCI).status == 200
    )  # as on the Hub: a token says what its bearer may
    assert before.may(f"repository:{APP}:pull").ask("GET", f"/v2/{APP}/manifests/v1", Accept=OCI).status == 401


# ── immutable tags ───────────────────────────────────────────────────────────────────────────────────────────────────


def manifest(**more):
    about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(b"{}"), "size": 2}
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(b"layer"), "size": 5}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": about, "layers": [layer], **more}).encode()


def put(one, tag, body, kind=OCI):
    return one.ask("PUT", f"/v2/{APP}/manifests/{tag}", body, Content_Type=kind)


@attack(
    "protocol",
    "an immutable tag is moved: by an image, an index, a deletion before, the digest first, a form, an access token that may write",
    "403 each time; the same image again is taken (201)",
)
def test_an_immutable_tag_is_not_moved(running_lab, mine):
    owner = Registry(running_lab, HUB, "myusername").may(f"repository:{APP}:*")
    held = owner.ask("GET", f"/v2/{APP}/manifests/v1", Accept=OCI)
    digest, other = held.headers["Docker-Content-Digest"], manifest(annotations={"other": "1"})
    rules = {"immutable_tags": True, "immutable_tags_rules": []}
    assert mine.api("PATCH", f"{SETTINGS}/immutabletags", rules).status == 200
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    for body, kind in (
        (other, OCI),
        (json.dumps(index).encode(), index["mediaType"]),
        (b"", OCI),
        (b"x" * 100_000, "text/plain"),
    ):
        told = put(owner, "v1", body, kind)
        assert (told.status, told.code) == (403, "DENIED") and "due to immutability settings" in told
    assert owner.ask("DELETE", f"/v2/{APP}/manifests/v1").status == 403
    assert owner.ask("DELETE", f"/v2/{APP}/manifests/{digest}").status == 403
    assert mine.api("DELETE", f"{SETTINGS}/tags/v1").status == 403
    assert put(owner, digest_of(other), other).status == 201  # by its digest it is no tag's
    assert put(owner, "v1", other).status == 403
    writer = Registry(running_lab, HUB, "myusername")
    token = writer.token(f"repository:{APP}:pull,push", password=mine.token("repo:write")[1]).json["token"]
    writer.head = {"Authorization": f"Bearer {token}"}
    assert put(writer, "v1", other).status == 403
    for one in (owner, writer):
        told = put(one, "v1", held.body)
        assert (told.status, told.headers["Docker-Content-Digest"]) == (201, digest)
    assert owner.ask("HEAD", f"/v2/{APP}/manifests/v1", Accept=OCI).headers["Docker-Content-Digest"] == digest
    with_token = Hub(running_lab, "myusername", mine.token("repo:write")[1])
    assert with_token.api("PATCH", f"{SETTINGS}/immutabletags", {**rules, "immutable_tags": False}).status == 403


@attack(
    "protocol",
    "twelve images are pushed at once to one tag that is immutable and not there yet",
    "one is taken (201), the others get 403",
)
def test_of_pushes_at_once_one_wins(running_lab, mine):
    assert (
        mine.api(
            "PATCH", f"{SETTINGS}/immutabletags", {"immutable_tags": True, "immutable_tags_rules": ["^race"]}
        ).status
        == 200
    )
    head = Registry(running_lab, HUB, "myusername").writes(APP).head

    def push(number):
        one = Registry(running_lab, HUB)
        one.head = head
        body = manifest(annotations={"number": str(number)})
        return put(one, "race", body).status, digest_of(body)

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(push, range(12)))
    won = [digest for status, digest in told if status == 201]
    assert sorted(status for status, _ in told) == [201] + [403] * 11
    assert seen(running_lab, "registries").registries.known["hub"].repositories[APP]["race"] == won[0]


# ── access tokens ────────────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "protocol",
    "an access token for reading: asked to push, to delete, as another, for an own right to more",
    "401 or 403",
)
def test_an_access_token_does_what_it_was_made_for(running_lab, mine):
    _, secret = mine.token("repo:read")
    one = Registry(running_lab, HUB, "myusername")
    for scope in (
        f"repository:{APP}:push",
        f"repository:{APP}:pull,push",
        f"repository:{APP}:delete",
        f"repository:{APP}:*",
    ):
        told = one.token(scope, password=secret)
        assert (told.status, told.json["details"]) == (401, "access token has insufficient scopes")
    both = one.token(f"repository:{APP}:pull", f"repository:{OTHER}:push", password=secret)
    assert both.status == 401
    assert one.token(f"repository:{APP}:pull", user="colleague", password=secret).status == 401
    token = one.token(f"repository:{APP}:pull", password=secret).json["token"]
    one.head = {"Authorization": f"Bearer {token}"}
    assert one.ask("GET", f"/v2/{APP}/manifests/v1", Accept=OCI).status == 200
    assert one.ask("POST", f"/v2/{APP}/blobs/uploads/").status == put(one, "v2", manifest()).status == 401
    page = Hub(running_lab, "myusername", secret)
    for method, path, body in (
        ("PATCH", SETTINGS, {"is_private": True}),
        ("POST", "/v2/access-tokens", {"token_label": "more", "scopes": ["repo:admin"]}),
        ("GET", "/v2/access-tokens", None),
        ("DELETE", f"{SETTINGS}/tags/v1", None),
    ):
        assert page.api(method, path, body).status == 403, path
    assert secret not in str(seen(running_lab, "log").log)


@attack(
    "protocol",
    "an access token is deleted or switched off while tokens live that it was good for",
    "no new one; the API is closed at once, the old one ends in five minutes",
)
def test_an_access_token_that_was_deleted(running_lab, mine):
    for end in (("DELETE", None, 204), ("PATCH", {"is_active": False}, 200)):
        key, secret = mine.token("repo:admin")
        one, page = Registry(running_lab, HUB, "myusername"), Hub(running_lab, "myusername", secret)
        token = one.token(f"repository:{APP}:pull", password=secret).json["token"]
        method, body, status = end
        assert mine.api(method, f"/v2/access-tokens/{key}", body).status == status
        assert one.token(f"repository:{APP}:pull", password=secret).status == 401
        assert page.api("PATCH", SETTINGS, {"is_private": True}).status == 401
        one.head = {"Authorization": f"Bearer {token}"}
        assert one.ask("GET", f"/v2/{APP}/manifests/v1", Accept=OCI).status == 200
        with running_lab.wire("edge") as wire:
            wire.request("POST", "/expire", {"registry": "hub"})
        assert one.ask("GET", f"/v2/{APP}/manifests/v1", Accept=OCI).status == 401
        mine.__init__(running_lab, "myusername")


# ── its API ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "protocol",
    "the API's token at the registry, the registry's at the API; the API at another host, images at the API's",
    "401 or 404",
)
def test_the_api_and_the_registry_are_apart(running_lab, mine):
    registry = Registry(running_lab, HUB, "myusername").may(f"repository:{APP}:pull")
    assert registry.ask("GET", f"/v2/{APP}/manifests/v1", **mine.head).status == 401
    assert mine.ask("GET", "/v2/access-tokens", **registry.head).status == 401
    assert registry.ask("GET", "/v2/access-tokens", **mine.head).status == 404
    for path in ("/v2/", "/v2/_catalog", f"/v2/{APP}/manifests/v1", BUSYBOX):
        assert mine.ask("GET", path).status == 404, path


@attack(
    "protocol",
    "bodies of 1 MB, 60,000 deep, of no JSON, and patterns without end at the API; odd paths",
    "4xx; the next one is served, and nothing changes",
)
def test_odd_requests_to_the_api(running_lab, mine):
    before = seen(running_lab, "registries", "log")
    assert mine.api("PATCH", SETTINGS, b" " * 1_000_000).status == 413
    for body in (
        b"[" * 60_000,
        b"\xff\xfe",
        b"[]",
        b'{"immutable_tags": {}}',
        b'{"immutable_tags": true, "immutable_tags_rules": [["a"]]}',
    ):
        assert mine.api("PATCH", f"{SETTINGS}/immutabletags", body).status == 400
    for rule in ("((a{99}){99}){99}", "(" * 200, "[", "x" * 10_000):
        assert mine.api("POST", f"{SETTINGS}/immutabletags/verify", {"regex": rule}).status == 400
    assert mine.api("POST", f"{SETTINGS}/immutabletags/verify", {"regex": "(a+)+$" * 20}).status == 200
    for path in (
        "/v2/namespaces/../repositories/x",
        "/v2/namespaces/myusername/repositories/%2e%2e",
        "/v2/access-tokens/%00",
        "/v2/nothing",
    ):
        assert 400 <= mine.api("GET", path).status < 500, path
    after = seen(running_lab, "registries", "log")
    assert (after.registries, after.log) == (before.registries, before.log)
