"""What every registry has: sign-in, a clock, what is kept, and a table of its own API. And Docker Hub's rules."""

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.edge.facts import Facts
from labkit.edge.flavours import FLAVOURS, flavours
from labkit.edge.flavours.base import SHORT_LIVED, Account, Asked, Clock, Flavour, Refusal, View, looks_real, marked
from labkit.edge.flavours.kept import Kept
from labkit.edge.flavours.routes import Reply, Routes, parsed


class Shelf:
    """Repositories with their tags, as rules ask for them."""

    def __init__(self, **held):
        self.held = {name.replace("__", "/"): tags for name, tags in held.items()}

    def exists(self, _, name):
        return bool(self.held.get(name))

    def tags(self, _, name):
        return self.held.get(name, {})

    def tag(self, _, name, tag):
        return self.tags(_, name).get(tag, "")

    def repositories(self, _):
        return self.held


def asked(flavour, shelf, action, name, rest="v1", user=None, kind="manifests"):
    return Asked(View(shelf, flavour.key, name), action, kind, rest, user)


class Vendor(Flavour):
    realm = service = "vendor"

    def accounts(self):
        yield from super().accounts()
        yield Account("AWS", marked("for a while"), SHORT_LIVED, 100.0)

    def expired(self, account):
        return Refusal(403, "DENIED", f"{account.kind} has expired")


@pytest.fixture
def vendor(tmp_path):
    kept = Kept(tmp_path / "vendor.json")
    facts = Facts("vendor", "Vendor", "vendor.lab", ("vendor.lab",), accounts=(("admin", "secret"),))
    return Vendor(facts, {"myusername": "mypassword"}, kept, Clock(kept, lambda: 5.0, lambda: 50.0))


def test_people_sign_in_with_the_lessons_accounts_and_the_registrys_own(vendor):
    assert vendor.sign_in("myusername", "mypassword").name == "myusername"
    assert vendor.sign_in("admin", "secret").name == "admin"
    assert vendor.sign_in("admin", "mypassword").reason == "wrong-password"
    assert vendor.sign_in("nobody", "mypassword").reason == "unknown-user"
    assert vendor.sign_in("admin", "\ud800").reason == "wrong-password"


def test_what_expires_has_expired_once_the_clock_was_moved(vendor, tmp_path):
    assert vendor.sign_in("AWS", "for a while").kind == SHORT_LIVED
    vendor.clock.move(49)
    assert vendor.sign_in("AWS", "for a while").name == "AWS"
    vendor.clock.move(1)
    assert vendor.sign_in("AWS", "for a while").message == "short-lived token has expired"
    assert vendor.clock.now() == 55.0
    again = Clock(Kept(tmp_path / "vendor.json"), lambda: 0.0, lambda: 50.0)
    assert (again.now(), again.date()) == (50.0, 100.0)


@pytest.mark.parametrize(
    "real",
    [
        "dckr_pat_" + "aB3-_" * 6,
        "AKIA" + "A1" * 8,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 40,
        "glpat-" + "a" * 20,
        "ya29." + "a" * 40,
        '{"private_key": "-----BEGIN PRIVATE KEY-----"}',
        "dckr_oat_" + "aB3-_" * 6,
        "ASIA" + "A1" * 8,
        "glpat-" + "a" * 22 + ".01.0a1b2c3d4",
        "abc8Q~" + "a" * 34,
        "eyJhbGciOiJSUzI1NiJ9x.eyJzdWIiOiJtZSJ9xxxxx.sig",
        "aB3" * 14 + "+ACRA1b2C3",
        "AIza" + "aB3-_" * 7,
        "GOCSPX-" + "aB3-_" * 6,
        "1//0" + "aB3-_" * 7,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        base64.b64encode(b'{"payload": "x", "datakey": "AQEB", "version": "2", "type": "DATA_KEY"}').decode(),
    ],
)
def test_what_looks_like_a_real_credential_is_refused_with_the_reason(vendor, real):
    for typed in (("myusername", real), (real, "x")):
        told = vendor.sign_in(*typed)
        assert (told.status, told.code) == (401, "UNAUTHORIZED") and "takes no real credential" in told.message
        assert real not in str(told)
    assert "takes no real" not in vendor.sign_in("myusername", "dckr_pat").message


