"""What is tried on the protocol, tried on each registry of the lab: whatever the vendor, nothing is told or changed that should
not be."""

import base64
import contextlib
import json
import socket
import ssl

import pytest
from everywhere import ALL, FACTS, WRITABLE, Everywhere, host_of, of_store, port_of, told
from speaker import BYTES, IMAGE, SCHEMA_2, closing, digest_of

attack = pytest.mark.attack
each = pytest.mark.parametrize("key", ALL)
each_that_takes = pytest.mark.parametrize("key", WRITABLE)

FORM = "application/x-www-form-urlencoded"
SECRET = b"a layer of another registry, which is nobody else's"


@pytest.fixture(scope="module")
def places(started_lab):
    from labkit.lab import find

    found = Everywhere(find.current())  # its edge may be another one by now
    yield found
    found.clear()


def test_no_registry_is_left_out():
    """Nexus' own server takes and gives no images."""
    assert {key for key in FACTS if key != "nexus"} == set(ALL)


# ── paths ──


@attack(
    "protocol", "at each registry: names and references that are too long, in capitals, with `..`, `%2f`, `%00`", "4xx"
)
@each
def test_paths_of_no_form(places, key):
    mine = places.repository(key)
    space = mine.name
    before = len(places.log())
    for path in (
        f"/v2/{'a' * 300}/manifests/v1",
        f"/v2/{space}%2fmanifests%2fv1",
        f"/v2/{space}/../../private/x/manifests/v1",
        f"/v2/{space}/%2e%2e/manifests/v1",
        f"/v2/{space}%00/manifests/v1",
        f"/v2/{space.upper()}/manifests/v1",
        f"/v2/{space}/manifests/{'v' * 129}",
        f"/v2/{space}/manifests/..",
        f"/v2/{space}/manifests/%zz",
        f"/v2/{space}/manifests/md5:{'0' * 32}",
        f"/v2/{space}/blobs/sha256:12",
        f"/v2/{space}/blobs/sha256:{'g' * 64}",
        f"/v2/{space}/blobs/uploads/..",
        f"/v2/{space}/blobs/uploads/%2e%2e/%2e%2e/x",
        f"/v2/{space}/tags/lists",
        f"/v2/{space}/referrers/latest",
        f"/v2/{space}",
        "/v2/../../../../etc/passwd",
        "/blobs/sha256/00/00/data",
        "/decide",
    ):
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = mine.ask(method, path, b"{}" if method == "PUT" else None, Content_Type=IMAGE)
            assert 400 <= answer.status < 500, (method, path, answer.status)
            assert not of_store(told(answer)), (method, path)
    assert all(event.status >= 400 for event in places.log()[before:])


# ── manifests and blobs ──


@attack(
    "protocol",
    "at each registry: manifests that are empty, bytes, deep, a list, 5 MB, or of blobs that are not there",
    "4xx",
)
@each_that_takes
def test_manifests_that_are_none(places, key):
    mine = places.repository(key)
    lost = {"digest": digest_of(b"lost"), "size": 4, "mediaType": "application/vnd.oci.image.config.v1+json"}
    absent = json.dumps({"schemaVersion": 2, "mediaType": IMAGE, "config": lost, "layers": []}).encode()
    for body, kind in (
        (b"", IMAGE),
        (b"manifest", IMAGE),
        (bytes(range(256)), SCHEMA_2),
        (b"[" * 100_000, IMAGE),
        (b"[]", SCHEMA_2),
        (absent, IMAGE),
        (b" " * 5_000_000, IMAGE),
        (b"{}", "text/html"),
    ):
        answer = mine.ask("PUT", "manifests/odd", body, Content_Type=kind)
        assert 400 <= answer.status < 500 and answer.code and not of_store(told(answer)), body[:20]
    assert "odd" not in places.held(key).get(mine.name, {})


@attack(
    "protocol",
    "at each registry: a manifest or a blob under the digest of another, or under none",
    "400 DIGEST_INVALID",
)
@each_that_takes
def test_another_digest(places, key):
    mine = places.repository(key)
    mine.manifest(
        digest_of(b"another"), {"schemaVersion": 2, "mediaType": IMAGE, "config": mine.blob(b"{}"), "layers": []}, 400
    )
    for digest in (digest_of(b"another"), "sha256:x", ""):
        answer = mine.ask("PUT", closing(mine.begin(), digest), b"content", Content_Type=BYTES)
        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert mine.ask("HEAD", f"blobs/{digest_of(b'content')}").status == 404
    assert mine.ask("HEAD", f"blobs/{digest_of(b'another')}").status == 404


@attack("protocol", "at each registry: chunks that come late, twice, backwards, or lie about their place", "416")
@each_that_takes
def test_chunks_out_of_order(places, key):
    mine = places.repository(key)
    place = mine.begin()
    for odd in ("9-1", "x-y", "7-9", "bytes 0-2", "-1", "9" * 5000):
        assert mine.ask("PATCH", place, b"abc", Content_Type=BYTES, Content_Range=odd).status == 416, odd
    more = mine.patch(place, b"abc", 0)
    assert more.status == 202
    assert mine.patch(more.place, b"abc", 0).status == 416
    assert mine.put(more.place, b"def", digest_of(b"abcdef"), Content_Range="3-5").status == 201


