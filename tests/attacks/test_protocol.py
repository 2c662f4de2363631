"""The registries' front, asked for what it must not do or cannot read: an error by the distribution specification, and nothing
changes."""

import contextlib
import json
import socket
import ssl

import pytest
from by_hand import HUB, OCI, PRIVATE, SCHEMA_2, Registry, digest_of, forget, on, seen

from labkit.edge.tokens import GRACE, Token, Tokens

attack = pytest.mark.attack


NAME = "myusername/attacked"
PULLS, WRITES = f"repository:{NAME}:pull", f"repository:{NAME}:pull,push"


@pytest.fixture
def hub(running_lab):
    return Registry(running_lab, HUB, "myusername")


def holdings(lab):
    known = seen(lab, "registries").registries.known
    return {key: held.repositories for key, held in known.items()}


# ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param(
            path, status, code, marks=attack("protocol", tried, f"{status}, an error of the specification"), id=name
        )
        for name, tried, path, status, code in [
            ("long", "a repository name of 256 characters", f"/v2/{'a' * 256}/manifests/v1", 400, "NAME_INVALID"),
            (
                "long-inside",
                "a name that is too long only in the store",
                f"/v2/{'a' * 253}/tags/list",
                400,
                "NAME_INVALID",
            ),
            ("encoded-kind", "`%2fmanifests%2f` in a path", "/v2/me%2fmanifests%2fv1", 404, "UNSUPPORTED"),
            ("encoded-name", "`%2f` in a name", "/v2/me%2fapp/manifests/v1", 400, "NAME_INVALID"),
            ("dots", "`..` in a name", "/v2/me/../private/manifests/v1", 400, "NAME_INVALID"),
            ("encoded-dots", "`%2e%2e` in a name", "/v2/me/%2e%2e/manifests/v1", 400, "NAME_INVALID"),
            ("nul", "`%00` in a name", "/v2/me%00/manifests/v1", 400, "NAME_INVALID"),
            ("torn-percent", "`%` without a number", "/v2/me/app/manifests/%zz", 400, "MANIFEST_INVALID"),
            ("upper-case", "a name in capital letters", "/v2/ME/manifests/v1", 400, "NAME_INVALID"),
            ("long-tag", "a tag of 129 characters", f"/v2/me/app/manifests/{'v' * 129}", 400, "MANIFEST_INVALID"),
            ("tag-dots", "`..` as a tag", "/v2/me/app/manifests/..", 400, "MANIFEST_INVALID"),
            ("short-digest", "a digest that is too short", "/v2/me/app/blobs/sha256:12", 400, "DIGEST_INVALID"),
            (
                "odd-digest",
                "a digest without an algorithm",
                f"/v2/me/app/manifests/md5:{'0' * 32}",
                400,
                "DIGEST_INVALID",
            ),
            ("upload", "an upload with an odd id", "/v2/me/app/blobs/uploads/..", 404, "BLOB_UPLOAD_UNKNOWN"),
            ("tags", "something else in place of tags/list", "/v2/me/app/tags/lists", 404, "UNSUPPORTED"),
            ("nothing", "a path of no known kind", "/v2/me/app", 404, "UNSUPPORTED"),
        ]
    ],
)
def test_a_path_of_no_form_is_refused(hub, path, status, code):
    answer = hub.may(PULLS).ask("GET", path)
    assert answer.status == status and answer.code in (code, "UNSUPPORTED"), answer.body
    assert hub.ask("HEAD", path).status == status


@attack(
    "protocol",
    "a name that contains `/manifests/`, which the store would read as another repository",
    "404 for exactly that name",
)
def test_a_name_means_the_same_at_the_edge_and_in_the_store(running_lab, hub):
    inner = "myusername/manifests/attacked/manifests/attacked"
    hub.writes(inner).image(inner, "v1", b'{"mine": 1}')
    try:
        outer = "myusername/manifests/attacked"
        answer = hub.may(f"repository:{outer}:pull,push").ask("GET", f"/v2/{outer}/manifests/v1", Accept=OCI)
        assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN") and "hub/" not in answer
    finally:
        forget(running_lab, inner)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(body, kind, marks=attack("protocol", f"a manifest that is {tried}", "4xx"), id=name)
        for name, tried, body, kind in [
            ("empty", "empty", b"", OCI),
            ("text", "not JSON", b"manifest", OCI),
            ("binary", "raw bytes", bytes(range(256)), SCHEMA_2),
            ("deep", "nested 100,000 deep", b"[" * 100_000, OCI),
            ("list", "a list", b"[]", SCHEMA_2),
            ("absent", "made of blobs that do not exist", None, OCI),
            ("large", "5 MB long", b" " * 5_000_000, OCI),
            ("kind", "of an unknown kind", b"{}", "text/html"),
        ]
    ],
)
def test_a_manifest_that_is_none_is_refused(running_lab, hub, body, kind):
    if body is None:
        lost = {"digest": digest_of(b"lost"), "size": 4, "mediaType": "application/vnd.oci.image.config.v1+json"}
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": lost, "layers": []}).encode()
    answer = hub.writes(NAME).ask("PUT", f"/v2/{NAME}/manifests/v1", body, Content_Type=kind)
    assert 400 <= answer.status < 500 and answer.code and "hub/" not in answer
    assert NAME not in holdings(running_lab)["hub"]