def test_what_is_kept_outlives_the_edge_and_is_forgotten_as_a_whole(tmp_path):
    file = tmp_path / "deep" / "vendor.json"
    kept = Kept(file)
    kept.table("projects")["a"] = {"id": 1}
    assert not file.exists()
    kept.save()
    assert Kept(file).table("projects") == {"a": {"id": 1}}
    kept.forget()
    kept.forget()
    assert Kept(file).said == {} and not file.exists()
    for odd in (b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"projects": []}'):
        file.write_bytes(odd)
        assert Kept(file).table("projects") == {}
    file.write_text('{"moved": "x"}')
    assert Clock(Kept(file), lambda: 1.0).now() == 1.0


def test_a_table_of_routes():
    routes = Routes("/api")

    @routes.on("GET", "/projects/{name}")
    def tell(_, call):
        return Reply(200, call)

    assert routes.holds("/api/x") and not routes.holds("/apix") and not Routes().holds("/api/x")
    assert routes.find("GET", "/api/projects/a%2Fb") == (tell, {"name": "a%2Fb"})
    for none in (("POST", "/api/projects/a"), ("GET", "/api/projects/a/b"), ("GET", "/api/projects/")):
        assert routes.find(*none) is None
    named = Routes(host="api.lab")
    assert named.holds("/", "API.lab:443") and not named.holds("/", "lab") and not named.holds("/")
    assert parsed(b'{"a": 1}') == {"a": 1}
    assert parsed(b"") is parsed(b"x") is parsed(b"[" * 100_000) is None


def test_a_flavour_asks_for_sign_in_as_its_vendor_does(tmp_path):
    known = flavours(tmp_path)
    assert list(known) == list(FLAVOURS)
    scope = "repository:a/b:pull"
    told = {key: flavour.challenge(scope) for key, flavour in known.items()}
    assert told["hub"] == f'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="{scope}"'
    assert told["private"] == f'Bearer realm="https://registry.lab:5000/token",service="registry.lab",scope="{scope}"'
    assert (
        told["harbor"] == f'Bearer realm="https://harbor.lab/service/token",service="harbor-registry",scope="{scope}"'
    )
    ecr = "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/"
    assert told["ecr"] == f'Basic realm="{ecr}",service="ecr.amazonaws.com"'
    assert all(flavour.lifetime <= flavour.longest for flavour in known.values())


def test_docker_hub_deletes_no_manifest_that_a_tag_leads_to(tmp_path):
    hub, shelf = flavours(tmp_path)["hub"], Shelf(me__app={"v1": "sha256:1"})
    for rest in ("v1", "sha256:1"):
        told = hub.forbids(asked(hub, shelf, "delete", "me/app", rest))
        assert (told.status, told.code, told.reason) == (403, "DENIED", "still-tagged")
    assert hub.forbids(asked(hub, shelf, "delete", "me/app", "sha256:2")) is None
    assert hub.forbids(asked(hub, shelf, "delete", "me/app", "sha256:2", kind="blobs")).reason == "unsupported"
    assert hub.forbids(asked(hub, shelf, "push", "me/app")) is None


def test_why_docker_hub_refuses(tmp_path):
    hub, shelf = flavours(tmp_path)["hub"], Shelf(me__app={"v1": "sha256:1"})
    for action, name, user, why in (
        ("push", "me/app", None, "not-signed-in"),
        ("push", "me/app", "you", "foreign-namespace"),
        ("push", "app", "you", "no-namespace"),
        ("pull", "me/none", "you", "no-such-repository"),
        ("pull", "me/app", None, ""),
    ):
        assert hub.denied(asked(hub, shelf, action, name, user=user)).reason == why
    assert hub.denied(asked(hub, shelf, "push", "me/app")).problem == "insufficient_scope"
    assert json.dumps(hub.denied(asked(hub, shelf, "push", "me/app")).message) == '"authentication required"'


