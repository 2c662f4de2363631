"""Whom a mirror served, and what it did without Docker Hub: by values, each side of the line."""

import importlib.util
import itertools

import pytest
from test_style import ROOT
from world import CLI, SWARM, World, sha

from labkit.content import exercises
from labkit.grading.grade import grade_one
from labkit.seen.mirror import Mirror

SLUG = "12-mirror"
URL = "http://mirror:5000/"
REPOSITORY, IMAGE = "library/busybox", "base"


class Mirrored(World):
    """A lab whose mirror is a cache of Docker Hub that both workers use. Each event is a second after the one before."""

    def __init__(self):
        super().__init__()
        self._clock = itertools.count(1000)
        self.data["mirror"] = {
            "there": True,
            "running": True,
            "upstream": "https://registry-1.docker.io",
            "names": ["mirror:5000", "10.0.0.41:5000"],
            "repositories": {},
            "users": {"workstation": [], "worker1": [URL], "worker2": [URL]},
            "served": [],
        }
        self.put(REPOSITORY, "latest", IMAGE)

    @property
    def mirror(self):
        return self.data["mirror"]

    def now(self):
        return float(next(self._clock))

    def asks(self, action, machine="mirror", agent="Go-http-client/1.1", reference="", digest="", status=200):
        """A question to Docker Hub."""
        where = {"machine": machine, "agent": agent, "user": None, "repository": REPOSITORY}
        return self.log(action, reference=reference, digest=digest, status=status, time=self.now(), **where)

    def serves(self, action, machine, reference, agent=CLI, status=200):
        what = {"machine": machine, "action": action, "repository": REPOSITORY, "reference": reference}
        self.mirror["served"].append({"time": self.now(), "status": status, "agent": agent, **what})
        return self

    def fetched(self):
        """The mirror gets the image from Docker Hub, which sends each blob twice."""
        self.asks("head", reference="latest")
        self.asks("pull", reference="latest")
        return self.asks("blob", digest=sha(IMAGE)).asks("blob", digest=sha(IMAGE))

    def gives(self, machine, agent=CLI, tag="latest"):
        """What a machine's pull through the mirror looks like there, and leaves on the machine."""
        if tag:
            self.serves("head", machine, tag, agent)
        self.serves("blob", machine, sha(IMAGE), agent)
        digests = [f"busybox@{self.digest(REPOSITORY, 'latest')}"]
        return self.image(machine, IMAGE, ["busybox:latest"], digests=digests)

    def both(self):
        return self.fetched().gives("worker1").asks("head", reference="latest").gives("worker2")


def verdict(name, world):
    result = grade_one(exercises.load(SLUG), world.observation)
    found = next(one for one in result.checks if one.id == name)
    return found.diagnosis or found.outcome.value


def test_a_second_machine_is_served_from_the_cache():
    world = Mirrored().both()
    assert [verdict(name, world) for name in ("is_cache", "is_used", "from_mirror", "second_from_mirror")] == [
        "passed"
    ] * 4
    assert verdict("without_hub", world) == "mirror-hub-answered"


def test_the_swarms_pulls_count_as_a_persons_do():
    world = Mirrored().fetched().gives("worker1", SWARM, tag="").gives("worker2", SWARM, tag="")
    assert verdict("second_from_mirror", world) == "passed"


def test_what_the_mirror_had_to_fetch_again_came_from_docker_hub():
    world = Mirrored().fetched().gives("worker1").fetched().gives("worker2")
    assert verdict("second_from_mirror", world) == "mirror-fetched-again"


def test_the_last_download_says_where_a_copy_came_from():
    world = Mirrored().both().asks("blob", "worker2", CLI, digest=sha(IMAGE))
    assert verdict("second_from_mirror", world) == "mirror-bypassed"
    assert verdict("second_from_mirror", world.gives("worker2")) == "passed"