@attack("protocol", "a manifest with another manifest's digest", "400 DIGEST_INVALID")
def test_a_manifest_under_another_digest_is_refused(hub):
    digest = digest_of(b"another")
    body = json.dumps(
        {"schemaVersion": 2, "mediaType": OCI, "config": hub.writes(NAME).blob(NAME, b"{}"), "layers": []}
    )
    answer = hub.ask("PUT", f"/v2/{NAME}/manifests/{digest}", body.encode(), Content_Type=OCI)
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


@attack("protocol", "a blob with another blob's digest, or without one", "400 DIGEST_INVALID; nothing is saved")
def test_a_blob_under_another_digest_is_refused(hub):
    hub.writes(NAME)
    for digest in (digest_of(b"another"), "sha256:x", ""):
        answer = hub.ask("PUT", f"{hub.begin(NAME)}&digest={digest}", b"content")
        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert hub.ask("HEAD", f"/v2/{NAME}/blobs/{digest_of(b'content')}").status == 404


@attack("protocol", "odd ranges for a blob and for an upload", "416, or the whole blob")
def test_odd_ranges_are_refused(hub):
    blob = hub.writes(NAME).blob(NAME, b"content")
    for odd in ("bytes=9-1", "bytes=abc", "bytes=99-", "bytes=-", "dancing=1-2"):
        answer = hub.ask("GET", f"/v2/{NAME}/blobs/{blob['digest']}", Range=odd)
        assert answer.status == 416 or (answer.status, answer.body) == (200, b"content"), odd
    place = hub.begin(NAME)
    for odd in ("9-1", "x-y", "7-9", "bytes 0-2", "-1", "9" * 5000):
        assert hub.ask("PATCH", place, b"abc", Content_Range=odd).status == 416, odd
    more = hub.ask("PATCH", place, b"abc", Content_Range="0-2")
    assert more.status == 202
    assert hub.ask("PATCH", more.headers["Location"], b"abc", Content_Range="0-2").status == 416
    last = hub.ask("PUT", f"{more.headers['Location']}&digest={digest_of(b'abcdef')}", b"def", Content_Range="3-5")
    assert last.status == 201


@attack(
    "protocol",
    "a request that is not HTTP, or has a header line of 100 KB",
    "400, or the connection ends; the next request is served",
)
def test_what_is_no_http_is_refused(running_lab, hub):
    for sent in (
        b"\0\1\2\r\n\r\n",
        b"GET /v2/" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: \xff\r\nA\r\n\r\n",
    ):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((running_lab.parts["edge"].address, 443), 10) as plain,
            context.wrap_socket(plain) as secure,
            contextlib.suppress(ConnectionError, ssl.SSLError),
        ):  # some are hung up on at once
            secure.sendall(sent)
            assert secure.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert hub.ask("GET", "/v2/").status == 401


@attack("protocol", "a host that is not one of the lab's registries", "404, naming the host")
def test_a_host_that_is_none_is_refused(hub):
    answer = hub.ask("GET", "/v2/", host="evil.example")
    assert answer.status == 404 and answer.body == b"evil.example is not a registry of this lab\n"


