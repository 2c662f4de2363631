"""What a reset brings back, and what it takes for odd: values, no lab."""

import dataclasses
import json
from dataclasses import replace

import pytest

from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab.playing import clearing, condition, scope
from labkit.lab.playing.scope import Scope


def exercise(**reset):
    return replace(exercises.load("02-tag"), slug="07-x", reset=reset)


def test_every_exercise_says_what_its_reset_brings_back():
    for each in exercises.every():
        assert scope.of(each).exercises == (each.slug,)
    practice = scope.of(exercises.load("06-practice"))
    assert (practice.services, practice.sign_out, practice.answers) == (("webapp",), True, ("06-practice",))
    assert not practice.machines


@pytest.mark.parametrize(
    ("reset", "words"),
    [
        ({"service": ["myapp"]}, "has no setting 'service'"),
        ({"machines": True}, "has no setting 'machines'"),
        ({"images": "myapp"}, "images in [reset] must be a list of patterns"),
        ({"sign_out": ["hub"]}, "sign_out in [reset] must be true or false"),
    ],
)
def test_a_reset_that_asks_for_what_there_is_not_is_told(reset, words):
    with pytest.raises(LabError, match=r"exercise\.toml") as told:
        scope.of(exercise(**reset))
    assert words in told.value.what


def test_two_exercises_are_one_reset():
    both = scope.of(exercise(services=["a", "b"], answers=True)) | scope.of(
        exercise(services=["b", "c"], sign_out=True)
    )
    assert both == Scope(services=("a", "b", "c"), sign_out=True, exercises=("07-x",), answers=("07-x",))


def test_everything_names_every_kind():
    whole = scope.everything(["01-a"])
    assert all(getattr(whole, field.name) for field in dataclasses.fields(Scope))


@pytest.mark.parametrize(
    ("pattern", "image", "taken"),
    [
        ("myapp:v*", "myapp:v1", True),
        ("myapp:v*", "myapp:latest", False),
        ("*/myapp", "registry.lab:5000/team/myapp:v1", True),
        ("*/myapp", "registry.lab:5000/team/myapp@sha256:" + "0" * 64, True),
        ("webapp", "webapp:1.0.0", True),
        ("webapp", "myusername/webapp:1.0.0", False),
    ],
)
def test_patterns_of_images(pattern, image, taken):
    assert Scope(images=(pattern,)).takes_image(image) is taken


def test_a_stack_goes_with_what_is_in_it():
    stack = Scope(stacks=("shop",))
    assert stack.takes("networks", "shop_default", {scope.STACK: "shop"})
    assert not stack.takes("networks", "shop_default", {scope.STACK: "other"})
    assert not stack.takes("networks", "shop_default")


WHOLE = scope.everything([])


HELD = {
    "hub": {"repositories": {"me/myapp": {}, "me/webapp": {}, "library/busybox": {}}, "seeded": ["library/busybox"]},
    "harbor": {"repositories": {"shop/web": {}}, "seeded": []},
    "mine.lab:5000": {"repositories": {}, "seeded": []},
}


class Edge:
    """What the edge's desk tells, and what it was asked for."""

    def __init__(self):
        self.asked = []

    def get(self, _):
        return {"registries": {"known": HELD}, "store": {"revisions": {"harbor": {"shop/untagged": ()}}}}

    def request(self, _, path, body):
        self.asked.append((path, body))


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        (Scope(), []),
        (Scope(repositories=("myapp",)), [("/remove", {"repositories": [["hub", "me/myapp"]]})]),
        (
            Scope(registries=("harbor", "ecr")),
            [
                ("/remove", {"repositories": [["harbor", "shop/untagged"], ["harbor", "shop/web"]]}),
                ("/forget", {"registries": ["harbor"]}),
            ],
        ),
        (
            WHOLE,
            [
                ("/remove", {"repositories": [["hub", "me/myapp"], ["hub", "me/webapp"], ["harbor", "shop/untagged"], ["harbor", "shop/web"]]}),
                ("/forget", {"registries": ["hub", "harbor"]}),
            ],
        ),
    ],
)  # fmt: skip
def test_what_goes_of_the_registries(scope, asked):
    edge = Edge()
    clearing.repositories(edge, scope)
    assert edge.asked == asked


def image(key, tags=(), digests=()):
    return {"Id": key, "RepoTags": list(tags), "RepoDigests": list(digests)}