def test_a_pull_past_the_mirror_is_told_of_machines_that_have_one():
    world = Mirrored().asks("blob", "worker1", CLI, digest=sha(IMAGE))
    world.image("worker1", IMAGE, ["busybox:latest"], digests=[f"busybox@{world.digest(REPOSITORY, 'latest')}"])
    assert verdict("from_mirror", world) == "mirror-bypassed"
    world.mirror["users"]["worker1"] = []
    assert verdict("from_mirror", world) == "mirror-no-pull"


def test_only_an_engine_that_downloads_has_pulled():
    world = Mirrored().fetched().serves("pull", "worker1", "latest", agent="curl/8")
    assert verdict("from_mirror", world) == "mirror-no-pull"
    assert verdict("from_mirror", world.serves("head", "worker1", "latest")) == "mirror-had-before"
    assert verdict("from_mirror", world.serves("blob", "worker1", sha(IMAGE))) == "mirror-copy-gone"


def test_a_copy_under_the_mirrors_name_is_no_mirrored_pull():
    world = Mirrored().image("worker1", IMAGE, ["mirror:5000/library/busybox:latest"])
    assert verdict("from_mirror", world) == "mirror-by-name"


def test_a_copy_that_nobody_pulled():
    world = Mirrored().fetched().gives("worker1").image("worker2", IMAGE, ["busybox:latest"])
    assert verdict("second_from_mirror", world) == "mirror-copied"


@pytest.mark.parametrize("status", [None, 429])
def test_docker_hub_is_away_where_it_answers_no_question_for_a_tag(status):
    world = Mirrored().both()
    if status:
        world.asks("head", reference="latest", status=status)
    assert verdict("without_hub", world.serves("head", "worker2", "latest")) == "passed"


def test_a_digest_is_asked_of_nobody():
    world = Mirrored().both().serves("head", "worker2", sha("manifest of base")).serves("blob", "worker2", sha(IMAGE))
    assert verdict("without_hub", world) == "mirror-hub-answered"


def test_one_answer_of_docker_hubs_is_for_one_question():
    world = Mirrored().both()
    for _ in range(3):
        world.asks("head", reference="latest").serves("head", "worker1", "latest")
    assert verdict("without_hub", world) == "mirror-hub-answered"


def test_docker_hubs_answer_for_a_question_that_failed_is_for_no_other():
    world = Mirrored().asks("head", reference="latest").serves("pull", "worker1", "latest", status=500).both()
    assert verdict("without_hub", world.serves("head", "worker2", "latest")) == "passed"


def test_lines_that_were_left_out_of_docker_hubs_log_are_no_silence():
    world = Mirrored().both()
    for _ in range(2):
        world.asks("head", reference="latest").serves("head", "worker1", "latest")
    del world.data["log"]["events"][-2]
    assert verdict("without_hub", world) == "mirror-hub-answered"


def test_a_curl_or_a_machine_without_the_image_has_not_pulled_without_docker_hub():
    world = (
        Mirrored().both().serves("head", "worker2", "latest", agent="curl/8").serves("head", "workstation", "latest")
    )
    assert verdict("without_hub", world) == "mirror-hub-answered"


def test_what_was_before_the_exercise_began_does_not_count():
    world = Mirrored().both().serves("head", "worker2", "latest")
    world.data["log"]["resets"].append({"seq": world._seq(), "time": world.now(), "exercises": [SLUG]})
    assert verdict("from_mirror", world) == "mirror-no-pull"


@pytest.mark.parametrize(
    ("machine", "status", "told"),
    [("workstation", 429, "passed"), ("mirror", 429, "limit-met-by-the-mirror"), ("", 429, "limit-met-by-the-mirror")],
)
def test_whose_pull_was_refused(machine, status, told):
    assert verdict("limit_met", Mirrored().asks("pull", machine, CLI, status=status)) == told