@attack("protocol", "the registry's name in capital letters", "the same registry, with the same rules")
def test_a_host_in_capitals_is_the_same_host(running_lab):
    from labkit.seen.reference import Reference

    mine = Registry(running_lab, PRIVATE, "myusername")
    answer = mine.token("repository:team/attacked:pull,push", host="REGISTRY.LAB:5000")
    mine.head = {"Authorization": f"Bearer {answer.json['token']}"}
    mine.where = ("REGISTRY.LAB:5000", 5000)
    mine.image("team/attacked", "v1", b"{}")
    assert 'service="registry.lab"' in mine.ask("GET", "/v2/", Authorization=None)
    observed = seen(running_lab, "registries").registries.known
    assert "team/attacked" in observed["private"].repositories and "team/attacked" not in observed["hub"].repositories
    assert Reference.parse("REGISTRY.LAB:5000/team/attacked:v1") == Reference.parse(
        "registry.lab:5000/team/attacked:v1"
    )
    forget(running_lab, "team/attacked", registry="private")


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


@attack(
    "protocol",
    "an old manifest (schema 1), which contains the store's own name",
    "the manifest exactly as it was pushed",
)
def test_no_old_manifest_is_made(hub):
    busybox = "library/busybox"
    hub.may(f"repository:{busybox}:pull")
    v1 = "application/vnd.docker.distribution.manifest.v1"
    whole = hub.ask("GET", f"/v2/{busybox}/manifests/latest", Accept=SCHEMA_2)
    for accept in (None, "*/*", f"{v1}+prettyjws", f"{v1}+json", "text/html"):
        answer = hub.ask("GET", f"/v2/{busybox}/manifests/latest", Accept=accept)
        assert (answer.status, answer.body) == (200, whole.body) and answer.json["schemaVersion"] == 2
        assert "hub/" not in answer


@attack("protocol", "searching errors, lists and headers for the store's own names", "none is found")
def test_the_stores_own_names_show_nowhere(running_lab, hub):
    hub.writes(NAME).image(NAME, "v1", b"{}")
    hub.image(NAME, "v2", b"{ }")
    lost = digest_of(b"lost")
    answers = [
        hub.ask("GET", f"/v2/{NAME}/tags/list?n=1"),
        hub.ask("GET", f"/v2/{NAME}/manifests/none"),
        hub.ask("GET", f"/v2/{NAME}/manifests/{lost}"),
        hub.ask("GET", f"/v2/{NAME}/blobs/{lost}"),
        hub.ask("GET", f"/v2/{NAME}/referrers/{lost}"),
        hub.ask("POST", f"/v2/{NAME}/blobs/uploads/"),
        hub.ask("POST", f"/v2/{NAME}/manifests/v1", b"x"),
        hub.ask("PUT", f"/v2/{NAME}/manifests/v1", b"{}", Content_Type=SCHEMA_2),
        hub.ask("DELETE", f"/v2/{NAME}/manifests/{lost}"),
        hub.ask("PATCH", f"/v2/{NAME}/blobs/uploads/0000", b"x"),
    ]
    never = "myusername/never"
    answers.append(hub.writes(never).ask("GET", f"/v2/{never}/tags/list"))
    assert (answers[-1].status, answers[-1].code) == (404, "NAME_UNKNOWN")
    for answer in answers:
        assert answer.status < 500 and "hub/" not in answer, answer.body
    forget(running_lab, NAME)


# ── what one repository tells of another ─────────────────────────────────────────────────────────────────────────────

SECRET = b"a layer that is nobody else's"


@pytest.fixture
def secret(running_lab):
    """A repository of the colleague's that others may not read yet, and one of registry.lab's."""
    Registry(running_lab, HUB, "colleague").writes("colleague/secret").blob("colleague/secret", SECRET)
    Registry(running_lab, PRIVATE, "colleague").writes("team/secret").blob("team/secret", SECRET)
    yield digest_of(SECRET)
    forget(running_lab, "colleague/secret", NAME)
    forget(running_lab, "team/secret", registry="private")


