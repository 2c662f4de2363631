"""Who is who: keys, accounts and tokens, tried where they open nothing."""

import base64
import json
import re
import ssl

import pytest
from by_hand import HUB, PRIVATE, Registry, digest_of, forget, on, seen

from labkit.lab.engine.wire import Wire, WireError

attack = pytest.mark.attack


MINE, THEIRS = "myusername/attacked", "colleague/attacked"

# ── doors with keys ──────────────────────────────────────────────────────────────────────────────────────────────────

KNOCK = """
import http.client, json, ssl, sys
told = {}
for name, key in {"none": None, "server": "/lab/pki/server", "authority": "/lab/pki/hub"}.items():
    for door in sys.argv[1:]:
        address, _, port = door.partition(":")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            if key:
                context.load_cert_chain(key + ".pem", key + "-key.pem")
            connection = http.client.HTTPSConnection(address, int(port), timeout=5, context=context)
            connection.request("GET", "/observation" if port == "8443" else "/info")
            told[name + " " + door] = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            told[name + " " + door] = type(error).__name__
print(json.dumps(told))
"""
REFUSED = {"SSLError", "ConnectionResetError", "RemoteDisconnected", "BrokenPipeError", "SSLEOFError"}


@attack(
    "identity",
    "using a node's own server key, and no key, at the desk and at every engine, from a machine of the lab",
    "TLS ends the connection",
)
def test_a_nodes_own_key_opens_nothing(running_lab):
    keyed = [
        part for part in running_lab.parts.values() if part.role in ("edge", "node")
    ]  # others may be there, without keys
    doors = [f"{part.address}:{8443 if part.role == 'edge' else 2376}" for part in keyed]
    told = json.loads(on(running_lab, "worker2", "python3", "-c", KNOCK, *doors))
    assert len(told) == 3 * len(doors)
    assert {key: value for key, value in told.items() if value not in REFUSED and not key.startswith("authority")} == {}
    assert {value for key, value in told.items() if key.startswith("authority")} == {
        "FileNotFoundError"
    }  # no node has it


def desk(lab, place, names=("cert.pem", "key.pem")):
    """The desk as somebody with these keys reaches it; None for nobody's."""
    context = ssl.create_default_context(cafile=str(lab.folder / "pki/client/ca.pem"))
    if place:
        context.load_cert_chain(*(lab.folder / "pki" / place / name for name in names))
    return Wire(lab.url("edge"), context)


@pytest.mark.parametrize(
    ("place", "names"),
    [
        pytest.param(place, names, marks=attack("identity", f"{tried} at the desk: observation, mark, remove", "TLS ends the connection"), id=name)
        for name, tried, place, names in [
            ("nobody", "no key", None, ()),
            ("guest", "a guest's key", "guest", ("cert.pem", "key.pem")),
            ("worker", "a worker's server key", "worker1/pki", ("server.pem", "server-key.pem")),
            ("edge", "the edge's own server key", "edge/pki", ("server.pem", "server-key.pem")),
            ("registries", "the registries' key", "edge/pki", ("hub.pem", "hub-key.pem")),
        ]
    ],
)  # fmt: skip
def test_the_desk_opens_to_its_owner_only(running_lab, place, names):
    before = seen(running_lab, "registries", "log")
    for method, path, body in [
        ("GET", "/observation", None),
        ("POST", "/mark", {"exercises": ["01-login"]}),
        ("POST", "/remove", {"repositories": [["hub", "library/busybox"]]}),
        ("POST", "/restore", None),
        ("GET", "/events", None),
    ]:
        with desk(running_lab, place, names) as wire, pytest.raises(WireError) as refused:
            wire.request(method, path, body)
        assert refused.value.status == 0, path
    after = seen(running_lab, "registries", "log")
    assert (after.registries, after.log) == (before.registries, before.log)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        pytest.param(path, body, told, marks=attack("identity", f"the desk, asked to {tried}", "400, which names it"), id=name)
        for name, tried, path, body, told in [
            ("blobs", "remove the store's blobs with `..`", "/remove", {"repositories": [["hub", "../../blobs"]]}, "'../../blobs' is no repository's name"),
            ("registry", "remove from a folder next to the registries", "/remove", {"repositories": [["..", "blobs"]]}, "is no repository of a registry"),
            ("absolute", "remove an absolute path", "/remove", {"repositories": [["hub", "/etc"]]}, "'/etc' is no repository's name"),
            ("seeded", "remove the lab's own image", "/remove", {"repositories": [["hub", "library/busybox"]]}, "library/busybox comes with the lab and stays"),
            ("list", "remove something that is not a list", "/remove", {"repositories": "all"}, "the body is"),
            ("mark", "mark something that is not an exercise", "/mark", {"exercises": [{"a": 1}]}, "exercises are slugs"),
            ("marks", "mark 10,000 exercises", "/mark", {"exercises": ["x"] * 10_000}, "exercises are slugs, at most 200"),
            ("own", "read a file as a registry", "/observation?own=file:///lab/pki", None, "a registry's address is"),
            ("query", "read a page as a registry", "/observation?own=http://edge:80/x?y=z", None, "a registry's address is"),
        ]
    ],
)  # fmt: skip
def test_the_desk_takes_no_odd_names(running_lab, path, body, told):
    before = seen(running_lab, "registries", "log")
    with running_lab.wire("edge") as wire, pytest.raises(WireError) as refused:
        wire.request("POST" if body else "GET", path, body)
    assert refused.value.status == 400 and told in str(refused.value)
    after = seen(running_lab, "registries", "log")
    assert (after.registries, after.log) == (before.registries, before.log)


