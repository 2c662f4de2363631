"""Checks and grading on observations made by hand."""

import pytest
from world import SWARM, World, sha, solved

from labkit.content import exercises
from labkit.grading.grade import grade, grade_one
from labkit.grading.report import Outcome
from labkit.seen.observation import Observation

GUIDED = ["01-login", "02-tag", "03-push", "04-pull", "05-deploy"]


def judged(slug, world):
    """{check: (outcome, diagnosis)}"""
    result = grade_one(exercises.load(slug), world.observation)
    return {one.id: (one.outcome.value, one.diagnosis) for one in result.checks}


def first(slug, world):
    """The first diagnosis."""
    return next((diagnosis for _, diagnosis in judged(slug, world).values() if diagnosis), None)


def test_as_printed_everything_passes():
    report = grade([exercises.load(slug) for slug in GUIDED], solved().observation)
    assert report.exit_code == 0
    assert all(one.done for one in report.exercises)
    assert "--password-stdin" in report.exercises[0].checks[0].message


def test_at_the_start_nothing_passes_and_nothing_breaks():
    report = grade(exercises.every(), World().observation)
    outcomes = {check.outcome for one in report.exercises for check in one.checks}
    assert outcomes == {Outcome.NOT_YET, Outcome.BLOCKED}
    assert report.exit_code == 1
    assert sum(one.earned for one in report.exercises) == 0


@pytest.mark.parametrize("part", ["nodes", "swarm", "edge"])
def test_what_could_not_be_seen_is_an_error_and_never_the_learners(part):
    world = solved()
    if part == "nodes":
        world.data["nodes"]["workstation"] = {"error": "it is exited"}
    else:
        world.data[part] = {"error": "it is exited"}
    report = grade([exercises.load(slug) for slug in GUIDED], world.observation)
    outcomes = [check.outcome for one in report.exercises for check in one.checks]
    assert Outcome.ERROR in outcomes
    assert Outcome.NOT_YET not in outcomes
    assert report.exit_code == 2


@pytest.mark.parametrize(
    ("slug", "change", "diagnosis"),
    [
        ("01-login", lambda w: w.log("login", status=401, reason="wrong password"), "login-wrong-password"),
        ("01-login", lambda w: w.log("login", status=401, reason="unknown user", user="x"), "login-unknown-user"),
        ("01-login", lambda w: w.sign_in("private"), "login-other-registry"),
        ("01-login", lambda w: w.sign_in(keep=False), "login-lost"),
        ("01-login", lambda w: w.sign_in().mark("01-login"), "login-none"),
        ("02-tag", lambda w: w.image("workstation", "app", ["myapp:v1.0.0"]), "tag-no-namespace"),
        ("02-tag", lambda w: w.image("workstation", "app", ["myusername/myapp:V1.0.0"]), "tag-other-version"),
        ("02-tag", lambda w: w.image("workstation", "app", ["other/myapp:v1.0.0"]), "tag-other-namespace"),
        ("02-tag", lambda w: w.image("workstation", "app", ["x.io/myusername/myapp:v1.0.0"]), "tag-other-registry"),
        ("02-tag", lambda w: w.image("workstation", "app", ["myusernme/myapp:v1.0.0"]), "tag-typo"),
        ("02-tag", lambda w: w.image("workstation", "bb", ["myusername/myapp:v1.0.0"]), "tag-other-image"),
        ("03-push", lambda w: w.hold("myusername/myapp", "latest"), "push-latest-only"),
        ("03-push", lambda w: w.hold("myusername/myapp", "1.0.0"), "push-other-tag"),
        ("03-push", lambda w: w.hold("myusername/myap", "v1.0.0"), "push-typo"),
        ("03-push", lambda w: w.hold("myusername/myapp", "v1.0.0", registry="private"), "push-other-registry"),
        ("03-push", lambda w: w.hold("myusername/myapp", "v1.0.0", kind="artifact"), "push-not-image"),
        ("03-push", lambda w: w.hold("myusername/myapp", "v1.0.0", name="bb", labels={}), "push-other-image"),
        (
            "03-push",
            lambda w: w.log("push", status=401, user=None, repository="myusername/myapp"),
            "push-not-signed-in",
        ),
        ("03-push", lambda w: w.log("push", status=401, repository="other/myapp"), "push-other-namespace"),
        ("03-push", lambda w: w.log("push", status=401, repository="library/myapp"), "push-no-namespace"),
    ],
)
def test_each_mistake_is_told(slug, change, diagnosis):
    world = World()
    change(world)
    assert first(slug, world) == diagnosis


def test_the_registry_moved_on_after_the_push():
    world = solved()
    world.hold("myusername/myapp", "v1.0.0", name="changed")
    assert first("03-push", world) == "push-stale"
    assert first("04-pull", world) == "pull-outdated"
    assert first("05-deploy", world) == "service-old-digest"