@pytest.mark.parametrize(
    "unit",
    [
        "+ACR",
        "a+ACRA",
        "AIza",
        "1//0",
        "GOCSPX-",
        '"datakey"',
        "eyJ",
        "eyJa.",
        "eyJ-",
        "dckr_pat_",
        "-----BEGIN ",
        "ya29.",
        "8Q~",
        "[",
        '{"a":',
        "eyJh",
    ],
)
def test_no_text_keeps_the_search_for_real_credentials_busy(unit):
    begun = time.process_time()
    looks_real(unit * (60_000 // len(unit)))
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "form", ["dckr_pat_" + "aB1" * 9, "AKIA" + "Z7EXAMPLE7EXAMPL", "ghp_" + "a1" * 18, "ya29." + "aB" * 12]
)
def test_what_is_real_is_found_in_base64_and_json_too(form):
    escaped = json.dumps({"a": [form]}).replace(form[0], f"\\u{ord(form[0]):04x}", 1)
    for text in (form, f"x {form}", json.dumps([form]), escaped):
        assert looks_real(text) and looks_real(base64.encodebytes(text.ljust(100).encode()).decode())
    assert not any(looks_real(text) for text in ("", "mypassword", "e30=", "[]", "{", "\ud800", form[:12]))


# ── the stand-ins of vendors' commands ───────────────────────────────────────────────────────────────────────────────


def stand_in(name, *words):
    """Runs one beside no lab: (exit status, what it prints, what it complains of)."""
    file = Path(flavours.__code__.co_filename).parents[2] / "lab/image/standins" / name
    ran = subprocess.run([sys.executable, "-B", file, *words], capture_output=True, text=True, timeout=30)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("name", ["az", "gcloud"])
def test_a_stand_in_says_what_it_is_and_explains_each_command_that_it_knows(name):
    status, told, _ = stand_in(name, "--help")
    assert status == 0 and told.startswith(f"{name}: a stand-in of the Registry Lab")
    for words in ((), ("help",), ("-h",)):
        assert stand_in(name, *words)[1] == told
    status, _, wrong = stand_in(name, "vm", "create")
    assert status == 2 and f"'{name} vm create' is not in this lab: this {name} is a stand-in" in wrong
    known = [line.strip() for line in wrong.splitlines() if line.startswith(f"  {name} ")]
    assert len(known) >= 8 and all(f"  {one}" in told for one in known)


@pytest.mark.parametrize(
    ("name", "words", "status", "told"),
    [
        ("az", ("login",), 0, "you need no `az login`"),
        ("az", ("acr", "login"), 2, "the following arguments are required: --name/-n"),
        ("az", ("acr", "login", "-n", "other"), 1, "The resource with name 'other'"),
        ("az", ("acr", "login", "-n", "myregistry", "--x"), 2, "unrecognized arguments: --x"),
        ("az", ("acr", "show", "-n", "myregistry", "-o", "yaml"), 2, "this stand-in has json, tsv and table"),
        ("az", ("acr", "show", "-n", "myregistry", "--query", "a.b"), 2, "takes names out of the answer"),
        ("az", ("acr", "repository", "show", "-n", "myregistry"), 2, "Usage error"),
        ("gcloud", ("auth", "login"), 0, "you are signed in already"),
        ("gcloud", ("auth", "print-access-token", "x"), 2, "(gcloud.auth.print-access-token) it takes no name"),
        ("gcloud", ("artifacts", "repositories", "create", "shop"), 2, "--repository-format=docker"),
        (
            "gcloud",
            ("artifacts", "repositories", "list", "--location=us"),
            1,
            "the project my-project and the location",
        ),
        ("gcloud", ("artifacts", "docker", "images", "list", "gcr.io/x"), 1, "this stand-in lists europe-west1"),
        ("gcloud", ("iam", "service-accounts", "keys", "create", "f"), 2, "--iam-account=NAME@my-project"),
    ],
)
def test_a_stand_in_says_what_is_wrong_with_a_command(name, words, status, told):
    ended, _, wrong = stand_in(name, *words)
    assert ended == status and told in wrong and "Traceback" not in wrong


def test_az_takes_names_out_of_an_answer():
    show = ("acr", "show", "-n", "myregistry")
    assert stand_in("az", *show, "--query", "loginServer", "-o", "tsv")[1] == "myregistry.azurecr.io\n"
    assert list(json.loads(stand_in("az", *show)[1])) == ["adminUserEnabled", "id", "loginServer", "name"]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (None, "Docker configuration file updated."),
        ({"auths": {"a": {"auth": "x"}}, "credHelpers": {"b": "c"}}, "contains these credential helper entries"),
    ],
)
def test_configure_docker_adds_the_helper_and_keeps_the_rest(tmp_path, monkeypatch, before, told):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    file = tmp_path / "docker/config.json"
    if before:
        file.parent.mkdir()
        file.write_text(json.dumps(before))
    status, _, said = stand_in("gcloud", "auth", "configure-docker", "europe-west1-docker.pkg.dev,elsewhere")
    assert status == 0 and told in said and "elsewhere is not a supported registry" in said
    after = json.loads(file.read_text())
    assert after == {
        **(before or {}),
        "credHelpers": {**(before or {}).get("credHelpers", {}), "europe-west1-docker.pkg.dev": "gcloud"},
    }
    assert file.stat().st_mode & 0o77 == 0
    assert "registered correctly" in stand_in("gcloud", "auth", "configure-docker", "europe-west1-docker.pkg.dev")[2]
    file.write_text("{")
    assert "is not valid JSON" in stand_in("gcloud", "auth", "configure-docker")[2] and file.read_text() == "{"