@pytest.mark.parametrize(
    ("query", "form"),
    [
        pytest.param("&from=colleague/secret", "", marks=attack("protocol", "a mount from a repository that the user may not read", "a plain upload (202)"), id="foreign"),
        pytest.param("&from=myusername/x&from=colleague/secret", "", marks=attack("protocol", "a mount from two repositories", "a plain upload (202)"), id="two"),
        pytest.param("&from=../private/team/secret", "", marks=attack("protocol", "a mount from another registry, by `..`", "a plain upload (202)"), id="dots"),
        pytest.param(None, "hub/colleague/secret", marks=attack("protocol", "a mount requested by a form in the body, with the store's own name", "a plain upload (202)"), id="form"),
        pytest.param(None, "private/team/secret", marks=attack("protocol", "the same from another registry", "a plain upload (202)"), id="form-other"),
    ],
)  # fmt: skip
def test_a_mount_reads_only_what_one_may_read(hub, secret, query, form):
    hub.may(WRITES, "repository:colleague/secret:pull", "repository:myusername/x:pull")
    place = f"/v2/{NAME}/blobs/uploads/"
    if form:
        body = f"mount={secret}&from={form}".encode()
        answer = hub.ask("POST", place, body, Content_Type="application/x-www-form-urlencoded")
    else:
        answer = hub.ask("POST", f"{place}?mount={secret}{query}")
    assert answer.status == 202 and answer.headers["Location"].startswith(place)
    assert hub.ask("HEAD", f"/v2/{NAME}/blobs/{secret}").status == 404


def test_a_mount_from_a_repository_that_one_may_read_is_one(running_lab, hub):
    layer = (
        hub.may("repository:library/busybox:pull").ask("GET", "/v2/library/busybox/manifests/latest").json["layers"][0]
    )
    hub.may(WRITES, "repository:library/busybox:pull")
    answer = hub.ask("POST", f"/v2/{NAME}/blobs/uploads/?mount={layer['digest']}&from=library/busybox")
    assert answer.status == 201 and "hub/" not in answer
    forget(running_lab, NAME)


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@attack("protocol", "1,500 anonymous token requests during a push, and 500 by the same user", "the push continues")
def test_tokens_do_not_crowd_each_other_out(running_lab, hub):
    hub.writes(NAME)
    place = hub.begin(NAME)
    with (
        contextlib.closing(Registry(running_lab)) as anybody,
        contextlib.closing(Registry(running_lab, HUB, "myusername")) as same,
    ):
        anybody.stays = same.stays = True
        for number in range(1500):
            assert anybody.token().status == 200
            if number % 3 == 0:
                assert same.token(PULLS).json["expires_in"] == 300
    assert hub.ask("PUT", f"{place}&digest={digest_of(b'x')}", b"x").status == 201
    forget(running_lab, NAME)


@attack("protocol", "an expired token, also with the machine's clock set back", "refused: expired")
def test_a_token_expires_whatever_the_clock_says(monkeypatch):
    now = [5000.0]
    tokens = Tokens(300, lambda: now[0])
    value = tokens.issue(Token("registry.lab", "myusername", {NAME: {"push"}}))
    monkeypatch.setattr("time.time", lambda: 0.0)
    now[0] += tokens.lifetime
    assert tokens.read(value) is not None
    now[0] += GRACE + 1
    assert tokens.read(value) is None


@attack("protocol", "five sign-ins with a user name of 8 MB", "413; the log is unchanged")
def test_a_form_that_is_too_large_is_not_read(running_lab):
    before = seen(running_lab, "log").log
    for _ in range(5):
        anybody = Registry(running_lab)
        kind = "application/x-www-form-urlencoded"
        try:
            answer = anybody.ask("POST", "/token", b"username=" + b"u" * 8_000_000, "auth.docker.io", Content_Type=kind)
        except (ConnectionError, ssl.SSLError):
            continue  # it was hung up on
        assert answer.status == 413
    assert seen(running_lab, "log").log == before


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        pytest.param(kind, body, status, marks=attack("protocol", tried, str(status)), id=name)
        for name, tried, kind, body, status in [
            ("json", "a sign-in sent as JSON", "application/json", b'{"username": []}', 415),
            ("multipart", "a sign-in sent as a multipart form", "multipart/form-data; boundary=x", b"--x\r\n\r\n", 415),
            (
                "raw bytes",
                "a sign-in with bytes that are not a form",
                "application/x-www-form-urlencoded",
                b"username=\xff\xfe",
                400,
            ),
            ("fields", "a sign-in with 500 fields", "application/x-www-form-urlencoded", b"scope=x&" * 500, 400),
            (
                "surrogate",
                "a sign-in with half a character",
                "application/x-www-form-urlencoded",
                b"username=%ed%a0%80&password=x",
                400,
            ),
        ]
    ],
)
def test_a_form_that_is_none_is_refused(running_lab, kind, body, status):
    before = seen(running_lab, "log").log
    assert Registry(running_lab).ask("POST", "/token", body, "auth.docker.io", Content_Type=kind).status == status
    assert seen(running_lab, "log").log == before


