"""Exercise 07-versions: what ran in a service's places one after another, and the version that follows."""

import pytest
from world import MACHINES, World, at, personal

from labkit.content import exercises
from labkit.content.facts.history import REMEMBERED, Version, went
from labkit.content.personal import person
from labkit.grading.grade import grade
from labkit.seen.person import Person
from labkit.seen.reference import Reference

NAME = "myusername/myapp"
OLD, NEW = f"{NAME}:v1.0.0", f"{NAME}:v1.1.0"
LABELS = {"org.opencontainers.image.version": "v1.1.0"}
ADA = person("Ada Lovelace", "spring")


def released(name="new", labels=LABELS, **changes):
    """Exercise 05, done, and the next version pushed."""
    world = World().sign_in().push()
    world.push(NEW, name)
    world.manifests[world.digest(tag="v1.1.0")] |= {"labels": labels, **changes}
    return world.service(image=OLD)


def ran(world, *images, slots=(1, 2, 3), **last):
    """Tasks with these images, one after another in each of these places; the last one runs, or is as `last` says."""
    for image in images:
        whole = image if "@" in image else f"{image}@{world.digest(tag=image.rpartition(':')[2])}"
        world.services["myapp"]["image"] = whole
        end = image == images[-1]
        for slot in slots:
            now = {"state": "running", **last} if end else {"state": "shutdown", "desired": "shutdown"}
            world.task(slot, node=MACHINES[slot - 1], **now)
    world.data["taken"] = at(36000)
    return world.pages("myapp")


def by_digest(world, tag="v1.1.0"):
    return f"{NAME}@{world.digest(tag=tag)}"


def verdicts(world, who=None):
    seen = personal(world, who) if who else world.observation
    checks = grade([exercises.load("07-versions")], seen).exercises[0].checks
    return {check.id: check.diagnosis or check.outcome.value for check in checks}


def versions(world):
    return [Version(Reference.parse(name), world.digest(tag=name[-6:])) for name in (OLD, NEW)]


def count(world, *steps):
    before, after = versions(world)
    return went(world.lab.swarm.services["myapp"], *({"old": before, "new": after}[step] for step in steps))


# ── what ran ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_versions_are_found_in_the_order_in_which_they_ran():
    world = ran(released(), OLD, NEW, OLD)
    assert count(world, "old", "new") == count(world, "old", "new", "old") == count(world, "new") == 3
    assert count(world, "old", "new", "old", "new") == 0


def test_a_version_is_known_by_its_tag_or_by_its_digest_alone():
    world = ran(released(), OLD, NEW)
    assert count(world, "old", "new") == 3
    world = released()
    assert count(ran(world, OLD, by_digest(world)), "old", "new") == 3
    world.repositories()[NAME]["latest"] = world.digest(tag="v1.1.0")
    assert count(ran(world, f"{NAME}:latest"), "old", "new", "new") == 0


def test_a_tag_that_moved_since_meant_this_version_then():
    world = ran(released(), OLD, NEW)
    world.push(NEW, "newer")
    assert count(world, "old", "new") == 3


def test_each_place_counts_for_itself():
    world = ran(released(), OLD)
    ran(world, NEW, slots=(1, 2))
    assert count(world, "old", "new") == 2


@pytest.mark.parametrize(
    ("ended", "counts"),
    [
        ({"state": "failed", "exit_code": 1}, 0),
        ({"state": "complete", "exit_code": 0}, 0),
        ({"state": "failed", "exit_code": 137}, 3),  # somebody killed it
        ({"state": "shutdown", "exit_code": 0}, 3),
    ],
)
def test_a_version_that_kept_ending_did_not_run(ended, counts):
    world = ran(released(), OLD)
    for task in ({"state": "shutdown", "desired": "shutdown"}, {"desired": "shutdown", **ended}):
        ran(world, NEW, **task)
    assert count(ran(world, OLD), "old", "new", "old") == counts


def test_whether_what_runs_now_keeps_running_is_not_asked_here():
    world = ran(released(), OLD)
    ran(world, NEW, state="failed", desired="shutdown", exit_code=1)
    assert count(ran(world, NEW), "old", "new") == 3


def test_what_the_swarm_has_forgotten_may_be_missing():
    world = ran(released(), *[NEW, OLD] * 2, NEW)
    assert len(world.services["myapp"]["tasks"]) == 3 * REMEMBERED
    assert count(world, "old", "new", "old", "new") == 3
    assert count(ran(released(), NEW, OLD, NEW, OLD), "old", "new", "old", "new") == 0


# ── the checks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_roll_out_that_is_still_going_is_waited_for():
    world = ran(released(), OLD)
    ran(world, NEW, slots=(1,))
    assert verdicts(world)["rolled_out"] == "converging"
    ran(world, NEW, slots=(2, 3))
    assert verdicts(world)["rolled_out"] == "passed"


def test_once_it_went_back_nothing_that_follows_takes_the_roll_out_away():
    world = ran(released(), OLD, NEW, OLD)
    ran(world, by_digest(world), state="failed", desired="shutdown", exit_code=1)
    found = verdicts(world)
    assert (found["rolled_out"], found["rolled_back"], found["by_digest"]) == ("passed", "passed", "task-crashing")


def test_the_way_back_is_waited_for():
    world = ran(released(), OLD, NEW)
    ran(world, OLD, slots=(1, 2))
    world.task(3, state="preparing", node="worker2")
    found = verdicts(world)
    assert (found["rolled_out"], found["rolled_back"]) == ("passed", "converging")