@pytest.mark.parametrize(
    ("scope", "image", "paths"),
    [
        (WHOLE, image("s", ["myapp:latest"]), []),
        (
            WHOLE,
            image("s", ["myapp:latest", "me/x:1"], ["me/x@sha256:" + "0" * 64]),
            ["/images/me%2Fx%3A1", f"/images/me%2Fx%40sha256%3A{'0' * 64}"],
        ),
        (WHOLE, image("o", ["myapp:latest"]), ["/images/o"]),
        (WHOLE, image("o", ["<none>:<none>"], ["<none>@<none>"]), ["/images/o"]),
        (Scope(images=("*/myapp",)), image("o", ["me/myapp:1", "myapp:latest"]), ["/images/me%2Fmyapp%3A1"]),
        (Scope(images=("*/myapp",)), image("o", ["me/myapp:1"], ["me/myapp@sha256:" + "0" * 64]), ["/images/o"]),
        (Scope(images=("*/myapp",)), image("o"), []),
    ],
)
def test_which_names_of_an_image_go(scope, image, paths):
    assert [path.removesuffix("?force=1") for _, path in clearing._image(image, scope, "s")] == paths


MANIFEST = json.dumps([{"Config": "abc.json", "RepoTags": ["myapp:latest"]}])


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (f"/\r\n/etc\r\n/etc/hosts\r\n/.dockerenv\r\n{MANIFEST}", ("", False, "sha256:abc")),
        ("/root\n/root/.docker/config.json\n/tmp/a b", ("", True, "")),
        ("/rootkit", ("/rootkit was changed", False, "")),
        ("/root/x\n/etc/apt\n/etc/apt/a", ("/etc/apt was changed", True, "")),
        (
            '/etc/docker\n/etc/docker/daemon.json\nsettings: {"registry-mirrors": ["http://mirror:5000"]} ',
            ("", False, ""),
        ),
        ("/etc/docker", ("", False, "")),
        ('/etc/docker\nsettings: {"registry-mirrors": [], "debug": true}', ("/etc/docker was changed", False, "")),
        ("/etc/docker\nsettings: {torn", ("/etc/docker was changed", False, "")),
        ("/etc/docker\nsettings: []", ("/etc/docker was changed", False, "")),
        ("/etc/hosts (since the start)", ("/etc/hosts (since the start) was changed", False, "")),
    ],
)
def test_what_a_probe_tells(output, told):
    assert condition.told(output) == told


def gateway(**changed):
    return {
        "Options": condition.FRESH_GATEWAY,
        "Labels": {},
        "IPAM": {"Config": [{"Subnet": "10.201.0.0/24"}]},
        **changed,
    }


@pytest.mark.parametrize(
    ("network", "strange"),
    [
        (gateway(), False),
        (gateway(Options={**condition.FRESH_GATEWAY, "com.docker.network.bridge.enable_icc": "true"}), True),
        (gateway(IPAM={"Config": [{"Subnet": "10.201.1.0/24"}]}), True),
        (gateway(Labels={"mine": ""}), True),
    ],
)
def test_a_bridge_that_was_made_by_hand(network, strange):
    assert bool(condition.strange_gateway(network, [{"Base": "10.201.0.0/16", "Size": 24}])) is strange


SWARM = {"Spec": condition.FRESH_SWARM, "DefaultAddrPool": ["10.204.0.0/16"], "SubnetSize": 24}


def ingress(name="ingress", subnet="10.204.0.0/24", **options):
    return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet}]}, "Options": options}


@pytest.mark.parametrize(
    ("spec", "managers", "networks", "why"),
    [
        ({}, 1, [ingress()], ""),
        ({}, 2, [ingress()], "another node is a manager too"),
        (
            {"EncryptionConfig": {"AutoLockManagers": True}},
            1,
            [ingress()],
            "its settings were changed: EncryptionConfig",
        ),
        ({}, 1, [], "its ingress network was changed"),
        ({}, 1, [ingress(name="mine")], "its ingress network was changed"),
        ({}, 1, [ingress(subnet="10.9.0.0/24")], "its ingress network was changed"),
        ({}, 1, [ingress(encrypted="")], "its ingress network was changed"),
    ],
)
def test_a_swarm_that_is_set_up_otherwise(spec, managers, networks, why):
    swarm = {**SWARM, "Spec": {**SWARM["Spec"], **spec}}
    assert condition.strange_swarm(swarm, managers, networks) == why


def test_the_docker_folder_becomes_as_it_was(tmp_path):
    from labkit.lab import contexts

    client = tmp_path / "pki" / "client"
    client.mkdir(parents=True)
    for file in contexts.KEYS:
        (client / file).write_text("key")
    addresses = {"workstation": "tcp://127.0.0.1:1", "worker1": "tcp://127.0.0.1:2"}
    contexts.write(tmp_path, addresses)
    folder = contexts.folder(tmp_path)

    def files():
        return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}

    fresh = files()
    contexts.write(tmp_path, {"mine": "tcp://127.0.0.1:3"})
    (folder / "config.json").write_text('{"credsStore": "pass", "currentContext": "mine"}')
    (folder / "buildx").mkdir()
    (folder / "buildx" / "current").write_text("mine")
    (folder / ".token_seed").write_text("x")
    (folder / "cli-plugins").symlink_to(tmp_path)
    assert files() != fresh
    contexts.restore(tmp_path, addresses)
    assert files() == fresh
    assert (client / "key.pem").exists()
