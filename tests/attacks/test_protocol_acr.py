"""What is tried on Azure Container Registry's own ways: exchange, refresh tokens, service principals, locks, real tokens."""

import time

import pytest
from by_hand import HUB, digest_of, forget, seen
from by_hand import Registry as ByHand
from clouds import FORM, Acr, basic
from speaker import IMAGE

from labkit.edge.flavours.acr import NIL

attack = pytest.mark.attack
REAL = "eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJzdWIiOiJtZSIsImF1ZCI6.c2lnbmF0dXJl"


@pytest.fixture
def acr(running_lab):
    """With an image in team/app, and its digest as `digest`."""
    found = Acr(running_lab.parts["edge"].address)
    found.there = found.repository("app")
    found.digest = found.there.image("v1", "secret")[0]["digest"]
    yield found
    found.close()
    forget(running_lab, "team/app", "team/more", registry="acr")
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/forget", {"registries": ["acr"]})


def principal(acr, role="acrpull", name="ci"):
    """A service principal's id and password."""
    made = acr.api("POST", "/lab/principals", {"name": name, "role": role}).is_(200, 201).json
    return made["appId"], made["password"]


def head(acr, account, *scopes):
    """What an account may show at these scopes."""
    query = "&".join(f"scope=repository:{scope}" for scope in scopes)
    return acr.ask("GET", f"/oauth2/token?{query}", headers=basic(*account))


def bearer(answer):
    return {"Authorization": f"Bearer {answer.is_(200).json['token']}"}


@attack(
    "protocol",
    "a refresh token of Azure Container Registry's that was altered, made up, is another registry's, or another lab user's",
    "401",
)
def test_only_its_own_tokens_open_it(running_lab, acr):
    token = acr.token()
    path = f"/v2/team/app/manifests/{acr.digest}"
    assert acr.ask("GET", path, headers={**basic(NIL, token), "Accept": IMAGE}).status == 200
    ends = token.split("-")[2]
    for typed in ("", "x", token[:-4], token.replace(ends, str(int(ends) + 9)), f"acr-lab-{ends}-0-0", "acr-lab-"):
        assert acr.ask("GET", path, headers=basic(NIL, typed)).status == 401
    for user in ("myusername", "myregistry", ""):
        assert acr.ask("GET", path, headers=basic(user, token)).status == 401
    assert acr.ask("GET", path, headers=basic("myusername", "mypassword")).status == 401
    assert acr.ask("GET", path).status == 401
    hub = ByHand(running_lab, HUB, "myusername").may("repository:library/busybox:pull")
    assert acr.ask("GET", path, headers=hub.head).status == 401
    assert hub.token(user=NIL, password=token).status == 401
    mine = bearer(head(acr, (NIL, token), "team/app:pull"))
    assert acr.ask("GET", path, headers={**mine, "Accept": IMAGE}).status == 200
    answer = hub.ask("GET", "/v2/library/busybox/manifests/latest", Authorization=mine["Authorization"])
    assert answer.status == 401


@attack(
    "protocol",
    "tokens of Azure Container Registry after its hours have passed, and after a reset of the lab",
    "401; what is new opens it again",
)
def test_what_has_expired_or_was_forgotten_opens_nothing(running_lab, acr):
    def opens(account):
        return acr.ask("GET", "/v2/", headers=basic(*account)).status == 200

    def tell(path, body):
        with running_lab.wire("edge") as wire:
            wire.request("POST", path, body)

    old, held = (NIL, acr.token()), principal(acr)
    access = bearer(head(acr, old, "team/app:pull"))
    assert opens(old) and opens(held)
    tell("/expire", {"registry": "acr"})
    assert not opens(old) and opens(held)  # a principal's password is valid for a year
    assert acr.ask("GET", f"/v2/team/app/manifests/{acr.digest}", headers=access).status == 401
    new = (NIL, acr.token())
    assert opens(new)
    tell("/forget", {"registries": ["acr"]})
    assert not opens(new) and not opens(held)


@attack(
    "protocol",
    "more than its role at Azure Container Registry by a service principal: by token, by Basic, by its API, and by a mount",
    "401, or a plain upload (202); nothing changes",
)
def test_a_principal_has_its_role_and_no_more(acr):
    reader, writer = principal(acr), principal(acr, "acrpush", "push")
    assert head(acr, reader, "team/app:push").status == 401
    mine = bearer(head(acr, reader, "team/app:pull,push,delete,*", "team/more:*"))
    manifest = f"/v2/team/app/manifests/{acr.digest}"
    for shown in (mine, basic(*reader)):
        assert acr.ask("GET", manifest, headers={**shown, "Accept": IMAGE}).status == 200
        assert acr.ask("POST", "/v2/team/app/blobs/uploads/", b"", shown).status == 401
        assert acr.ask("PUT", "/v2/team/app/manifests/v2", b"{}", shown).status == 401
    for account in (reader, writer):
        assert acr.ask("DELETE", manifest, headers=basic(*account)).status == 401
        for body in ({"name": "x", "role": "owner"}, {"name": "ci", "role": "owner"}):
            assert acr.api("POST", "/lab/principals", body, account).status == 401
        assert acr.api("GET", "/lab/principals", account=account).status == 401
    assert acr.api("PATCH", "/acr/v1/team/app", {"writeEnabled": False}, reader).status == 401
    assert acr.api("PATCH", "/acr/v1/team/app", {"writeEnabled": False}, None).status == 401
    only = bearer(head(acr, writer, "team/more:pull,push"))
    layer = digest_of(b"layer secret")
    answer = acr.ask("POST", f"/v2/team/more/blobs/uploads/?mount={layer}&from=team/app", b"", only)
    assert answer.status == 202  # its token was not asked to read there
    assert acr.there.get("manifests/v1").digest == acr.digest