@pytest.mark.parametrize(
    ("labels", "verdict"),
    [({}, "version-label"), ({"org.opencontainers.image.version": "1.1.0"}, "passed"), (LABELS, "passed")],
)
def test_the_label_may_leave_out_the_v(labels, verdict):
    assert verdicts(released(labels=labels))["labelled"] == verdict


def test_two_versions_with_one_content_are_one_image():
    world = released()
    world.manifests[world.digest(tag="v1.1.0")]["fingerprint"] = world.manifests[world.digest()]["fingerprint"]
    assert verdicts(world)["released"] == "version-same-image"


def pulled_twice(first, second):
    """latest, moved from one image to another between two pulls."""
    world = released()
    for machine, name in (("worker1", first), ("worker2", second)):
        world.push(f"{NAME}:latest", name).pull(f"{NAME}:latest", machine, name=name)
    return world


def test_a_tag_that_brought_two_images_was_moved():
    assert verdicts(pulled_twice("app", "new"))["moved"] == "passed"
    assert verdicts(pulled_twice("new", "new"))["moved"] == "tag-not-moved"
    world = pulled_twice("app", "new")
    assert verdicts(world.mark("07-versions"))["released"] == "passed"
    assert verdicts(world)["moved"] == "tag-not-moved"


def test_an_image_that_is_packed_again_is_the_same_image():
    world = pulled_twice("app", "packed")
    same = world.manifests[world.digest()]["fingerprint"]
    world.manifests[world.digest(tag="latest")]["fingerprint"] = same
    assert verdicts(world)["moved"] == "tag-not-moved"
    world = pulled_twice("packed", "app")  # what was pulled first has no tag any more
    for digest in [digest for digest in world.manifests if digest not in world.repositories()[NAME].values()]:
        del world.manifests[digest]
    assert verdicts(world)["moved"] == "passed"
    for image in world.data["engines"]["worker1"]["images"]:
        image["fingerprint"] = same
    assert verdicts(world)["moved"] == "tag-not-moved"
    assert verdicts(world.gap("engines/worker1"))["moved"] == "passed"


def test_a_moved_tag_that_nobody_pulled_before_is_told():
    world = released()
    world.push(f"{NAME}:latest", "app").push(f"{NAME}:latest", "new")
    assert verdicts(world)["moved"] == "tag-moved-unseen"
    assert verdicts(world.pull(f"{NAME}:latest", "worker1", name="new"))["moved"] == "tag-moved-unseen"


def test_nodes_that_look_a_tag_up_for_themselves_count_as_well():
    world = released()
    for digest in (world.digest(), world.digest(tag="v1.1.0")):
        assert verdicts(world)["moved"] == "tag-not-moved"
        look = {"agent": "docker/26.1.5 go/1.24", "user": None, "repository": NAME, "digest": digest}
        world.log("head", "worker1", reference="latest", **look)
        world.log("head", "worker1", reference=digest, **look)
    assert verdicts(world)["moved"] == "passed"


def test_a_refusal_for_another_reason_or_of_another_repository_is_none():
    world = released()
    refusal = {"status": 403, "reference": "v1.1.0", "digest": ""}
    world.log("push", repository=NAME, **{**refusal, "reason": "not-signed-in"})
    world.log("push", repository="myusername/webapp", **{**refusal, "reason": "immutable"})
    world.log("push", repository=NAME, registry="private", **{**refusal, "reason": "immutable"})
    world.log("head", repository=NAME, **{**refusal, "reason": "immutable"})
    assert verdicts(world)["refused"] == "immutable-not-met"
    world.log("push", repository=NAME, **{**refusal, "reason": "immutable"})
    assert verdicts(world)["refused"] == "immutable-let-go"
    hold(world, ".*")
    assert verdicts(world)["refused"] == "passed"


def hold(world, *patterns):
    world.data["registries"]["known"]["hub"]["immutable"] = {NAME: list(patterns)}


@pytest.mark.parametrize(
    ("patterns", "verdict"),
    [
        (["^v[0-9]"], "passed"),
        (["nothing", "1.0.0", "1.1.0"], "passed"),
        (["^v1.1"], "immutable-let-go"),
        (["latest"], "immutable-let-go"),
        (["(?unreadable"], "immutable-let-go"),
        ([], "immutable-let-go"),
    ],
)
def test_both_versions_must_be_held_in_place(patterns, verdict):
    world = released().log("push", repository=NAME, status=403, reference="v1.1.0", reason="immutable")
    hold(world, *patterns)
    assert verdicts(world)["refused"] == verdict


# ── the version that follows ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("version", "following"),
    [("v1.0.0", "v1.1.0"), ("v3.19.7", "v3.20.0"), ("2.0.1", "2.1.0"), ("?", "?-next"), ("v1.x.0", "v1.x.0-next")],
)
def test_the_next_version_has_a_higher_second_number(version, following):
    assert Person(version=version).next_version == following


def test_texts_of_a_personal_lab_name_the_learners_next_version():
    text = ADA.personal("docker service update --image myusername/myapp:v1.1.0 (not v1.1.0.1, v1.10.0)")
    assert text == f"docker service update --image {ADA.next_image('myapp')} (not {ADA.next_version}.1, v1.10.0)"
    assert ADA.next_version != ADA.version


def test_a_personal_lab_asks_for_the_learners_own_next_version():
    world = World().sign_in(user=ADA.username).push(str(ADA.image("myapp")))
    world.push(str(ADA.next_image("myapp")), "new")
    assert verdicts(world, ADA)["released"] == "passed"
    assert verdicts(released(), ADA)["released"] != "passed"