@attack(
    "identity",
    "looking for the store itself from a machine of the lab",
    "it is not reachable: it has only a socket inside the edge",
)
def test_the_store_has_no_door(running_lab):
    edge = running_lab.parts["edge"].address
    script = (
        "import socket, sys\n"
        "print([port for port in (80, 5001, 5002, 5005, 8080) if not socket.socket().connect_ex((sys.argv[1], port))])"
    )
    assert on(running_lab, "worker1", "python3", "-c", script, edge) == "[]"
    assert on(running_lab, "worker1", "sh", "-c", "ls /run/store") == ""
    assert re.fullmatch("7[05]0 root root", on(running_lab, "edge", "stat", "-c", "%a %U %G", "/run/store"))


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@attack("identity", "a password typed as the user name", '401; the log says "an unknown user", not what was typed')
def test_a_password_typed_as_a_name_is_not_kept(running_lab):
    typed = "hunter2-is-my-secret"
    assert Registry(running_lab).token(user=typed, password="x").status == 401
    body = f"username={typed}&password=x".encode()
    form = "application/x-www-form-urlencoded"
    assert Registry(running_lab).ask("POST", "/token", body, "auth.docker.io", Content_Type=form).status == 401
    observed = seen(running_lab, "log", "registries")
    assert typed not in observed.dump()
    last = observed.log.events[-1]
    assert (last.action, last.user, last.reason, last.status) == ("login", "an unknown user", "unknown-user", 401)
    assert typed not in on(running_lab, "edge", "cat", "/var/lib/registry/edge/access.jsonl")


@pytest.mark.parametrize(
    ("user", "password", "reason"),
    [
        pytest.param(user, password, reason, marks=attack("identity", f"a sign-in with {tried}", "401"), id=name)
        for name, tried, user, password, reason in [
            ("wrong", "a wrong password", "myusername", "x", "wrong-password"),
            ("empty", "an empty password", "myusername", "", "wrong-password"),
            ("other", "somebody else's password", "myusername", "theirpassword", "wrong-password"),
            ("case", "the name in capital letters", "MYUSERNAME", "mypassword", "unknown-user"),
            ("word", "the word that the log uses for unknown names", "an unknown user", "x", "unknown-user"),
            ("nul", "a name that continues after a NUL", "myusername\0", "mypassword", "unknown-user"),
        ]
    ],
)
def test_a_wrong_sign_in_is_refused_and_told(running_lab, user, password, reason):
    answer = Registry(running_lab).token(user=user, password=password)
    assert (answer.status, answer.json) == (401, {"details": "incorrect username or password"})
    last = seen(running_lab, "log").log.events[-1]
    assert (last.action, last.status, last.reason) == ("login", 401, reason)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(
            header, marks=attack("identity", f"{tried} in place of a token", "401, and where to get a token"), id=name
        )
        for name, tried, header in [
            ("basic", "a name and password", "Basic " + base64.b64encode(b"myusername:mypassword").decode()),
            ("none", "an unsigned JWT", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJteXVzZXJuYW1lIn0."),
            ("empty", "nothing", "Bearer "),
            ("odd", "raw bytes", "Bearer \xff\xfe"),
        ]
    ],
)
def test_only_a_token_opens_a_registry(running_lab, header):
    answer = Registry(running_lab).ask("GET", f"/v2/{MINE}/tags/list", Authorization=header)
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="https://auth.docker.io/token"')