@attack(
    "protocol",
    "around a lock of Azure Container Registry: by digest, by a layer, by another letter, by an index over it, as an owner",
    "405; the image stays whole and pulls",
)
def test_a_lock_is_not_gone_around(acr):
    acr.api("PATCH", "/acr/v1/team/app/_tags/v1", {"writeEnabled": False, "deleteEnabled": False}).is_(200)
    other = acr.there.image("", "other")[1]
    layer, config = digest_of(b"layer secret"), digest_of(b'{"text": "secret"}')
    for method, path, body in (
        ("PUT", "manifests/v1", other),
        ("DELETE", "manifests/v1", None),
        ("DELETE", f"manifests/{acr.digest}", None),
        ("DELETE", f"manifests/{acr.digest.replace(':', '%3A')}", None),
        ("DELETE", f"blobs/{layer}", None),
        ("DELETE", f"blobs/{config}", None),
    ):
        kind = {"Content_Type": "application/vnd.oci.image.manifest.v1+json"}
        answer = acr.there.ask(method, path, body, **kind)
        assert answer.status == 405 and answer.code == "REGISTRY_DISALLOWED_OPERATION", path
    for path in (
        f"manifests/{acr.digest.upper()}",
        "manifests/v1/",
        "manifests//v1",
        "manifests/v1%00",
        "manifests/%76%31",
    ):
        assert acr.there.ask("DELETE", path).status in (400, 404), path
    assert acr.there.get("manifests/v1").digest == acr.digest
    assert acr.there.get(f"blobs/{layer}").body == b"layer secret"
    acr.there.image("v2", "other")  # the other tags move as before


@attack(
    "protocol",
    "a real token of Azure's at the exchange, as password, as refresh token, as user, and within base64",
    "refused with the reason; it is nowhere in the log",
)
def test_a_real_token_is_kept_nowhere(running_lab, acr):
    secret = "abC8Q~" + "a" * 34
    told = acr.exchange(access_token=REAL)
    assert told.status == 401 and "takes no real credential" in told.json["errors"][0]["message"]
    form = f"grant_type=refresh_token&service=myregistry.azurecr.io&refresh_token={REAL}".encode()
    for answer in (
        head(acr, (NIL, REAL)),
        head(acr, (REAL, "x")),
        head(acr, ("app", secret)),
        head(acr, ("app", basic(secret, "")["Authorization"].split()[1])),
        acr.ask("POST", "/oauth2/token", form, FORM),
    ):
        assert answer.status == 401 and "takes no real credential" in answer.json["details"]
    log = str(seen(running_lab, "log").log)
    assert REAL not in log and secret not in log


@attack(
    "protocol",
    "60 kB made to keep the search for real credentials busy, at Azure Container Registry's exchange and sign-in",
    "answered at once",
)
def test_the_search_for_real_credentials_takes_no_time(acr):
    for unit in ("eyJ", "eyJa.", "eyJ-", "dckr_pat_", "-----BEGIN ", "ya29.", "8Q~", "[", '{"a":', "e"):
        text = unit * (60_000 // len(unit))
        begun = time.monotonic()
        assert acr.exchange(access_token=text).status in (401, 413)
        assert time.monotonic() - begun < 10, unit


@attack(
    "protocol",
    "a body of 1 MB, 60,000 deep, or of no form, odd names, roles and headers at Azure Container Registry's API",
    "4xx; nothing of it is kept; the next one is served",
)
def test_odd_requests_to_the_api(acr):
    assert acr.exchange(b" " * 1_000_000).status == 413
    assert acr.api("PATCH", "/acr/v1/team/app", b" " * 1_000_000).status == 413
    for body in (b"", b"\xff\xfe", b"&&&=", b"a=" * 200, b"[" * 60_000):
        assert acr.exchange(body).status == 401
    for body in (
        b"[" * 60_000,
        b"\xff",
        b"[]",
        b"7",
        {"name": {"a": 1}, "role": "acrpull"},
        {"name": "../x", "role": "owner"},
    ):
        assert acr.api("POST", "/lab/principals", body).status == 400
    for body in (
        {"name": "x", "role": ["owner"]},
        {"name": "x" * 65, "role": "owner"},
        {"name": "x\r\nSet-Cookie: a", "role": "owner"},
    ):
        assert acr.api("POST", "/lab/principals", body).status == 400
    for path in (
        "..",
        "%2e%2e",
        "team/app/../../hub",
        "team%2Fapp%00",
        "_catalog/x",
        "team/app/_tags/..",
        "team/app/_manifests/x",
    ):
        assert 400 <= acr.api("GET", f"/acr/v1/{path}").status < 500, path
        assert 400 <= acr.api("PATCH", f"/acr/v1/{path}", {"writeEnabled": False}).status < 500, path
    assert 400 <= acr.api("PATCH", "/acr/v1/team/app", {"writeEnabled": 0}).status < 500
    answer = acr.there.get("manifests/v1%0d%0aSet-Cookie:%20a=b")
    assert answer.status in (400, 404) and answer.headers["Set-Cookie"] is None
    assert acr.api("GET", "/acr/v1/team/app").json["changeableAttributes"]["writeEnabled"] is True
    assert acr.api("GET", "/lab/principals").json == []


@attack("protocol", "210 service principals in Azure Container Registry", "200 are kept, the others are refused")
def test_what_it_keeps_is_bounded(acr):
    account = (NIL, acr.token())
    told = [
        acr.api("POST", "/lab/principals", {"name": f"p{n}", "role": "acrpull"}, account).status for n in range(210)
    ]
    assert told.count(201) == 200 and set(told) == {201, 403}