@pytest.mark.parametrize(
    ("agent", "told"),
    [("curl/8.14.1", "passed"), ("Wget/1.25", "passed"), (CLI, "limit-not-read"), ("skopeo/1.18.0", "limit-not-read")],
)
def test_which_clients_show_the_headers(agent, told):
    assert verdict("limit_read", Mirrored().asks("head", "workstation", agent)) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "passed"),
        ({"upstream": "https://registry-1.docker.io/"}, "passed"),
        ({"upstream": ""}, "mirror-plain"),
        ({"upstream": "https://registry.lab:5000"}, "mirror-other-upstream"),
        ({"running": False, "names": []}, "mirror-down"),
        ({"there": False, "running": False}, "mirror-part-missing"),
    ],
)
def test_what_is_a_cache_of_docker_hub(changes, told):
    world = Mirrored()
    world.mirror.update(changes)
    assert verdict("is_cache", world) == told


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("http://mirror:5000", True),
        ("http://MIRROR:5000/", True),
        ("http://10.0.0.41:5000/", True),
        ("http://mirror/", False),
        ("https://mirror:5000/", False),
        ("http://mirror:5001/", False),
        ("mirror:5000", False),
    ],
)
def test_which_address_is_the_mirrors(url, used):
    names = ("mirror:5000", "10.0.0.41:5000")
    assert Mirror(names=names, users={"worker1": (url,)}).used_by("worker1") is used


def test_a_lab_without_a_mirror_breaks_no_check():
    result = grade_one(exercises.load(SLUG), World().observation)
    assert {check.outcome.value for check in result.checks} == {"not_yet", "blocked"}


# ── the machine itself ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("mirror_machine", ROOT / "labkit" / "lab" / "image" / "mirror.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("config", "upstream", "port"),
    [
        ("http:\n  addr: :5000\n", "", "5000"),
        (
            "http:\n  addr: :5000\nproxy:\n  remoteurl: https://hub\n  username: me\n  password: s3cret\n",
            "https://hub",
            "5000",
        ),
        ("http: {addr: '0.0.0.0:81'}\nproxy: {remoteurl: \"https://hub\", username: me}\n", "https://hub", "81"),
        ("http:\n  addr: :5000\n# proxy:\n#   remoteurl: https://hub\n", "", "5000"),
    ],
)
def test_what_is_read_of_a_configuration(program, config, upstream, port):
    found = program.UPSTREAM.search(config)
    assert (found[1] if found else "") == upstream
    assert program.ADDRESS.search(config)[1] == port


LINE = '10.9.0.22 - - [26/Nov/2026:22:21:36 +0000] "{} HTTP/1.1" 200 427 "" "docker/26.1.5 UpstreamClient(Docker-Client/28.2.2 \\\\(linux\\\\))"'


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("HEAD /v2/library/busybox/manifests/latest", ("head", "library/busybox", "latest")),
        ("GET /v2/a/manifests/sha256:0a", ("pull", "a", "sha256:0a")),
        ("GET /v2/a/b/c/blobs/sha256:0a", ("blob", "a/b/c", "sha256:0a")),
        ("GET /v2/", None),
        ("GET /v2/a/tags/list", None),
    ],
)
def test_what_is_read_of_the_registrys_log(program, asked, told):
    registry = program.Registry()
    if match := program.SERVED.match(LINE.format(asked)):
        registry._keep(match)
    kept = [(one["action"], one["repository"], one["reference"]) for one in registry.served]
    assert kept == ([told] if told else [])
    assert all((one["client"], one["status"]) == ("10.9.0.22", 200) for one in registry.served)
    assert all(one["agent"].startswith("docker/") and "UpstreamClient" in one["agent"] for one in registry.served)


def test_what_lies_in_the_registrys_folder(program, tmp_path):
    link = tmp_path / "registry/v2/repositories/library/busybox/_manifests/tags/latest/current/link"
    link.parent.mkdir(parents=True)
    link.write_text("sha256:0a")
    assert program.held(tmp_path) == {"library/busybox": {"latest": "sha256:0a"}}
    assert program.held(tmp_path / "nothing") == {}
