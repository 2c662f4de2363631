"""What 08-secure judges, by values: each side of each line; what the machine `tools` finds in images; what an engine's words mean."""

import importlib.util
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest
from world import SWARM, World, sha

import labkit
from labkit.content import exercises
from labkit.grading.grade import grade_one
from labkit.lab.engine import recipes
from labkit.lab.looking import secured as looker
from labkit.lab.plan import EXTRAS, TOOLS, Plan
from labkit.lab.playing import condition, deploying, scope
from labkit.seen.registries import attached_to
from labkit.seen.secured import KINDS, Answer, Built, Leak, Secured, ShopRepository

TOOLS_FOLDER = Path(labkit.__file__).parent / "lab" / "tools"
sys.path.insert(0, str(TOOLS_FOLDER.parent / "ci"))
SPEC = importlib.util.spec_from_file_location("lab_tools", TOOLS_FOLDER / "tools.py")
tools = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tools)

SLUG, HOST, ROBOT = "08-secure", "workstation:5000", "robot$myproject+swarm"
GOOD, BAD, OTHER = sha("good"), sha("bad"), sha("other")
SHOP = f"harbor.lab/myproject/shop@{GOOD}"


class Secure(World):
    """A lab in which everything is done."""

    def __init__(self):
        super().__init__()
        self.vendor("harbor")
        self.own = {
            "machine": "workstation",
            "image": "registry:2",
            "probes": {name: {"answer": "sign-in"} for name in ("workstation", "worker1", "worker2")},
        }
        self.built = {"digest": GOOD, "leaks": [], "whole": True, "signed": "good"}
        self.runs = [
            self.run("unsigned"),
            self.run("other-key"),
            self.run("signed", 0),
            self.run("moved", 0, moved=True),
        ]
        self.secured = {
            "own": {HOST: self.own},
            "kept": {HOST: "helper", "harbor.lab": "helper"},
            "images": {"myproject/shop": {"tags": {"v1.0.0": self.built}, "signed": [GOOD]}},
            "robots": {ROBOT: {"name": ROBOT, "rights": ["repository:pull"]}},
            "script": "s",
            "key": "k",
            "trial": {"script": "s", "digest": GOOD, "taken": "", "runs": self.runs},
        }
        self.data["secured"] = self.secured
        for machine in ("workstation", "worker1"):
            self.image(machine, "app", [f"{HOST}/myapp:latest"], digests=[f"{HOST}/myapp@{sha('app')}"])
        self.service("shop", SHOP, pin=False).task(1, name="shop").pulled()
        self.log("push", registry="harbor", repository="myproject/shop", user=ROBOT, status=401, reason="fewer-rights")

    def run(self, kind, status=1, **changes):
        seen = {"kind": kind, "good": GOOD, "bad": BAD, "status": status, "said": "no", "moved": False, "services": []}
        return {**seen, "before": SHOP, "service": SHOP, **changes}

    def pulled(self, user=ROBOT, **changes):
        where = {"registry": "harbor", "repository": "myproject/shop", "reference": GOOD, "digest": GOOD}
        return self.log("pull", machine="worker1", agent=SWARM, user=user, **{**where, **changes})


def verdict(name, world):
    result = grade_one(exercises.load(SLUG), world.observation)
    found = next(one for one in result.checks if one.id == name)
    return found.diagnosis or found.outcome.value


def test_all_of_it_done_passes():
    assert {one.outcome.value for one in grade_one(exercises.load(SLUG), Secure().observation).checks} == {"passed"}


def probe(answer, machines=("workstation", "worker1", "worker2"), **more):
    def change(world):
        for machine in machines:
            world.own["probes"][machine] = {"answer": answer, "said": "x", **more}

    return change


def own(**hosts):
    return lambda world: world.secured.update(own={host.replace("_", ":"): world.own for host in hosts})


def built(**fields):
    return lambda world: world.built.update(fields)


def leak(place, name=""):
    return built(leaks=[{"place": place, "name": name}])


def ran(kind, **fields):
    return lambda world: next(one for one in world.runs if one["kind"] == kind).update(fields)