@attack("identity", "a token changed to another user, repository or time", "401")
def test_an_altered_token_is_none(running_lab):
    mine = Registry(running_lab, HUB, "myusername").writes(MINE)
    value = mine.head["Authorization"].removeprefix("Bearer ")
    said, _, signature = value.partition(".")
    text = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
    for old, new in [(b"attacked", b"attackee"), (b"myusername", b"colleague_"), (b"[", b"[1")]:
        altered = base64.urlsafe_b64encode(text.replace(old, new)).decode().rstrip("=")
        assert altered != said
        answer = mine.ask("POST", f"/v2/{MINE}/blobs/uploads/", Authorization=f"Bearer {altered}.{signature}")
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert "hub" not in text.decode().replace("hub.docker", "")


@attack("identity", "a token from one registry, used at another", "401")
def test_a_token_is_of_one_registry(running_lab):
    hub = Registry(running_lab, HUB, "myusername").writes(MINE)
    other = Registry(running_lab, PRIVATE)
    answer = other.ask("POST", f"/v2/{MINE}/blobs/uploads/", Authorization=hub.head["Authorization"])
    assert answer.status == 401 and 'service="registry.lab"' in answer


@pytest.mark.parametrize(
    ("user", "name", "reason"),
    [
        pytest.param(user, name, reason, marks=attack("identity", tried, f"401; the log says {reason}"), id=reason)
        for tried, user, name, reason in [
            ("a push into somebody else's namespace", "myusername", THEIRS, "foreign-namespace"),
            ("a push without a sign-in", None, MINE, "not-signed-in"),
            ("a push to one of the lab's own images", "myusername", "library/busybox", "foreign-namespace"),
            ("a push to a name without a namespace", "myusername", "attacked", "no-namespace"),
        ]
    ],
)
def test_a_push_goes_to_ones_own_namespace_only(running_lab, user, name, reason):
    anybody = Registry(running_lab, HUB, user).may(f"repository:{name}:pull,push,delete,*")
    before = seen(running_lab, "registries").registries
    for method, rest in (("POST", "blobs/uploads/"), ("PUT", "manifests/v1"), ("DELETE", "manifests/latest")):
        answer = anybody.ask(method, f"/v2/{name}/{rest}", b"{}")
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
        last = seen(running_lab, "log").log.events[-1]
        assert (last.action, last.reason) == ("delete" if method == "DELETE" else "push", reason)
    assert seen(running_lab, "registries").registries == before


@attack(
    "identity",
    "deleting somebody else's image with skopeo",
    "401; the log says foreign-namespace, as it does not for one's own",
)
def test_nobody_deletes_the_image_of_another(running_lab):
    Registry(running_lab, HUB, "myusername").writes(MINE).image(MINE, "v1", b"{}")
    delete = f"skopeo delete --creds {{}} docker://docker.io/{MINE}:v1 > /tmp/told 2>&1; echo $?; cat /tmp/told; rm /tmp/told"
    for who, reason, status in [
        ("colleague:theirpassword", "foreign-namespace", 401),
        ("myusername:mypassword", "still-tagged", 403),  # as on Docker Hub
    ]:
        assert on(running_lab, "worker1", "sh", "-c", delete.format(who)).startswith("1")
        observed = seen(running_lab, "registries", "log")
        assert "v1" in observed.registries.known["hub"].repositories[MINE]
        last = observed.log.events[-1]
        assert (last.action, last.user, last.reason, last.status) == ("delete", who.partition(":")[0], reason, status)
    forget(running_lab, MINE)


@attack("identity", "listing a registry's content without a sign-in, and Docker Hub's with any", "401")
def test_the_catalogue_is_for_those_who_signed_in(running_lab):
    assert Registry(running_lab, PRIVATE).may().ask("GET", "/v2/_catalog").status == 401
    assert Registry(running_lab, HUB, "myusername").may().ask("GET", "/v2/_catalog").status == 401
    answer = Registry(running_lab, PRIVATE, "myusername").may().ask("GET", "/v2/_catalog")
    assert answer.status == 200 and not any("private/" in name for name in answer.json["repositories"])


@attack("identity", "a repository that somebody else has begun and not tagged yet", "401, as if it did not exist")
def test_what_another_has_begun_does_not_show(running_lab):
    Registry(running_lab, HUB, "colleague").writes(THEIRS).blob(THEIRS, b"begun")
    mine = Registry(running_lab, HUB, "myusername").may(f"repository:{THEIRS}:pull")
    for path in (f"blobs/{digest_of(b'begun')}", "tags/list", "manifests/v1"):
        there = mine.ask("GET", f"/v2/{THEIRS}/{path}")
        never = mine.ask("GET", f"/v2/colleague/never/{path}")
        assert (there.status, there.body) == (never.status, never.body) == (401, there.body)
    forget(running_lab, THEIRS)