@attack(
    "protocol",
    "names and clients of 8,000 characters in the log, again and again",
    "each is cut, so the log stays small",
)
def test_each_text_of_the_log_is_bounded(running_lab, hub):
    before = len(seen(running_lab, "log").log.events)
    hub.may(PULLS)
    for number in range(50):
        hub.ask("GET", f"/v2/{NAME}/manifests/v{number}", User_Agent="é" * 3000)
    events = seen(running_lab, "log").log.events
    assert len(events) >= before and max(len(event.agent) for event in events) <= 301


# ── what a registry holds ────────────────────────────────────────────────────────────────────────────────────────────


@attack("protocol", "a config nested 10,000 deep, labels with half characters or megabytes, thousands of layers", "reported as odd; everything else is reported as usual")  # fmt: skip
def test_whatever_is_pushed_the_lab_can_be_looked_at(running_lab, hub):
    hub.writes(NAME)
    layers = [hub.blob(NAME, b"layer")] * 2000
    labels = {"a": "\ud800", "b": "x" * 3_000_000, **{str(n): "y" * 1000 for n in range(900)}}
    odd = {
        "deep": b'{"config":' * 10_000 + b"{}" + b"}" * 10_000,
        "large": b" " * 5_000_000,
        "number": b'{"config": {"Labels": 1e999}, "created": ' + b"9" * 5000 + b"}",
        "labels": json.dumps({"config": {"Labels": labels}, "rootfs": {"diff_ids": [digest_of(b"")]}}).encode(),
    }
    made = {tag: hub.image(NAME, tag, config) for tag, config in odd.items()}
    made["layers"] = hub.image(NAME, "layers", b"{}", layers=layers)
    observed = seen(running_lab, "registries").registries
    kinds = {tag: observed.manifests[digest].kind for tag, digest in made.items()}
    assert kinds == {**dict.fromkeys(kinds, "unknown"), "labels": "image"}
    carried = observed.manifests[made["labels"]].labels
    assert carried["a"] == "\ufffd" and sum(map(len, carried.values())) < 100_000
    assert "library/busybox" in observed.known["hub"].repositories
    forget(running_lab, NAME)


BLOBS = "/var/lib/registry/docker/registry/v2/blobs/sha256"


@attack(
    "protocol",
    "removing the blobs of a pushed image after it was seen",
    "it no longer counts as an image, and exercise 03 says so",
)
def test_what_was_pushed_and_lost_does_not_count(running_lab, hub):
    from labkit.content.check import NotYet
    from labkit.content.facts import is_pushed
    from labkit.content.scope import Scope
    from labkit.seen.reference import Reference

    config = json.dumps({"rootfs": {"diff_ids": [digest_of(b"mine")]}, "config": {"Cmd": ["sh"]}}).encode()
    hub.writes(NAME).image(NAME, "v1", config, layer=b"a layer to be lost")
    wanted = Reference.parse(f"{NAME}:v1")

    def judged():
        return is_pushed(Scope(seen(running_lab, "registries", "log", "engines"), "03-push"), wanted)

    assert "is sha256:" in judged()
    lost = digest_of(b"a layer to be lost").removeprefix("sha256:")
    on(running_lab, "edge", "rm", "-r", f"{BLOBS}/{lost[:2]}/{lost}")
    with pytest.raises(NotYet) as failed:
        judged()
    assert failed.value.diagnosis == "push-not-image"
    assert failed.value.found == "parts of it are missing from the registry"
    hub.writes(NAME).image(NAME, "v1", config, layer=b"a layer to be lost")  # as a push does again
    assert "is sha256:" in judged()
    forget(running_lab, NAME)


@attack("protocol", "removing the lab's own images from the store", "`labkit up` brings them back")
def test_up_brings_the_labs_own_images_back(running_lab):
    from labkit.lab.lifecycle import provision

    before = seen(running_lab, "registries").registries
    on(
        running_lab,
        "edge",
        "sh",
        "-c",
        f"rm -r {BLOBS}/* /var/lib/registry/docker/registry/v2/repositories/hub/library",
    )
    assert "library/busybox" not in holdings(running_lab)["hub"]
    provision.repair(running_lab, lambda _: None)
    after = seen(running_lab, "registries").registries
    kept = after.known["hub"].repositories["library/busybox"]
    assert kept == before.known["hub"].repositories["library/busybox"]
    assert {digest: after.manifests[digest] for digest in kept.values()} == {
        digest: before.manifests[digest] for digest in kept.values()
    }