def secured(**fields):
    return lambda world: world.secured.update(fields)


def robot(**fields):
    return lambda world: world.secured["robots"][ROBOT].update(fields)


def old_image(world):
    old = {"digest": BAD, "leaks": [{"place": "history"}]}
    world.secured["images"]["myproject/shop"]["tags"]["old"] = old


def no_pulls(world):
    world.data["log"]["events"] = []


def pulled_by(user):
    def change(world):
        no_pulls(world)
        world.pulled(user)

    return change


def kept_on_a_worker(world):
    world.data["sign_ins"]["worker1"] = {HOST: "?"}


def only_on_the_workstation(world):
    world.data["engines"]["worker1"]["images"] = []


def robot_pushed(world):
    world.log("push", registry="harbor", repository="myproject/shop", user=ROBOT, status=201)


@pytest.mark.parametrize(
    ("check", "change", "diagnosis"),
    [
        ("trusted", secured(own={}), "own-none"),
        ("trusted", own(localhost_5000=1), "own-localhost"),
        ("trusted", probe(Answer.HTTP), "own-http"),
        ("trusted", probe(Answer.SIGN_IN, ["worker1"], insecure=True), "own-insecure"),
        ("trusted", probe(Answer.UNTRUSTED), "own-untrusted"),
        ("trusted", probe(Answer.UNTRUSTED, ["worker1", "worker2"]), "own-trusted-in-part"),
        ("trusted", probe(Answer.OTHER_NAME), "own-other-name"),
        ("trusted", probe(Answer.EXPIRED), "own-expired"),
        ("trusted", probe(Answer.SILENT, ["worker2"]), "own-silent"),
        ("closed", probe(Answer.OPEN), "own-open"),
        ("closed", probe(Answer.OPEN, ["worker1"]), "own-open"),
        ("kept", secured(kept={}), "kept-nowhere"),
        ("kept", secured(kept={HOST: "plain"}), "kept-plain"),
        ("kept", secured(kept={HOST: "both"}), "kept-beside"),
        ("kept", secured(kept={HOST: "helper", "harbor.lab": "plain"}), "passed"),
        ("kept", kept_on_a_worker, "kept-elsewhere"),
        ("carried", only_on_the_workstation, "own-not-pulled"),
        ("clean", secured(images={}), "shop-not-pushed"),
        ("clean", secured(images={"p/shop": {"tags": {"latest": {"digest": GOOD}}}}), "shop-other-tag"),
        ("clean", leak("history"), "secret-in-the-history"),
        ("clean", leak("environment", "TOKEN"), "secret-in-the-settings"),
        ("clean", leak("label", "token"), "secret-in-the-settings"),
        ("clean", leak("file", "/www/token"), "secret-in-a-file"),
        ("clean", leak("removed later", "/build/token"), "secret-removed-later"),
        ("clean", old_image, "secret-in-other-tag"),
        ("clean", built(whole=False), "shop-no-prices"),
        ("signed", secured(key=""), "passed"),
        ("signed", built(signed="other"), "sign-other-key"),
        ("signed", built(digest=OTHER, signed=""), "sign-other-digest"),
        ("robot", lambda world: world.services.clear(), "robot-no-service"),
        ("robot", lambda world: world.service("shop", f"docker.io/myusername/shop@{GOOD}"), "robot-elsewhere"),
        ("robot", no_pulls, "robot-no-pull"),
        ("robot", pulled_by(None), "robot-anonymous"),
        ("robot", pulled_by("myusername"), "robot-person"),
        ("robot", lambda world: world.pulled("myusername"), "robot-person"),
        ("robot", robot(rights=["repository:pull", "repository:push"]), "robot-can-more"),
        ("robot", robot(disabled=True), "robot-gone"),
        ("robot", secured(robots={}), "robot-gone"),
        ("harmless", lambda world: world.data["log"]["events"].pop(), "robot-not-tried"),
        ("harmless", robot_pushed, "robot-pushed"),
        ("guarded", secured(script=""), "guard-untried"),
        ("guarded", secured(script="another"), "guard-untried"),
        ("guarded", secured(trial=None), "guard-untried"),
        ("guarded", built(digest=OTHER), "guard-untried"),
        ("guarded", lambda world: world.runs.pop(), "guard-untried"),
        ("guarded", ran("unsigned", service=f"harbor.lab/myproject/shop@{BAD}"), "guard-unsigned"),
        ("guarded", ran("unsigned", services=[f"shop2 harbor.lab/myproject/shop@{BAD}"]), "guard-unsigned"),
        ("guarded", ran("unsigned", service=""), "guard-changed"),
        ("guarded", ran("unsigned", status=0), "guard-silent"),
        ("guarded", ran("unsigned", status=-1), "guard-silent"),
        ("guarded", ran("other-key", service=f"harbor.lab/myproject/shop:v1@{BAD}"), "guard-other-key"),
        ("guarded", ran("signed", status=1, service=""), "guard-signed-refused"),
        ("guarded", ran("signed", service=""), "guard-signed-refused"),
        ("guarded", ran("signed", status=1), "guard-signed-fails"),
        ("guarded", ran("moved", service=f"harbor.lab/myproject/shop:trial-moved@{BAD}"), "guard-moved"),
        ("guarded", ran("moved", service=""), "guard-changed"),
        ("guarded", ran("moved", status=1), "passed"),
    ],
)
def test_each_mistake_has_its_diagnosis(check, change, diagnosis):
    world = Secure()
    change(world)
    assert verdict(check, world) == diagnosis