@attack("protocol", "at each registry: an upload of one registry, or of one repository, gone on with in another", "4xx")
@each_that_takes
def test_an_upload_belongs_where_it_began(places, key):
    mine, other = places.repository(key), places.repository("private" if key != "private" else "hub", "other-attacked")
    place = other.begin()
    rest = place.partition("/blobs/")[2]
    answer = mine.put(f"/v2/{mine.name}/blobs/{rest}", b"stolen")
    assert 400 <= answer.status < 500 and not of_store(told(answer))
    assert mine.ask("HEAD", f"blobs/{digest_of(b'stolen')}").status == 404
    assert other.put(place, b"mine").status == 201


# ── what is another's ──


@pytest.fixture(scope="module")
def secret(places):
    """A layer in Docker Hub and in the private registry; its digest."""
    for key in ("hub", "private"):
        places.repository(key, "secret-attacked").blob(SECRET)
    return digest_of(SECRET)


@attack("protocol", "at each registry: a blob, a manifest and referrers of another registry, by digest", "404")
@each
def test_a_digest_opens_nothing_of_another_registry(places, secret, key):
    mine = places.repository(key)
    for path in (f"blobs/{secret}", f"manifests/{secret}"):
        assert mine.get(path).status == 404
    answer = mine.get(f"referrers/{secret}")
    assert answer.status == 404 or answer.json["manifests"] == []


@attack(
    "protocol",
    "at each registry: a mount out of another one, by `..`, by the store's names, in a form",
    "an upload or 4xx",
)
@each_that_takes
def test_a_mount_out_of_another_registry(places, secret, key):
    mine = places.repository(key)
    named = [places[other].space for other in ("hub", "private")]
    sources = [f"../{other}/{space}/secret-attacked" for other, space in zip(("hub", "private"), named, strict=True)]
    sources += ["hub/myusername/secret-attacked", "private/team/secret-attacked", "nobody/secret-attacked"]
    for source in sources:
        asked = [mine.ask("POST", f"blobs/uploads/?mount={secret}&from={source}", b"")]
        asked += [mine.ask("POST", f"blobs/uploads/?mount={secret}&from={mine.name}&from={source}", b"")]
        body = f"mount={secret}&from={source}".encode()
        asked += [mine.ask("POST", "blobs/uploads/", body, Content_Type=FORM)]
        for answer in asked:
            assert answer.status == 202 or 400 <= answer.status < 500, (source, answer.status)
            assert not of_store(told(answer))
    assert mine.ask("HEAD", f"blobs/{secret}").status == 404


@attack("protocol", "what opens one registry, at each other one", "400 or 401")
@each
def test_what_opens_one_opens_no_other(places, key):
    mine = places.repository(key)
    head = {"Authorization": mine.head["Authorization"]}
    path = f"/v2/{mine.name}/tags/list"
    shared = head["Authorization"].startswith("Basic") and key in ("nexus-hosted", "nexus-group")
    for other in ALL:
        if other == key or {key, other} == {"artifact", "gcr"} or (shared and other != "ecr"):
            continue  # the password of a person, and Google's token, are the same there
        answer = places.anybody(other).ask("GET", path, headers=head)
        assert answer.status in (400, 401), other


@attack(
    "protocol",
    "at each registry: tokens that are altered, empty, of no algorithm, or another's with a colon",
    "400 or 401",
)
@each
def test_forged_tokens(places, key):
    mine = places.repository(key)
    _, _, value = mine.head["Authorization"].partition(" ")
    nothing = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    claims = json.dumps(
        {"sub": "admin", "access": [{"type": "repository", "name": mine.name, "actions": ["*"]}]}
    ).encode()
    forged = f"{nothing}.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}."
    flipped = value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:]
    for typed in ("", "null", forged, value[:-3], flipped, value + "A" * 9000, "\xff", "a:b", "undefined"):
        for scheme in ("Bearer", "Basic"):
            head = {"Authorization": f"{scheme} {typed}"}
            answer = places.anybody(key).ask("PUT", f"/v2/{mine.name}/manifests/forged", b"{}", head)
            assert answer.status in (400, 401, 403), (scheme, typed[:40], answer.status)
    assert "forged" not in places.held(key).get(mine.name, {})


REAL = (
    "dckr_pat_" + "aBcDe12345" * 3,
    "AKIA" + "Z7EXAMPLE7EXAMPL",
    "ghp_" + "aBcDe12345" * 4,
    "ya29." + "aBcDe12345" * 3,
    base64.b64encode(b'{"private_key": "-----BEGIN PRIVATE KEY-----"}').decode(),
    base64.b64encode(b'{"payload": "x", "datakey": "AQEB", "type": "DATA_KEY"}').decode(),
)