def test_a_pull_is_told_from_what_looks_like_one():
    world = solved()
    world.data["log"] = []
    assert first("04-pull", world) == "pull-none"
    world.pull(agent=SWARM, user=None)
    assert first("04-pull", world) == "pull-by-swarm"
    digest = world.data["registries"]["hub"]["repositories"]["myusername/myapp"]["v1.0.0"]
    # What `docker service create` asks: the manifest, and then the config alone, without an account.
    world.pull(user=None).log("blob", user=None, repository="myusername/myapp", digest=sha("app"))
    assert first("04-pull", world) == "pull-by-swarm"
    world.pull(user=None)
    assert judged("04-pull", world)["pulled"] == ("passed", "")
    world.mark("04-pull")
    assert first("04-pull", world) == "pull-none"
    world.log("pull", repository="myusername/myapp", reference=digest, digest=digest)
    assert judged("04-pull", world)["pulled"] == ("passed", "")


@pytest.mark.parametrize(
    ("tasks", "outcome", "diagnosis"),
    [
        ([(1, "running", {}), (2, "running", {}), (3, "preparing", {})], "converging", ""),
        ([(1, "pending", {"error": "no suitable node (1 node drained)"})], "not_yet", "task-no-node"),
        ([(1, "rejected", {"error": "No such image: x"})], "not_yet", "task-image-missing"),
        ([(1, "rejected", {"error": "invalid mount config"})], "not_yet", "task-failed"),
        ([(1, "failed", {"error": "task: non-zero exit (3)", "exit_code": 3, "lived": 1})], "not_yet", "task-crashing"),
        ([(1, "complete", {"exit_code": 0, "lived": 1})], "not_yet", "task-crashing"),
        # A machine was restarted: its engine found the container dead, and the Swarm is making another one.
        (
            [(1, "failed", {"error": "task: non-zero exit (255)", "exit_code": 255, "lived": 2}), (1, "ready", {})],
            "converging",
            "",
        ),
        # Killed soon after its start: once is an accident, twice in the same place is not.
        (
            [(1, "failed", {"error": "non-zero exit (137)", "exit_code": 137, "lived": 2}), (1, "ready", {})],
            "converging",
            "",
        ),
        (
            [(1, "failed", {"error": "non-zero exit (137)", "exit_code": 137, "lived": 2})] * 2 + [(1, "ready", {})],
            "not_yet",
            "task-crashing",
        ),
        # Killed by hand after a while; replaced.
        (
            [(1, "failed", {"error": "non-zero exit (137)", "exit_code": 137, "lived": 50}), (1, "starting", {})],
            "converging",
            "",
        ),
        ([], "converging", ""),
    ],
)
def test_converging_is_told_from_what_cannot_get_better(tasks, outcome, diagnosis):
    world = solved()
    world.data["swarm"]["tasks"] = []
    for slot, state, changes in tasks:
        world.task(slot, state, **changes)
    assert judged("05-deploy", world)["running"] == (outcome, diagnosis)


def test_right_but_different_services():
    world = solved()
    digest = world.data["registries"]["hub"]["repositories"]["myusername/myapp"]["v1.0.0"]
    spec = world.data["swarm"]["services"]["myapp"]
    for image in (
        f"myusername/myapp@{digest}",
        f"docker.io/myusername/myapp:v1.0.0@{digest}",
        "myusername/myapp:v1.0.0",
    ):
        spec["image"] = image
        for task in world.data["swarm"]["tasks"]:
            task["image"] = image
        assert {outcome for outcome, _ in judged("05-deploy", world).values()} == {"passed"}, image
    spec |= {"mode": "Global", "replicas": None}
    assert {outcome for outcome, _ in judged("05-deploy", world).values()} == {"passed"}
    spec["constraints"] = ["node.role==worker"]
    assert first("05-deploy", world) == "service-replicas"


def test_an_index_counts_as_the_image_it_holds():
    world = World()
    child = world.hold("myusername/myapp", "amd64")
    index = sha("index")
    world.data["manifests"][index] = {"kind": "index", "manifests": [child, sha("arm")]}
    world.data["registries"]["hub"]["repositories"]["myusername/myapp"] = {"v1.0.0": index}
    world.image("workstation", "app", ["myusername/myapp:v1.0.0"])
    assert {outcome for outcome, _ in judged("03-push", world).values()} == {"passed"}


def test_a_blocked_check_says_what_comes_first():
    result = grade_one(exercises.load("01-login"), World().observation)
    assert result.checks[1].message == "Needs “Docker Hub accepted your sign-in.” first."


def test_a_check_that_breaks_costs_no_points():
    world = solved()
    world.data["nodes"]["workstation"]["images"][0]["tags"] = None
    result = grade_one(exercises.load("02-tag"), world.observation)
    assert result.checks[0].outcome is Outcome.ERROR
    assert "The check itself broke: TypeError" in result.checks[0].message


def test_an_observation_survives_the_way_through_json():
    observation = solved().observation
    again = Observation.parse(observation.dump())
    every = exercises.every()
    assert grade(every, again).to_json() == grade(every, observation).to_json()
    assert again.data == observation.data


def test_messages_are_short_and_whole():
    world = World()
    for number in range(500):
        world.hold("myusername/myapp", f"x{number}")
    check = grade_one(exercises.load("03-push"), world.observation).checks[0]
    assert check.diagnosis == "push-other-tag"
    assert len(check.message) < 300
    assert check.found.count(",") == 499