def test_no_signature_and_no_key():
    world = Secure()
    world.built["signed"] = ""
    world.secured["images"]["myproject/shop"]["signed"] = []
    assert verdict("signed", world) == "sign-none"
    world.secured["key"] = ""
    assert verdict("signed", world) == "sign-no-key"


def test_a_pull_that_was_refused_is_told_with_whom():
    world = Secure()
    no_pulls(world)
    world.pulled(None, status=401, reason="not-signed-in")
    assert verdict("robot", world) == "robot-no-pull"


def test_of_several_registries_the_one_that_is_farthest_counts():
    world = Secure()
    plain = {"machine": "workstation", "image": "registry:2", "probes": {"workstation": {"answer": "http"}}}
    world.secured["own"] = {"zzz:5000": plain, HOST: world.own, "localhost:5000": plain}
    assert verdict("trusted", world) == "passed"


def test_an_older_lab_without_the_machine_has_nothing_of_it():
    world = Secure()
    world.data["secured"] = {}
    assert [verdict(name, world) for name in ("trusted", "clean", "guarded")] == [
        "own-none",
        "shop-not-pushed",
        "blocked",
    ]


# ── the looker ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('Head "https://r:5000/v2/": http: server gave HTTP response to HTTPS client', "http"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "untrusted"),
        ("x509: certificate is valid for registry.example, not workstation", "other-name"),
        ("x509: certificate relies on legacy Common Name field, use SANs instead", "other-name"),
        ("x509: certificate has expired or is not yet valid: current time 2026", "expired"),
        ('Head "https://r:5000/v2/labkit/probe/manifests/latest": no basic auth credentials', "sign-in"),
        ("manifest unknown: manifest unknown", "open"),
        ("dial tcp 10.0.0.2:5000: connect: connection refused", "silent"),
        ("dial tcp: lookup registry.example: no such host", "silent"),
    ],
)
def test_what_an_engine_says_of_a_registry(said, answer):
    assert looker.meaning(said) == answer


def test_a_registry_is_insecure_by_its_name_or_by_a_range_and_localhost_is_no_setting():
    usual = {"IndexConfigs": {"docker.io": {"Secure": True}}, "InsecureRegistryCIDRs": ["127.0.0.0/8", "::1/128"]}
    assert not looker.is_insecure(HOST, usual, ["10.0.0.21"])
    named = {**usual, "IndexConfigs": {HOST: {"Secure": False}}}
    assert looker.is_insecure(HOST, named, ["10.0.0.21"])
    assert not looker.is_insecure("other:5000", named, ["10.0.0.21"])
    assert looker.is_insecure(HOST, {**usual, "InsecureRegistryCIDRs": ["10.0.0.0/8"]}, ["10.0.0.21"])
    assert not looker.is_insecure(HOST, {**usual, "InsecureRegistryCIDRs": ["192.168.0.0/16"]}, ["10.0.0.21"])