@attack(
    "protocol", "at each registry: credentials that look real, as password and as user", "refused; nowhere in the log"
)
@each
def test_real_credentials_are_kept_nowhere(places, key):
    anybody = places.anybody(key)
    asked = anybody.ask("GET", "/v2/").headers["WWW-Authenticate"]
    for real in REAL:
        for pair in (f"myusername:{real}", f"{real}:x"):
            head = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
            places_to_type = ["/v2/"] if asked.lower().startswith("basic") else [realm_of(asked), "/v2/"]
            for path in places_to_type:
                host = "auth.docker.io" if key == "hub" and path != "/v2/" else None
                assert anybody.ask("GET", path, headers=head, host=host).status in (400, 401, 403), path
    log = str(places.log())
    assert not any(real in log for real in REAL)


def realm_of(challenge):
    return "/" + challenge.partition('realm="https://')[2].partition('"')[0].partition("/")[2]


# ── HTTP itself ──


def raw(places, key, sent, most=65536):
    """What comes back for these bytes, all of it that comes before the end of the call or half a second of silence."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((places.address, port_of(key)), 10) as plain,
        context.wrap_socket(plain) as secure,
    ):
        secure.sendall(sent)
        secure.settimeout(0.5)
        while len(found) < most and (more := secure.recv(65536)):
            found += more
    return found


@attack(
    "protocol",
    "at each registry: a request hidden in the body of another, by two lengths or a length and chunks",
    "400",
)
@each
def test_smuggling(places, key):
    mine = places.repository(key)
    host, auth = host_of(key), mine.head["Authorization"]
    hidden = (
        f"GET /v2/{mine.name}/manifests/smuggled HTTP/1.1\r\nHost: {host}\r\nAuthorization: {auth}\r\n\r\n".encode()
    )
    head = f"PUT /v2/{mine.name}/manifests/v1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {auth}\r\n"
    for lines, body in (
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + hidden),
        (f"Content-Length: {5 + len(hidden)}\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + hidden),
        ("Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + hidden),
        ("Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + hidden),
        ("Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + hidden),
        ("Content-Length: -5\r\n", hidden),
        ("Content-Length: 0x5\r\n", b"12345" + hidden),
    ):
        found = raw(places, key, f"{head}{lines}\r\n".encode() + body)
        assert found.count(b"HTTP/1.1 ") <= 1 and b"HTTP/1.1 2" not in found, (lines, found[:200])
    assert not any(event.reference == "smuggled" for event in places.log())


@attack(
    "protocol",
    "at each registry: headers of 100 kB, a line that is none, a client's X-Real-IP, X-Decide and X-Length",
    "400, or no heed",
)
@each
def test_headers(places, key):
    mine = places.repository(key)
    assert mine.ask("GET", "/v2/", X_Long="x" * 100_000).status == 400
    head = f"GET /v2/ HTTP/1.1\r\nHost: {host_of(key)}\r\n"
    for odd in ("no colon\r\n", "A\0: b\r\n", "Host: evil.example\r\n"):
        assert raw(places, key, f"{head}{odd}\r\n".encode()).startswith(b"HTTP/1.1 400"), odd
    odd = {
        "X_Real_IP": "10.9.9.9",
        "X_Decide": "1",
        "X_Length": "0",
        "X_Forwarded_For": "10.9.9.9",
        "X_Place": "/v2/hub/x",
    }
    answer = mine.get("manifests/none", User_Agent="pretender", **odd)
    assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    last = next(event for event in reversed(places.log()) if event.agent == "pretender")
    assert last.registry in (key, "hub") and last.machine != "10.9.9.9"


@attack(
    "protocol",
    "at each registry: a sign-in of 60 MB, a manifest of 100 MB, a layer of 10 GB by nobody",
    "refused before it is read",
)
@each
def test_bodies_that_do_not_end(places, key):
    host, name = host_of(key), places.repository(key).name
    asked = places.anybody(key).ask("GET", "/v2/").headers["WWW-Authenticate"]
    tried = [("PUT", f"/v2/{name}/manifests/v1", 100_000_000), ("POST", f"/v2/{name}/blobs/uploads/", 10_000_000_000)]
    if asked.lower().startswith("bearer"):
        tried.append(("POST", realm_of(asked), 60_000_000))
    for method, path, length in tried:
        where = "auth.docker.io" if key == "hub" and "/v2/" not in path else host
        head = f"{method} {path} HTTP/1.1\r\nHost: {where}\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
        status = raw(places, key, head.encode() + b"some", 1).split(b" ")[1:2]
        assert status and status[0] in (b"400", b"401", b"403", b"404", b"405", b"413"), (path, status)


@attack("protocol", "at each registry: 30 clients that never end their request", "others are served meanwhile")
@each
def test_slow_clients_hold_up_nobody(places, key):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            plain = stack.enter_context(socket.create_connection((places.address, port_of(key)), 10))
            secure = stack.enter_context(context.wrap_socket(plain))
            secure.sendall(f"POST /v2/ HTTP/1.1\r\nHost: {host_of(key)}\r\nContent-Length: 9\r\n\r\n123".encode())
        mine = places.repository(key)
        assert mine.ask("GET", "/v2/").status == 200
        assert mine.get("manifests/none").status == 404