def test_registries_of_the_labs_own_are_not_the_learners():
    serving = {("workstation", 5000): "registry:2", ("worker1", 8080): "myapp"}
    assert looker.addresses(["docker.io", "harbor.lab", "registry.lab:5000"], serving) == [HOST]
    assert looker.addresses(["r.example:5000", "docker.io"], serving) == ["r.example:5000"]
    assert looker.runs("r.example:5000", serving) == ("workstation", "registry:2")
    assert looker.runs("r.example", serving) == ("", "")


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN = "prices-0123456789abcdef"


def layer(**files):
    """A layer's bytes; `removed` in place of a content is a whiteout."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in files.items():
            data = b"" if content == "removed" else content.encode()
            folder, _, name = path.replace("__", "/").rpartition("/")
            member = tarfile.TarInfo(
                f"{folder}/.wh.{name}".lstrip("/") if content == "removed" else f"{folder}/{name}".lstrip("/")
            )
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def found(monkeypatch, config, *layers):
    blobs = {f"sha256:{number}": data for number, data in enumerate(layers)}
    blobs["config"] = json.dumps(config).encode()
    monkeypatch.setattr(tools, "blob", lambda _, digest: blobs[digest])
    held = {"config": {"digest": "config"}, "layers": [{"digest": key} for key in blobs if key != "config"]}
    return [(one["place"], one["name"]) for one in tools.leaks("p/shop", held, TOKEN, {})]


@pytest.mark.parametrize(
    ("config", "layers", "places"),
    [
        ({}, [layer(www__index="hello")], []),
        ({}, [layer(www__token=TOKEN)], [("file", "/www/token")]),
        ({}, [layer(build__token=TOKEN), layer(build="removed")], [("removed later", "/build/token")]),
        ({}, [layer(build__token=TOKEN), layer(build__token="removed")], [("removed later", "/build/token")]),
        ({}, [layer(build__token=TOKEN), layer(buil="removed")], [("file", "/build/token")]),
        ({"history": [{"created_by": f"RUN |1 TOKEN={TOKEN} /bin/sh"}]}, [], [("history", "")]),
        ({"config": {"Env": [f"A={TOKEN[::-1]}"]}}, [], [("environment", "A")]),
        ({"config": {"Env": ["A=cHJpY2VzLTAxMjM0NTY3ODlhYmNkZWY="]}}, [], [("environment", "A")]),
        ({"config": {"Labels": {"by": TOKEN}, "Cmd": ["sh"]}}, [], [("label", "by")]),
        ({"config": {"Cmd": ["curl", TOKEN]}}, [], [("command", "")]),
        ({"config": {"Env": None, "Labels": None}, "history": None}, [], []),
    ],
)
def test_where_a_secret_is_in_an_image(monkeypatch, config, layers, places):
    assert found(monkeypatch, config, *layers) == places


@pytest.mark.parametrize(
    ("config", "held", "kept"),
    [
        ({}, [], {}),
        ({"auths": {HOST: {"auth": "YTpi"}}}, [], {HOST: "plain"}),
        ({"auths": {HOST: {}}, "credsStore": "pass"}, [HOST], {HOST: "helper"}),
        ({"auths": {HOST: {"auth": "YTpi"}}, "credsStore": "pass"}, [HOST], {HOST: "both"}),
        ({"credHelpers": {HOST: "pass"}}, [HOST], {HOST: "helper"}),
        ({"auths": {"nobody.": {}}}, [], {}),
    ],
)
def test_how_a_sign_in_is_kept(tmp_path, monkeypatch, config, held, kept):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    monkeypatch.setattr(tools, "DOCKER", file)
    monkeypatch.setattr(tools, "held_by", lambda helper: held if helper == "pass" else [])
    assert tools.kept() == kept


def test_a_shop_begins_with_a_token_that_only_its_price_list_takes(tmp_path, monkeypatch):
    for name, path in (("SHOP", "shop"), ("KEPT", "kept"), ("TOKEN", "kept/token"), ("DOCKER", "docker/config.json")):
        monkeypatch.setattr(tools, name, tmp_path / path)
    tools.prepare()
    token = (tmp_path / "shop" / "token").read_text()
    assert tools.TOKEN.read_text().strip() == token
    assert "HASH" not in (tmp_path / "shop" / "prices.sh").read_text()
    assert json.loads((tmp_path / "shop" / "robot" / "config.json").read_text()) == {"auths": {"nobody.": {}}}
    first = tools.hashed("deploy.sh", "cosign.pub")
    (tmp_path / "shop" / "cosign.pub").write_text("key")
    assert first and tools.hashed("deploy.sh", "cosign.pub") not in ("", first)


def test_a_trial_is_played_with_the_release_that_the_learner_signed():
    leaky = Built(digest=OTHER, signed="good", leaks=(Leak(place="history"),))
    images = {
        "p/shop": ShopRepository(
            tags={"v1": Built(digest=GOOD, signed="good"), "v2": Built(digest=BAD, signed="good")}
        ),
        "q/shop": ShopRepository(tags={"v1": leaky}),
        "r/shop": ShopRepository(tags={"v1": Built(digest=OTHER, signed="other")}),
    }
    assert deploying.signed(Secured(images=images), "v1") == ("p/shop", GOOD)
    assert deploying.signed(Secured(images=images), "v3") is None
    assert set(deploying.TELLS) == set(KINDS)


def test_the_machine_gets_the_learners_account_and_no_key_of_the_owners():
    (machine,) = EXTRAS[TOOLS]
    plan = Plan("lab", learner="ada", workshop="seed", extras=(TOOLS,))
    assert plan.environment(machine)["LAB_ACCOUNT"] == plan.person.username
    assert (machine.keys, machine.tls, machine.recipe) == ("guest", False, "tools")
    assert recipes.name("tools", "registry-lab:1").startswith("registry-lab-tools:")
    assert ("ci/leaks.py", (TOOLS_FOLDER.parent / "ci" / "leaks.py").read_bytes()) in recipes._files("tools")


def test_a_reset_takes_the_certificates_back_that_an_engine_was_told_to_trust():
    odd, untidy, _ = condition.told("/etc/docker\n/etc/docker/certs.d\n/etc/docker/certs.d/workstation:5000/ca.crt\n")
    assert (odd, untidy) == ("", False)
    found = scope.of(exercises.load(SLUG))
    assert found.tools and not found.machines
    assert not found.takes_image("myusername/myapp:v1.0.0") and not found.takes_image("myapp:latest")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, False),
        (
            {
                "Mirrors": None,
                "IndexConfigs": {"docker.io": {"Secure": True}},
                "InsecureRegistryCIDRs": ["127.0.0.0/8"],
            },
            False,
        ),
        ({"Mirrors": ["http://mirror:5000/"]}, True),
        ({"IndexConfigs": {HOST: {"Secure": False}}}, True),
        ({"InsecureRegistryCIDRs": ["::1/128", "10.0.0.0/8"]}, True),
    ],
)
def test_a_reset_has_the_engine_forget_mirrors_and_insecure_registries(settings, told):
    assert condition.is_told(settings) is told


@pytest.mark.parametrize(
    ("tag", "digest"),
    [
        (f"sha256-{'a' * 64}.sig", f"sha256:{'a' * 64}"),
        (f"sha256-{'a' * 64}.att", f"sha256:{'a' * 64}"),
        (f"sha256-{'a' * 64}", f"sha256:{'a' * 64}"),
        (f"sha256-{'a' * 63}.sig", ""),
        (f"v1-sha256-{'a' * 64}.sig", ""),
        ("v1.0.0", ""),
    ],
)
def test_a_signatures_tag_is_no_images(tag, digest):
    assert attached_to(tag) == digest


def test_signatures_are_no_tags_of_the_repository():
    world = World().push()
    digest = world.digest()
    world.hold("myusername/myapp", f"{digest.replace(':', '-')}.sig")
    assert world.lab.registries["hub"].tags("myusername/myapp") == ["v1.0.0"]
